//! Which event name means which kind.

use super::meaning::Meaning;
use super::presets::{Preset, presets};
use crate::error::{Error, Result};

/// Event names, exactly as players write them, and what each means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    /// An open table: a name stands in the slot of its [`Ends`], or in the first free one after it. At most a
    /// sixteenth of the slots, a power of two of them, is taken: a name then hardly ever stands in another one's slot.
    slots: Vec<Option<Entry>>,
}

/// A name and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    ends: Ends,
    name: Box<[u8]>,
    meaning: Meaning,
}

/// A name's first eight bytes, its last eight and its length: they tell the names of players apart, and cost less to
/// read than all of it costs to hash or to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    first: u64,
    last: u64,
    length: usize,
}

impl Ends {
    #[inline]
    fn of(name: &[u8]) -> Self {
        let first = name.first_chunk().map_or_else(|| padded(name), |first| u64::from_le_bytes(*first));
        let last = name.last_chunk().map_or(0, |last| u64::from_le_bytes(*last));
        Self { first, last, length: name.len() }
    }

    /// Whether they are all of the name.
    const fn are_all(self) -> bool {
        self.length <= 16
    }

    /// The slot of a name among so many.
    #[inline]
    fn slot(self, slots: usize) -> usize {
        let mixed =
            (self.first ^ self.last.rotate_left(17) ^ self.length as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // The upper bits of the product depend on all of its factors' bits.
        (mixed >> 40) as usize & (slots - 1)
    }
}

impl Entry {
    #[inline]
    fn is(&self, name: &[u8], ends: Ends) -> bool {
        self.ends == ends && (ends.are_all() || *self.name == *name)
    }
}

impl Vocabulary {
    /// A vocabulary from pairs of event name and the name of its meaning.
    ///
    /// # Errors
    /// If there is no pair, or a meaning is neither a kind's name nor `ignore`.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut meanings = Vec::new();
        for (name, meaning) in pairs {
            let meaning = Meaning::from_name(meaning).ok_or_else(|| Error::UnknownMeaning {
                event: name.to_owned(),
                meaning: meaning.to_owned(),
            })?;
            meanings.push((name, meaning));
        }
        if meanings.is_empty() {
            return Err(Error::EmptyVocabulary);
        }
        Ok(Self::of(meanings))
    }

    /// A vocabulary of these names; of a name that stands there twice the later meaning counts.
    fn of<'a>(meanings: impl IntoIterator<Item = (&'a str, Meaning)>) -> Self {
        let meanings: Vec<_> = meanings.into_iter().collect();
        let mut slots = vec![None; (meanings.len() * 16).next_power_of_two()];
        for (name, meaning) in meanings {
            let name = name.as_bytes();
            let ends = Ends::of(name);
            let mut slot = ends.slot(slots.len());
            while slots[slot].as_ref().is_some_and(|other: &Entry| !other.is(name, ends)) {
                slot = (slot + 1) % slots.len();
            }
            slots[slot] = Some(Entry { ends, name: name.into(), meaning });
        }
        Self { slots }
    }

    /// The preset of that name.
    ///
    /// # Errors
    /// If there is no such preset; the error lists those that exist.
    pub fn preset(name: &str) -> Result<Self> {
        Ok(Self::from_preset(Preset::named(name)?))
    }

    fn from_preset(preset: &Preset) -> Self {
        Self::of(preset.names.iter().map(|(name, meaning)| (name.as_str(), *meaning)))
    }

    /// What that event name means, or nothing if it is not in the vocabulary.
    #[must_use]
    #[inline]
    pub fn meaning(&self, name: &[u8]) -> Option<Meaning> {
        let ends = Ends::of(name);
        let mut slot = ends.slot(self.slots.len());
        while let Some(entry) = &self.slots[slot] {
            if entry.is(name, ends) {
                return Some(entry.meaning);
            }
            slot = (slot + 1) % self.slots.len();
        }
        None
    }
}

/// Up to eight bytes as a number.
fn padded(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

impl Default for Vocabulary {
    fn default() -> Self {
        presets().next().map_or_else(|| Self::of([]), Self::from_preset)
    }
}
