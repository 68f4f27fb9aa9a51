//! Tasks: the fragments of some users, for one thread to work on.

use std::ops::Range;
use std::sync::Arc;

use super::key_store::KeyStore;
use super::ranges::Pieces;
use super::sort::{Ordered, ordered};
use crate::engine::group::Chunk;

/// All fragments of some users: pieces of chunks, which go when the last task that has a piece of them is done.
pub(crate) struct Task<R> {
    pieces: Vec<Range<u32>>,
    pub(crate) chunks: Vec<Arc<Chunk<R>>>,
    /// The fragments in order, if they were wanted before.
    pub(crate) ordered: Option<Vec<Ordered>>,
}

impl<R> Task<R> {
    /// The task of `pieces`, each with the number of its chunk in `chunks`.
    pub(crate) fn new(pieces: Pieces, chunks: &[Arc<Chunk<R>>]) -> Self {
        Self {
            chunks: pieces.iter().map(|&(chunk, _)| Arc::clone(&chunks[chunk])).collect(),
            pieces: pieces.into_iter().map(|(_, piece)| piece).collect(),
            ordered: None,
        }
    }

    /// The keys of its chunks.
    pub(crate) fn store(&self) -> KeyStore {
        KeyStore(self.chunks.iter().map(|chunk| Arc::clone(&chunk.keys)).collect())
    }

    /// Its fragments in order, marked where `is_marked` accepts their video. `store` is that of [`Self::store`].
    pub(crate) fn ordered(&self, store: &KeyStore, is_marked: impl Fn(&[u8]) -> bool) -> Vec<Ordered> {
        ordered(store, &self.pieces, is_marked)
    }
}
