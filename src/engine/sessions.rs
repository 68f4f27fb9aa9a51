//! Session rows with their keys: as a table, and combined into engagement rows.

use std::borrow::Cow;
use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use rayon::prelude::*;

use super::Engine;
use super::fragments::SLICE_ROWS;
use super::order::tasks;
use super::store::{At, KeyArena, KeyStore};
use crate::engagement::{Duration, Engagement, EngagementOptions, Furthest};
use crate::error::{Error, Result};
use crate::input::{DropCounts, KeyType, KeyTypes, RowsSchema, SessionBatch, Video, Videos};
use crate::output::{
    EngagementRow, FurthestRow, SessionRow, engagement_table, furthest_table, session_table,
};
use crate::session::SessionStats;
use crate::time::Micros;

/// One session row and where its keys are.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) at: At,
    /// The session's first event on any video, if sessions are cut by inactivity.
    pub(super) cut_at: Option<Micros>,
    pub(super) stats: SessionStats,
}

/// Session rows, ordered by user, video, start and session id, in tasks of whole users.
#[derive(Debug)]
pub struct Sessions {
    store: KeyStore,
    tasks: Vec<Vec<Row>>,
    keys: KeyTypes,
    /// The input's type of session ids, if it has any.
    session_ids: Option<KeyType>,
    counts: DropCounts,
}

type Estimates<'a> = HashMap<&'a [u8], Furthest, foldhash::fast::RandomState>;

impl Sessions {
    pub(super) const fn new(
        store: KeyStore,
        tasks: Vec<Vec<Row>>,
        keys: KeyTypes,
        session_ids: Option<KeyType>,
        counts: DropCounts,
    ) -> Self {
        Self { store, tasks, keys, session_ids, counts }
    }

    /// How many events were read, and how many were dropped for which reason.
    #[must_use]
    pub const fn counts(&self) -> &DropCounts {
        &self.counts
    }

    /// Orders the rows within each task.
    pub(super) fn sort(&mut self, engine: &Engine) {
        let mut tasks = std::mem::take(&mut self.tasks);
        engine.run(|| tasks.par_iter_mut().for_each(|rows| rows.sort_by(|a, b| self.compare(a, b))));
        self.tasks = tasks;
    }

    fn compare(&self, a: &Row, b: &Row) -> std::cmp::Ordering {
        let ([user_a, video_a, _], [user_b, video_b, _]) = (self.store.get(a.at), self.store.get(b.at));
        (user_a, video_a, a.stats.start)
            .cmp(&(user_b, video_b, b.stats.start))
            .then_with(|| self.session_id(a).cmp(&self.session_id(b)))
    }

    /// The session id that rows show.
    fn session_id(&self, row: &Row) -> Cow<'_, [u8]> {
        let id = self.store.get(row.at)[2];
        match (row.cut_at, self.session_ids) {
            (None, _) => id.into(),
            (Some(time), None) => time.to_string().into_bytes().into(),
            (Some(time), Some(key)) => format!("{}@{time}", key.show(id)).into_bytes().into(),
        }
    }

    /// The schema of the session table.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        session_table().schema(self.keys)
    }

    /// The session table.
    ///
    /// # Errors
    /// If the work was stopped.
    pub fn batches(&self, engine: &Engine) -> Result<Vec<RecordBatch>> {
        let batch = |rows: &[Row]| {
            engine.check()?;
            let rows: Vec<_> = rows.iter().map(|row| self.session_row(row)).collect();
            session_table().batch(&rows, self.keys)
        };
        let parts: Vec<_> = self.tasks.iter().flat_map(|rows| rows.chunks(SLICE_ROWS)).collect();
        engine.run(|| parts.into_par_iter().map(batch).collect())
    }

    fn session_row<'a>(&'a self, row: &'a Row) -> SessionRow<'a> {
        let [user, video, _] = self.store.get(row.at);
        SessionRow { user, video, session: self.session_id(row), stats: &row.stats }
    }

    /// The schema of the engagement table.
    #[must_use]
    pub fn engagement_schema(&self) -> SchemaRef {
        engagement_table().schema(self.keys)
    }

    /// The engagement table.
    ///
    /// # Errors
    /// If the videos' keys are of another type, or the work was stopped.
    pub fn engagement(
        &self,
        engine: &Engine,
        videos: &Videos,
        options: &EngagementOptions,
    ) -> Result<Vec<RecordBatch>> {
        if self.tasks.iter().any(|rows| !rows.is_empty()) {
            videos.check_key(self.keys.video)?;
        }
        let estimates = self.estimates(engine, videos, options.rules.estimate_duration);
        let durations = Durations { videos, estimates };
        let batches = engine.run(|| {
            let work = |rows: &Vec<Row>| self.engagement_batches(rows, engine, &durations, options);
            self.tasks.par_iter().map(work).collect::<Result<Vec<_>>>()
        })?;
        Ok(batches.into_iter().flatten().collect())
    }

    /// The schema of the furthest table.
    #[must_use]
    pub fn furthest_schema(&self) -> SchemaRef {
        furthest_table().schema(self.keys)
    }

    /// The furthest table, ordered by video: from it durations are estimated.
    ///
    /// # Errors
    /// If the work was stopped.
    pub fn furthest(&self, engine: &Engine) -> Result<Vec<RecordBatch>> {
        let furthest = self.estimates(engine, &Videos::default(), true);
        let mut rows: Vec<_> =
            furthest.into_iter().map(|(video, furthest)| FurthestRow { video, furthest }).collect();
        rows.sort_unstable_by_key(|row| row.video);
        let batch = |rows: &[FurthestRow<'_>]| {
            engine.check()?;
            furthest_table().batch(rows, self.keys)
        };
        rows.chunks(SLICE_ROWS).map(batch).collect()
    }

    fn engagement_batches(
        &self,
        rows: &[Row],
        engine: &Engine,
        durations: &Durations<'_>,
        options: &EngagementOptions,
    ) -> Result<Vec<RecordBatch>> {
        let table = engagement_table();
        let pairs: Vec<_> = rows.chunk_by(|a, b| self.pair(a) == self.pair(b)).collect();
        let batch = |pairs: &[&[Row]]| {
            engine.check()?;
            let rows: Vec<_> =
                pairs.iter().filter_map(|rows| self.engage(rows, durations, options)).collect();
            table.batch(&rows, self.keys)
        };
        pairs.chunks(SLICE_ROWS).map(batch).collect()
    }

    fn pair(&self, row: &Row) -> [&[u8]; 2] {
        let [user, video, _] = self.store.get(row.at);
        [user, video]
    }

    /// The engagement row of one user and video.
    fn engage<'a>(
        &'a self,
        rows: &[Row],
        durations: &'a Durations<'_>,
        options: &EngagementOptions,
    ) -> Option<EngagementRow<'a>> {
        let [user, video] = self.pair(rows.first()?);
        let known = durations.videos.get(video);
        let sessions: Vec<_> = rows.iter().map(|row| &row.stats).collect();
        let engagement = Engagement::combine(&sessions, durations.get(video, known), options)?;
        Some(EngagementRow { user, video, title: known.and_then(|v| v.title.as_deref()), engagement })
    }

    /// How far anybody got in each video whose duration is not known.
    fn estimates(&self, engine: &Engine, videos: &Videos, wanted: bool) -> Estimates<'_> {
        if !wanted {
            return Estimates::default();
        }
        let estimate = |rows: &Vec<Row>| {
            let mut estimates = Estimates::default();
            for rows in rows.chunk_by(|a, b| self.pair(a) == self.pair(b)) {
                let Some(video) = rows.first().map(|row| self.store.video(row.at)) else { continue };
                if videos.get(video).is_none_or(|video| video.duration.is_none()) {
                    let furthest = estimates.entry(video).or_default();
                    rows.iter().for_each(|row| furthest.add(&row.stats));
                }
            }
            estimates
        };
        let parts: Vec<_> = engine.run(|| self.tasks.par_iter().map(estimate).collect());
        let mut all = Estimates::default();
        for (video, furthest) in parts.into_iter().flatten() {
            all.entry(video).or_default().merge(furthest);
        }
        all
    }
}

