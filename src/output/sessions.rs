//! The session table: one row per user, video and session.

use std::borrow::Cow;

use super::column::{Column, Table};
use super::types::Key;
use super::value;
use crate::session::SessionStats;

/// One session row with its keys.
#[derive(Debug)]
#[expect(missing_docs, reason = "three keys and the rest")]
pub struct SessionRow<'k> {
    pub user: &'k [u8],
    pub video: &'k [u8],
    pub session: Cow<'k, [u8]>,
    pub stats: &'k SessionStats,
}

type Value<'k> = value::Value<SessionRow<'k>>;

/// The session table's columns.
#[must_use]
#[rustfmt::skip] // one line per column reads as the table that it is
pub fn session_table<'k>() -> Table<SessionRow<'k>> {
    Table::new(vec![
        Column { name: "userId", unit: "", doc: "The viewer.", value: Value::key(Key::User, |r| r.user.into()) },
        Column { name: "videoId", unit: "", doc: "The video.", value: Value::key(Key::Video, |r| r.video.into()) },
        Column { name: "sessionId", unit: "", doc: "The session: as in the input; `<id>@<time of its first event>` where a timeout splits sessions; that time alone where the input has no session column.", value: Value::key(Key::Session, |r| Cow::Borrowed(&r.session)) },
        Column { name: "sessionStart", unit: "", doc: "The session's first event on this video.", value: Value::time(|r| r.stats.start) },
        Column { name: "sessionEnd", unit: "", doc: "The session's last event on this video.", value: Value::time(|r| r.stats.end) },
        Column { name: "eventCount", unit: "events", doc: "Accepted events, after duplicates are gone.", value: Value::int(|r| r.stats.event_count) },
        Column { name: "watchTime", unit: "s of content", doc: "What two observed positions prove as watched; a stretch watched twice counts twice.", value: Value::float(|r| r.stats.watch_time) },
        Column { name: "playTime", unit: "s of wall clock", doc: "How long the watched segments took, run by run: a stall is no play time, and late or rounded timestamps do not bias it.", value: Value::float(|r| r.stats.play_time) },
        Column { name: "uniqueSecondsWatched", unit: "s of content", doc: "Length of `watchedIntervals`.", value: Value::float(|r| r.stats.watched.measure()) },
        Column { name: "watchedIntervals", unit: "s of content", doc: "Union of the watched segments: sorted, disjoint, touching ones merged.", value: Value::intervals(|r| r.stats.watched.as_slice()) },
        Column { name: "replayedIntervals", unit: "s of content", doc: "Where more than one watched segment lies: for 2, 3 and more the longest stretches that so many cover, in one list sorted by start, then end.", value: Value::intervals(|r| &r.stats.replayed) },
        Column { name: "reportedDuration", unit: "s of content", doc: "The largest `videoDuration` of its events; null if none has one.", value: Value::maybe_float(|r| r.stats.reported_duration) },
        Column { name: "maxPosition", unit: "s of content", doc: "The largest position reported.", value: Value::float(|r| r.stats.max_position) },
        Column { name: "endPositions", unit: "s of content", doc: "Where the video ended, sorted: the positions of the end events, or where the player likely was. Two trackers that tell of one end are one.", value: Value::floats(|r| &r.stats.end_positions) },
        Column { name: "pauseCount", unit: "events", doc: "Pause events.", value: Value::int(|r| r.stats.pause_count) },
        Column { name: "forwardSkipCount", unit: "skips", doc: "Jumps ahead by more than `forward_skip_seconds`.", value: Value::int(|r| r.stats.forward_skips) },
        Column { name: "backwardSkipCount", unit: "skips", doc: "Jumps back by more than `backward_skip_seconds`.", value: Value::int(|r| r.stats.backward_skips) },
        Column { name: "rejectedSegmentCount", unit: "segments", doc: "Positions that do not fit together as playback.", value: Value::int(|r| r.stats.rejected) },
        Column { name: "openSegmentCount", unit: "segments", doc: "Stretches of playback whose stop was never seen.", value: Value::int(|r| r.stats.open) },
        Column { name: "unobserved", unit: "s of content", doc: "Stretches that may have been watched, but no pair of events shows it: where each begins and how long it can have been at most. Sorted.", value: Value::stretches(|r| &r.stats.unobserved) },
    ])
}
