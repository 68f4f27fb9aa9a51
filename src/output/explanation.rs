//! The explanation table: one user's events on one video, and how each was judged.

use std::borrow::Cow;

use super::column::{Column, Table};
use super::value;
use crate::time::Micros;

/// One event and its judgement.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each field is one output column, and is documented there")]
pub struct ExplanationRow {
    pub row: i64,
    pub time: Option<Micros>,
    pub session: Option<String>,
    pub event_name: Option<String>,
    pub position: Option<f64>,
    pub verdict: String,
    pub playing: Option<bool>,
    /// Watch time, play time and lead; none of a dropped event.
    pub sums: Option<Sums>,
}

/// What was counted of a session up to an event, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "each field is one output column, and is documented there")]
pub struct Sums {
    pub watch_time: f64,
    pub play_time: f64,
    pub lead: f64,
}

type Value = value::Value<ExplanationRow>;

/// The explanation table's columns.
#[must_use]
#[rustfmt::skip] // one line per column reads as the table that it is
pub fn explanation_table() -> Table<ExplanationRow> {
    Table::new(vec![
        Column { name: "row", unit: "", doc: "The event's row in the input, from 0; -1 for what follows from a session's end.", value: Value::int(|r| r.row) },
        Column { name: "timestamp", unit: "", doc: "When it happened; null if that cannot be read.", value: Value::maybe_time(|r| r.time) },
        Column { name: "sessionId", unit: "", doc: "The session it belongs to, as session rows name it; null for a dropped event.", value: Value::maybe_text(|r| r.session.as_deref().map(Cow::Borrowed)) },
        Column { name: "eventName", unit: "", doc: "Its name, as sent.", value: Value::maybe_text(|r| r.event_name.as_deref().map(Cow::Borrowed)) },
        Column { name: "position", unit: "s of content", doc: "The position it reports; that of a dropped event as sent, so that it may be NaN or infinite. Null if it counts without one.", value: Value::maybe_float(|r| r.position) },
        Column { name: "verdict", unit: "", doc: "What it shows, or why it was dropped.", value: Value::text(|r| Cow::Borrowed(r.verdict.as_str())) },
        Column { name: "playing", unit: "", doc: "Whether the player plays after it; null for a dropped event.", value: Value::maybe_bool(|r| r.playing) },
        Column { name: "watchTime", unit: "s of content", doc: "The session's watch time on this video up to and with this event; null for a dropped event.", value: Value::maybe_float(|r| r.sums.map(|sums| sums.watch_time)) },
        Column { name: "playTime", unit: "s of wall clock", doc: "The session's play time on this video up to and with this event, of a run that is not over, too; null for a dropped event.", value: Value::maybe_float(|r| r.sums.map(|sums| sums.play_time)) },
        Column { name: "lead", unit: "s of content", doc: "By how much playback is ahead of the clock after it: beyond `tolerance_seconds` it is no playback; null for a dropped event.", value: Value::maybe_float(|r| r.sums.map(|sums| sums.lead)) },
    ])
}
