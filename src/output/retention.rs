//! The retention table: one row per video and bucket of positions.

use std::borrow::Cow;

use super::column::{Column, Table, to_float};
use super::types::Key;
use super::value;
use crate::retention::Bucket;

/// One bucket of one video.
#[derive(Debug)]
#[expect(missing_docs, reason = "the key, two facts of the video, and the bucket")]
pub struct RetentionRow<'k> {
    pub video: &'k [u8],
    pub title: Option<&'k str>,
    pub duration: f64,
    pub users: i64,
    pub number: i64,
    pub bucket: Bucket,
    /// Whether all rows tell what was replayed.
    pub has_plays: bool,
}

type Value<'k> = value::Value<RetentionRow<'k>>;

/// The retention table's columns.
#[must_use]
#[rustfmt::skip] // one line per column reads as the table that it is
pub fn retention_table<'k>() -> Table<RetentionRow<'k>> {
    Table::new(vec![
        Column { name: "videoId", unit: "", doc: "The video.", value: Value::key(Key::Video, |r| r.video.into()) },
        Column { name: "videoTitle", unit: "", doc: "Its title, if known.", value: Value::maybe_text(|r| r.title.map(Cow::Borrowed)) },
        Column { name: "videoDuration", unit: "s of content", doc: "The duration that is cut into buckets. Videos without one are left out.", value: Value::float(|r| r.duration) },
        Column { name: "users", unit: "users", doc: "Users with a row for this video.", value: Value::int(|r| r.users) },
        Column { name: "bucket", unit: "", doc: "The bucket's number, from 0.", value: Value::int(|r| r.number) },
        Column { name: "startSeconds", unit: "s of content", doc: "Where the bucket begins.", value: Value::float(|r| r.bucket.start) },
        Column { name: "endSeconds", unit: "s of content", doc: "Where the bucket ends.", value: Value::float(|r| r.bucket.end) },
        Column { name: "audience", unit: "users", doc: "Users who watched the bucket, each counted by the share of it that they watched.", value: Value::float(|r| r.bucket.audience) },
        Column { name: "retention", unit: "0 to 1", doc: "`audience` / `users`.", value: Value::float(|r| r.bucket.audience / to_float(r.users)) },
        Column { name: "plays", unit: "plays", doc: "The same sum over `watchedIntervals` and `replayedIntervals`: how often the bucket was played; times its length, summed over buckets, it is the watch time up to the duration. Null where a row does not tell what was replayed.", value: Value::maybe_float(|r| r.has_plays.then_some(r.bucket.plays)) },
    ])
}
