//! Keys, copied into few large buffers.

use std::ops::Range;

use super::types::Keys;
use crate::error::{Error, Result};

/// The keys of many fragments: user, video and session, one after the other, and those of the next fragment after them.
#[derive(Debug)]
pub(crate) struct KeyArena {
    bytes: Vec<u8>,
    /// Where each key begins, three of each fragment, and where the last one ends: 4 bytes each, as there are many.
    bounds: Vec<u32>,
    /// Whether keys did not fit: these are empty.
    is_full: bool,
}

/// How many keys a fragment has.
const KEYS: usize = 3;

impl Default for KeyArena {
    fn default() -> Self {
        Self::with_capacity(0, 0)
    }
}

impl KeyArena {
    /// No keys, with room for those of `fragments` fragments, of `bytes` bytes together.
    pub(crate) fn with_capacity(fragments: usize, bytes: usize) -> Self {
        let mut bounds = Vec::with_capacity(fragments * KEYS + 1);
        bounds.push(0);
        Self { bytes: Vec::with_capacity(bytes), bounds, is_full: false }
    }

    /// The number of one more fragment with these `keys`. [`Self::check`] tells if they did not fit.
    pub(crate) fn push(&mut self, keys: Keys<'_>) -> u32 {
        for key in keys {
            let (key, end) = match bound(self.bytes.len() + key.len()) {
                Some(end) => (key, end),
                None => self.refused(),
            };
            self.bytes.extend_from_slice(key);
            self.bounds.push(end);
        }
        // A chunk is made of far fewer rows than 2^32.
        u32::try_from(self.len() - 1).unwrap_or(u32::MAX)
    }

    #[cold]
    fn refused<'k>(&mut self) -> (&'k [u8], u32) {
        self.is_full = true;
        (&[], self.bounds.last().copied().unwrap_or_default())
    }

    /// Whether all keys fitted.
    ///
    /// # Errors
    /// If some did not, as they take more than 4 GiB together.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_full { Err(Error::LongKeys { rows: self.len() }) } else { Ok(()) }
    }

    /// Adds the keys of `fragment` of the arena `other`, where they lie together. Those of all its fragments fit, as
    /// they do there.
    pub(super) fn push_from(&mut self, other: &Self, fragment: u32) {
        let [start, bounds @ ..] = other.bounds(fragment);
        let to = self.bounds.last().copied().unwrap_or_default();
        self.bytes.extend_from_slice(&other.bytes[start as usize..bounds[KEYS - 1] as usize]);
        self.bounds.extend(bounds.map(|bound| (bound - start).saturating_add(to)));
    }

    /// Where in the bytes each key of `fragment` begins, and where the last one ends.
    #[inline]
    fn bounds(&self, fragment: u32) -> [u32; KEYS + 1] {
        let first = fragment as usize * KEYS;
        let bounds = &self.bounds[first..=first + KEYS];
        std::array::from_fn(|key| bounds[key])
    }

    /// Forgets all keys, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bounds.truncate(1);
        self.is_full = false;
    }

    /// How many bytes of memory the keys take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.capacity() + self.bounds.capacity() * size_of::<u32>()
    }

    /// How many bytes of memory the keys of the fragments in `piece` need.
    pub(crate) fn piece_bytes(&self, piece: Range<u32>) -> usize {
        let (start, end) = (piece.start as usize * KEYS, piece.end as usize * KEYS);
        (self.bounds[end] - self.bounds[start]) as usize + (end - start) * size_of::<u32>()
    }

    /// The keys of the fragments before `end`, in memory of their own.
    pub(crate) fn before(&self, end: u32) -> Self {
        let bounds = self.bounds[..=end as usize * KEYS].to_vec();
        let bytes = bounds.last().map_or(0, |&end| end as usize);
        Self { bytes: self.bytes[..bytes].to_vec(), bounds, is_full: self.is_full }
    }

    /// How many fragments there are.
    pub(crate) fn len(&self) -> usize {
        self.bounds.len() / KEYS
    }

    /// The numbers of all fragments.
    pub(crate) fn range(&self) -> Range<u32> {
        // A chunk is made of far fewer rows than 2^32.
        0..u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    /// The first fragment in `range`, which is in the order of users, whose user is not before `user`; the range's end
    /// if there is none.
    pub(crate) fn first_from(&self, mut range: Range<u32>, user: &[u8]) -> u32 {
        while !range.is_empty() {
            let middle = u32::midpoint(range.start, range.end);
            if self.user(middle) < user {
                range.start = middle + 1;
            } else {
                range.end = middle;
            }
        }
        range.start
    }

    /// Whether the keys of `fragment` are these, as `equal` tells for each.
    #[inline]
    pub(super) fn are(
        &self,
        fragment: u32,
        &[user, video, session]: &Keys<'_>,
        equal: impl Fn(&[u8], &[u8]) -> bool,
    ) -> bool {
        let [start, to_video, to_session, end] = self.bounds(fragment).map(|bound| bound as usize);
        let is_as_long = to_video - start == user.len() && to_session - to_video == video.len();
        if !is_as_long || end - to_session != session.len() {
            return false;
        }
        let (own_user, rest) = self.bytes[start..end].split_at(user.len());
        let (own_video, own_session) = rest.split_at(video.len());
        equal(own_session, session) && equal(own_user, user) && equal(own_video, video)
    }

    /// The keys of `fragment`.
    #[inline]
    pub(crate) fn get(&self, fragment: u32) -> Keys<'_> {
        let [start, video, session, end] = self.bounds(fragment).map(|bound| bound as usize);
        let (user, rest) = self.bytes[start..end].split_at(video - start);
        let (video, session) = rest.split_at(session - video);
        [user, video, session]
    }

    /// The user of `fragment`.
    #[inline]
    pub(crate) fn user(&self, fragment: u32) -> &[u8] {
        self.key(fragment as usize * KEYS)
    }

    /// The video of `fragment`.
    #[inline]
    pub(crate) fn video(&self, fragment: u32) -> &[u8] {
        self.key(fragment as usize * KEYS + 1)
    }

    /// The key that begins at `bounds[bound]`.
    #[inline]
    fn key(&self, bound: usize) -> &[u8] {
        &self.bytes[self.bounds[bound] as usize..self.bounds[bound + 1] as usize]
    }
}

