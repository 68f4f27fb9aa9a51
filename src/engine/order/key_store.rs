//! The keys of many fragments, and where each fragment's are.

use std::sync::Arc;

use crate::error::Result;
use crate::input::{KeyArena, Keys};

/// Where a fragment's keys (and events) are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) chunk: u32,
    pub(crate) fragment: u32,
}

/// The keys of all fragments, chunk by chunk.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyStore(pub(crate) Vec<Arc<KeyArena>>);

impl KeyStore {
    /// Where the keys of `fragment` will be when its chunk has been added as the next one.
    pub(crate) fn next(&self, fragment: u32) -> At {
        At { chunk: u32::try_from(self.0.len()).unwrap_or(u32::MAX), fragment }
    }

    /// Adds the `keys` of the next chunk.
    ///
    /// # Errors
    /// If they take more than 4 GiB together.
    pub(crate) fn add(&mut self, keys: KeyArena) -> Result<()> {
        keys.check()?;
        self.0.push(Arc::new(keys));
        Ok(())
    }

    pub(crate) fn get(&self, at: At) -> Keys<'_> {
        self.0[at.chunk as usize].get(at.fragment)
    }

    pub(crate) fn user(&self, at: At) -> &[u8] {
        self.0[at.chunk as usize].user(at.fragment)
    }

    pub(crate) fn video(&self, at: At) -> &[u8] {
        self.0[at.chunk as usize].video(at.fragment)
    }

    pub(crate) fn session(&self, at: At) -> &[u8] {
        self.get(at)[2]
    }

    /// Where every fragment is, chunk by chunk.
    pub(crate) fn chunks(&self) -> Vec<impl Iterator<Item = At> + Send + use<>> {
        let arenas = self.0.iter().zip(0u32..);
        arenas.map(|(arena, chunk)| arena.range().map(move |fragment| At { chunk, fragment })).collect()
    }
}
