//! Grouping within a batch: the events of one user, video and session become one fragment.
//!
//! Events of a session stand close together in what players send, so a batch has far fewer fragments than
//! events, and everything later handles fragments. Keys are compared as strings here: equal hashes decide
//! nothing.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashTable;

use super::record::Record;
use super::store::KeyArena;
use crate::event::Event;
use crate::input::{Cleaner, DropCounts, DropReason, EventBatch, Keys};

/// How many rows are grouped at a time: their keys and the table of fragments stay in cache.
pub const SLICE_ROWS: usize = 65_536;

/// The hash in use; it only has to be fast.
pub(super) type Hash = foldhash::fast::FixedState;

/// Fragments with their keys and events.
#[derive(Debug)]
pub(super) struct Chunk<R> {
    pub(super) keys: KeyArena,
    /// Where each fragment's events begin in `records`, and where the last one's end.
    starts: Vec<usize>,
    records: Vec<R>,
}

impl<R> Chunk<R> {
    /// The events of one fragment, in the order in which they were read.
    pub(super) fn records(&self, fragment: u32) -> &[R] {
        let index = fragment as usize;
        &self.records[self.starts[index]..self.starts[index + 1]]
    }
}

/// Collects events into fragments.
pub(super) struct ChunkBuilder<R, H = Hash> {
    hash: H,
    table: HashTable<u32>,
    keys: KeyArena,
    /// The fragment and the record of each event, in the order read.
    events: Vec<(u32, R)>,
    /// The fragment of the event before: most often the next one's, too.
    last: Option<u32>,
}

impl<R: Record> ChunkBuilder<R> {
    pub(super) fn new() -> Self {
        Self::with_hash(Hash::default())
    }
}

impl<R: Record, H: BuildHasher> ChunkBuilder<R, H> {
    fn with_hash(hash: H) -> Self {
        Self { hash, table: HashTable::new(), keys: KeyArena::default(), events: Vec::new(), last: None }
    }

    pub(super) fn add(&mut self, keys: Keys<'_>, event: &Event, row: u64) {
        let fragment = match self.last {
            Some(last) if self.keys.get(last) == keys => last,
            _ => self.find(keys),
        };
        self.last = Some(fragment);
        self.events.push((fragment, R::new(event, row)));
    }

    fn find(&mut self, keys: Keys<'_>) -> u32 {
        let Self { hash, table, keys: arena, .. } = self;
        let code = hash.hash_one(keys);
        if let Some(&found) = table.find(code, |&fragment| arena.get(fragment) == keys) {
            return found;
        }
        let fragment = arena.push(keys);
        table.insert_unique(code, fragment, |&fragment| hash.hash_one(arena.get(fragment)));
        fragment
    }

    /// Puts each fragment's events together.
    pub(super) fn finish(self) -> Chunk<R> {
        let mut starts = vec![0; self.keys.len() + 1];
        for &(fragment, _) in &self.events {
            starts[fragment as usize + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut next = starts.clone();
        let mut order = vec![0; self.events.len()];
        for (index, &(fragment, _)) in self.events.iter().enumerate() {
            let place = &mut next[fragment as usize];
            order[*place] = index;
            *place += 1;
        }
        let records = order.into_iter().map(|index| self.events[index].1).collect();
        Chunk { keys: self.keys, starts, records }
    }
}

/// Rows that were dropped, by reason and number: at most so many of each reason.
#[derive(Debug, Default)]
pub(super) struct Rejects {
    limit: usize,
    pub(super) rows: Vec<(DropReason, u64)>,
}

impl Rejects {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, rows: Vec::new() }
    }

    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Adds a row, if not too many were dropped for that reason before.
    fn add(&mut self, reason: DropReason, row: u64, counts: &DropCounts) {
        if counts.dropped(reason) < self.limit as u64 {
            self.rows.push((reason, row));
        }
    }

    /// Takes in the rows of a later part of the input; `counts` are those before it.
    pub(super) fn merge(&mut self, later: Self, counts: &DropCounts) {
        let mut counts = *counts;
        for (reason, row) in later.rows {
            self.add(reason, row, &counts);
            counts.add(reason, 1);
        }
    }
}

/// Cleans and groups rows of a batch whose first row is number `base` of the input.
pub(super) fn group<R: Record>(
    batch: &EventBatch,
    rows: Range<usize>,
    base: u64,
    cleaner: Cleaner<'_>,
    rejects: &mut Rejects,
) -> (Chunk<R>, DropCounts) {
    let mut builder = ChunkBuilder::<R>::new();
    let mut counts = DropCounts::default();
    counts.read = rows.len() as u64;
    builder.events.reserve(rows.len());
    for row in rows {
        let number = base + row as u64;
        match cleaner.clean(batch, row) {
            Ok((keys, event)) => builder.add(keys, &event, number),
            Err(reason) => {
                rejects.add(reason, number, &counts);
                counts.add(reason, 1);
            }
        }
    }
    (builder.finish(), counts)
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use super::*;
    use crate::engine::record::Numbered;
    use crate::event::EventKind;
    use crate::time::Micros;

    /// A hash that tells nothing apart.
    #[derive(Default)]
    struct Constant;

    impl Hasher for Constant {
        fn finish(&self) -> u64 {
            7
        }
        fn write(&mut self, _bytes: &[u8]) {}
    }

    #[derive(Default)]
    struct Weak;

    impl BuildHasher for Weak {
        type Hasher = Constant;
        fn build_hasher(&self) -> Constant {
            Constant
        }
    }

    fn fragments<H: BuildHasher>(mut builder: ChunkBuilder<Numbered, H>) -> Vec<(String, Vec<u64>)> {
        let keys = [
            ["a", "v", "s"],
            ["a", "v", "t"],
            ["av", "", "s"],
            ["a", "v", "s"],
            ["b", "v", "s"],
            ["a", "v", "t"],
        ];
        let event = Event {
            time: Micros(0),
            kind: EventKind::Play,
            position: 0.0,
            seek_from: None,
            rate: None,
            sequence: None,
        };
        for (row, keys) in keys.into_iter().enumerate() {
            builder.add(keys.map(str::as_bytes), &event, row as u64);
        }
        let chunk = builder.finish();
        let fragment = |number| {
            let keys = chunk.keys.get(number).map(|key| String::from_utf8_lossy(key).into_owned()).join("|");
            (keys, chunk.records(number).iter().map(|record| record.row).collect())
        };
        (0..chunk.keys.len()).map(|number| fragment(u32::try_from(number).unwrap())).collect()
    }

    #[test]
    fn events_of_one_key_come_together_even_if_all_hashes_collide() {
        let expected = [("a|v|s", vec![0, 3]), ("a|v|t", vec![1, 5]), ("av||s", vec![2]), ("b|v|s", vec![4])];
        let expected = expected.map(|(keys, rows)| (keys.to_owned(), rows));
        assert_eq!(fragments(ChunkBuilder::new()), expected);
        assert_eq!(fragments(ChunkBuilder::with_hash(Weak)), expected);
    }
}
