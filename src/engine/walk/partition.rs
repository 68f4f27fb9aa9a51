//! The fragments of whole users: cut into tasks by ranges of users, put in order and walked in parallel.

use std::sync::Arc;

use rayon::prelude::*;

use super::durations::{Estimates, add_user, merged};
use super::large::{self, has_large_user};
use super::session_rows::{Ids, Session, SessionOrder};
use super::users::Users;
use super::walking::Walking;
use crate::engine::group::{Chunk, Record};
use crate::engine::order::{KeyStore, Link, Ordered, Task, ranges};
use crate::engine::pool::Engine;
use crate::error::Result;

/// About how many fragments a task has: few enough for their events and session rows to stay in the processor's cache.
const TASK_FRAGMENTS: usize = 8192;

/// All fragments of some users, in tasks in the order of the users.
pub(crate) struct Partition<R> {
    pub(crate) tasks: Vec<Task<R>>,
}

/// Users of a task with their events or their rows.
pub(crate) struct Walked<'a, R> {
    /// The keys of the rows.
    pub(crate) store: &'a KeyStore,
    source: Source<'a, R>,
}

/// Where session rows come from.
enum Source<'a, R> {
    /// From events, which are together and in order, by walking through them.
    Events(&'a Users<R>, Walking<'a>),
    /// They are there, and in order.
    Rows(&'a mut [Session]),
}

impl<R: Record> Walked<'_, R> {
    /// Hands the session rows of each user to `take`, with their order by what `ids` shows.
    pub(crate) fn each_user(
        self,
        ids: Ids,
        mut take: impl FnMut(&[Session], &SessionOrder) -> Result<()>,
    ) -> Result<()> {
        let (store, mut order) = (self.store, SessionOrder::default());
        let mut take = |rows: &[Session]| {
            ids.sort(store, rows, &mut order);
            take(rows, &order)
        };
        match self.source {
            Source::Events(users, walking) => {
                let mut rows = Vec::new();
                users.each().try_for_each(|user| {
                    rows.clear();
                    walking.add(&user, |_| true, &mut rows);
                    take(&rows)
                })
            }
            Source::Rows(rows) => large::users(store, rows).try_for_each(|rows| take(rows)),
        }
    }

    /// The session rows of all users, in order by what `ids` shows.
    pub(crate) fn rows(self, ids: Ids) -> Vec<Session> {
        let (users, walking) = match self.source {
            Source::Events(users, walking) => (users, walking),
            Source::Rows(rows) => return rows.iter_mut().map(std::mem::take).collect(),
        };
        // About as many as there are groups of events.
        let (mut all, mut order) = (Vec::with_capacity(users.len()), SessionOrder::default());
        for user in users.each() {
            let first = all.len();
            walking.add(&user, |_| true, &mut all);
            ids.sort(self.store, &all[first..], &mut order);
            order.permute(&mut all[first..]);
        }
        all
    }
}

impl<R: Record> Partition<R> {
    /// All fragments of `chunks`, cut into tasks for `engine`.
    pub(crate) fn new(engine: &Engine, chunks: Vec<Chunk<R>>) -> Self {
        let fragments: usize = chunks.iter().map(|chunk| chunk.keys.len()).sum();
        let ranges = ranges(engine, &chunks, engine.task_count().max(fragments / TASK_FRAGMENTS));
        let chunks: Vec<_> = chunks.into_iter().map(Arc::new).collect();
        Self { tasks: ranges.into_iter().map(|pieces| Task::new(pieces, &chunks)).collect() }
    }

    /// The same in at most `count` portions, in order, which have about as many tasks each.
    pub(crate) fn portions(self, count: usize) -> Vec<Self> {
        let size = self.tasks.len().div_ceil(count).max(1);
        let mut tasks = self.tasks.into_iter();
        let mut next =
            || Some(tasks.by_ref().take(size).collect::<Vec<_>>()).filter(|tasks| !tasks.is_empty());
        std::iter::from_fn(|| next().map(|tasks| Self { tasks })).collect()
    }

