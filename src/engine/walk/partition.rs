//! The fragments of whole users: cut into tasks by ranges of users, put in order and walked in parallel.

use std::sync::Arc;

use rayon::prelude::*;

use super::durations::{Estimates, add_user, merged};
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

/// The users of a task, whose events are together and in order.
pub(crate) struct Walked<'a, R> {
    users: &'a Users<R>,
    walking: Walking<'a>,
}

impl<R: Record> Walked<'_, R> {
    /// The keys of the rows.
    pub(crate) const fn store(&self) -> &KeyStore {
        &self.users.store
    }

    /// About how many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }

    /// Walks through the events and hands the session rows of each user to `take`, with their order by what `ids`
    /// shows.
    pub(crate) fn each_user(
        &self,
        ids: Ids,
        mut take: impl FnMut(&mut Vec<Session>, &mut SessionOrder) -> Result<()>,
    ) -> Result<()> {
        let (mut rows, mut order) = (Vec::new(), SessionOrder::default());
        self.users.each().try_for_each(|user| {
            rows.clear();
            self.walking.add(&user, |_| true, &mut rows);
            ids.sort(self.store(), &rows, &mut order);
            take(&mut rows, &mut order)
        })
    }

    /// The session rows of all users, in order by what `ids` shows.
    pub(crate) fn rows(&self, ids: Ids) -> Result<Vec<Session>> {
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

    /// What `finish` makes of each task whose events were walked as `walking` says, in the order of users, and how many
    /// duplicates there were. Lets go of the events task by task. `finish` has scratch memory of its own in each
    /// thread.
    pub(crate) fn walk<T: Send, S: Default>(
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
            users.gather(task, &of_marked_scopes(&ordered), |_| {});
            task.ordered = Some(ordered);
            let (mut estimates, mut rows) = (Estimates::default(), Vec::new());
            for user in users.each() {
                walking.add(&user, |fragment| fragment.is_marked, &mut rows);
                add_user(&mut estimates, &users.store, &rows);
                rows.clear();
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
    use crate::input::KeyArena;
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
