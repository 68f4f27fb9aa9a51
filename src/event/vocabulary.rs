//! Which event name means which kind.

use std::collections::HashMap;

use super::{DEFAULT_PRESET, EventKind, PRESETS, Preset};
use crate::error::{Error, Result};

/// What a vocabulary makes of an event name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The event is of this kind.
    Kind(EventKind),
    /// The name is known and says nothing about playback: quality, volume, adverts, buffering.
    Ignore,
}

impl Meaning {
    /// The name of the meaning that drops an event as known and silent.
    pub const IGNORE: &'static str = "ignore";

    /// The name by which mappings refer to this meaning.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kind(kind) => kind.name(),
            Self::Ignore => Self::IGNORE,
        }
    }

    /// The meaning of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == Self::IGNORE {
            return Some(Self::Ignore);
        }
        EventKind::ALL.into_iter().find(|kind| kind.name() == name).map(Self::Kind)
    }
}

/// Event names, exactly as players write them, and what each means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    meanings: HashMap<Box<[u8]>, Meaning>,
}

impl Vocabulary {
    /// A vocabulary from pairs of event name and the name of its meaning.
    ///
    /// # Errors
    /// If there is no pair, or a meaning is neither a kind's name nor `ignore`.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut meanings = HashMap::new();
        for (name, meaning) in pairs {
            let meaning = Meaning::from_name(meaning).ok_or_else(|| Error::UnknownMeaning {
                event: name.to_owned(),
                meaning: meaning.to_owned(),
            })?;
            meanings.insert(name.as_bytes().into(), meaning);
        }
        if meanings.is_empty() {
            return Err(Error::EmptyVocabulary);
        }
        Ok(Self { meanings })
    }

    /// The preset of that name.
    ///
    /// # Errors
    /// If there is no such preset; the error lists those that exist.
    pub fn preset(name: &str) -> Result<Self> {
        Ok(Self::from_preset(Preset::named(name)?))
    }

    fn from_preset(preset: &Preset) -> Self {
        let meanings =
            preset.names.iter().map(|&(name, meaning)| (name.as_bytes().into(), meaning)).collect();
        Self { meanings }
    }

    /// What that event name means, or nothing if it is not in the vocabulary.
    #[must_use]
    pub fn meaning(&self, name: &[u8]) -> Option<Meaning> {
        self.meanings.get(name).copied()
    }
}

impl Default for Vocabulary {
    fn default() -> Self {
        Self::from_preset(&DEFAULT_PRESET)
    }
}

impl Preset {
    /// The preset of that name.
    ///
    /// # Errors
    /// If there is no such preset; the error lists those that exist.
    pub fn named(name: &str) -> Result<&'static Self> {
        PRESETS.iter().copied().find(|preset| preset.name == name).ok_or_else(|| Error::UnknownPreset {
            name: name.to_owned(),
            known: PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", "),
        })
    }
}
