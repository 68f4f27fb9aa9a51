//! Session rows of whole users with their keys: in order, as a table, and combined into engagement rows.

use std::borrow::Cow;
use std::cmp::Ordering;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::Engine;
use super::partition::{Estimates, add};
use super::prefix::{Prefix, shared_by_all};
use super::store::{At, KeyStore};
use crate::engagement::{Duration, Engagement, EngagementOptions};
use crate::error::Result;
use crate::input::{KeyType, KeyTypes, Video, Videos};
use crate::output::{Building, EngagementRow, Scratch, SessionRow, Table, engagement_table, session_table};
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
pub(super) struct Order(Vec<Place>);

impl Order {
    /// The rows of each of the user's videos, in order.
    pub(super) fn pairs<'r>(
        &'r self,
        store: &'r KeyStore,
        rows: &'r [Row],
    ) -> impl Iterator<Item = impl Iterator<Item = &'r Row> + Clone> {
        let same = |a: &Place, b: &Place| {
            let decides =
                || a.video.is_whole() || store.video(rows[a.index].at) == store.video(rows[b.index].at);
            a.video == b.video && decides()
        };
        self.0.chunk_by(same).map(|places| places.iter().map(|place| &rows[place.index]))
    }

    /// Moves rows to their places, cycle by cycle: rows are large, and each moves about once.
    pub(super) fn permute(&mut self, rows: &mut [Row]) {
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
pub(super) struct Ids {
    /// The types of the keys shown.
    pub(super) keys: KeyTypes,
    /// The input's type of session ids, if it has any.
    pub(super) read: Option<KeyType>,
}

impl Ids {
    /// The schema of the engagement table.
    pub(super) fn engagement_schema(self) -> SchemaRef {
        engagement_table().schema(self.keys)
    }

    /// The order of the rows of one user: by video, start and session id.
    pub(super) fn order(self, store: &KeyStore, rows: &[Row], Order(order): &mut Order) {
        let videos = || rows.iter().map(|row| store.video(row.at));
        // What they share matters only where they are long.
        let shared = if videos().all(Prefix::holds) { 0 } else { shared_by_all(videos()) };
        let place = |(index, row): (usize, &Row)| Place {
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

    /// The order of rows by user, video, start and session id.
    pub(super) fn compare(self, store: &KeyStore, a: &Row, b: &Row) -> Ordering {
        store.user(a.at).cmp(store.user(b.at)).then_with(|| self.compare_videos(store, a, b))
    }

    /// The order of one user's rows.
    fn compare_videos(self, store: &KeyStore, a: &Row, b: &Row) -> Ordering {
        (store.video(a.at), a.stats.start)
            .cmp(&(store.video(b.at), b.stats.start))
            .then_with(|| self.session(store, a).cmp(&self.session(store, b)))
    }

    /// The session id that a row shows.
    fn session<'k>(self, store: &'k KeyStore, row: &Row) -> Cow<'k, [u8]> {
        let id = store.get(row.at)[2];
        match (row.cut_at, self.read) {
            (None, _) => id.into(),
            (Some(time), None) => time.to_string().into_bytes().into(),
            (Some(time), Some(key)) => format!("{}@{time}", key.show(id)).into_bytes().into(),
        }
    }
}

/// How many rows are made before they become part of the arrays: so many that they stay in cache.
const BLOCK_ROWS: usize = 64;

/// The session table of rows in order.
pub(super) fn session_batches(
    engine: &Engine,
    store: &KeyStore,
    ids: Ids,
    all: &[Row],
    scratch: &mut Scratch,
) -> Result<Vec<RecordBatch>> {
    let table = session_table();
    let mut building = table.building(ids.keys, scratch);
    for rows in all.chunks(BLOCK_ROWS) {
        engine.check()?;
        let rows: Vec<_> = rows.iter().map(|row| session_row(store, ids, row)).collect();
        building.add(&rows)?;
    }
    building.finish()
}

fn session_row<'r>(store: &'r KeyStore, ids: Ids, row: &'r Row) -> SessionRow<'r> {
    let [user, video, _] = store.get(row.at);
    SessionRow { user, video, session: ids.session(store, row), stats: &row.stats }
}

/// How session rows become engagement rows.
#[derive(Clone, Copy)]
pub(super) struct Engaging<'a> {
    pub(super) engine: &'a Engine,
    pub(super) ids: Ids,
    pub(super) durations: Durations<'a>,
    pub(super) options: &'a EngagementOptions,
}

