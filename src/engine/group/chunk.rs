//! What is kept of events: fragments with their keys.

use std::ops::Range;
use std::sync::Arc;

use crate::input::KeyArena;

/// Fragments with their keys and events, in the order of their users.
#[derive(Debug)]
pub(crate) struct Chunk<R> {
    pub(crate) keys: Arc<KeyArena>,
    /// Where each fragment's events begin in `records`, and where the last one's end.
    pub(crate) starts: Vec<u32>,
    pub(crate) records: Vec<R>,
}

impl<R> Chunk<R> {
    /// The chunk of fragments with these `keys`, in the order of their users. The first fragment has the first
    /// `counts[0]` of `records`, the second one the next `counts[1]`, and so on.
    pub(crate) fn new(keys: KeyArena, counts: &[usize], records: Vec<R>) -> Self {
        let mut end = 0;
        let ends = counts.iter().map(|count| {
            end += count;
            u32::try_from(end).unwrap_or(u32::MAX)
        });
        let starts = std::iter::once(0).chain(ends).collect();
        Self { keys: Arc::new(keys), starts, records }
    }

    /// How many bytes of memory the fragments in `piece` need.
    pub(crate) fn piece_bytes(&self, piece: Range<u32>) -> usize {
        let events = self.starts[piece.end as usize] - self.starts[piece.start as usize];
        let fragments = piece.len() * size_of::<u32>() + events as usize * size_of::<R>();
        self.keys.piece_bytes(piece) + fragments
    }

    /// How many bytes of memory the chunk takes.
    pub(crate) fn bytes(&self) -> usize {
        let fragments = self.starts.len() * size_of::<u32>();
        self.keys.bytes() + fragments + self.records.capacity() * size_of::<R>()
    }

    /// Where in the chunk's records the events of `fragment` are, in the order in which they were read.
    pub(crate) fn span(&self, fragment: u32) -> Range<usize> {
        let index = fragment as usize;
        self.starts[index] as usize..self.starts[index + 1] as usize
    }

    /// The events of `fragment`, in the order in which they were read.
    pub(crate) fn records(&self, fragment: u32) -> &[R] {
        &self.records[self.span(fragment)]
    }

    /// The chunk of the fragments before `end`, in memory of its own.
    pub(crate) fn before(&self, end: u32) -> Self
    where
        R: Clone,
    {
        let starts = self.starts[..=end as usize].to_vec();
        let events = starts.last().map_or(0, |&end| end as usize);
        Self { keys: Arc::new(self.keys.before(end)), starts, records: self.records[..events].to_vec() }
    }
}
