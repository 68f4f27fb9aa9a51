//! Grouping within a batch: the events of one user, video and session become one fragment.
//!
//! Events of a session stand close together in what players send, so a batch has far fewer fragments than
//! events, and everything later handles fragments. Keys are compared with those of one row of the same batch,
//! which are still in cache: equal hashes decide nothing.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::prefix::{head, shared_by_all};
use super::record::Record;
use super::store::KeyArena;
use crate::input::{AnyEventKeys, Cleaner, DropCounts, DropReason, EventBatch, EventKeys, KeyRows, RowKeys};

/// How many rows are grouped at a time: their keys and the table of fragments stay in cache.
pub const SLICE_ROWS: usize = 65_536;

/// The hash in use; it only has to be fast.
pub(super) type Hash = foldhash::fast::FixedState;

/// Fragments with their keys and events.
#[derive(Debug)]
pub(super) struct Chunk<R> {
    pub(super) keys: KeyArena,
    /// Where each fragment's events begin in `records`, and where the last one's end.
    starts: Vec<u32>,
    pub(super) records: Vec<R>,
}

impl<R> Chunk<R> {
    /// Fragments that have so many events each, which follow one another.
    pub(super) fn new(keys: KeyArena, counts: &[usize], records: Vec<R>) -> Self {
        let mut end = 0;
        let ends = counts.iter().map(|count| {
            end += count;
            u32::try_from(end).unwrap_or(u32::MAX)
        });
        let starts = std::iter::once(0).chain(ends).collect();
        Self { keys, starts, records }
    }

    /// How much memory a fragment needs whose keys are so long, with so many events.
    pub(super) fn memory(keys: [usize; 3], events: usize) -> usize {
        keys.iter().sum::<usize>() + size_of::<[usize; 3]>() + size_of::<u32>() + events * size_of::<R>()
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let fragments = self.starts.len() * size_of::<u32>();
        self.keys.bytes() + fragments + self.records.capacity() * size_of::<R>()
    }

    /// Where the events of one fragment are, in the order in which they were read.
    pub(super) fn span(&self, fragment: u32) -> Range<usize> {
        let index = fragment as usize;
        self.starts[index] as usize..self.starts[index + 1] as usize
    }

    /// The events of one fragment.
    pub(super) fn records(&self, fragment: u32) -> &[R] {
        &self.records[self.span(fragment)]
    }
}

/// Where events are put together, and what is needed for that: one per thread, so that its memory is warm.
pub(super) struct Grouper<R, H = Hash> {
    hash: H,
    /// The fragments, each with the hash of its keys.
    table: HashTable<(u64, u32)>,
    /// A row with each fragment's keys.
    rows: Vec<usize>,
    /// How many events each fragment has, then where its next one goes.
    counts: Vec<u32>,
    /// The fragment and the record of each event, in the order read.
    events: Vec<(u32, R)>,
}

impl<R: Record> Default for Grouper<R> {
    fn default() -> Self {
        Self::new(Hash::default())
    }
}

impl<R: Record, H: BuildHasher> Grouper<R, H> {
    fn new(hash: H) -> Self {
        Self { hash, table: HashTable::new(), rows: Vec::new(), counts: Vec::new(), events: Vec::new() }
    }

    /// Cleans and groups these rows of a batch whose first row is number `base` of the input.
    pub(super) fn group(
        &mut self,
        batch: &EventBatch,
        rows: impl Iterator<Item = usize>,
        base: u64,
        cleaner: Cleaner<'_>,
        rejects: &mut Rejects,
    ) -> (Chunk<R>, DropCounts) {
        match batch.keys() {
            AnyEventKeys::Utf8(keys) => self.group_by(&keys, batch, rows, base, cleaner, rejects),
            AnyEventKeys::LargeUtf8(keys) => self.group_by(&keys, batch, rows, base, cleaner, rejects),
            AnyEventKeys::Utf8View(keys) => self.group_by(&keys, batch, rows, base, cleaner, rejects),
            AnyEventKeys::Coded(keys) => self.group_by(&keys, batch, rows, base, cleaner, rejects),
            AnyEventKeys::Mixed(keys) => self.group_by(&keys, batch, rows, base, cleaner, rejects),
        }
    }