impl<'a> Engaging<'a> {
    /// No engagement rows yet.
    pub(super) fn rows<'t, 'k>(
        self,
        table: &'t Table<EngagementRow<'k>>,
        store: &'k KeyStore,
        scratch: &'t mut Scratch,
    ) -> EngagementRows<'t, 'k>
    where
        'a: 'k,
    {
        let building = table.building(self.ids.keys, scratch);
        EngagementRows { engaging: self, store, block: Vec::with_capacity(BLOCK_ROWS), building }
    }
}

/// The engagement table of some users, in the making.
pub(super) struct EngagementRows<'t, 'k> {
    engaging: Engaging<'k>,
    store: &'k KeyStore,
    block: Vec<EngagementRow<'k>>,
    building: Building<'t, EngagementRow<'k>>,
}

impl EngagementRows<'_, '_> {
    /// Adds users and videos in order, each with all of its session rows in order.
    pub(super) fn add<'r>(
        &mut self,
        pairs: impl Iterator<Item = impl Iterator<Item = &'r Row> + Clone>,
    ) -> Result<()> {
        for rows in pairs {
            self.engage(rows);
            if self.block.len() == BLOCK_ROWS {
                self.build()?;
            }
        }
        Ok(())
    }

    fn build(&mut self) -> Result<()> {
        self.engaging.engine.check()?;
        self.building.add(&self.block)?;
        self.block.clear();
        Ok(())
    }

    /// The engagement table.
    pub(super) fn finish(mut self) -> Result<Vec<RecordBatch>> {
        self.build()?;
        self.building.finish()
    }

    /// Makes the engagement row of one user and video, where it will stay until it is part of the columns.
    fn engage<'r>(&mut self, rows: impl Iterator<Item = &'r Row> + Clone) {
        let Engaging { durations, options, .. } = self.engaging;
        let Some(first) = rows.clone().next() else { return };
        let [user, video, _] = self.store.get(first.at);
        let known = durations.videos.get(video);
        let title = known.and_then(|video| video.title.as_deref());
        let row = || EngagementRow { user, video, title, engagement: Engagement::default() };
        self.block.extend(std::iter::once_with(row));
        if let Some(row) = self.block.last_mut() {
            row.engagement.see(rows.map(|row| &row.stats), durations.get(video, known), options);
        }
    }
}

/// The rows of each user and video.
pub(super) fn pairs<'r>(store: &KeyStore, rows: &'r [Row]) -> impl Iterator<Item = &'r [Row]> {
    rows.chunk_by(|a, b| {
        let ([user, video, _], [other_user, other_video, _]) = (store.get(a.at), store.get(b.at));
        video == other_video && user == other_user
    })
}

/// How far anybody got in each video whose duration is not known.
pub(super) fn furthest(store: &KeyStore, rows: &[Row], videos: &Videos) -> Estimates {
    let mut estimates = Estimates::default();
    for rows in pairs(store, rows) {
        let Some(video) = rows.first().map(|row| store.video(row.at)) else { continue };
        if videos.lacks_duration(video) {
            rows.iter().for_each(|row| add(&mut estimates, video, &row.stats));
        }
    }
    estimates
}

/// Durations, given or estimated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Durations<'a> {
    pub(super) videos: &'a Videos,
    pub(super) estimates: &'a Estimates,
}

impl Durations<'_> {
    fn get(&self, id: &[u8], known: Option<&Video>) -> Option<Duration> {
        let given = known.and_then(|video| video.duration);
        given.or_else(|| self.estimates.get(id).and_then(|furthest| furthest.duration()))
    }
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
                rows.push(Row { at: At { chunk: 0, fragment }, cut_at: None, stats });
            }
            let store = KeyStore(vec![Arc::new(arena)]);
            let ids = Ids { keys: KeyTypes::default(), read: Some(KeyType::Text) };
            let mut order = Order::default();
            for user in rows.chunk_by_mut(|a, b| store.user(a.at) == store.user(b.at)) {
                ids.order(&store, user, &mut order);
                let found: Vec<_> = order.pairs(&store, user).map(|rows| rows.map(|row| row.at).collect::<Vec<_>>()).collect();
                order.permute(user);
                let expected: Vec<Vec<_>> = pairs(&store, user).map(|rows| rows.iter().map(|row| row.at).collect()).collect();
                prop_assert_eq!(found, expected);
            }
            let sorted = rows;
            let order = |row: &Row| {
                let [user, video, session] = store.get(row.at);
                (user, video, row.stats.start, session)
            };
            prop_assert!(sorted.is_sorted_by_key(order));
            prop_assert_eq!(sorted.len(), keys.len());
        }
    }
}
