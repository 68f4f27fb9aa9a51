//! Session rows of a whole table: kept to be shown, combined or read back.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use rayon::prelude::*;

use super::build::{Engaging, session_batches};
use super::group::{SLICE_ROWS, in_slices};
use super::order::{KeyStore, whole_groups};
use super::pool::Engine;
use super::walk::{Durations, Estimates, Ids, Session, estimates, merged, pairs};
use crate::engagement::EngagementOptions;
use crate::error::{Error, Result};
use crate::input::{DropCounts, KeyArena, OwnSchema, SessionBatch, Videos};
use crate::output::{FurthestRow, Scratch, engagement_table, furthest_table, session_table};

/// Session rows, ordered by user, video, start and session id, in portions of whole users.
#[derive(Debug)]
pub struct Sessions {
    store: KeyStore,
    portions: Vec<Vec<Session>>,
    ids: Ids,
    counts: DropCounts,
}

impl Sessions {
    /// All rows of `portions`, in order, each of which comes with the store of its keys; `ids` says how keys are shown,
    /// and `counts` how many events were read and dropped.
    pub(super) fn new(portions: Vec<(KeyStore, Vec<Session>)>, ids: Ids, counts: DropCounts) -> Self {
        let mut sessions = Self { store: KeyStore::default(), portions: Vec::new(), ids, counts };
        for (mut store, mut rows) in portions {
            let chunk = u32::try_from(sessions.store.0.len()).unwrap_or(u32::MAX);
            rows.iter_mut().for_each(|row| row.at.chunk += chunk);
            sessions.store.0.append(&mut store.0);
            sessions.portions.push(rows);
        }
        sessions
    }

    /// The same of `rows` in any order, whose keys are in `store`.
    pub(super) fn in_order(
        engine: &Engine,
        store: KeyStore,
        mut rows: Vec<Session>,
        ids: Ids,
        counts: DropCounts,
    ) -> Self {
        let mut sessions = Self { store, portions: Vec::new(), ids, counts };
        engine.run(|| rows.par_sort_by(|a, b| ids.compare(&sessions.store, a, b)));
        let ranges = whole_groups(&rows, engine.task_count(), |a, b| {
            sessions.store.user(a.at) == sessions.store.user(b.at)
        });
        let mut rows = rows.into_iter();
        sessions.portions =
            ranges.into_iter().map(|range| rows.by_ref().take(range.len()).collect()).collect();
        sessions
    }

    /// All rows.
    #[cfg(test)]
    pub(super) fn rows(&self) -> impl Iterator<Item = &Session> {
        self.portions.iter().flatten()
    }

    /// How many events were read, and how many were dropped for which reason.
    #[must_use]
    pub const fn counts(&self) -> &DropCounts {
        &self.counts
    }