    fn group_by<C: KeyRows>(
        &mut self,
        columns: &EventKeys<'_, C>,
        batch: &EventBatch,
        rows: impl Iterator<Item = usize>,
        base: u64,
        cleaner: Cleaner<'_>,
        rejects: &mut Rejects,
    ) -> (Chunk<R>, DropCounts) {
        let mut counts = DropCounts::default();
        // The fragment of the event before: very often the next one's, too.
        let mut last = None;
        let mut drop = |reason, number, counts: &mut DropCounts| {
            rejects.add(reason, number, counts);
            counts.add(reason, 1);
        };
        for row in rows {
            counts.read += 1;
            let number = base + row as u64;
            let Some(keys) = columns.get(row) else {
                drop(DropReason::NullKey, number, &mut counts);
                continue;
            };
            match cleaner.clean(batch, row) {
                Ok(event) => {
                    let fragment = match last {
                        Some((before, fragment)) if columns.same(before, keys) => fragment,
                        _ => self.find(columns, keys, row),
                    };
                    last = Some((keys, fragment));
                    self.counts[fragment as usize] += 1;
                    self.events.push((fragment, R::new(&event, number)));
                }
                Err(reason) => drop(reason, number, &mut counts),
            }
        }
        (self.finish(columns), counts)
    }

