//! The fragments of whole users: cut into tasks by ranges of users, put in order and walked in parallel.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::Engine;
use super::chunk::Chunk;
use super::order::{Link, Ordered, grouped};
use super::ranges::{Pieces, ranges};
use super::record::Record;
use super::rows::{Ids, Order, Row};
use super::store::KeyStore;
use super::user::{User, Users};
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
}

impl<'a> Walking<'a> {
    pub(super) fn new(rules: &'a Rules, has_session: bool) -> Self {
        Self { rules, cutting: Cutting::new(rules, has_session) }
    }

    /// Adds the session rows of a user on the videos that are wanted.
    fn add<R: Record>(self, user: &User<'_, R>, is_wanted: impl Fn(&Ordered) -> bool, rows: &mut Vec<Row>) {
        user.visit(self.cutting, is_wanted, |piece| {
            let events = piece.events.iter().map(Record::event);
            let row = || Row { at: piece.at, cut_at: piece.cut_at, stats: SessionStats::default() };
            rows.extend(std::iter::once_with(row));
            if let Some(row) = rows.last_mut() {
                row.stats.see(events, self.rules, |time| piece.next_later(time));
            }
        });
    }
}

/// How many fragments a task has: so many that what becomes of them stays in cache.
const TASK_FRAGMENTS: usize = 8192;

/// All fragments of some users: pieces of chunks, which go when the last task that has a piece of them is done.
pub(super) struct Task<R> {
    pieces: Vec<Range<u32>>,
    pub(super) chunks: Vec<Arc<Chunk<R>>>,
    /// The fragments in order, if they were wanted before.
    ordered: Option<Vec<Ordered>>,
}

impl<R> Task<R> {
    /// The keys of its chunks.
    pub(super) fn store(&self) -> KeyStore {
        KeyStore(self.chunks.iter().map(|chunk| Arc::clone(&chunk.keys)).collect())
    }

    /// Its fragments in order, those of some videos marked.
    pub(super) fn ordered(&self, store: &KeyStore, is_marked: impl Fn(&[u8]) -> bool) -> Vec<Ordered> {
        grouped(store, &self.pieces, is_marked)
    }
}

/// All fragments of some users, in tasks in the order of the users.
pub(super) struct Partition<R> {
    pub(super) tasks: Vec<Task<R>>,
}

/// The users of a task, whose events are together and in order.
pub(super) struct Walked<'a, R> {
    users: &'a Users<R>,
    walking: Walking<'a>,
}

impl<R: Record> Walked<'_, R> {
    /// The keys of the rows.
    pub(super) const fn store(&self) -> &KeyStore {
        &self.users.store
    }

    /// About how many rows there are.
    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    /// Walks through the events and hands the session rows of each user on, with their order.
    pub(super) fn each_user(
        &self,
        ids: Ids,
        mut take: impl FnMut(&mut Vec<Row>, &mut Order) -> Result<()>,
    ) -> Result<()> {
        let (mut rows, mut order) = (Vec::new(), Order::default());
        self.users.each().try_for_each(|user| {
            rows.clear();
            self.walking.add(&user, |_| true, &mut rows);
            ids.order(self.store(), &rows, &mut order);
            take(&mut rows, &mut order)
        })
    }

    /// The session rows of all users, in order.
    pub(super) fn rows(&self, ids: Ids) -> Result<Vec<Row>> {
        let mut all = Vec::with_capacity(self.len());
        self.each_user(ids, |rows, order| {
            order.permute(rows);
            all.append(rows);
            Ok(())
        })?;
        Ok(all)
    }
}

impl<R: Record> Partition<R> {
    /// Cuts fragments into tasks.
    pub(super) fn new(engine: &Engine, chunks: Vec<Chunk<R>>) -> Self {
        let fragments: usize = chunks.iter().map(|chunk| chunk.keys.len()).sum();
        let ranges = ranges(engine, &chunks, engine.tasks().max(fragments / TASK_FRAGMENTS));
        let chunks: Vec<_> = chunks.into_iter().map(Arc::new).collect();
        let task = |pieces: Pieces| Task {
            chunks: pieces.iter().map(|&(chunk, _)| Arc::clone(&chunks[chunk])).collect(),
            pieces: pieces.into_iter().map(|(_, piece)| piece).collect(),
            ordered: None,
        };
        Self { tasks: ranges.into_iter().map(task).collect() }
    }

