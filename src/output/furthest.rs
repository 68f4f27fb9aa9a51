//! The furthest table: how far anybody got in each video, from which durations are estimated.

use super::column::{Column, Table};
use super::types::Key;
use super::value;
use crate::engagement::Furthest;

/// How far anybody got in one video.
#[derive(Debug)]
#[expect(missing_docs, reason = "a key and its value")]
pub struct FurthestRow<'k> {
    pub video: &'k [u8],
    pub furthest: Furthest,
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
    ])
}
