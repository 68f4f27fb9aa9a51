//! What does not fit into memory: fragments in temporary files, one for each range of users.
//!
//! The first ranges stay in memory as long as they fit: just past the bound, only the excess goes to files.

mod file;

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use self::file::FragmentFile;
use super::group::{Chunk, Record};
use super::order::{At, Pieces, bounds, cut, sample};
use super::pool::Engine;
use super::walk::Partition;
use crate::error::{Error, Result};

/// Into how many ranges users are cut, each with a file, at most: a range of any input that small fits the budget of a
/// machine that holds the result, and a process may open three times as many files everywhere.
const RANGES: usize = 64;
/// How many files others can open beside those, in a process that may not open many.
const SPARE: usize = 8;
/// From how many fragments the ranges of users are found.
const SAMPLE: usize = 64 * RANGES;
/// A file that needs no more memory than this is not cut, however small the budget.
const LEAST_BYTES: usize = 32 << 20;

/// The events of all users by ranges of users, in order: those of the first ranges in memory, those of all others on disk.
pub(super) struct Spill<R> {
    /// Where the second and all later ranges begin.
    bounds: Vec<Box<[u8]>>,
    /// The fragments of the first ranges.
    chunks: Vec<Chunk<R>>,
    /// How many ranges are in memory.
    kept: usize,
    /// What each range has on disk; nothing for those in memory.
    parts: Vec<Part<R>>,
}

/// The events of a range of users, on disk.
pub(super) struct Part<R> {
    file: FragmentFile<R>,
    /// How much memory its fragments need.
    bytes: usize,
}

/// What is in memory, and the files of what is not, each in the order of its users.
pub(super) type Divided<R> = (Vec<Chunk<R>>, Vec<Part<R>>);

impl<R: Record> Spill<R> {
    /// Ranges of users like those of `chunks`, all of which fit so far.
    pub(super) fn new(chunks: &[Chunk<R>]) -> Result<Self> {
        // Bounds are few, and only they are copied: ids may be long.
        let users = sample(chunks.iter().map(|chunk| &*chunk.keys), SAMPLE).collect();
        Self::with_bounds(bounds(users, RANGES).into_iter().map(Into::into).collect())
    }

    /// An empty file for each range of users, of which the second and all later ones begin at `bounds`; fewer and
    /// larger ranges where the system lets the process open no more files.
    fn with_bounds(mut bounds: Vec<Box<[u8]>>) -> Result<Self> {
        loop {
            let spare = (0..SPARE).map(|_| FragmentFile::<R>::new()).collect::<Result<Vec<_>>>();
            let parts = spare.and_then(|_spare| (0..=bounds.len()).map(|_| Part::new()).collect());
            if !matches!(parts, Err(Error::OpenFiles { .. })) || bounds.is_empty() {
                let kept = bounds.len() + 1;
                return Ok(Self { bounds, chunks: Vec::new(), kept, parts: parts? });
            }
            bounds = bounds.into_iter().skip(1).step_by(2).collect();
        }
    }

    /// How many bytes of memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.chunks.iter().map(Chunk::bytes).sum()
    }

    /// Adds the fragments of `chunks`. As many of the first ranges stay in memory as fit into `room` bytes together with
    /// what they have already; the fragments of all others go to their files.
    pub(super) fn add(&mut self, engine: &Engine, chunks: Vec<Chunk<R>>, room: usize) -> Result<()> {
        self.chunks.extend(chunks);
        let (all, bounds) = (&self.chunks, &self.bounds);
        let cuts: Vec<_> = engine.run(|| all.par_iter().map(|chunk| cut(&chunk.keys, bounds)).collect());
        self.kept = self.kept.min(self.fitting(&cuts, room));
        self.write(engine, &cuts)?;
        let chunks = std::mem::take(&mut self.chunks).into_iter().zip(cuts);
        self.chunks = chunks.filter_map(|(chunk, pieces)| first_ranges(chunk, &pieces, self.kept)).collect();
        Ok(())
    }

    /// How many of the first ranges fit into `room` bytes. `cuts` has the pieces of each chunk, with their ranges.
    fn fitting(&self, cuts: &[Pieces], room: usize) -> usize {
        let mut bytes = vec![0; self.parts.len()];
        for (chunk, pieces) in self.chunks.iter().zip(cuts) {
            for (range, piece) in pieces {
                bytes[*range] += chunk.piece_bytes(piece.clone());
            }
        }
        let sums = bytes.iter().scan(0, |sum, bytes| {
            *sum += bytes;
            Some(*sum)
        });
        sums.take_while(|&sum| sum <= room).count()
    }

    /// Writes the fragments of all ranges that do not stay in memory; `cuts` has the pieces of each chunk.
    fn write(&mut self, engine: &Engine, cuts: &[Pieces]) -> Result<()> {
        let (chunks, mut places) = (&self.chunks, vec![Vec::new(); self.parts.len()]);
        for (pieces, chunk) in cuts.iter().zip(0u32..) {
            for (range, piece) in pieces.iter().filter(|(range, _)| *range >= self.kept) {
                places[*range].extend(piece.clone().map(|fragment| At { chunk, fragment }));
            }
        }
        let write = |(part, places): (&mut Part<R>, &mut Vec<At>)| {
            engine.check()?;
            // What is read back at a time has to be in the order of its users.
            places.sort_by_cached_key(|at| chunks[at.chunk as usize].keys.user(at.fragment));
            part.write(chunks, places)
        };
        engine.run(|| self.parts.par_iter_mut().zip(&mut places).try_for_each(write))
    }

    /// What is in memory, and the files. Those that need more than `limit` bytes of memory are cut again, where they hold
    /// more than one user.
    pub(super) fn finish(self, engine: &Engine, limit: usize) -> Result<Divided<R>> {
        let mut parts = Vec::new();
        for mut part in self.parts {
            part.file.close()?;
            if part.bytes > limit.max(LEAST_BYTES) {
                parts.extend(part.cut(engine, limit)?);
            } else if part.bytes > 0 {
                parts.push(part);
            }
        }
        Ok((self.chunks, parts))
    }
}

