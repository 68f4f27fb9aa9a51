//! Grouping within a batch: the events of one user, video and session become one fragment.
//!
//! Events of a session stand close together in what players send, so a batch has far fewer fragments than
//! events, and everything later handles fragments. Keys are compared with those of the fragment, which lie together
//! and are still in cache: equal hashes decide nothing.

use std::hash::BuildHasher;
use std::sync::Arc;

use super::chunk::Chunk;
use super::fragment_table::{FragmentTable, NUMBER_BITS, number_in};
use super::record::Record;
use super::rejects::Rejects;
use super::slices::SLICE_ROWS;
use crate::engine::prefix::{head, shared_by_all};
use crate::error::Result;
use crate::event::Event;
use crate::input::{
    AnyEventKeys, Cleaned, Cleaner, DropCounts, DropReason, EventBatch, EventKeys, Extras, KeyRows, RowKeys,
    SeenKeys, Verdict, equal,
};
use crate::time::Micros;

/// Into how many chunks the fragments of a slice go at most. A chunk has a range of the users, and its memory is
/// freed when the last of these is walked: many small ones free it earlier.
const CHUNKS: usize = 64;
/// How many fragments a chunk has at least, if there are so many.
const CHUNK_FRAGMENTS: usize = 128;

/// What stands in place of a fragment for a row that is dropped.
const NONE: u32 = u32::MAX;

/// The hash in use, of a seed that nobody can know beforehand: keys that were chosen to collide would be compared each
/// with each. What results is the same with every seed.
pub(crate) type Hash = foldhash::fast::RandomState;

/// Where events are put together, and what is needed for that: one per thread, so that its memory is warm.
pub(crate) struct Grouper<R, H = Hash> {
    hash: H,
    cleaned: Cleaned,
    /// The fragments by the hash of their keys.
    table: FragmentTable,
    /// The keys of each fragment.
    seen: SeenKeys,
    /// How many events each fragment has, then where its next one goes.
    counts: Vec<u32>,
    /// The fragment of each row, or [`NONE`].
    fragments: Vec<u32>,
    /// The events, fragment by fragment.
    records: Vec<R>,
}

impl<R: Record> Default for Grouper<R> {
    fn default() -> Self {
        Self::new(Hash::default())
    }
}

impl<R: Record, H: BuildHasher> Grouper<R, H> {
    /// A grouper that hashes keys by `hash`, and has no fragment yet.
    fn new(hash: H) -> Self {
        Self {
            hash,
            cleaned: Cleaned::default(),
            table: FragmentTable::new(),
            seen: SeenKeys::default(),
            counts: Vec::new(),
            fragments: Vec::new(),
            records: Vec::new(),
        }
    }

    /// The chunks of the events of `batch` that `cleaner` lets pass, in the order of their users, and how many were
    /// read and dropped. `number` tells the number in the input of a row of the batch; rows that are dropped are noted
    /// in `rejects` by it.
    pub(crate) fn group(
        &mut self,
        batch: &EventBatch,
        number: impl Fn(usize) -> u64,
        cleaner: Cleaner<'_>,
        rejects: &mut Rejects,
    ) -> Result<(Vec<Chunk<R>>, DropCounts)> {
        match batch.keys() {
            AnyEventKeys::Utf8(keys) => self.group_by(&keys, batch, number, cleaner, rejects),
            AnyEventKeys::LargeUtf8(keys) => self.group_by(&keys, batch, number, cleaner, rejects),
            AnyEventKeys::Utf8View(keys) => self.group_by(&keys, batch, number, cleaner, rejects),
            AnyEventKeys::Coded(keys) => self.group_by(&keys, batch, number, cleaner, rejects),
            AnyEventKeys::Mixed(keys) => self.group_by(&keys, batch, number, cleaner, rejects),
        }
    }