    /// The schema of the session table.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        session_table().schema(self.ids.keys)
    }

    /// The session table, made on the threads of `engine`.
    ///
    /// # Errors
    /// If the work was stopped.
    pub fn batches(&self, engine: &Engine) -> Result<Vec<RecordBatch>> {
        let parts: Vec<_> = self.portions.iter().flat_map(|rows| rows.chunks(SLICE_ROWS)).collect();
        let work =
            |scratch: &mut Scratch, rows| session_batches(engine, &self.store, self.ids, rows, scratch);
        let batches = engine.run(|| {
            let batches = parts.into_par_iter().map_init(Scratch::default, work);
            batches.collect::<Result<Vec<_>>>()
        })?;
        Ok(batches.concat())
    }

    /// The schema of the engagement table.
    #[must_use]
    pub fn engagement_schema(&self) -> SchemaRef {
        engagement_table().schema(self.ids.keys)
    }

    /// The engagement table, made on the threads of `engine`. `videos` says how long videos are, and `options` how rows
    /// are computed.
    ///
    /// # Errors
    /// If the videos' keys are of another type, or the work was stopped.
    pub fn engagement(
        &self,
        engine: &Engine,
        videos: &Videos,
        options: &EngagementOptions,
    ) -> Result<Vec<RecordBatch>> {
        if self.portions.iter().any(|rows| !rows.is_empty()) {
            videos.check_key(self.ids.keys.video)?;
        }
        let estimates = self.estimates(engine, videos);
        let durations =
            Durations { videos, estimates: &estimates, may_estimate: options.rules.estimate_duration };
        let engaging = Engaging { engine, ids: self.ids, durations, options };
        let work = |scratch: &mut Scratch, rows: &Vec<Session>| {
            let table = engagement_table();
            let mut made = engaging.rows(&table, &self.store, scratch);
            made.add(pairs(&self.store, rows).map(<[Session]>::iter))?;
            made.finish()
        };
        let batches = engine.run(|| {
            let batches = self.portions.par_iter().map_init(Scratch::default, work);
            batches.collect::<Result<Vec<_>>>()
        })?;
        Ok(batches.concat())
    }

    /// The schema of the furthest table.
    #[must_use]
    pub fn furthest_schema(&self) -> SchemaRef {
        furthest_table().schema(self.ids.keys)
    }

    /// The furthest table, ordered by video and made on the threads of `engine`: from it durations are found that no videos table tells.
    ///
    /// # Errors
    /// If the work was stopped.
    pub fn furthest(&self, engine: &Engine) -> Result<Vec<RecordBatch>> {
        let found = self.estimates(engine, &Videos::default());
        let mut rows: Vec<_> =
            found.iter().flat_map(|(video, evidence)| FurthestRow::of(video, evidence)).collect();
        rows.sort_by_key(|row| row.video);
        let batch = |rows: &[FurthestRow<'_>]| {
            engine.check()?;
            furthest_table().batch(rows, self.ids.keys)
        };
        rows.chunks(SLICE_ROWS).map(batch).collect()
    }

    /// What viewings say of the length of each video whose duration `videos` does not tell.
    fn estimates(&self, engine: &Engine, videos: &Videos) -> Estimates {
        let estimate = |rows: &Vec<Session>| estimates(&self.store, rows, videos);
        engine.run(|| self.portions.par_iter().map(estimate).reduce(Estimates::default, merged))
    }

    /// Refuses `rows`, which are in order, if they count one session twice.
    fn refuse_repeated(&self, rows: &[Session]) -> Result<()> {
        for pair in pairs(&self.store, rows).filter(|pair| pair.len() > 1) {
            let mut ids: Vec<_> = pair.iter().map(|row| self.store.get(row.at)).collect();
            ids.sort_unstable();
            if let Some(&[[user, video, session], _]) = ids.array_windows::<2>().find(|[a, b]| a == b) {
                let keys = self.ids.keys;
                return Err(Error::RepeatedSession {
                    user: keys.user.show(user).into_owned(),
                    video: keys.video.show(video).into_owned(),
                    session: keys.session.show(session).into_owned(),
                });
            }
        }
        Ok(())
    }
}

/// The session rows of `batches`, all of `schema`, read back.
///
/// # Errors
/// If a column is missing or of a type that cannot be read, a value is not one that a session row holds, or two
/// rows have the same keys.
pub fn read_sessions(engine: &Engine, schema: &Schema, batches: &[RecordBatch]) -> Result<Sessions> {
    // Rows that cannot be read are refused even where there are none.
    let schema = SessionBatch::schema_of(schema)?;
    let mut store = KeyStore::default();
    let mut rows = Vec::new();
    for batch in batches {
        let columns = SessionBatch::bind(&schema, batch)?;
        for slice in in_slices(batch.num_rows()) {
            engine.check()?;
            let mut keys = KeyArena::default();
            for row in slice {
                let at = store.next(keys.push(session_keys(&schema, &columns, row)?));
                rows.push(Session { at, cut_at: None, stats: columns.stats(row)? });
            }
            store.add(keys)?;
        }
    }
    let keys = schema.keys();
    let ids = Ids { keys, read: Some(keys.session) };
    let sessions = Sessions::in_order(engine, store, rows, ids, DropCounts::default());
    sessions.portions.iter().try_for_each(|rows| sessions.refuse_repeated(rows))?;
    Ok(sessions)
}

/// The user, the video and the session of `row`, as bytes.
fn session_keys<'a>(schema: &OwnSchema, columns: &'a SessionBatch<'_>, row: usize) -> Result<[&'a [u8]; 3]> {
    Ok([
        schema.key("userId", row, columns.user.get(row))?,
        schema.key("videoId", row, columns.video.get(row))?,
        schema.key("sessionId", row, columns.session.get(row))?,
    ])
}
