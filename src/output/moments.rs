//! The moment table: one row per moment of a video.

use std::borrow::Cow;

use super::column::{Column, Table};
use super::types::Key;
use super::value;
use crate::moments::Moment;

/// One moment of one video.
#[derive(Debug)]
#[expect(missing_docs, reason = "the key, a fact of the video, and the moment")]
pub struct MomentRow<'k> {
    pub video: &'k [u8],
    pub title: Option<&'k str>,
    pub moment: Moment,
}

type Value<'k> = value::Value<MomentRow<'k>>;

/// The moment table's columns. What they mean says `python/watchspan/insight/columns.py`, as of all tables of insight.
#[must_use]
pub fn moment_table<'k>() -> Table<MomentRow<'k>> {
    let column = |name, value| Column { name, unit: "", doc: "", value };
    Table::new(vec![
        column("videoId", Value::key(Key::Video, |r| r.video.into())),
        column("videoTitle", Value::maybe_text(|r| r.title.map(Cow::Borrowed))),
        column("kind", Value::text(|r| r.moment.kind.name().into())),
        column("startSeconds", Value::float(|r| r.moment.start)),
        column("endSeconds", Value::float(|r| r.moment.end)),
        column("size", Value::float(|r| r.moment.size[0])),
        column("sizeLow", Value::float(|r| r.moment.size[1])),
        column("sizeHigh", Value::float(|r| r.moment.size[2])),
        column("viewers", Value::int(|r| r.moment.viewers)),
        column("z", Value::maybe_float(|r| r.moment.z)),
    ])
}