/// Of `chunk`, which was cut into `pieces`, those of the first `kept` ranges: most often all of it or nothing.
fn first_ranges<R: Record>(chunk: Chunk<R>, pieces: &Pieces, kept: usize) -> Option<Chunk<R>> {
    let end = pieces.iter().take_while(|(range, _)| *range < kept).last().map_or(0, |(_, piece)| piece.end);
    match end {
        0 => None,
        end if end == chunk.keys.range().end => Some(chunk),
        end => Some(chunk.before(end)),
    }
}

impl<R: Record> Part<R> {
    fn new() -> Result<Self> {
        Ok(Self { file: FragmentFile::new()?, bytes: 0 })
    }

    /// Adds the fragments at `places` in `chunks`.
    fn write(&mut self, chunks: &[Chunk<R>], places: &[At]) -> Result<()> {
        let bytes = |&At { chunk, fragment }: &At| chunks[chunk as usize].piece_bytes(fragment..fragment + 1);
        self.bytes += places.iter().map(bytes).sum::<usize>();
        self.file.write(chunks, places)
    }

    /// All of its fragments, cut into tasks for `engine`.
    pub(super) fn partition(&self, engine: &Engine) -> Result<Partition<R>> {
        Ok(Partition::new(engine, self.file.chunks()?.collect::<Result<_>>()?))
    }

