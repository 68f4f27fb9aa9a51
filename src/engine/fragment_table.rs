//! A small table of fragments by the hash of their keys.

/// Fragments by hash, in an open table: a fragment stands in the slot of its hash, or in the first free one after it.
///
/// A slot is one number, so that a lookup reads one place in memory: the hash in the upper half, one more than the
/// fragment's number in the lower one, and 0 where it is free. At most half of the slots, a power of two of them, is taken.
#[derive(Debug)]
pub(super) struct FragmentTable {
    slots: Vec<u64>,
    count: usize,
}

/// How many slots a new table has.
const SLOTS: usize = 1024;

impl FragmentTable {
    pub(super) fn new() -> Self {
        Self { slots: vec![0; SLOTS], count: 0 }
    }

    /// The number of the fragment with that hash that is the right one, and whether it is a new one: it then has the
    /// number of fragments that were there.
    #[inline]
    pub(super) fn find(&mut self, hash: u64, is_right: impl Fn(u32) -> bool) -> (u32, bool) {
        // Half of it is enough, if that depends on all of it.
        let hash = (hash ^ hash >> 32) << 32;
        let mut slot = self.first_slot(hash);
        loop {
            let found = self.slots[slot];
            if found == 0 {
                return (self.add(hash, slot), true);
            }
            let fragment = number(found);
            if found >> 32 == hash >> 32 && is_right(fragment) {
                return (fragment, false);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    fn first_slot(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.slots.len() - 1)
    }

    /// Adds the next fragment in a free slot.
    fn add(&mut self, hash: u64, slot: usize) -> u32 {
        // A slice has far fewer rows than 2^32.
        let fragment = u32::try_from(self.count).unwrap_or(u32::MAX);
        self.count += 1;
        self.slots[slot] = hash | (u64::from(fragment) + 1);
        if self.count * 2 > self.slots.len() {
            self.grow();
        }
        fragment
    }

    #[cold]
    fn grow(&mut self) {
        let slots = vec![0; self.slots.len() * 2];
        for entry in std::mem::replace(&mut self.slots, slots).into_iter().filter(|&entry| entry != 0) {
            let mut slot = self.first_slot(entry);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = entry;
        }
    }

    /// Forgets all fragments, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.slots.fill(0);
        self.count = 0;
    }
}

/// The fragment's number in a slot that is taken.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn number(entry: u64) -> u32 {
    (entry as u32).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_key_has_its_number(keys in prop::collection::vec(0u64..3000, 0..4000), bits in 0u32..64) {
            let mut table = FragmentTable::new();
            for _ in 0..2 {
                let mut known: Vec<u64> = Vec::new();
                for &key in &keys {
                    // The fewer bits, the more of them collide.
                    let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> bits;
                    let expected = known.iter().position(|&other| other == key);
                    let (found, is_new) = table.find(hash, |fragment| known[fragment as usize] == key);
                    prop_assert_eq!((found as usize, is_new), (expected.unwrap_or(known.len()), expected.is_none()));
                    if is_new {
                        known.push(key);
                    }
                }
                table.clear();
            }
        }
    }
}
