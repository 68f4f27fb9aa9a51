//! The clean step: which events count, and why the others do not.

use super::events::EventBatch;
use crate::event::{Event, Meaning, Vocabulary};

/// Why an event was dropped. The order of the variants is the order in which reasons are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DropReason {
    /// A key is missing.
    NullKey,
    /// The time cannot be read.
    InvalidTimestamp,
    /// The vocabulary ignores the name.
    IgnoredEvent,
    /// The vocabulary does not know the name.
    UnknownEvent,
    /// The position is not one.
    InvalidPosition,
    /// Another event says the same.
    Duplicate,
}

impl DropReason {
    /// Every reason, in the order in which they are tried.
    pub const ALL: [Self; 6] = [
        Self::NullKey,
        Self::InvalidTimestamp,
        Self::IgnoredEvent,
        Self::UnknownEvent,
        Self::InvalidPosition,
        Self::Duplicate,
    ];

    /// The name that reports show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NullKey => "null_key",
            Self::InvalidTimestamp => "invalid_timestamp",
            Self::IgnoredEvent => "ignored_event",
            Self::UnknownEvent => "unknown_event",
            Self::InvalidPosition => "invalid_position",
            Self::Duplicate => "duplicate",
        }
    }

    /// When it applies, and what to do about it.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::NullKey => {
                "userId, videoId or (where the column exists) sessionId is null or empty: nobody can be credited."
            }
            Self::InvalidTimestamp => {
                "The timestamp is null, text that is not RFC 3339, or outside the years 1 to 9999."
            }
            Self::IgnoredEvent => {
                "The vocabulary knows the event name and maps it to ignore; nothing is lost."
            }
            Self::UnknownEvent => {
                "The event name is null or not in the vocabulary: add it with vocabulary=, as a kind or as ignore."
            }
            Self::InvalidPosition => "currentTime is null, NaN, infinite or negative.",
            Self::Duplicate => {
                "Another event of the same user, video and session has the same timestamp, sequence, kind and position: \
                 a retry; the first is kept."
            }
        }
    }
}

/// How many events were read, and how many were dropped for which reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DropCounts {
    /// Events read.
    pub read: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl DropCounts {
    /// Counts dropped events.
    pub fn add(&mut self, reason: DropReason, count: u64) {
        self.dropped[reason as usize] += count;
    }

    /// Takes in the counts of another part of the input.
    pub fn merge(&mut self, other: &Self) {
        self.read += other.read;
        for reason in DropReason::ALL {
            self.add(reason, other.dropped(reason));
        }
    }

    /// Events dropped for that reason.
    #[must_use]
    pub const fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Events that count.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.read - self.dropped.iter().sum::<u64>()
    }
}

/// Decides row by row whether an event counts that has all keys.
#[derive(Debug, Clone, Copy)]
pub struct Cleaner<'a> {
    /// Which names mean what.
    pub vocabulary: &'a Vocabulary,
}

impl Cleaner<'_> {
    /// The event in that row, or the first reason to drop it.
    #[inline]
    pub(crate) fn clean(self, batch: &EventBatch, row: usize) -> Result<Event, DropReason> {
        let time = batch.time.get(row).ok_or(DropReason::InvalidTimestamp)?;
        let kind = match batch.name.get(row).and_then(|name| self.vocabulary.meaning(name)) {
            Some(Meaning::Kind(kind)) => kind,
            Some(Meaning::Ignore) => return Err(DropReason::IgnoredEvent),
            None => return Err(DropReason::UnknownEvent),
        };
        let position = batch.position.position(row).ok_or(DropReason::InvalidPosition)?;
        Ok(Event {
            time,
            kind,
            position,
            seek_from: batch.seek_from.as_ref().and_then(|column| column.position(row)),
            rate: batch.rate.as_ref().and_then(|column| column.positive(row)),
            sequence: batch.sequence.as_ref().and_then(|column| column.get(row)),
        })
    }
}
