//! A small table of fragments by the hash of their keys.

use super::slices::SLICE_ROWS;

/// Fragments by hash, in an open table: a fragment stands in the slot of its hash, or in the first free one after it.
///
/// A slice's table should leave room in the cache for the keys. So a slot has 4 bytes: a tag of the hash in its upper
/// bits, one more than the fragment's number in the lower ones, and 0 where it is free. At most a quarter of the
/// slots, a power of two of them, is taken.
#[derive(Debug)]
pub(crate) struct FragmentTable {
    slots: Vec<u32>,
    /// The hash of each fragment.
    hashes: Vec<u64>,
}

/// How many slots a new table has.
const SLOTS: usize = 1024;
/// How many bits a fragment's number has: a slice has no more fragments than rows.
pub(crate) const NUMBER_BITS: u32 = SLICE_ROWS.ilog2() + 1;
const NUMBER: u32 = (1 << NUMBER_BITS) - 1;

impl FragmentTable {
    pub(crate) fn new() -> Self {
        Self { slots: vec![0; SLOTS], hashes: Vec::new() }
    }

    /// The number of the fragment of this `hash` that `is_right` accepts, and whether it is a new one. A new one
    /// is added, and is numbered by how many fragments were there before.
    #[inline]
    pub(crate) fn find(&mut self, hash: u64, is_right: impl Fn(u32) -> bool) -> (u32, bool) {
        let mut slot = self.first_slot(hash);
        loop {
            let found = self.slots[slot];
            if found == 0 {
                return (self.add(hash, slot), true);
            }
            let fragment = (found & NUMBER) - 1;
            if found & !NUMBER == tag(hash) && is_right(fragment) {
                return (fragment, false);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// The slot that a fragment of this `hash` stands in if it is free.
    #[expect(clippy::cast_possible_truncation, reason = "the lower bits are what is wanted")]
    fn first_slot(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    /// The number of a new fragment of this `hash`, which is put into the free `slot`.
    fn add(&mut self, hash: u64, slot: usize) -> u32 {
        let fragment = number(self.hashes.len());
        self.hashes.push(hash);
        self.slots[slot] = tag(hash) | (fragment + 1);
        if self.hashes.len() * 4 > self.slots.len() {
            self.grow();
        }
        fragment
    }

    #[cold]
    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for (fragment, &hash) in self.hashes.iter().enumerate() {
            let mut slot = self.first_slot(hash);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (self.slots.len() - 1);
            }
            self.slots[slot] = tag(hash) | (number(fragment) + 1);
        }
    }

    /// Forgets all fragments, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(0);
        self.hashes.clear();
    }
}

/// What a slot keeps of a `hash`: bits that do not choose the slot.
const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 & !NUMBER
}

/// The number of the fragment at `index`, which is far below 2^32.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The fragment's number in the lower bits of `lower`, which has more in its upper bits.
#[expect(clippy::cast_possible_truncation, reason = "the lower bits are what is wanted")]
pub(crate) const fn number_in(lower: u64) -> u32 {
    lower as u32 & NUMBER
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