/// Where the last key may end. Tests need not fill 4 GiB.
const LAST_END: usize = if cfg!(test) { 1 << 24 } else { u32::MAX as usize };

/// `end` as the end of a key, if keys may reach up to there.
fn bound(end: usize) -> Option<u32> {
    if end > LAST_END { None } else { u32::try_from(end).ok() }
}

/// Keys of fragments in the form in which their columns compare them, so that an event is held against one place in
/// memory and not against three columns.
#[derive(Debug, Default)]
pub(crate) struct SeenKeys {
    /// Of keys that are compared as the bytes that they are.
    pub(super) plain: KeyArena,
    /// Of keys that are compared as codes of dictionaries.
    pub(super) codes: Vec<[u32; 3]>,
}

impl SeenKeys {
    /// Refuses keys that did not fit.
    ///
    /// # Errors
    /// If those that are compared as bytes take more than 4 GiB together.
    pub(crate) fn check(&self) -> Result<()> {
        self.plain.check()
    }

    /// Forgets all keys, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.plain.clear();
        self.codes.clear();
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
        assert_eq!(arena.range().map(|fragment| arena.get(fragment)).collect::<Vec<_>>(), keys);
        let mut copy = KeyArena::default();
        [2, 0, 1].into_iter().for_each(|fragment| copy.push_from(&arena, fragment));
        assert_eq!(
            copy.range().map(|fragment| copy.get(fragment)).collect::<Vec<_>>(),
            [keys[2], keys[0], keys[1]]
        );
        arena.clear();
        assert_eq!((arena.len(), arena.push(keys[2]), arena.get(0)), (0, 0, keys[2]));
    }

    #[test]
    fn keys_that_do_not_fit_are_refused_and_others_stay() {
        let long = vec![b'x'; LAST_END - 1];
        let mut arena = KeyArena::default();
        arena.push([b"ann", b"v1", b"s1"]);
        arena.push([&long, b"v2", b"s2"]);
        arena.push([b"bob", b"v3", b"s3"]);
        assert!(matches!(arena.check(), Err(Error::LongKeys { rows: 3 })));
        let expected: [Keys<'_>; 3] = [[b"ann", b"v1", b"s1"], [b"", b"v2", b"s2"], [b"bob", b"v3", b"s3"]];
        assert_eq!(arena.range().map(|fragment| arena.get(fragment)).collect::<Vec<_>>(), expected);
        arena.clear();
        arena.push([&long, b"", b""]);
        assert!(arena.check().is_ok());
    }
}