    /// The fragment of these keys, which stand in that row.
    fn find<'a, C: KeyRows>(&mut self, columns: &EventKeys<'a, C>, keys: RowKeys<'a, C>, row: usize) -> u32 {
        let Self { hash, table, rows, counts, .. } = self;
        let code = columns.hash(keys, hash);
        let same = |&(other, fragment): &(u64, u32)| {
            let there = || columns.get(rows[fragment as usize]);
            other == code && there().is_some_and(|other| columns.same(other, keys))
        };
        match table.entry(code, same, |&(code, _)| code) {
            Entry::Occupied(found) => found.get().1,
            Entry::Vacant(vacant) => {
                // A chunk is made of far fewer rows than 2^32.
                let fragment = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                vacant.insert((code, fragment));
                rows.push(row);
                counts.push(0);
                fragment
            }
        }
    }

    /// Puts each fragment's events together, and forgets them here.
    fn finish<C: KeyRows>(&mut self, columns: &EventKeys<'_, C>) -> Chunk<R> {
        let order = self.order(columns);
        let rows = order.iter().map(|&(_, fragment)| self.rows[fragment as usize]);
        let keys = rows.filter_map(|row| columns.get(row)).map(|keys| columns.bytes(keys));
        let keys = KeyArena::of(order.len(), keys);
        let mut starts = Vec::with_capacity(order.len() + 1);
        let mut next = 0;
        for (_, fragment) in order {
            let count = &mut self.counts[fragment as usize];
            starts.push(next);
            next += std::mem::replace(count, next);
        }
        starts.push(next);
        let mut records = vec![R::default(); self.events.len()];
        for (fragment, record) in self.events.drain(..) {
            let place = &mut self.counts[fragment as usize];
            records[*place as usize] = record;
            *place += 1;
        }
        self.rows.clear();
        self.counts.clear();
        self.table.clear();
        Chunk { keys, starts, records }
    }

    /// The fragments, each after the number that orders it, in about the order of their users: whoever brings the
    /// fragments of some users together from many chunks then reads each chunk from one place on.
    fn order<C: KeyRows>(&self, columns: &EventKeys<'_, C>) -> Vec<(u64, u32)> {
        let users = || {
            let rows = self.rows.iter().filter_map(|&row| columns.get(row));
            rows.map(|keys| columns.bytes(keys)[0])
        };
        let shared = shared_by_all(users());
        let mut order: Vec<_> = users().map(|user| head(&user[shared..])).zip(0..).collect();
        order.sort_unstable();
        order
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

#[cfg(test)]
mod tests {
    use std::hash::Hasher;
    use std::sync::Arc;

    use arrow_array::types::Int8Type;
    use arrow_array::{
        ArrayRef, DictionaryArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    };

    use super::*;
    use crate::engine::record::Numbered;
    use crate::event::Vocabulary;
    use crate::input::{ColumnMap, Dictionaries, EventSchema};

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

    /// The hash in use, with a count of how often it was asked for.
    #[derive(Default)]
    struct Counting(std::cell::Cell<usize>);

    impl BuildHasher for &Counting {
        type Hasher = <Hash as BuildHasher>::Hasher;
        fn build_hasher(&self) -> Self::Hasher {
            self.0.set(self.0.get() + 1);
            Hash::default().build_hasher()
        }
    }

    const KEYS: [[&str; 3]; 6] = [
        ["a", "v", "s"],
        ["a", "v", "t"],
        ["av", "", "s"],
        ["a", "v", "s"],
        ["b", "v", "s"],
        ["a", "v", "t"],
    ];

    fn plain(index: usize) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(KEYS.map(|keys| keys[index])))
    }

    /// A dictionary in which every value stands twice.
    fn coded(index: usize) -> ArrayRef {
        let values: Vec<_> = KEYS.iter().chain(&KEYS).map(|keys| keys[index]).collect();
        let codes = arrow_array::Int8Array::from_iter_values([0, 1, 2, 3, 4, 5]);
        Arc::new(DictionaryArray::<Int8Type>::new(codes, Arc::new(StringArray::from(values))))
    }

    fn fragments<H: BuildHasher>(
        mut grouper: Grouper<Numbered, H>,
        column: fn(usize) -> ArrayRef,
    ) -> Vec<(String, Vec<u64>)> {
        let rows = KEYS.len();
        let columns: [(&str, ArrayRef); 6] = [
            ("userId", column(0)),
            ("videoId", column(1)),
            ("sessionId", column(2)),
            ("eventName", Arc::new(StringArray::from(vec!["play"; rows]))),
            ("timestamp", Arc::new(TimestampMicrosecondArray::from(vec![0; rows]))),
            ("currentTime", Arc::new(Float64Array::from(vec![0.0; rows]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let schema = EventSchema::bind(batch.schema_ref(), &ColumnMap::default()).unwrap();
        let vocabulary = Vocabulary::default();
        let cleaner = Cleaner { vocabulary: &vocabulary };
        let batch = EventBatch::bind(&schema, &batch, &Dictionaries::default()).unwrap();
        let (chunk, counts) = grouper.group(&batch, 0..rows, 0, cleaner, &mut Rejects::default());
        assert_eq!((counts.read, counts.dropped(DropReason::NullKey)), (6, 1));
        let fragment = |number| {
            let keys = chunk.keys.get(number).map(|key| String::from_utf8_lossy(key).into_owned()).join("|");
            (keys, chunk.records(number).iter().map(|record| record.row).collect())
        };
        chunk.keys.all().map(fragment).collect()
    }

    #[test]
    fn events_of_one_key_come_together_even_if_all_hashes_collide() {
        let expected = [("a|v|s", vec![0, 3]), ("a|v|t", vec![1, 5]), ("b|v|s", vec![4])];
        let expected = expected.map(|(keys, rows)| (keys.to_owned(), rows));
        assert_eq!(fragments(Grouper::default(), plain), expected);
        assert_eq!(fragments(Grouper::new(Weak), plain), expected);
    }

    #[test]
    fn a_run_of_events_of_one_key_is_looked_up_once() {
        let counting = Counting::default();
        let one_user = |index| -> ArrayRef {
            let keys = ["a", "v", "s"];
            Arc::new(StringArray::from(
                vec![keys[index]; KEYS.len() - 1].into_iter().map(Some).chain([None]).collect::<Vec<_>>(),
            ))
        };
        let expected = [("a|v|s".to_owned(), vec![0, 1, 2, 3, 4])];
        assert_eq!(fragments(Grouper::new(&counting), one_user), expected);
        assert_eq!(counting.0.get(), 1);
    }

    #[test]
    fn two_codes_of_one_key_make_two_fragments_of_it() {
        let found = fragments(Grouper::default(), coded);
        let rows = |keys: &str| {
            let fragments = found.iter().filter(|(found, _)| found == keys);
            let mut rows: Vec<_> = fragments.flat_map(|(_, rows)| rows).copied().collect();
            rows.sort_unstable();
            rows
        };
        assert_eq!([rows("a|v|s"), rows("a|v|t"), rows("b|v|s")], [vec![0, 3], vec![1, 5], vec![4]]);
    }
}
