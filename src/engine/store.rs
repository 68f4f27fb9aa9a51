//! Keys, copied once per fragment into few large buffers.

use super::fragments::Chunk;
use crate::input::Keys;

/// Where a fragment's keys (and events) are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) chunk: u32,
    pub(super) fragment: u32,
}

/// The keys of many fragments: user, video and session, one after the other.
#[derive(Debug, Default)]
pub(super) struct KeyArena {
    bytes: Vec<u8>,
    /// Where each fragment's three keys end.
    ends: Vec<[usize; 3]>,
}

impl KeyArena {
    /// The keys of so many fragments, in just the memory that they need.
    pub(super) fn of<'a>(count: usize, keys: impl Iterator<Item = Keys<'a>> + Clone) -> Self {
        let size = keys.clone().flatten().map(<[u8]>::len).sum();
        let mut arena = Self { bytes: Vec::with_capacity(size), ends: Vec::with_capacity(count) };
        keys.for_each(|keys| {
            arena.push(keys);
        });
        arena
    }

    /// Adds a fragment's keys and returns its number.
    pub(super) fn push(&mut self, keys: Keys<'_>) -> u32 {
        let mut ends = [0; 3];
        for (end, key) in ends.iter_mut().zip(keys) {
            self.bytes.extend_from_slice(key);
            *end = self.bytes.len();
        }
        self.ends.push(ends);
        // A chunk is made of far fewer rows than 2^32.
        u32::try_from(self.ends.len() - 1).unwrap_or(u32::MAX)
    }

    /// Forgets all keys, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// How much memory they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<[usize; 3]>()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The number of every fragment.
    pub(super) fn all(&self) -> impl Iterator<Item = u32> + use<> {
        (0u32..).take(self.len())
    }

    pub(super) fn get(&self, fragment: u32) -> Keys<'_> {
        let index = fragment as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before][2]);
        let [user, video, session] = self.ends[index];
        [&self.bytes[start..user], &self.bytes[user..video], &self.bytes[video..session]]
    }
}

/// The keys of all fragments.
#[derive(Debug, Default)]
pub(super) struct KeyStore(pub(super) Vec<KeyArena>);

impl KeyStore {
    /// The keys of these chunks, which are left without.
    pub(super) fn take<R>(chunks: &mut [Chunk<R>]) -> Self {
        Self(chunks.iter_mut().map(|chunk| std::mem::take(&mut chunk.keys)).collect())
    }

    pub(super) fn get(&self, at: At) -> Keys<'_> {
        self.0[at.chunk as usize].get(at.fragment)
    }

    pub(super) fn user(&self, at: At) -> &[u8] {
        self.get(at)[0]
    }

    pub(super) fn video(&self, at: At) -> &[u8] {
        self.get(at)[1]
    }

    /// Where every fragment is, chunk by chunk.
    pub(super) fn chunks(&self) -> Vec<impl Iterator<Item = At> + Send + use<>> {
        let arenas = self.0.iter().zip(0u32..);
        arenas.map(|(arena, chunk)| arena.all().map(move |fragment| At { chunk, fragment })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_as_they_went_in() {
        let mut arena = KeyArena::default();
        let keys: [Keys<'_>; 3] = [[b"ann", b"v1", b""], [b"", b"", b""], [b"bob", b"v", b"s1"]];
        let numbers: Vec<_> = keys.iter().map(|&keys| arena.push(keys)).collect();
        assert_eq!(numbers, [0, 1, 2]);
        let store = KeyStore(vec![arena]);
        assert_eq!(store.chunks().into_iter().flatten().map(|at| store.get(at)).collect::<Vec<_>>(), keys);
    }
}
