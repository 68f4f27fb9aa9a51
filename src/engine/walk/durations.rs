//! Durations of videos: given, or estimated from how far anybody got.

use std::collections::HashMap;

use super::session_rows::{Session, pairs};
use crate::engagement::{Duration, Furthest};
use crate::engine::order::KeyStore;
use crate::input::{Video, Videos};
use crate::session::SessionStats;

/// How far anybody got in each video whose duration is not known.
pub(crate) type Estimates = HashMap<Box<[u8]>, Furthest, foldhash::fast::RandomState>;

/// Takes one session on `video` into `estimates`.
pub(crate) fn add(estimates: &mut Estimates, video: &[u8], stats: &SessionStats) {
    match estimates.get_mut(video) {
        Some(furthest) => furthest.add(stats),
        None => estimates.entry(video.into()).or_default().add(stats),
    }
}

/// How far anybody got in `all` parts of the input before and in one more `part`.
pub(crate) fn merged(mut all: Estimates, part: Estimates) -> Estimates {
    for (video, furthest) in part {
        all.entry(video).or_default().merge(furthest);
    }
    all
}

/// How far anybody got, as session `rows` in order tell, in each video whose duration `videos` does not tell.
pub(crate) fn estimates(store: &KeyStore, rows: &[Session], videos: &Videos) -> Estimates {
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
pub(crate) struct Durations<'a> {
    pub(crate) videos: &'a Videos,
    pub(crate) estimates: &'a Estimates,
}

impl Durations<'_> {
    /// The duration of the video `id`, of which `known` is what the videos table says.
    pub(crate) fn get(&self, id: &[u8], known: Option<&Video>) -> Option<Duration> {
        let given = known.and_then(|video| video.duration);
        given.or_else(|| self.estimates.get(id).and_then(|furthest| furthest.duration()))
    }
}
