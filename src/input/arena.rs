//! Keys, copied into few large buffers.

use std::ops::Range;

use super::events::Keys;

/// The keys of many fragments: user, video and session, one after the other, and those of the next fragment after them.
#[derive(Debug, Default)]
pub(crate) struct KeyArena {
    bytes: Vec<u8>,
    /// Where each fragment's three keys end.
    ends: Vec<[usize; 3]>,
}

impl KeyArena {
    /// The keys of so many fragments, in just the memory that they need.
    pub(crate) fn of<'a>(count: usize, keys: impl Iterator<Item = Keys<'a>> + Clone) -> Self {
        let size = keys.clone().flatten().map(<[u8]>::len).sum();
        let mut arena = Self { bytes: Vec::with_capacity(size), ends: Vec::with_capacity(count) };
        keys.for_each(|keys| {
            arena.push(keys);
        });
        arena
    }

    /// Adds a fragment's keys and returns its number.
    pub(crate) fn push(&mut self, keys: Keys<'_>) -> u32 {
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
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// How much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<[usize; 3]>()
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The numbers of all fragments.
    pub(crate) fn range(&self) -> Range<u32> {
        // A chunk is made of far fewer rows than 2^32.
        0..u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    /// The first fragment in that range whose user is not before that one; its end if there is none. The users are in
    /// order.
    pub(crate) fn first_from(&self, mut range: Range<u32>, user: &[u8]) -> u32 {
        while !range.is_empty() {
            let middle = u32::midpoint(range.start, range.end);
            if self.get(middle)[0] < user {
                range.start = middle + 1;
            } else {
                range.end = middle;
            }
        }
        range.start
    }

    /// The number of every fragment.
    pub(crate) fn all(&self) -> impl Iterator<Item = u32> + use<> {
        (0u32..).take(self.len())
    }

    /// Whether the keys of that fragment are these, as `equal` tells for each.
    #[inline]
    pub(super) fn are(
        &self,
        fragment: u32,
        [user, video, session]: Keys<'_>,
        equal: impl Fn(&[u8], &[u8]) -> bool,
    ) -> bool {
        let index = fragment as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before][2]);
        let [user_end, video_end, end] = self.ends[index];
        let is_as_long = user_end - start == user.len() && video_end - user_end == video.len();
        if !is_as_long || end - video_end != session.len() {
            return false;
        }
        let (own_user, rest) = self.bytes[start..end].split_at(user.len());
        let (own_video, own_session) = rest.split_at(video.len());
        equal(own_session, session) && equal(own_user, user) && equal(own_video, video)
    }

    pub(crate) fn get(&self, fragment: u32) -> Keys<'_> {
        let index = fragment as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before][2]);
        let [user, video, session] = self.ends[index];
        [&self.bytes[start..user], &self.bytes[user..video], &self.bytes[video..session]]
    }
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
        assert_eq!(arena.all().map(|fragment| arena.get(fragment)).collect::<Vec<_>>(), keys);
        arena.clear();
        assert_eq!((arena.len(), arena.push(keys[2]), arena.get(0)), (0, 0, keys[2]));
    }
}
