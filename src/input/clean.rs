//! The clean step: which events count, and why the others do not.

use arrow_array::Array;

use super::events::EventBatch;
use super::keys::{KeyColumn, PlainKeys};
use super::values::{NumberColumn, TimeColumn};
use crate::event::{EventKind, Meaning, Vocabulary};
use crate::time::Micros;

/// Why an event was dropped. The order of the variants is the order in which reasons are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DropReason {
    /// The line of a file is none of its format.
    Unreadable,
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
    pub const ALL: [Self; 7] = [
        Self::Unreadable,
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
            Self::Unreadable => "unreadable",
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
            Self::Unreadable => {
                "The line of a file is no JSON object, or has more or fewer cells than its header."
            }
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
            Self::InvalidPosition => {
                "currentTime is null, NaN, infinite or negative, and the event is no pause, close, end or rate change: \
                 these count without a position, too."
            }
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
    /// Counts `count` more events that were dropped for `reason`.
    pub fn add(&mut self, reason: DropReason, count: u64) {
        self.dropped[reason as usize] += count;
    }

    /// Takes in the counts of another part of the input, `other`.
    pub fn merge(&mut self, other: &Self) {
        self.read += other.read;
        for reason in DropReason::ALL {
            self.add(reason, other.dropped(reason));
        }
    }

    /// How many events were dropped for `reason`.
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

/// Decides whether an event counts that has all keys.
#[derive(Debug, Clone, Copy)]
pub struct Cleaner<'a> {
    /// Which names mean what.
    pub vocabulary: &'a Vocabulary,
}

/// What an event says, or the first reason to drop it.
pub(crate) type Verdict = Result<EventKind, DropReason>;

/// What the clean step makes of a batch, column by column: its memory is used again for the next one.
#[derive(Debug, Default)]
pub(crate) struct Cleaned {
    /// Of every row.
    pub(crate) verdicts: Vec<Verdict>,
    /// In microseconds, where the column has them in another form.
    times: Vec<i64>,
}

impl Cleaned {
    /// The time of every row of `batch`, in microseconds since 1970 UTC; what stands in rows that are dropped for their
    /// time means nothing.
    pub(crate) fn times<'a>(&'a self, batch: &'a EventBatch) -> &'a [i64] {
        if let TimeColumn::Micros(micros) = &batch.time { micros.values() } else { &self.times }
    }
}

impl Cleaner<'_> {
    /// Writes to `cleaned` what every row of `batch` says. Looks at each column by itself, in loops that do little at a
    /// time.
    pub(crate) fn clean(self, batch: &EventBatch, cleaned: &mut Cleaned) {
        let Cleaned { verdicts, times } = cleaned;
        verdicts.clear();
        times.clear();
        self.look_at_names(batch.name.keys(), batch.position.len(), verdicts);
        look_at_positions(&batch.position, verdicts);
        look_at_times(&batch.time, verdicts, times);
        if let Some(unreadable) = &batch.unreadable {
            let rows = unreadable.iter().zip(verdicts.iter_mut()).filter(|(is_it, _)| *is_it == Some(true));
            rows.for_each(|(_, verdict)| *verdict = Err(DropReason::Unreadable));
        }
    }

    /// What an event of that `name` says, if nothing else is wrong with it.
    #[inline]
    fn verdict(self, name: Option<&[u8]>) -> Verdict {
        match name.and_then(|name| self.vocabulary.meaning(name)) {
            Some(Meaning::Kind(kind)) => Ok(kind),
            Some(Meaning::Ignore) => Err(DropReason::IgnoredEvent),
            None => Err(DropReason::UnknownEvent),
        }
    }

    /// Adds a verdict to `verdicts` for each of `rows` event names.
    fn look_at_names(self, names: &KeyColumn, rows: usize, verdicts: &mut Vec<Verdict>) {
        match names {
            KeyColumn::Utf8(names) => self.look_at(names, rows, verdicts),
            KeyColumn::LargeUtf8(names) => self.look_at(names, rows, verdicts),
            KeyColumn::Utf8View(names) => self.look_at(names, rows, verdicts),
            KeyColumn::Dictionary(names) => {
                let (codes, values) = names.parts();
                let mut known = Vec::with_capacity(names.size());
                self.look_at(values, names.size(), &mut known);
                let unknown = self.verdict(None);
                verdicts.extend((0..rows).map(|row| codes.get(row).map_or(unknown, |code| known[code])));
            }
            names => self.look_at(names, rows, verdicts),
        }
    }

    fn look_at(self, names: &impl PlainKeys, rows: usize, verdicts: &mut Vec<Verdict>) {
        verdicts.extend((0..rows).map(|row| self.verdict(names.get(row))));
    }
}

/// Drops the rows among `verdicts` that have no valid position and say nothing without one.
fn look_at_positions(positions: &NumberColumn, verdicts: &mut [Verdict]) {
    for (row, (verdict, &x)) in verdicts.iter_mut().zip(positions.values()).enumerate() {
        let is_position = (0.0..=f64::MAX).contains(&x) && positions.is_valid(row);
        if !is_position && verdict.is_ok_and(EventKind::needs_position) {
            *verdict = Err(DropReason::InvalidPosition);
        }
    }
}

/// Drops the rows among `verdicts` that have no valid time, and writes `times` where the column has them in another
/// form.
fn look_at_times(column: &TimeColumn, verdicts: &mut [Verdict], times: &mut Vec<i64>) {
    let invalid = Err(DropReason::InvalidTimestamp);
    if let TimeColumn::Micros(micros) = column {
        for (row, (verdict, &time)) in verdicts.iter_mut().zip(micros.values()).enumerate() {
            if Micros::checked(time).is_none() || micros.is_null(row) {
                *verdict = invalid;
            }
        }
        return;
    }
    times.extend(verdicts.iter_mut().enumerate().map(|(row, verdict)| {
        let time = column.get(row);
        if time.is_none() {
            *verdict = invalid;
        }
        time.unwrap_or_default().0
    }));
}
