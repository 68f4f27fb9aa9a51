//! The fragments of whole users: put in order, cut into tasks, and walked in parallel.

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;

use super::Engine;
use super::fragments::Chunk;
use super::order::{Placed, grouped, tasks};
use super::record::Record;
use super::rows::Row;
use super::store::KeyStore;
use super::user::Users;
use crate::engagement::Furthest;
use crate::error::Result;
use crate::rules::Rules;
use crate::session::{Cutting, SessionStats};

/// How far anybody got in each video whose duration is not known.
pub(super) type Estimates = HashMap<Box<[u8]>, Furthest, foldhash::fast::RandomState>;

/// How users' events become sessions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walking<'a> {
    pub(super) rules: &'a Rules,
    pub(super) cutting: Cutting,
    pub(super) has_session: bool,
}

impl<'a> Walking<'a> {
    pub(super) fn new(rules: &'a Rules, has_session: bool) -> Self {
        Self { rules, cutting: Cutting::new(rules, has_session), has_session }
    }

    /// The session rows of users on the videos that are wanted.
    fn rows<R: Record>(self, users: &Users<R>, is_wanted: impl Fn(&Placed) -> bool) -> Vec<Row> {
        let mut rows = Vec::with_capacity(users.len());
        users.visit(self.cutting, self.has_session, is_wanted, |piece| {
            let events = piece.events.iter().map(Record::event);
            if let Some(stats) = SessionStats::observe(events, self.rules, |time| piece.next_later(time)) {
                rows.push(Row { at: piece.at, cut_at: piece.cut_at, stats });
            }
        });
        rows
    }
}

/// How many fragments a task has: so many that what becomes of them stays in cache.
const TASK_FRAGMENTS: usize = 8192;

/// All fragments of some users.
pub(super) struct Partition<R> {
    store: KeyStore,
    chunks: Vec<Chunk<R>>,
    fragments: Vec<Placed>,
    /// Ranges of fragments, each of whole users.
    tasks: Vec<Range<usize>>,
}

impl<R: Record> Partition<R> {
    /// Puts fragments in order, and marks those of some videos.
    pub(super) fn new(
        engine: &Engine,
        mut chunks: Vec<Chunk<R>>,
        is_marked: impl Fn(&[u8]) -> bool + Sync,
    ) -> Self {
        let store = KeyStore::take(&mut chunks);
        let fragments = engine.run(|| grouped(&store, &is_marked));
        let count = engine.tasks().max(fragments.len() / TASK_FRAGMENTS);
        let tasks = tasks(&fragments, count, |a, b| store.same_user(a, b));
        Self { store, chunks, fragments, tasks }
    }

    /// Walks through all events and hands the session rows on, task by task, with the store of their keys; tells what
    /// became of them, in order, and how many duplicates there were.
    pub(super) fn walk<T: Send>(
        &self,
        engine: &Engine,
        walking: Walking<'_>,
        finish: impl Fn(&mut KeyStore, Vec<Row>) -> Result<T> + Sync,
    ) -> Result<(Vec<T>, u64)> {
        let walk = |users: &mut Users<R>, task: &Range<usize>| {
            engine.check()?;
            let mut duplicates = 0;
            users.gather(&self.store, &self.chunks, &self.fragments[task.clone()], |_| duplicates += 1);
            let rows = walking.rows(users, |_| true);
            Ok((finish(&mut users.store, rows)?, duplicates))
        };
        let walked = self.for_each_task(engine, walk)?;
        let duplicates = walked.iter().map(|(_, duplicates)| duplicates).sum();
        Ok((walked.into_iter().map(|(finished, _)| finished).collect(), duplicates))
    }

    /// How far anybody got in each of the marked videos.
    pub(super) fn furthest(&self, engine: &Engine, walking: Walking<'_>) -> Result<Estimates> {
        let estimate = |users: &mut Users<R>, task: &Range<usize>| {
            // Where playback may have gone on unseen, the other videos of the session tell until when.
            let scopes =
                self.fragments[task.clone()].chunk_by(|a, b| a.may_share_scope(b, walking.has_session));
            let fragments: Vec<_> =
                scopes.filter(|scope| scope.iter().any(Placed::is_marked)).flatten().copied().collect();
            engine.check()?;
            users.gather(&self.store, &self.chunks, &fragments, |_| {});
            let mut estimates = Estimates::default();
            for row in walking.rows(users, Placed::is_marked) {
                add(&mut estimates, users.store.video(row.at), &row.stats);
            }
            Ok(estimates)
        };
        Ok(self.for_each_task(engine, estimate)?.into_iter().fold(Estimates::default(), merged))
    }

    fn for_each_task<T: Send>(
        &self,
        engine: &Engine,
        work: impl Fn(&mut Users<R>, &Range<usize>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        engine.run(|| self.tasks.par_iter().map_init(Users::default, &work).collect())
    }
}

/// Takes in one session on that video.
pub(super) fn add(estimates: &mut Estimates, video: &[u8], stats: &SessionStats) {
    match estimates.get_mut(video) {
        Some(furthest) => furthest.add(stats),
        None => estimates.entry(video.into()).or_default().add(stats),
    }
}

/// What two parts of the input have found together.
pub(super) fn merged(mut all: Estimates, part: Estimates) -> Estimates {
    for (video, furthest) in part {
        all.entry(video).or_default().merge(furthest);
    }
    all
}
