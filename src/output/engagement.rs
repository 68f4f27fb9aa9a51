//! The engagement table: one row per user and video.

use std::borrow::Cow;

use super::column::{Column, Table, to_float};
use super::types::Key;
use super::value;
use crate::engagement::Engagement;
use crate::flags::Flag;

/// One engagement row with its keys.
#[derive(Debug)]
#[expect(missing_docs, reason = "two keys, the title, and the rest")]
pub struct EngagementRow<'k> {
    pub user: &'k [u8],
    pub video: &'k [u8],
    pub title: Option<&'k str>,
    pub engagement: Engagement,
}

type Value<'k> = value::Value<EngagementRow<'k>>;

/// The engagement table's columns.
#[must_use]
#[rustfmt::skip] // one line per column reads as the table that it is
pub fn engagement_table<'k>() -> Table<EngagementRow<'k>> {
    Table::new(vec![
        Column { name: "userId", unit: "", doc: "The viewer.", value: Value::key(Key::User, |r| r.user.into()) },
        Column { name: "videoId", unit: "", doc: "The video.", value: Value::key(Key::Video, |r| r.video.into()) },
        Column { name: "videoTitle", unit: "", doc: "The title from the videos table; null if that has none.", value: Value::maybe_text(|r| r.title.map(Cow::Borrowed)) },
        Column { name: "videoDuration", unit: "s of content", doc: "The duration from the videos table, else what most of its viewers' players report, else, with `estimate_duration`, how far anybody watched; null if unknown.", value: Value::maybe_float(|r| r.engagement.duration.map(|d| d.seconds)) },
        Column { name: "durationSource", unit: "", doc: "`metadata`, `reported`, `estimated` or null.", value: Value::maybe_text(|r| r.engagement.duration.map(|d| d.source.name().into())) },
        Column { name: "totalWatchTime", unit: "s of content", doc: "Sum of the sessions' `watchTime`; with `count_unobserved` also of `unobservedWatchTime`.", value: Value::float(|r| r.engagement.watch_time) },
        Column { name: "totalUniqueSecondsWatched", unit: "s of content", doc: "Length of the union of all sessions' watched intervals, cut at the duration. Null with `unique_seconds=False`.", value: Value::maybe_float(|r| r.engagement.unique.as_ref().map(|u| u.seconds)) },
        Column { name: "maxPositionReached", unit: "s of content", doc: "The largest position reported, cut at the duration.", value: Value::float(|r| r.engagement.max_position) },
        Column { name: "watchPercentage", unit: "%", doc: "`totalWatchTime` as a share of the duration; can pass 100. Null without a duration, as all percentages.", value: Value::maybe_float(|r| r.engagement.percentage(r.engagement.watch_time)) },
        Column { name: "completionPercentage", unit: "%", doc: "`maxPositionReached` as a share of the duration.", value: Value::maybe_float(|r| r.engagement.percentage(r.engagement.max_position)) },
        Column { name: "uniqueWatchPercentage", unit: "%", doc: "`totalUniqueSecondsWatched` as a share of the duration.", value: Value::maybe_float(|r| r.engagement.unique.as_ref().and_then(|u| r.engagement.percentage(u.seconds))) },
        Column { name: "sessionCount", unit: "sessions", doc: "Sessions with an event on this video.", value: Value::int(|r| r.engagement.session_count) },
        Column { name: "avgWatchTimePerSession", unit: "s of content", doc: "`totalWatchTime` / `sessionCount`.", value: Value::float(|r| r.engagement.per_session(r.engagement.watch_time)) },
        Column { name: "avgSessionDuration", unit: "s of wall clock", doc: "Mean time from a session's first to its last event on this video.", value: Value::float(|r| r.engagement.per_session(r.engagement.session_seconds)) },
        Column { name: "avgPausesPerSession", unit: "events", doc: "Pause events / `sessionCount`.", value: Value::float(|r| r.engagement.per_session(to_float(r.engagement.pause_count))) },
        Column { name: "totalForwardSkips", unit: "skips", doc: "Jumps ahead by more than `forward_skip_seconds`.", value: Value::int(|r| r.engagement.forward_skips) },
        Column { name: "totalBackwardSkips", unit: "skips", doc: "Jumps back by more than `backward_skip_seconds`.", value: Value::int(|r| r.engagement.backward_skips) },
        Column { name: "completionCount", unit: "completions", doc: "Per session, its `endPositions` at or past the mark, `completion_threshold` × duration or earlier by `completion_slack_seconds` (all of them without a duration); if there is none and the duration is no estimate, 1 when its last watched interval ends at or past that mark. Summed over sessions.", value: Value::int(|r| r.engagement.completion_count) },
        Column { name: "isCompletedAtLeastOnce", unit: "", doc: "`completionCount` > 0.", value: Value::bool(|r| r.engagement.completion_count > 0) },
        Column { name: "engagementScore", unit: "points", doc: "Weighted sum of features, clamped and rounded to two decimals. Null if a weighted feature needs a duration that is unknown.", value: Value::maybe_float(|r| r.engagement.score) },
        Column { name: "engagementTier", unit: "", doc: "`High`, `Medium`, `Low` or `Minimal`, by the rounded score; null without one.", value: Value::maybe_text(|r| r.engagement.tier.map(|tier| tier.name().into())) },
        Column { name: "firstWatchDate", unit: "", doc: "The first event on this video.", value: Value::time(|r| r.engagement.first_watch) },
        Column { name: "lastWatchDate", unit: "", doc: "The last event on this video.", value: Value::time(|r| r.engagement.last_watch) },
        Column { name: "isReplay", unit: "", doc: "`sessionCount` > 1.", value: Value::bool(|r| r.engagement.session_count > 1) },
        Column { name: "rewatchedSeconds", unit: "s of content", doc: "`totalWatchTime` less the length of `watchedIntervals`, at least 0. Null with `unique_seconds=False`.", value: Value::maybe_float(|r| r.engagement.unique.as_ref().map(|u| u.rewatched)) },
        Column { name: "totalPlayTime", unit: "s of wall clock", doc: "The wall clock behind the watched segments: `totalWatchTime` / `totalPlayTime` is the effective speed.", value: Value::float(|r| r.engagement.play_time) },
        Column { name: "unobservedWatchTime", unit: "s of content", doc: "At most how much more may have been watched, at the stated speed, cut at the duration.", value: Value::float(|r| r.engagement.unobserved) },
        Column { name: "openSegmentCount", unit: "segments", doc: "Stretches of playback whose stop was never seen.", value: Value::int(|r| r.engagement.open) },
        Column { name: "rejectedSegmentCount", unit: "segments", doc: "Positions that do not fit together as playback.", value: Value::int(|r| r.engagement.rejected) },
        Column { name: "eventCount", unit: "events", doc: "Accepted events, after duplicates are gone.", value: Value::int(|r| r.engagement.event_count) },
        Column { name: "watchedIntervals", unit: "s of content", doc: "The union of all sessions' watched intervals, not cut at the duration; with `count_unobserved` the unobserved stretches, cut at the duration, are in it. Null with `unique_seconds=False`.", value: Value::maybe_intervals(|r| r.engagement.unique.as_ref().map(|u| u.watched.as_slice())) },
        Column { name: "replayedIntervals", unit: "s of content", doc: "Where more than one of all sessions' watched and replayed intervals lies: for 2, 3 and more the longest stretches that so many cover, in one list sorted by start, then end. Its length is `rewatchedSeconds`, but with `count_unobserved`. Null with `unique_seconds=False`.", value: Value::maybe_intervals(|r| r.engagement.unique.as_ref().map(|u| &*u.replayed)) },
        Column { name: "dataQualityFlags", unit: "", doc: "Every flag that applies, in the order of the list of flags.", value: Value::texts(|r| r.engagement.flags.iter().map(Flag::name)) },
        Column { name: "dataQualityFlag", unit: "", doc: "The first flag that applies, or `ok`.", value: Value::text(|r| r.engagement.flags.first_name().into()) },
    ])
}
