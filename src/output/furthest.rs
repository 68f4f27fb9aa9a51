//! The furthest table: what viewings say of the length of each video, from which its duration is found.

use super::column::{Column, Table};
use super::types::Key;
use super::value;
use crate::duration::{Evidence, Furthest, Votes};

/// How far anybody got in one video, and which players reported one second as its length.
#[derive(Debug)]
#[expect(missing_docs, reason = "a key and its value")]
pub struct FurthestRow<'k> {
    pub video: &'k [u8],
    pub furthest: Furthest,
    pub reported: Option<(f64, Votes)>,
}

impl<'k> FurthestRow<'k> {
    /// The rows that say what `evidence` does of `video`: one for each second that was reported, or just one.
    #[must_use]
    pub fn of(video: &'k [u8], evidence: &Evidence) -> Vec<Self> {
        let furthest = evidence.furthest();
        let row = |reported| Self { video, furthest, reported };
        let rows: Vec<_> = evidence.votes().map(|votes| row(Some(votes))).collect();
        if rows.is_empty() { vec![row(None)] } else { rows }
    }

    fn votes(&self) -> Option<Votes> {
        self.reported.map(|(_, votes)| votes)
    }
}

type Value<'k> = value::Value<FurthestRow<'k>>;

/// The furthest table's columns.
#[must_use]
#[rustfmt::skip] // one line per column reads as the table that it is
pub fn furthest_table<'k>() -> Table<FurthestRow<'k>> {
    Table::new(vec![
        Column { name: "videoId", unit: "", doc: "The video.", value: Value::key(Key::Video, |r| r.video.into()) },
        Column { name: "watchedEnd", unit: "s of content", doc: "The largest end of any watched interval; 0 if there is none.", value: Value::float(|r| r.furthest.watched()) },
        Column { name: "maxPosition", unit: "s of content", doc: "The largest position reported.", value: Value::float(|r| r.furthest.position()) },
        Column { name: "reportedSecond", unit: "s of content", doc: "A whole second in which players reported the length; null if none did.", value: Value::maybe_float(|r| r.reported.map(|(second, _)| second)) },
        Column { name: "reportedDuration", unit: "s of content", doc: "The largest length reported in that second.", value: Value::maybe_float(|r| r.votes().map(|votes| votes.largest)) },
        Column { name: "reportingUsers", unit: "users", doc: "Users with a session that reports that second; 0 if there is none.", value: Value::int(|r| r.votes().map_or(0, |votes| votes.users.cast_signed())) },
    ])
}