    /// What [`Self::group`] says, with the key `columns` of `batch` in the layout that they have.
    fn group_by<C: KeyRows>(
        &mut self,
        columns: &EventKeys<'_, C>,
        batch: &EventBatch,
        number: impl Fn(usize) -> u64,
        cleaner: Cleaner<'_>,
        rejects: &mut Rejects,
    ) -> Result<(Vec<Chunk<R>>, DropCounts)> {
        debug_assert!(batch.position.len() <= SLICE_ROWS, "the number of a fragment must fit NUMBER_BITS");
        let mut looked_at = std::mem::take(&mut self.cleaned);
        cleaner.clean(batch, &mut looked_at);
        let mut counts = DropCounts::default();
        counts.read = looked_at.verdicts.len() as u64;
        let drop = |reason, row| {
            rejects.add(reason, number(row), &counts);
            counts.add(reason, 1);
        };
        self.look_up(columns, &looked_at.verdicts, drop);
        let order = self.by_user(columns);
        self.place(&order, batch, &looked_at, number);
        self.cleaned = looked_at;
        Ok((self.finish(columns, &order)?, counts))
    }

    /// Looks up the fragment of each row that `verdicts` accepts and that has all keys in `columns`; tells `drop` of
    /// each other row, and why.
    fn look_up<C: KeyRows>(
        &mut self,
        columns: &EventKeys<'_, C>,
        verdicts: &[Verdict],
        mut drop: impl FnMut(DropReason, usize),
    ) {
        let mut fragments = std::mem::take(&mut self.fragments);
        fragments.clear();
        fragments.resize(verdicts.len(), NONE);
        // The fragment of the event before: very often the next one's, too.
        let mut last = (RowKeys::<C>::default(), NONE);
        for (row, (verdict, place)) in verdicts.iter().zip(&mut fragments).enumerate() {
            let Some(keys) = columns.get(row) else {
                // Of what could not be read nothing is known.
                drop(
                    verdict
                        .err()
                        .filter(|&reason| reason == DropReason::Unreadable)
                        .unwrap_or(DropReason::NullKey),
                    row,
                );
                continue;
            };
            if let Err(reason) = *verdict {
                drop(reason, row);
                continue;
            }
            if last.1 == NONE || !columns.same(&last.0, &keys) {
                last = (keys, self.find(columns, &keys));
            }
            *place = last.1;
            self.counts[last.1 as usize] += 1;
        }
        self.fragments = fragments;
    }