    /// Walks through all events, task by task, and lets go of them; tells what became of them, in order, and how many
    /// duplicates there were. `finish` has scratch memory of its own.
    pub(super) fn walk<T: Send, S: Default>(
        self,
        engine: &Engine,
        walking: Walking<'_>,
        finish: impl Fn(&mut S, &Walked<'_, R>) -> Result<T> + Sync,
    ) -> Result<(Vec<T>, u64)> {
        let walk = |(users, scratch): &mut (Users<R>, S), mut task: Task<R>| {
            engine.check()?;
            let mut duplicates = 0;
            users.store = task.store();
            let ordered = task.ordered.take().unwrap_or_else(|| task.ordered(&users.store, |_| false));
            users.gather(&task, &ordered, |_| duplicates += 1);
            drop((task, ordered));
            Ok((finish(scratch, &Walked { users, walking })?, duplicates))
        };
        let walked = engine.run(|| {
            let tasks = self.tasks.into_par_iter().map_init(Default::default, walk);
            tasks.collect::<Result<Vec<_>>>()
        })?;
        let duplicates = walked.iter().map(|(_, duplicates)| duplicates).sum();
        Ok((walked.into_iter().map(|(finished, _)| finished).collect(), duplicates))
    }

    /// How far anybody got in each of the marked videos.
    pub(super) fn furthest(
        &mut self,
        engine: &Engine,
        walking: Walking<'_>,
        is_marked: impl Fn(&[u8]) -> bool + Sync,
    ) -> Result<Estimates> {
        let estimate = |users: &mut Users<R>, task: &mut Task<R>| {
            engine.check()?;
            users.store = task.store();
            let ordered = task.ordered(&users.store, &is_marked);
            // Where playback may have gone on unseen, the other videos of the session tell until when.
            // These are whole, so what links the fragments of each is still right.
            let scopes = ordered.chunk_by(|_, next| next.link >= Link::Session);
            let fragments: Vec<_> =
                scopes.filter(|scope| scope.iter().any(|f| f.is_marked)).flatten().copied().collect();
            users.gather(task, &fragments, |_| {});
            task.ordered = Some(ordered);
            let (mut estimates, mut rows) = (Estimates::default(), Vec::new());
            for user in users.each() {
                walking.add(&user, |fragment| fragment.is_marked, &mut rows);
                for row in rows.drain(..) {
                    add(&mut estimates, users.store.video(row.at), &row.stats);
                }
            }
            Ok(estimates)
        };
        let estimates = engine.run(|| {
            let tasks = self.tasks.par_iter_mut().map_init(Users::default, estimate);
            tasks.collect::<Result<Vec<_>>>()
        })?;
        Ok(estimates.into_iter().fold(Estimates::default(), merged))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::record::Plain;
    use crate::input::KeyArena;

    /// A chunk of one event of each of these users.
    fn chunk(users: Range<usize>) -> Chunk<Plain> {
        let mut keys = KeyArena::default();
        for user in users.clone() {
            keys.push([format!("{user:05}").as_bytes(), b"v", b"s"]);
        }
        Chunk::new(keys, &vec![1; users.len()], vec![Plain::default(); users.len()])
    }

    #[test]
    fn events_go_when_the_last_task_that_needs_them_is_done() {
        let engine = Engine::new(Some(1)).unwrap();
        let partition = Partition::new(&engine, vec![chunk(0..1000), chunk(1000..2000)]);
        let count = partition.tasks.len();
        assert!(count > 2, "{count} tasks");
        let chunks = [0, count - 1].map(|task| Arc::downgrade(&partition.tasks[task].chunks[0]));
        let alive = std::sync::Mutex::new(Vec::new());
        let rules = Rules::default();
        let note = |(): &mut (), walked: &Walked<'_, Plain>| {
            let first = walked.store().0.first().map(|keys| keys.get(0)[0].to_vec());
            let counts = [0, 1].map(|chunk: usize| chunks[chunk].upgrade().is_some());
            alive.lock().unwrap().push((first.unwrap(), counts));
            Ok(())
        };
        partition.walk(&engine, Walking::new(&rules, true), note).unwrap();
        let alive = alive.into_inner().unwrap();
        // The last task's events are brought together before what becomes of them is asked for.
        assert_eq!(alive.first().unwrap().1, [true, true]);
        assert_eq!(alive.last().unwrap(), &(b"01000".to_vec(), [false, false]));
        assert!(alive.contains(&(b"01000".to_vec(), [false, true])));
    }
}
