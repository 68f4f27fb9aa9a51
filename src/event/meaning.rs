//! What an event name can mean.

use super::kind::EventKind;

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

/// In which order presets list what names mean.
pub(super) const LISTING_ORDER: [Meaning; 10] = {
    use super::kind::EventKind::{Close, End, Heartbeat, Pause, Play, RateChange, Resume, Seek, SeekStart};
    use Meaning::{Ignore, Kind};
    [
        Kind(Play),
        Kind(Resume),
        Kind(Pause),
        Kind(End),
        Kind(Seek),
        Kind(SeekStart),
        Kind(Heartbeat),
        Kind(Close),
        Kind(RateChange),
        Ignore,
    ]
};