    /// Smaller files of its users, as [`Spill::finish`] makes them for `limit` bytes; the file itself if there is but
    /// one user.
    fn cut(self, engine: &Engine, limit: usize) -> Result<Vec<Self>> {
        // A user who has many fragments counts as often, and is copied once: ids may be long.
        let (mut users, mut known) = (Vec::new(), BTreeSet::<Arc<[u8]>>::new());
        for chunk in self.file.chunks()? {
            for user in sample(std::iter::once(&*chunk?.keys), SAMPLE) {
                if !known.contains(user) {
                    known.insert(user.into());
                }
                users.extend(known.get(user).cloned());
            }
        }
        let bounds = bounds(users, RANGES).iter().map(|user| Box::from(&**user)).collect::<Vec<_>>();
        if bounds.is_empty() {
            return Ok(vec![self]);
        }
        let mut spill = Spill::with_bounds(bounds)?;
        for chunk in self.file.chunks()? {
            spill.add(engine, vec![chunk?], 0)?;
        }
        drop(self);
        Ok(spill.finish(engine, limit)?.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::group::Plain;
    use crate::event::{Event, EventKind};
    use crate::input::KeyArena;
    use crate::time::Micros;

    fn chunk(users: impl Iterator<Item = u32>, events: i64) -> Chunk<Plain> {
        let (mut keys, mut counts, mut records) = (KeyArena::default(), Vec::new(), Vec::new());
        for user in users {
            keys.push([format!("user-{user:05}").as_bytes(), b"v", b"s"]);
            counts.push(usize::try_from(events).unwrap());
            records.extend((0..events).map(|second| {
                let time = Micros(second + i64::from(user));
                let event = Event {
                    time,
                    kind: EventKind::Play,
                    position: Some(1.0),
                    seek_from: None,
                    rate: None,
                    sequence: None,
                    duration: None,
                };
                Plain::new(&event, 0)
            }));
        }
        let chunk = Chunk::new(keys, &counts, records);
        // As chunks of events are, without spare memory.
        chunk.before(chunk.keys.range().end)
    }

    /// Of each user in `chunks`, how many events there are.
    fn users<'c>(chunks: impl Iterator<Item = &'c Chunk<Plain>>) -> Vec<(String, usize)> {
        let mut users = std::collections::BTreeMap::new();
        for chunk in chunks {
            for fragment in chunk.keys.range() {
                let user = String::from_utf8(chunk.keys.get(fragment)[0].to_vec()).unwrap();
                *users.entry(user).or_default() += chunk.records(fragment).len();
            }
        }
        users.into_iter().collect()
    }

    /// The same of each of `parts`.
    fn on_disk(parts: &[Part<Plain>]) -> Vec<Vec<(String, usize)>> {
        let read = |part: &Part<Plain>| part.file.chunks().unwrap().map(Result::unwrap).collect::<Vec<_>>();
        parts.iter().map(|part| users(read(part).iter())).collect()
    }

    #[test]
    fn every_user_is_in_one_part_and_parts_are_in_order() {
        let engine = Engine::new(Some(2)).unwrap();
        let mut spill = Spill::new(&[chunk(0..1000, 2)]).unwrap();
        // Later users are beyond all that were known when the ranges were made.
        for start in [0, 500, 4000] {
            spill.add(&engine, vec![chunk(start..start + 1000, 2), chunk(start..start + 10, 1)], 0).unwrap();
        }
        let (chunks, parts) = spill.finish(&engine, usize::MAX).unwrap();
        assert!(chunks.is_empty());
        let parts = on_disk(&parts);
        assert!(parts.len() > 50, "{} parts", parts.len());
        let all: Vec<_> = parts.concat();
        assert!(all.is_sorted_by(|(a, _), (b, _)| a < b));
        assert_eq!(all.len(), 2500);
        assert_eq!(all.iter().map(|(_, events)| events).sum::<usize>(), 6030);
    }

    /// Each chunk says where the last of its fragments ends, too.
    const SLACK: usize = 64;

    #[test]
    fn only_what_does_not_fit_goes_to_files() {
        let engine = Engine::new(Some(2)).unwrap();
        let all = chunk(0..6400, 2);
        let bytes = all.piece_bytes(all.keys.range());
        for (room, most_parts) in
            [(bytes, 0), (bytes - 1, 1), (bytes / 4 * 3, 20), (bytes / 100, 64), (0, 64)]
        {
            let mut spill = Spill::new(&[chunk(0..6400, 2)]).unwrap();
            spill.add(&engine, vec![chunk(0..6400, 2)], room).unwrap();
            assert!(spill.bytes() <= room + SLACK, "{} of {room}", spill.bytes());
            let (chunks, parts) = spill.finish(&engine, usize::MAX).unwrap();
            let (memory, disk) = (users(chunks.iter()), on_disk(&parts));
            // A range has a hundred users, and the last one that fits in part does not stay.
            assert!(memory.len() + 150 > 6400 * room / bytes, "{} users in memory of {room}", memory.len());
            assert!(disk.len() <= most_parts, "{} parts beside {room}", disk.len());
            assert_eq!([memory, disk.concat()].concat(), users([&all].into_iter()));
        }
    }

    #[test]
    fn ranges_go_to_files_from_the_last_one_on_as_more_comes() {
        let engine = Engine::new(Some(2)).unwrap();
        let room = chunk(0..6400, 2).bytes();
        let mut spill = Spill::new(&[chunk(0..6400, 2)]).unwrap();
        let mut kept = Vec::new();
        for number in 0..5 {
            spill.add(&engine, vec![chunk(0..6400, 1 + number % 2)], room).unwrap();
            assert!(
                spill.bytes() <= room + SLACK && spill.bytes() > room / 8 * 5,
                "{} of {room}",
                spill.bytes()
            );
            kept.push(spill.kept);
        }
        assert!(
            kept.is_sorted_by(|before, after| before >= after) && kept[0] == 64 && kept[4] > 8,
            "{kept:?}"
        );
        // Users of the first ranges still have room, those of all others are on disk as a whole.
        let (chunks, parts) = spill.finish(&engine, usize::MAX).unwrap();
        let found = [users(chunks.iter()), on_disk(&parts).concat()].concat();
        let expected: Vec<_> = users([&chunk(0..6400, 7)].into_iter());
        assert_eq!(found, expected);
    }

    #[test]
    fn a_part_of_many_users_is_cut_and_one_of_a_single_user_is_not() {
        let engine = Engine::new(Some(2)).unwrap();
        for (count, least) in [(1000, 50), (1, 1)] {
            let mut part = Part::new().unwrap();
            let chunk = chunk(0..count, 100);
            let places: Vec<_> = chunk.keys.range().map(|fragment| At { chunk: 0, fragment }).collect();
            part.write(&[chunk], &places).unwrap();
            part.file.close().unwrap();
            let parts = on_disk(&part.cut(&engine, 0).unwrap());
            assert!(parts.len() >= least, "{} parts of {count} users", parts.len());
            assert_eq!(parts.concat().len(), count as usize);
        }
    }
}
