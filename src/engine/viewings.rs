//! Session or engagement rows by video and user, as far as curves over positions need them.

use std::borrow::Cow;
use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use rayon::prelude::*;

use super::group::in_slices;
use super::order::{At, KeyStore, whole_groups};
use super::pool::Engine;
use crate::duration::{DurationSource, Evidence, Furthest, each_vote};
use crate::error::Result;
use crate::input::{KeyArena, KeyTypes, OwnSchema, OwnTable, Videos, ViewingBatch};
use crate::intervals::{Interval, IntervalSet};

/// A video that is left out, as it would have too many buckets: a live stream whose positions count from 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// Which video.
    pub video: String,
    /// How long it seems, in seconds.
    pub duration: f64,
}

/// What one row tells.
pub(super) struct Viewing {
    at: At,
    pub(super) watched: IntervalSet,
    /// None if the row does not tell.
    pub(super) replayed: Option<Vec<Interval>>,
    max_position: f64,
    duration: Option<f64>,
    is_estimated: bool,
    title: Option<Box<str>>,
}

/// Rows, ordered by video and user, and what is known of their videos.
pub(super) struct Viewings<'a> {
    store: KeyStore,
    pub(super) keys: KeyTypes,
    table: OwnTable,
    videos: &'a Videos,
    rows: Vec<Viewing>,
}

impl<'a> Viewings<'a> {
    /// The rows of `batches`, all of `schema`; `videos` says how long videos are.
    ///
    /// # Errors
    /// If a column is missing or of a type that cannot be read, a value is not one that such a row holds, the videos'
    /// keys are of another type, or the work was stopped.
    pub(super) fn read(
        engine: &Engine,
        schema: &Schema,
        batches: &[RecordBatch],
        videos: &'a Videos,
    ) -> Result<Self> {
        let schema = OwnSchema::either(schema)?;
        let mut read = Self {
            store: KeyStore::default(),
            keys: schema.keys(),
            table: schema.table,
            videos,
            rows: Vec::new(),
        };
        for batch in batches {
            let columns = ViewingBatch::bind(&schema, batch)?;
            for slice in in_slices(batch.num_rows()) {
                engine.check()?;
                read.add(&columns, &schema, slice)?;
            }
        }
        if !read.rows.is_empty() {
            videos.check_key(schema.keys().video)?;
        }
        let store = &read.store;
        let keys = |row: &Viewing| (store.video(row.at), store.user(row.at), row.at);
        engine.run(|| read.rows.par_sort_by(|a, b| keys(a).cmp(&keys(b))));
        Ok(read)
    }

    /// Adds the rows in `slice` of a batch of `schema`.
    fn add(&mut self, columns: &ViewingBatch<'_>, schema: &OwnSchema, slice: Range<usize>) -> Result<()> {
        let mut keys = KeyArena::default();
        for row in slice {
            let user = schema.key("userId", row, columns.user.get(row))?;
            let video = schema.key("videoId", row, columns.video.get(row))?;
            self.rows.push(Viewing {
                at: self.store.next(keys.push([user, video, &[]])),
                watched: columns.watched(row)?,
                replayed: columns.replayed(row)?,
                max_position: columns.max_position(row),
                duration: columns.duration(row),
                is_estimated: columns.duration_source(row) == DurationSource::Estimated,
                title: columns.title(row).map(Into::into),
            });
        }
        self.store.add(keys)
    }

    /// What `work` makes of the rows of ranges of whole videos, side by side, in order.
    ///
    /// # Errors
    /// The first that `work` returns.
    pub(super) fn each_range<'r, T: Send>(
        &'r self,
        engine: &Engine,
        work: impl Fn(&'r [Viewing]) -> Result<T> + Sync + Send,
    ) -> Result<Vec<T>> {
        engine.run(|| {
            let ranges = whole_groups(&self.rows, engine.task_count(), |a, b| self.video(a) == self.video(b));
            ranges.into_par_iter().map(|range| work(&self.rows[range])).collect()
        })
    }

    /// The rows of each video among `rows`, and one of them.
    pub(super) fn by_video<'r>(
        &self,
        rows: &'r [Viewing],
    ) -> impl Iterator<Item = (&'r Viewing, &'r [Viewing])> {
        rows.chunk_by(|a, b| self.video(a) == self.video(b)).filter_map(|rows| Some((rows.first()?, rows)))
    }

    /// The rows of each user among `rows`, which are of one video.
    pub(super) fn by_user<'r>(&self, rows: &'r [Viewing]) -> impl Iterator<Item = &'r [Viewing]> {
        rows.chunk_by(|a, b| self.user(a) == self.user(b))
    }

    /// At most `count` ranges of `rows`, which are of one video; each is of whole users.
    pub(super) fn users_in(&self, rows: &[Viewing], count: usize) -> Vec<Range<usize>> {
        whole_groups(rows, count, |a, b| self.user(a) == self.user(b))
    }

    fn user(&self, row: &Viewing) -> &[u8] {
        self.store.user(row.at)
    }

    pub(super) fn video(&self, row: &Viewing) -> &[u8] {
        self.store.video(row.at)
    }

    /// The title of the one video of `rows`, of which `first` is one.
    pub(super) fn title<'r>(&'r self, first: &Viewing, rows: &'r [Viewing]) -> Option<&'r str> {
        let known = self.videos.get(self.video(first)).and_then(|video| video.title.as_deref());
        known.or_else(|| rows.iter().find_map(|row| row.title.as_deref()))
    }

    /// That the video of `row`, which is `duration` seconds long, is left out.
    pub(super) fn left_out(&self, row: &Viewing, duration: f64) -> LeftOut {
        LeftOut { video: self.keys.video.show(self.video(row)).into_owned(), duration }
    }

    /// The duration of the one video of `rows`, of which `first` is one, in seconds: from the videos table, else what
    /// engagement rows state, else what session rows suggest. An estimate counts only `if_estimated`.
    pub(super) fn duration(&self, first: &Viewing, rows: &[Viewing], if_estimated: bool) -> Option<f64> {
        let known = self.videos.get(self.video(first)).and_then(|video| video.duration);
        if let Some(duration) = known {
            return Some(duration.seconds);
        }
        if self.table == OwnTable::Engagement {
            let counts = rows.iter().filter(|row| if_estimated || !row.is_estimated);
            return counts.filter_map(|row| row.duration).reduce(f64::max);
        }
        let mut evidence = Evidence::default();
        for user in self.by_user(rows) {
            user.iter().for_each(|row| evidence.see(Furthest::new(&row.watched, row.max_position)));
            let mut reports = user.iter().filter_map(|row| Some(((), row.duration?))).collect();
            each_vote(&mut reports, |(), largest| evidence.vote(largest));
        }
        evidence.duration(if_estimated).map(|duration| duration.seconds)
    }
}

/// What the rows of one user watched.
pub(super) fn watched_by(user: &[Viewing]) -> Cow<'_, IntervalSet> {
    match user {
        [row] => Cow::Borrowed(&row.watched),
        rows => {
            let all = rows.iter().flat_map(|row| row.watched.as_slice().iter().copied());
            Cow::Owned(IntervalSet::union(all))
        }
    }
}