/// Durations, given or estimated.
struct Durations<'a> {
    videos: &'a Videos,
    estimates: Estimates<'a>,
}

impl Durations<'_> {
    fn get(&self, id: &[u8], known: Option<&Video>) -> Option<Duration> {
        let given = known.and_then(|video| video.duration);
        given.or_else(|| self.estimates.get(id).and_then(|furthest| furthest.duration()))
    }
}

/// Reads session rows back.
///
/// # Errors
/// If a column is missing or of a type that cannot be read, a value is not one that a session row holds, or two
/// rows have the same keys.
pub fn read_sessions(engine: &Engine, schema: &Schema, batches: &[RecordBatch]) -> Result<Sessions> {
    let schema = RowsSchema::sessions(schema)?;
    let mut store = KeyStore::default();
    let mut rows = Vec::new();
    for (batch, chunk) in batches.iter().zip(0u32..) {
        engine.check()?;
        let columns = SessionBatch::bind(&schema, batch)?;
        let mut keys = KeyArena::default();
        for row in 0..batch.num_rows() {
            let fragment = keys.push(session_keys(&columns, row)?);
            rows.push(Row { at: At { chunk, fragment }, cut_at: None, stats: columns.stats(row)? });
        }
        store.0.push(keys);
    }
    let keys = schema.keys();
    let mut sessions = Sessions::new(store, vec![], keys, Some(keys.session), DropCounts::default());
    engine.run(|| rows.par_sort_by(|a, b| sessions.compare(a, b)));
    sessions.refuse_repeated(&rows)?;
    let ranges = tasks(&rows, engine.tasks(), |a, b| sessions.store.user(a.at) == sessions.store.user(b.at));
    let mut rows = rows.into_iter();
    sessions.tasks = ranges.into_iter().map(|range| rows.by_ref().take(range.len()).collect()).collect();
    Ok(sessions)
}

fn session_keys<'a>(columns: &'a SessionBatch<'_>, row: usize) -> Result<[&'a [u8]; 3]> {
    let key = |column: &'static str, key: Option<&'a [u8]>| {
        key.ok_or(Error::Row {
            table: "sessions",
            column,
            row,
            value: "null or \"\"".to_owned(),
            accepted: "a key",
        })
    };
    Ok([
        key("userId", columns.user.get(row))?,
        key("videoId", columns.video.get(row))?,
        key("sessionId", columns.session.get(row))?,
    ])
}

impl Sessions {
    /// Refuses rows that count one session twice.
    fn refuse_repeated(&self, rows: &[Row]) -> Result<()> {
        for pair in rows.chunk_by(|a, b| self.pair(a) == self.pair(b)).filter(|pair| pair.len() > 1) {
            let mut ids: Vec<_> = pair.iter().map(|row| self.store.get(row.at)).collect();
            ids.sort_unstable();
            if let Some(&[[user, video, session], _]) = ids.array_windows::<2>().find(|[a, b]| a == b) {
                return Err(Error::RepeatedSession {
                    user: self.keys.user.show(user).into_owned(),
                    video: self.keys.video.show(video).into_owned(),
                    session: self.keys.session.show(session).into_owned(),
                });
            }
        }
        Ok(())
    }
}
