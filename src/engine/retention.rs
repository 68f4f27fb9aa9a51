//! Retention over whole tables.

use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use rayon::prelude::*;

use super::group::in_slices;
use super::order::{At, KeyStore, whole_groups};
use super::pool::Engine;
use crate::duration::{Duration, Evidence, Furthest, each_vote};
use crate::error::Result;
use crate::input::{KeyArena, KeyTypes, OwnSchema, OwnTable, Videos, ViewingBatch};
use crate::intervals::{Interval, IntervalSet};
use crate::output::{RetentionRow, retention_table};
use crate::retention::{Buckets, Curve};

/// What one row tells retention.
struct Viewing {
    at: At,
    watched: IntervalSet,
    /// None if the row does not tell.
    replayed: Option<Vec<Interval>>,
    max_position: f64,
    duration: Option<f64>,
    title: Option<Box<str>>,
}

/// Everything that is needed to draw the curves.
struct Viewings<'a> {
    store: KeyStore,
    keys: KeyTypes,
    table: OwnTable,
    videos: &'a Videos,
    buckets: Buckets,
}

/// A video without a curve, as it would have too many buckets: a live stream whose positions count from 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftOut {
    /// Which video.
    pub video: String,
    /// How long it seems, in seconds.
    pub duration: f64,
}

/// The retention table, its schema and the videos that have no curve, of `batches` of session or engagement rows, all
/// of `schema`. `videos` says how long videos are, and `buckets` how each is cut.
///
/// # Errors
/// If a column is missing or of a type that cannot be read, a value is not one that such a row holds, the videos'
/// keys are of another type, or the work was stopped.
pub fn retention(
    engine: &Engine,
    schema: &Schema,
    batches: &[RecordBatch],
    videos: &Videos,
    buckets: Buckets,
) -> Result<(Vec<RecordBatch>, SchemaRef, Vec<LeftOut>)> {
    let schema = OwnSchema::either(schema)?;
    let mut store = KeyStore::default();
    let mut rows = Vec::new();
    for batch in batches {
        let columns = ViewingBatch::bind(&schema, batch)?;
        for slice in in_slices(batch.num_rows()) {
            engine.check()?;
            read(&columns, &schema, slice, &mut store, &mut rows)?;
        }
    }
    let keys = schema.keys();
    if !rows.is_empty() {
        videos.check_key(keys.video)?;
    }
    let viewings = Viewings { store, keys, table: schema.table, videos, buckets };
    let (batches, left_out): (_, Vec<_>) = engine.run(|| viewings.curves(engine, rows))?.into_iter().unzip();
    Ok((batches, retention_table().schema(keys), left_out.concat()))
}

/// Adds the rows in `slice` of a batch of `schema` to `rows`, and their keys to `store`.
fn read(
    columns: &ViewingBatch<'_>,
    schema: &OwnSchema,
    slice: Range<usize>,
    store: &mut KeyStore,
    rows: &mut Vec<Viewing>,
) -> Result<()> {
    let mut keys = KeyArena::default();
    for row in slice {
        let user = schema.key("userId", row, columns.user.get(row))?;
        let video = schema.key("videoId", row, columns.video.get(row))?;
        rows.push(Viewing {
            at: store.next(keys.push([user, video, &[]])),
            watched: columns.watched(row)?,
            replayed: columns.replayed(row)?,
            max_position: columns.max_position(row),
            duration: columns.duration(row),
            title: columns.title(row).map(Into::into),
        });
    }
    store.add(keys)
}

impl Viewings<'_> {
    fn user(&self, row: &Viewing) -> &[u8] {
        self.store.user(row.at)
    }

    fn video(&self, row: &Viewing) -> &[u8] {
        self.store.video(row.at)
    }

    /// The retention table of `rows`, by video; with each batch the videos that have no curve.
    fn curves(&self, engine: &Engine, mut rows: Vec<Viewing>) -> Result<Vec<(RecordBatch, Vec<LeftOut>)>> {
        rows.par_sort_by(|a, b| {
            (self.video(a), self.user(a), a.at).cmp(&(self.video(b), self.user(b), b.at))
        });
        let table = retention_table();
        let work = |videos: Range<usize>| {
            let (mut curves, mut left_out) = (Vec::new(), Vec::new());
            for video in rows[videos].chunk_by(|a, b| self.video(a) == self.video(b)) {
                engine.check()?;
                let (Some(duration), Some(first)) = (self.duration(video), video.first()) else { continue };
                if self.buckets.fit(duration) {
                    curves.extend(self.curve(video, first, duration)?);
                } else {
                    let video = self.keys.video.show(self.video(first)).into_owned();
                    left_out.push(LeftOut { video, duration });
                }
            }
            Ok((table.batch(&curves, self.keys)?, left_out))
        };
        let ranges = whole_groups(&rows, engine.task_count(), |a, b| self.video(a) == self.video(b));
        ranges.into_par_iter().map(work).collect()
    }

    /// The buckets of the one video of `rows`, the `first` of which is one; it is `duration` seconds long.
    fn curve<'a>(
        &'a self,
        rows: &'a [Viewing],
        first: &'a Viewing,
        duration: f64,
    ) -> Result<Vec<RetentionRow<'a>>> {
        let mut curve = Curve::new(duration, self.buckets)?;
        let mut users = 0;
        for user in rows.chunk_by(|a, b| self.user(a) == self.user(b)) {
            users += 1;
            match user {
                [row] => curve.add_user(&row.watched),
                rows => {
                    let all = rows.iter().flat_map(|row| row.watched.as_slice().iter().copied());
                    curve.add_user(&IntervalSet::union(all));
                }
            }
            user.iter()
                .for_each(|row| curve.add_plays(&row.watched, row.replayed.as_deref().unwrap_or_default()));
        }
        let video = self.video(first);
        let known = self.videos.get(video).and_then(|video| video.title.as_deref());
        let title = known.or_else(|| rows.iter().find_map(|row| row.title.as_deref()));
        let has_plays = rows.iter().all(|row| row.replayed.is_some());
        let buckets = curve.into_buckets().into_iter().zip(0..);
        let row =
            |(bucket, number)| RetentionRow { video, title, duration, users, number, bucket, has_plays };
        Ok(buckets.map(row).collect())
    }

    /// The duration of the one video of `rows`, in seconds: from the videos table, else what engagement rows state,
    /// else what session rows suggest.
    fn duration(&self, rows: &[Viewing]) -> Option<f64> {
        let video = self.video(rows.first()?);
        let known = self.videos.get(video).and_then(|video| video.duration);
        if let Some(Duration { seconds, .. }) = known {
            return Some(seconds);
        }
        if self.table == OwnTable::Engagement {
            return rows.iter().filter_map(|row| row.duration).reduce(f64::max);
        }
        let mut evidence = Evidence::default();
        for user in rows.chunk_by(|a, b| self.user(a) == self.user(b)) {
            user.iter().for_each(|row| evidence.see(Furthest::new(&row.watched, row.max_position)));
            let mut reports = user.iter().filter_map(|row| Some(((), row.duration?))).collect();
            each_vote(&mut reports, |(), largest| evidence.vote(largest));
        }
        evidence.duration(true).map(|duration| duration.seconds)
    }
}
