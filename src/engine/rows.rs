//! Session rows of whole users with their keys: in order, as a table, and combined into engagement rows.

use std::borrow::Cow;
use std::cmp::Ordering;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use smallvec::SmallVec;

use super::Engine;
use super::fragments::SLICE_ROWS;
use super::partition::{Estimates, add};
use super::prefix::{Prefix, shared_by_all};
use super::store::{At, KeyStore};
use crate::engagement::{Duration, Engagement, EngagementOptions};
use crate::error::Result;
use crate::input::{KeyType, KeyTypes, Video, Videos};
use crate::output::{EngagementRow, SessionRow, engagement_table, session_table};
use crate::session::SessionStats;
use crate::time::Micros;

/// One session row and where its keys are.
#[derive(Debug, Default)]
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

    /// Rows of users in order, ordered by user, video, start and session id.
    pub(super) fn sorted(self, store: &KeyStore, mut rows: Vec<Row>) -> Vec<Row> {
        let shared = shared_by_all(rows.iter().map(|row| store.video(row.at)));
        // Rows are large: each moves once.
        let place = |(index, row): (usize, &Row)| Place {
            video: Prefix::of(&store.video(row.at)[shared..]),
            start: row.stats.start,
            index,
        };
        let mut order: Vec<_> = rows.iter().enumerate().map(place).collect();
        let same_user = |a: &Place, b: &Place| store.user(rows[a.index].at) == store.user(rows[b.index].at);
        for user in order.chunk_by_mut(same_user) {
            user.sort_unstable_by(|a, b| self.compare_places(store, &rows, a, b));
        }
        order.into_iter().map(|place| std::mem::take(&mut rows[place.index])).collect()
    }

    /// The order of one user's rows, most of which their numbers tell apart.
    fn compare_places(self, store: &KeyStore, rows: &[Row], a: &Place, b: &Place) -> Ordering {
        let numbers = (a.video, a.start).cmp(&(b.video, b.start));
        if numbers.is_ne() && (a.video != b.video || a.video.is_whole()) {
            return numbers;
        }
        self.compare_videos(store, &rows[a.index], &rows[b.index])
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

/// Rows of whole users, ordered by user, video, start and session id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) store: &'a KeyStore,
    pub(super) ids: Ids,
    pub(super) all: &'a [Row],
}

impl<'a> Rows<'a> {
    /// The session table.
    pub(super) fn sessions(self, engine: &Engine) -> Result<RecordBatch> {
        engine.check()?;
        let row = |row: &'a Row| {
            let [user, video, _] = self.store.get(row.at);
            SessionRow { user, video, session: self.ids.session(self.store, row), stats: &row.stats }
        };
        let rows: Vec<_> = self.all.iter().map(row).collect();
        session_table().batch(&rows, self.ids.keys)
    }

    /// The engagement table.
    pub(super) fn engagement(
        self,
        engine: &Engine,
        durations: Durations<'_>,
        options: &EngagementOptions,
    ) -> Result<Vec<RecordBatch>> {
        let table = engagement_table();
        let pairs: Vec<_> = self.pairs().collect();
        let batch = |pairs: &[&[Row]]| {
            engine.check()?;
            let rows: Vec<_> =
                pairs.iter().filter_map(|rows| self.engage(rows, durations, options)).collect();
            table.batch(&rows, self.ids.keys)
        };
        pairs.chunks(SLICE_ROWS).map(batch).collect()
    }

    /// How far anybody got in each video whose duration is not known.
    pub(super) fn furthest(self, videos: &Videos) -> Estimates {
        let mut estimates = Estimates::default();
        for rows in self.pairs() {
            let Some(video) = rows.first().map(|row| self.store.video(row.at)) else { continue };
            if videos.lacks_duration(video) {
                rows.iter().for_each(|row| add(&mut estimates, video, &row.stats));
            }
        }
        estimates
    }

    /// The rows of each user and video.
    pub(super) fn pairs(self) -> impl Iterator<Item = &'a [Row]> {
        self.all.chunk_by(move |a, b| self.pair(a) == self.pair(b))
    }

    fn pair(self, row: &Row) -> [&'a [u8]; 2] {
        let [user, video, _] = self.store.get(row.at);
        [user, video]
    }

    /// The engagement row of one user and video.
    fn engage<'d>(
        self,
        rows: &[Row],
        durations: Durations<'d>,
        options: &EngagementOptions,
    ) -> Option<EngagementRow<'d>>
    where
        'a: 'd,
    {
        let [user, video] = self.pair(rows.first()?);
        let known = durations.videos.get(video);
        let sessions: SmallVec<[_; 4]> = rows.iter().map(|row| &row.stats).collect();
        let engagement = Engagement::combine(&sessions, durations.get(video, known), options)?;
        Some(EngagementRow { user, video, title: known.and_then(|v| v.title.as_deref()), engagement })
    }
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
    use super::*;
    use crate::engine::store::KeyArena;
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
            let store = KeyStore(vec![arena]);
            let sorted = Ids { keys: KeyTypes::default(), read: Some(KeyType::Text) }.sorted(&store, rows);
            let order = |row: &Row| {
                let [user, video, session] = store.get(row.at);
                (user, video, row.stats.start, session)
            };
            prop_assert!(sorted.is_sorted_by_key(order));
            prop_assert_eq!(sorted.len(), keys.len());
        }
    }
}
