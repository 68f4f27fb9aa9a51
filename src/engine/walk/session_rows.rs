//! Session rows with their keys, and their order.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::engine::order::{At, KeyStore};
use crate::engine::prefix::{Prefix, shared_by_all};
use crate::input::{EventSchema, KeyType, KeyTypes};
use crate::rules::Rules;
use crate::session::{Cutting, SessionStats};
use crate::time::Micros;

/// One session row and where its keys are.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) at: At,
    /// The session's first event on any video, if sessions are cut by inactivity.
    pub(crate) cut_at: Option<Micros>,
    pub(crate) stats: SessionStats,
}

/// A row by what orders it among those of its user.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The video, beyond what all videos share.
    video: Prefix,
    start: Micros,
    index: usize,
}

/// The order of one user's rows. One per thread, so that its memory is warm.
#[derive(Debug, Default)]
pub(crate) struct SessionOrder(Vec<Place>);

impl SessionOrder {
    /// The `rows` of each of the user's videos, in this order.
    pub(crate) fn pairs<'r>(
        &'r self,
        store: &'r KeyStore,
        rows: &'r [Session],
    ) -> impl Iterator<Item = impl Iterator<Item = &'r Session> + Clone> {
        let same = |a: &Place, b: &Place| {
            let decides =
                || a.video.is_whole() || store.video(rows[a.index].at) == store.video(rows[b.index].at);
            a.video == b.video && decides()
        };
        self.0.chunk_by(same).map(|places| places.iter().map(|place| &rows[place.index]))
    }

    /// Moves `rows` to their places, cycle by cycle: rows are large, and each moves about once.
    pub(crate) fn permute(&mut self, rows: &mut [Session]) {
        let order = &mut self.0;
        for start in 0..order.len() {
            let mut place = start;
            loop {
                let from = std::mem::replace(&mut order[place].index, place);
                if from == start {
                    break;
                }
                rows.swap(place, from);
                place = from;
            }
        }
    }
}

/// How rows show their keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids {
    /// The types of the keys shown.
    pub(crate) keys: KeyTypes,
    /// The input's type of session ids, if it has any.
    pub(crate) read: Option<KeyType>,
}

impl Ids {
    /// How rows of events of `schema` show their keys under `rules`.
    pub(crate) fn of(schema: &EventSchema, rules: &Rules) -> Self {
        let (keys, has_session) = (schema.keys(), schema.has_session());
        let is_trusted = Cutting::new(rules, has_session) == Cutting::Trusted;
        let session = if is_trusted { keys.session } else { KeyType::Text };
        Self { keys: KeyTypes { session, ..keys }, read: has_session.then_some(keys.session) }
    }

    /// Writes to `order` how the `rows` of one user are ordered: by video, start and session id.
    pub(crate) fn sort(self, store: &KeyStore, rows: &[Session], SessionOrder(order): &mut SessionOrder) {
        let videos = || rows.iter().map(|row| store.video(row.at));
        // What they share matters only where they are long.
        let shared = if videos().all(Prefix::holds) { 0 } else { shared_by_all(videos()) };
        let place = |(index, row): (usize, &Session)| Place {
            video: Prefix::of(&store.video(row.at)[shared..]),
            start: row.stats.start,
            index,
        };
        order.clear();
        order.extend(rows.iter().enumerate().map(place));
        order.sort_unstable_by_key(|place| (place.video, place.start));
        // Strings decide only where numbers do not.
        let alike = |a: &Place, b: &Place| a.video == b.video && (a.start == b.start || !a.video.is_whole());
        for alike in order.chunk_by_mut(alike).filter(|alike| alike.len() > 1) {
            alike.sort_unstable_by(|a, b| self.compare_videos(store, &rows[a.index], &rows[b.index]));
        }
    }

    /// How `a` and `b` are ordered: by user, video, start and session id.
    pub(crate) fn compare(self, store: &KeyStore, a: &Session, b: &Session) -> Ordering {
        store.user(a.at).cmp(store.user(b.at)).then_with(|| self.compare_videos(store, a, b))
    }

    /// How `a` and `b`, of one user, are ordered: by video, start and session id.
    fn compare_videos(self, store: &KeyStore, a: &Session, b: &Session) -> Ordering {
        (store.video(a.at), a.stats.start)
            .cmp(&(store.video(b.at), b.stats.start))
            .then_with(|| self.session(store, a).cmp(&self.session(store, b)))
    }

    /// The session id that `row` shows.
    pub(crate) fn session<'k>(self, store: &'k KeyStore, row: &Session) -> Cow<'k, [u8]> {
        let id = store.get(row.at)[2];
        match (row.cut_at, self.read) {
            (None, _) => id.into(),
            (Some(time), None) => time.to_string().into_bytes().into(),
            (Some(time), Some(key)) => format!("{}@{time}", key.show(id)).into_bytes().into(),
        }
    }
}

/// The rows of each user and video, of `rows` in order.
pub(crate) fn pairs<'r>(store: &KeyStore, rows: &'r [Session]) -> impl Iterator<Item = &'r [Session]> {
    rows.chunk_by(|a, b| {
        let ([user, video, _], [other_user, other_video, _]) = (store.get(a.at), store.get(b.at));
        video == other_video && user == other_user
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::input::KeyArena;
    use proptest::prelude::*;

    fn any_row() -> impl Strategy<Value = (String, String, String, i64)> {
        let video = prop_oneof!["[ab\0]{0,3}", "(abcdefgh){0,3}[ab]{0,2}"];
        ("[ab]", video, "[ab]", 0i64..3)
    }

    proptest! {
        #[test]
        fn rows_are_ordered_as_their_strings(mut keys in prop::collection::vec(any_row(), 0..40), prefix in "[xy]{0,20}") {
            keys.sort_by(|a, b| a.0.cmp(&b.0));
            let (mut arena, mut rows) = (KeyArena::default(), Vec::new());
            for (user, video, session, start) in &keys {
                let video = format!("{prefix}{video}");
                let fragment = arena.push([user.as_bytes(), video.as_bytes(), session.as_bytes()]);
                let stats = SessionStats { start: Micros(*start), ..SessionStats::default() };
                rows.push(Session { at: At { chunk: 0, fragment }, cut_at: None, stats });
            }
            let store = KeyStore(vec![Arc::new(arena)]);
            let ids = Ids { keys: KeyTypes::default(), read: Some(KeyType::Text) };
            let mut order = SessionOrder::default();
            for user in rows.chunk_by_mut(|a, b| store.user(a.at) == store.user(b.at)) {
                ids.sort(&store, user, &mut order);
                let found: Vec<_> = order.pairs(&store, user).map(|rows| rows.map(|row| row.at).collect::<Vec<_>>()).collect();
                order.permute(user);
                let expected: Vec<Vec<_>> = pairs(&store, user).map(|rows| rows.iter().map(|row| row.at).collect()).collect();
                prop_assert_eq!(found, expected);
            }
            let sorted = rows;
            let order = |row: &Session| {
                let [user, video, session] = store.get(row.at);
                (user, video, row.stats.start, session)
            };
            prop_assert!(sorted.is_sorted_by_key(order));
            prop_assert_eq!(sorted.len(), keys.len());
        }
    }
}
