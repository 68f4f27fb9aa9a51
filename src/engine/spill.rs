//! Fragments beyond the memory budget: in temporary files, one for each range of users.
//!
//! A file holds an Arrow IPC stream, compressed, of one row per fragment. It has no name, so it is gone as soon as it
//! is closed, however the process ends.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom};
use std::marker::PhantomData;
use std::sync::Arc;

use arrow_array::builder::LargeBinaryBuilder;
use arrow_array::{ArrayRef, LargeBinaryArray, RecordBatch, cast::AsArray};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use rayon::prelude::*;

use super::group::{Chunk, Record};
use super::order::{At, bounds, cut, sample};
use super::pool::Engine;
use super::walk::Partition;
use crate::error::{Error, Result};
use crate::input::KeyArena;

/// Into how many files events go at most: a part of any input that small fits the budget of a machine that holds the
/// result, and a process may open three times as many everywhere.
const PARTS: usize = 64;
/// How many files others can open beside those, in a process that may not open many.
const SPARE: usize = 8;
/// From how many fragments the ranges of users are found.
const SAMPLE: usize = 64 * PARTS;
/// How many bytes a batch of fragments has, about.
const BATCH_BYTES: usize = 8 << 20;

/// A file that needs no more memory than this is not cut, however small the budget.
const LEAST_BYTES: usize = 32 << 20;

const COLUMNS: [&str; 4] = ["user", "video", "session", "events"];

/// The events of all users, on disk, by ranges of users in order.
pub(super) struct Spill<R> {
    /// Where the second and all later ranges begin.
    bounds: Vec<Box<[u8]>>,
    parts: Vec<Part<R>>,
}

/// The events of a range of users, on disk.
pub(super) struct Part<R> {
    file: Written,
    /// How much memory its fragments need.
    bytes: usize,
    records: PhantomData<R>,
}

impl<R: Record> Spill<R> {
    /// Empty files for users like those of `chunks`.
    pub(super) fn new(chunks: &[Chunk<R>]) -> Result<Self> {
        // Bounds are few, and only they are copied: ids may be long.
        let users = sample(chunks.iter().map(|chunk| &*chunk.keys), SAMPLE).collect();
        Self::with_bounds(bounds(users, PARTS).into_iter().map(Into::into).collect())
    }

    /// An empty file for each range of users, of which the second and all later ones begin at `bounds`; fewer and
    /// larger ranges where the system lets the process open no more files.
    fn with_bounds(mut bounds: Vec<Box<[u8]>>) -> Result<Self> {
        loop {
            let spare = (0..SPARE).map(|_| file()).collect::<Result<Vec<_>>>();
            let parts = spare.and_then(|_spare| (0..=bounds.len()).map(|_| Part::new()).collect());
            if !matches!(parts, Err(Error::OpenFiles { .. })) || bounds.is_empty() {
                return Ok(Self { bounds, parts: parts? });
            }
            bounds = bounds.into_iter().skip(1).step_by(2).collect();
        }
    }

