//! Slices: as many rows of a batch as one thread groups at a time.

use std::ops::Range;

use arrow_array::RecordBatch;

use crate::input::Dictionaries;

/// How many rows are grouped at a time: their keys and the table of fragments stay in cache.
pub const SLICE_ROWS: usize = 65_536;

/// The slices of `rows` rows, in order: at most [`SLICE_ROWS`] in each.
pub(crate) fn in_slices(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(SLICE_ROWS).map(move |start| start..rows.min(start + SLICE_ROWS))
}

/// At most [`SLICE_ROWS`] rows of a batch.
pub(crate) struct Slice {
    /// The number of its first row.
    pub(crate) base: u64,
    pub(crate) rows: RecordBatch,
    /// The dictionaries of the whole batch.
    pub(crate) dictionaries: Dictionaries,
}
