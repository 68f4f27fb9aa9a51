//! Users with so many events that all threads would wait for the one that has them: their sessions are walked in parallel,
//! and their rows are finished in parallel.

use std::ops::Range;

use rayon::prelude::*;

use super::session_rows::{Ids, Session, SessionOrder};
use super::users::Users;
use super::walking::Walking;
use crate::engine::group::Record;
use crate::engine::order::{KeyStore, Link, Ordered, Task, whole_groups};
use crate::engine::pool::{is_shared, pieces};

/// Whether one of the users whose fragments in `task` are `ordered` has so many events that threads share them.
pub(super) fn has_large_user<R>(task: &Task<R>, ordered: &[Ordered]) -> bool {
    // Most tasks have not so many events altogether, which is soon known.
    let events = |fragments: &[Ordered]| fragments.iter().map(|fragment| task.span(fragment.at).len()).sum();
    let mut users = ordered.chunk_by(|_, next| next.link >= Link::User);
    is_shared(task.events()) && users.any(|user| is_shared(events(user)))
}

/// The session rows of the users whose fragments in `task` are `ordered`, in the order of users, and how many duplicates
/// there were. Keys are in `store`. Events are walked as `walking` says, on the videos whose first fragment `is_wanted`
/// accepts.
///
/// What happens in one session of a user says nothing of another one's, so any thread may have it.
pub(super) fn rows<R: Record>(
    task: &Task<R>,
    store: &KeyStore,
    ordered: &[Ordered],
    walking: Walking<'_>,
    is_wanted: impl Fn(&Ordered) -> bool + Sync,
) -> (Vec<Session>, u64) {
    let scopes = whole_groups(ordered, pieces(), |_, next| next.link >= Link::Session);
    let users = || Users::new(store.clone());
    let walk = |users: &mut Users<R>, scopes: Range<usize>| {
        let mut duplicates = 0;
        users.gather(task, &ordered[scopes], |_| duplicates += 1);
        let mut rows = Vec::with_capacity(users.len());
        users.each().for_each(|user| walking.add(&user, &is_wanted, &mut rows));
        (rows, duplicates)
    };
    let walked: Vec<_> = scopes.into_par_iter().map_init(users, walk).collect();
    let mut all = Vec::with_capacity(walked.iter().map(|(rows, _)| rows.len()).sum());
    let mut duplicates = 0;
    for (rows, found) in walked {
        all.extend(rows);
        duplicates += found;
    }
    (all, duplicates)
}

/// `rows`, which are in the order of users, in portions of whole users and videos, in order by what `ids` shows. Keys are
/// in `store`.
pub(super) fn portions<'r>(store: &KeyStore, rows: &'r mut [Session], ids: Ids) -> Vec<&'r mut [Session]> {
    let mut order = SessionOrder::default();
    for user in users(store, rows) {
        ids.sort(store, user, &mut order);
        order.permute(user);
    }
    let pair = |row: &Session| [store.user(row.at), store.video(row.at)];
    let pairs = whole_groups(rows, pieces(), |a, b| pair(a) == pair(b));
    let mut rest = rows;
    pairs.into_iter().filter_map(|range| rest.split_off_mut(..range.len())).collect()
}

/// The rows of each user, of `rows` that are in the order of users.
pub(super) fn users<'r>(
    store: &KeyStore,
    rows: &'r mut [Session],
) -> impl Iterator<Item = &'r mut [Session]> {
    rows.chunk_by_mut(|a, b| store.user(a.at) == store.user(b.at))
}