    /// Writes the fragments of `chunks` to the files of their users.
    pub(super) fn add(&mut self, engine: &Engine, chunks: &[Chunk<R>]) -> Result<()> {
        let mut places = vec![Vec::new(); self.parts.len()];
        for (chunk, number) in chunks.iter().zip(0u32..) {
            for (part, piece) in cut(&chunk.keys, &self.bounds) {
                places[part].extend(piece.map(|fragment| At { chunk: number, fragment }));
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

    /// The files, in the order of their users. Those that need more than `limit` bytes of memory are cut again, where
    /// they hold more than one user.
    pub(super) fn finish(self, engine: &Engine, limit: usize) -> Result<Vec<Part<R>>> {
        let mut parts = Vec::new();
        for mut part in self.parts {
            part.close()?;
            if part.bytes > limit.max(LEAST_BYTES) {
                parts.extend(part.cut(engine, limit)?);
            } else if part.bytes > 0 {
                parts.push(part);
            }
        }
        Ok(parts)
    }
}

fn schema() -> SchemaRef {
    let field = |name| Field::new(name, DataType::LargeBinary, false);
    Arc::new(Schema::new(COLUMNS.map(field).to_vec()))
}

/// A file without a name, while it is written and after that.
enum Written {
    Open(Box<StreamWriter<BufWriter<File>>>),
    Closed(File),
    /// Between the two, or broken there.
    Lost,
}

impl<R: Record> Part<R> {
    fn new() -> Result<Self> {
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
        let writer = StreamWriter::try_new_with_options(BufWriter::new(file()?), &schema(), options);
        let file = Written::Open(Box::new(writer.map_err(failed)?));
        Ok(Self { file, bytes: 0, records: PhantomData })
    }

    /// Adds the fragments at `places` in `chunks`.
    fn write(&mut self, chunks: &[Chunk<R>], places: &[At]) -> Result<()> {
        let Written::Open(writer) = &mut self.file else { return Err(lost()) };
        let mut batch = FragmentBatch::default();
        for &at in places {
            let chunk = &chunks[at.chunk as usize];
            let records = chunk.records(at.fragment);
            batch.add(chunk.keys.get(at.fragment), records);
            self.bytes += Chunk::<R>::memory(chunk.keys.get(at.fragment).map(<[u8]>::len), records.len());
            if batch.bytes > BATCH_BYTES {
                writer.write(&batch.take()?).map_err(failed)?;
            }
        }
        if batch.bytes > 0 {
            writer.write(&batch.take()?).map_err(failed)?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        self.file = match std::mem::replace(&mut self.file, Written::Lost) {
            Written::Open(writer) => {
                let buffer = writer.into_inner().map_err(failed)?;
                Written::Closed(buffer.into_inner().map_err(|error| no_room(error.error()))?)
            }
            file => file,
        };
        Ok(())
    }

    /// All of its fragments, cut into tasks for `engine`.
    pub(super) fn partition(&self, engine: &Engine) -> Result<Partition<R>> {
        Ok(Partition::new(engine, self.chunks()?.collect::<Result<_>>()?))
    }

    /// Its fragments, batch by batch.
    fn chunks(&self) -> Result<impl Iterator<Item = Result<Chunk<R>>> + '_> {
        let Written::Closed(file) = &self.file else { return Err(lost()) };
        let mut file = file;
        file.seek(SeekFrom::Start(0)).map_err(|error| no_room(&error))?;
        let reader = StreamReader::try_new(BufReader::new(file), None).map_err(failed)?;
        Ok(reader.map(|batch| read(&batch.map_err(failed)?)))
    }

    /// Smaller files of its users, as [`Spill::finish`] makes them for `limit` bytes; the file itself if there is but
    /// one user.
    fn cut(self, engine: &Engine, limit: usize) -> Result<Vec<Self>> {
        // A user who has many fragments counts as often, and is copied once: ids may be long.
        let (mut users, mut known) = (Vec::new(), BTreeSet::<Arc<[u8]>>::new());
        for chunk in self.chunks()? {
            for user in sample(std::iter::once(&*chunk?.keys), SAMPLE) {
                if !known.contains(user) {
                    known.insert(user.into());
                }
                users.extend(known.get(user).cloned());
            }
        }
        let bounds = bounds(users, PARTS).iter().map(|user| Box::from(&**user)).collect::<Vec<_>>();
        if bounds.is_empty() {
            return Ok(vec![self]);
        }
        let mut spill = Spill::with_bounds(bounds)?;
        for chunk in self.chunks()? {
            spill.add(engine, &[chunk?])?;
        }
        drop(self);
        spill.finish(engine, limit)
    }
}

/// A batch of fragments in the making.
#[derive(Default)]
struct FragmentBatch {
    columns: [LargeBinaryBuilder; 4],
    events: Vec<u8>,
    bytes: usize,
}

impl FragmentBatch {
    /// Adds a fragment with these `keys` and events.
    fn add<R: Record>(&mut self, keys: [&[u8]; 3], records: &[R]) {
        let [user, video, session, events] = &mut self.columns;
        self.events.clear();
        records.iter().for_each(|record| record.write(&mut self.events));
        for (column, value) in [user, video, session].into_iter().zip(keys) {
            column.append_value(value);
            self.bytes += value.len();
        }
        events.append_value(&self.events);
        self.bytes += self.events.len();
    }

    fn take(&mut self) -> Result<RecordBatch> {
        self.bytes = 0;
        let columns = self.columns.each_mut().map(|column| Arc::new(column.finish()) as ArrayRef);
        Ok(RecordBatch::try_new(schema(), columns.to_vec())?)
    }
}

/// The fragments that `batch` holds.
fn read<R: Record>(batch: &RecordBatch) -> Result<Chunk<R>> {
    let column = |index: usize| -> Result<&LargeBinaryArray> {
        let found = batch.columns().get(index).and_then(|column| column.as_binary_opt::<i64>());
        found.ok_or_else(|| Error::Internal("a temporary file has lost a column".to_owned()))
    };
    let (user, video, session, events) = (column(0)?, column(1)?, column(2)?, column(3)?);
    let mut keys = KeyArena::default();
    let mut records = Vec::with_capacity(events.value_data().len() / R::BYTES);
    let mut counts = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        keys.push([user.value(row), video.value(row), session.value(row)]);
        let events = events.value(row).chunks_exact(R::BYTES);
        counts.push(events.len());
        records.extend(events.map(R::read));
    }
    keys.check()?;
    Ok(Chunk::new(keys, &counts, records))
}

fn file() -> Result<File> {
    tempfile::tempfile().map_err(|error| no_room(&error))
}

fn lost() -> Error {
    Error::Internal("a temporary file is not open".to_owned())
}

/// What systems say to a process that has too many files open, or when all processes together have.
const TOO_MANY: &[i32] = if cfg!(windows) { &[4] } else { &[23, 24] };

fn no_room(error: &std::io::Error) -> Error {
    let reason = error.to_string();
    if error.raw_os_error().is_some_and(|code| TOO_MANY.contains(&code)) {
        return Error::OpenFiles { reason };
    }
    Error::Spill { folder: std::env::temp_dir().display().to_string(), reason }
}

fn failed(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(reason, _) => {
            Error::Spill { folder: std::env::temp_dir().display().to_string(), reason }
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::group::Plain;
    use crate::event::{Event, EventKind};
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
        Chunk::new(keys, &counts, records)
    }

    /// Of each user, how many events there are in each part, in order.
    fn users(parts: &[Part<Plain>]) -> Vec<Vec<(String, usize)>> {
        let users = |part: &Part<Plain>| {
            let mut users = std::collections::BTreeMap::new();
            for chunk in part.chunks().unwrap() {
                let chunk = chunk.unwrap();
                for fragment in chunk.keys.range() {
                    let user = String::from_utf8(chunk.keys.get(fragment)[0].to_vec()).unwrap();
                    *users.entry(user).or_default() += chunk.records(fragment).len();
                }
            }
            users.into_iter().collect()
        };
        parts.iter().map(users).collect()
    }

    #[test]
    fn every_user_is_in_one_part_and_parts_are_in_order() {
        let engine = Engine::new(Some(2)).unwrap();
        let mut spill = Spill::new(&[chunk(0..1000, 2)]).unwrap();
        // Later users are beyond all that were known when the ranges were made.
        for start in [0, 500, 4000] {
            spill.add(&engine, &[chunk(start..start + 1000, 2), chunk(start..start + 10, 1)]).unwrap();
        }
        let parts = users(&spill.finish(&engine, usize::MAX).unwrap());
        assert!(parts.len() > 50, "{} parts", parts.len());
        let all: Vec<_> = parts.concat();
        assert!(all.is_sorted_by(|(a, _), (b, _)| a < b));
        assert_eq!(all.len(), 2500);
        assert_eq!(all.iter().map(|(_, events)| events).sum::<usize>(), 6030);
    }

    #[test]
    fn a_part_of_many_users_is_cut_and_one_of_a_single_user_is_not() {
        let engine = Engine::new(Some(2)).unwrap();
        for (count, least) in [(1000, 50), (1, 1)] {
            let mut part = Part::new().unwrap();
            let chunk = chunk(0..count, 100);
            let places: Vec<_> = chunk.keys.range().map(|fragment| At { chunk: 0, fragment }).collect();
            part.write(&[chunk], &places).unwrap();
            part.close().unwrap();
            let parts = users(&part.cut(&engine, 0).unwrap());
            assert!(parts.len() >= least, "{} parts of {count} users", parts.len());
            assert_eq!(parts.concat().len(), count as usize);
        }
    }
}