    /// What `finish` makes of the users of each task, whose events were walked as `walking` says and whose rows are in
    /// order by what `ids` shows: in the order of users, with how many duplicates there were. Lets go of the events task
    /// by task. `finish` has scratch memory of its own in each thread.
    pub(crate) fn walk<T: Send, S: Default>(
        self,
        engine: &Engine,
        walking: Walking<'_>,
        ids: Ids,
        finish: impl Fn(&mut S, Walked<'_, R>) -> Result<T> + Sync,
    ) -> Result<(Vec<T>, u64)> {
        let walk = |(users, scratch): &mut (Users<R>, S), mut task: Task<R>| {
            engine.check()?;
            let mut duplicates = 0;
            users.store = task.store();
            let ordered = task.ordered.take().unwrap_or_else(|| task.ordered(&users.store, |_| false));
            if has_large_user(&task, &ordered) {
                let store = &users.store;
                let (mut rows, duplicates) = large::rows(&task, store, &ordered, walking, |_| true);
                drop((task, ordered));
                let finish =
                    |scratch: &mut S, rows| finish(scratch, Walked { store, source: Source::Rows(rows) });
                let portions = large::portions(store, &mut rows, ids).into_par_iter();
                return Ok((portions.map_init(S::default, finish).collect::<Result<Vec<_>>>()?, duplicates));
            }
            users.gather(&task, &ordered, |_| duplicates += 1);
            drop((task, ordered));
            let walked = Walked { store: &users.store, source: Source::Events(users, walking) };
            Ok((vec![finish(scratch, walked)?], duplicates))
        };
        let walked = engine.run(|| {
            let tasks = self.tasks.into_par_iter().map_init(Default::default, walk);
            tasks.collect::<Result<Vec<_>>>()
        })?;
        let duplicates = walked.iter().map(|(_, duplicates)| duplicates).sum();
        Ok((walked.into_iter().flat_map(|(finished, _)| finished).collect(), duplicates))
    }

    /// What viewings say of the length of each video that `is_marked` accepts.
    pub(crate) fn estimates(
        &mut self,
        engine: &Engine,
        walking: Walking<'_>,
        is_marked: impl Fn(&[u8]) -> bool + Sync,
    ) -> Result<Estimates> {
        let estimate = |users: &mut Users<R>, task: &mut Task<R>| {
            engine.check()?;
            users.store = task.store();
            let ordered = task.ordered(&users.store, &is_marked);
            let (kept, is_wanted) = (of_marked_scopes(&ordered), |fragment: &Ordered| fragment.is_marked);
            let (mut estimates, mut rows) = (Estimates::default(), Vec::new());
            if has_large_user(task, &kept) {
                rows = large::rows(task, &users.store, &kept, walking, is_wanted).0;
                large::users(&users.store, &mut rows)
                    .for_each(|rows| add_user(&mut estimates, &users.store, rows));
            } else {
                users.gather(task, &kept, |_| {});
                for user in users.each() {
                    walking.add(&user, is_wanted, &mut rows);
                    add_user(&mut estimates, &users.store, &rows);
                    rows.clear();
                }
            }
            task.ordered = Some(ordered);
            Ok(estimates)
        };
        let estimates = engine.run(|| {
            let tasks = self.tasks.par_iter_mut().map_init(Users::default, estimate);
            tasks.collect::<Result<Vec<_>>>()
        })?;
        Ok(estimates.into_iter().fold(Estimates::default(), merged))
    }
}

/// Those of the fragments `ordered` whose sessions have a marked one.
///
/// Where playback may have gone on unseen, the other videos of the session tell until when. Sessions are whole, so what
/// links their fragments is still right; but the first one of a user may be gone, who then begins with another.
fn of_marked_scopes(ordered: &[Ordered]) -> Vec<Ordered> {
    let mut kept = Vec::new();
    for user in ordered.chunk_by(|_, next| next.link >= Link::User) {
        let first = kept.len();
        let scopes = user.chunk_by(|_, next| next.link >= Link::Session);
        kept.extend(scopes.filter(|scope| scope.iter().any(|f| f.is_marked)).flatten().copied());
        if let Some(fragment) = kept.get_mut(first) {
            fragment.link = Link::Nothing;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Range;

    use crate::engine::group::Plain;
    use crate::engine::order::At;
    use crate::input::{KeyArena, KeyType, KeyTypes};
    use crate::rules::Rules;

    /// A chunk of one event of each of these users.
    fn chunk(users: Range<usize>) -> Chunk<Plain> {
        let mut keys = KeyArena::default();
        for user in users.clone() {
            keys.push([format!("{user:05}").as_bytes(), b"v", b"s"]);
        }
        Chunk::new(keys, &vec![1; users.len()], vec![Plain::default(); users.len()])
    }

    #[test]
    fn a_user_whose_first_session_is_left_out_is_still_a_user_of_their_own() {
        let fragment = |fragment, link, is_marked| Ordered { at: At { chunk: 0, fragment }, link, is_marked };
        let ordered = [
            fragment(0, Link::Nothing, true),
            fragment(1, Link::Nothing, false),
            fragment(2, Link::User, false),
            fragment(3, Link::Session, true),
            fragment(4, Link::User, true),
        ];
        let kept = of_marked_scopes(&ordered);
        let links: Vec<_> = kept.iter().map(|f| (f.at.fragment, f.link)).collect();
        let expected = [(0, Link::Nothing), (2, Link::Nothing), (3, Link::Session), (4, Link::User)];
        assert_eq!(links, expected);
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
        let note = |(): &mut (), walked: Walked<'_, Plain>| {
            let first = walked.store.0.first().map(|keys| keys.get(0)[0].to_vec());
            let counts = [0, 1].map(|chunk: usize| chunks[chunk].upgrade().is_some());
            alive.lock().unwrap().push((first.unwrap(), counts));
            Ok(())
        };
        let ids = Ids { keys: KeyTypes::default(), read: Some(KeyType::Text) };
        partition.walk(&engine, Walking::new(&rules, true), ids, note).unwrap();
        let alive = alive.into_inner().unwrap();
        // The last task's events are brought together before what becomes of them is asked for.
        assert_eq!(alive.first().unwrap().1, [true, true]);
        assert_eq!(alive.last().unwrap(), &(b"01000".to_vec(), [false, false]));
        assert!(alive.contains(&(b"01000".to_vec(), [false, true])));
    }
}