    /// The number of the fragment of these `keys`, a new one if there is none yet.
    fn find<'a, C: KeyRows>(&mut self, columns: &EventKeys<'a, C>, keys: &RowKeys<'a, C>) -> u32 {
        let Self { hash, table, seen, counts, .. } = self;
        let code = columns.hash(keys, hash);
        let (fragment, is_new) = table.find(code, |fragment| C::are(seen, fragment, keys));
        if is_new {
            C::remember(seen, *keys);
            counts.push(0);
        }
        fragment
    }

    /// Copies the events of `batch` into `records`, fragment by fragment in this `order`. `cleaned` has what they say,
    /// and `number` tells a row's number in the input.
    fn place(&mut self, order: &[u32], batch: &EventBatch, cleaned: &Cleaned, number: impl Fn(usize) -> u64) {
        let mut next = 0;
        for &fragment in order {
            next += std::mem::replace(&mut self.counts[fragment as usize], next);
        }
        // What is left there of another slice is written over: each event has its place.
        self.records.resize(next as usize, R::default());
        let rows = self.fragments.iter().zip(&cleaned.verdicts).zip(cleaned.times(batch));
        for (row, ((&fragment, &verdict), &time)) in rows.enumerate() {
            let (Some(place), Ok(kind)) = (self.counts.get_mut(fragment as usize), verdict) else { continue };
            let extras = if R::HAS_EXTRAS { batch.extras(row) } else { Extras::default() };
            let Extras { seek_from, rate, sequence, duration } = extras;
            let (time, position) = (Micros(time), batch.position.position(row));
            let event = Event { time, kind, position, seek_from, rate, sequence, duration };
            self.records[*place as usize] = R::new(&event, number(row));
            *place += 1;
        }
    }

    /// The chunks of the fragments in this `order`, whose events are in place; the grouper has none then.
    fn finish<C: KeyRows>(&mut self, columns: &EventKeys<'_, C>, order: &[u32]) -> Result<Vec<Chunk<R>>> {
        let size = order.len().div_ceil(CHUNKS).max(CHUNK_FRAGMENTS);
        let mut start = 0;
        let chunks = order.chunks(size).map(|fragments| {
            let chunk = self.chunk(columns, fragments, start)?;
            start += chunk.records.len();
            Ok(chunk)
        });
        let chunks = chunks.collect();
        self.seen.clear();
        self.counts.clear();
        self.table.clear();
        chunks
    }

    /// The chunk of these `fragments`, whose events are in `records` from `start` on.
    fn chunk<C: KeyRows>(
        &self,
        columns: &EventKeys<'_, C>,
        fragments: &[u32],
        start: usize,
    ) -> Result<Chunk<R>> {
        let keys = Arc::new(columns.copies(&self.seen, fragments)?);
        // A slice has far fewer rows than 2^32.
        let first = u32::try_from(start).unwrap_or(u32::MAX);
        let ends = fragments.iter().map(|&fragment| self.counts[fragment as usize] - first);
        let mut starts = Vec::with_capacity(fragments.len() + 1);
        starts.push(0);
        starts.extend(ends);
        let end = start + starts.last().map_or(0, |&end| end as usize);
        Ok(Chunk { keys, starts, records: self.records[start..end].to_vec() })
    }

    /// The numbers of all fragments in the order of their users in `columns`: whoever brings the fragments of some
    /// users together from many chunks then finds those of a chunk side by side.
    fn by_user<C: KeyRows>(&self, columns: &EventKeys<'_, C>) -> Vec<u32> {
        let fragments = || (0u32..).take(self.counts.len());
        let user = |fragment| columns.recall_user(&self.seen, fragment);
        let shared = shared_by_all(fragments().map(user));
        // One number for each: the user's head, but for the bits that the fragment's number takes.
        let number =
            |fragment| head(&user(fragment)[shared..]) >> NUMBER_BITS << NUMBER_BITS | u64::from(fragment);
        let fragment = number_in;
        let mut order: Vec<_> = fragments().map(number).collect();
        order.sort_unstable();
        for alike in order.chunk_by_mut(|a, b| a >> NUMBER_BITS == b >> NUMBER_BITS) {
            let first = user(fragment(alike[0]));
            if !alike.iter().all(|&number| equal(user(fragment(number)), first)) {
                alike.sort_unstable_by_key(|&number| (user(fragment(number)), number));
            }
        }
        order.into_iter().map(fragment).collect()
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
    use arrow_schema::DataType;

    use super::super::record::Numbered;
    use super::*;
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
    struct Counting(std::cell::Cell<usize>, Hash);

    impl BuildHasher for &Counting {
        type Hasher = <Hash as BuildHasher>::Hasher;
        fn build_hasher(&self) -> Self::Hasher {
            self.0.set(self.0.get() + 1);
            self.1.build_hasher()
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

    /// What becomes of events with these keys.
    fn grouped<H: BuildHasher>(
        grouper: &mut Grouper<Numbered, H>,
        [user, video, session]: [ArrayRef; 3],
    ) -> Result<(Vec<Chunk<Numbered>>, DropCounts)> {
        let rows = user.len();
        let columns: [(&str, ArrayRef); 6] = [
            ("userId", user),
            ("videoId", video),
            ("sessionId", session),
            ("eventName", Arc::new(StringArray::from(vec!["play"; rows]))),
            ("timestamp", Arc::new(TimestampMicrosecondArray::from(vec![0; rows]))),
            ("currentTime", Arc::new(Float64Array::from(vec![0.0; rows]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let schema = EventSchema::bind(batch.schema_ref(), &ColumnMap::default()).unwrap();
        let vocabulary = Vocabulary::default();
        let cleaner = Cleaner { vocabulary: &vocabulary };
        let batch = EventBatch::bind(&schema, &batch, &Dictionaries::default()).unwrap();
        grouper.group(&batch, |row| row as u64, cleaner, &mut Rejects::default())
    }

    fn fragments<H: BuildHasher>(
        mut grouper: Grouper<Numbered, H>,
        column: fn(usize) -> ArrayRef,
    ) -> Vec<(String, Vec<u64>)> {
        let (chunks, counts) = grouped(&mut grouper, [0, 1, 2].map(column)).unwrap();
        assert_eq!((counts.read, counts.dropped(DropReason::NullKey)), (6, 1));
        let fragment = |chunk: &Chunk<Numbered>, number| {
            let keys = chunk.keys.get(number).map(|key| String::from_utf8_lossy(key).into_owned()).join("|");
            (keys, chunk.records(number).iter().map(|record| record.row).collect())
        };
        chunks.iter().flat_map(|chunk| chunk.keys.range().map(|number| fragment(chunk, number))).collect()
    }

    #[test]
    fn a_slice_may_have_a_fragment_per_row() {
        let rows = 0..SLICE_ROWS;
        // In an order of their own, and alike in the bytes that are sorted first.
        let user = |row: usize| format!("the same beginning {:05}", row * 30_011 % SLICE_ROWS);
        let users: ArrayRef = Arc::new(StringArray::from_iter_values(rows.clone().map(user)));
        let same = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; SLICE_ROWS])) };
        let chunks = grouped(&mut Grouper::default(), [users, same("v"), same("s")]).unwrap().0;
        let found = chunks.iter().flat_map(|chunk| {
            let fragments = chunk.keys.range();
            fragments.map(|number| (chunk.keys.user(number).to_vec(), chunk.records(number)[0].row))
        });
        let mut expected: Vec<_> = rows.map(|row| (user(row).into_bytes(), row as u64)).collect();
        expected.sort_unstable();
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn keys_of_a_slice_that_take_more_than_can_be_numbered_are_an_error() {
        // Tests can number 16 MiB. Of one long session id there is a copy for each user.
        let text = |index: usize, row: usize| match index {
            0 => format!("user {row}"),
            1 => "v".to_owned(),
            _ => "s".repeat(1 << 20),
        };
        let plain = |index| -> ArrayRef {
            Arc::new(StringArray::from_iter_values((0..17).map(|row| text(index, row))))
        };
        let coded = |index| {
            arrow_cast::cast(
                &plain(index),
                &DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)),
            )
            .unwrap()
        };
        for keys in [[0, 1, 2].map(plain), [0, 1, 2].map(coded)] {
            let mut grouper = Grouper::default();
            let error = grouped(&mut grouper, keys).unwrap_err().to_string();
            assert!(error.contains("take more than 4 GiB together"), "{error}");
            // The next slice finds nothing of it.
            assert_eq!(fragments(grouper, self::plain).len(), 3);
        }
    }

    #[test]
    fn events_of_one_key_come_together_even_if_all_hashes_collide() {
        let expected = [("a|v|s", vec![0, 3]), ("a|v|t", vec![1, 5]), ("b|v|s", vec![4])];
        let expected = expected.map(|(keys, rows)| (keys.to_owned(), rows));
        assert_eq!(fragments(Grouper::default(), plain), expected);
        assert_eq!(fragments(Grouper::new(Weak), plain), expected);
    }

    #[test]
    fn nobody_can_choose_keys_that_collide() {
        let hashes: std::collections::HashSet<u64> =
            (0..100).map(|_| Grouper::<Numbered>::default().hash.hash_one("chosen")).collect();
        assert_eq!(hashes.len(), 100);
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
