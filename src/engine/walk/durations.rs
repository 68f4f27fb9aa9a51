//! Durations of videos: given, reported by players, or estimated from how far anybody got.

use std::collections::HashMap;

use super::session_rows::{Session, pairs};
use crate::duration::{Duration, Evidence, Furthest, each_vote};
use crate::engine::order::KeyStore;
use crate::input::{Video, Videos};

/// What viewings say of the length of each video whose duration is not known.
pub(crate) type Estimates = HashMap<Box<[u8]>, Evidence, foldhash::fast::RandomState>;

/// Takes the session `rows` of one user, on any videos, into `estimates`.
pub(crate) fn add_user(estimates: &mut Estimates, store: &KeyStore, rows: &[Session]) {
    let mut reports = Vec::new();
    for row in rows {
        let video = store.video(row.at);
        with(estimates, video, |evidence| evidence.see(Furthest::of(&row.stats)));
        reports.extend(row.stats.reported_duration.map(|seconds| (video, seconds)));
    }
    each_vote(&mut reports, |video, largest| with(estimates, video, |evidence| evidence.vote(largest)));
}

/// Lets `take` take something into the evidence of `video`, whose id is copied only when it is new.
fn with(estimates: &mut Estimates, video: &[u8], take: impl FnOnce(&mut Evidence)) {
    match estimates.get_mut(video) {
        Some(evidence) => take(evidence),
        None => take(estimates.entry(video.into()).or_default()),
    }
}

/// What `all` parts of the input before say, and one more `part`, which is of other users.
pub(crate) fn merged(mut all: Estimates, part: Estimates) -> Estimates {
    for (video, evidence) in part {
        all.entry(video).or_default().merge(&evidence);
    }
    all
}

/// What session `rows` in order say of each video whose duration `videos` does not tell.
pub(crate) fn estimates(store: &KeyStore, rows: &[Session], videos: &Videos) -> Estimates {
    let mut estimates = Estimates::default();
    for rows in pairs(store, rows) {
        if rows.first().is_some_and(|row| videos.lacks_duration(store.video(row.at))) {
            add_user(&mut estimates, store, rows);
        }
    }
    estimates
}

/// Durations, given or found out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Durations<'a> {
    pub(crate) videos: &'a Videos,
    pub(crate) estimates: &'a Estimates,
    /// Whether they may be guesses.
    pub(crate) may_estimate: bool,
}

impl Durations<'_> {
    /// The duration of the video `id`, of which `known` is what the videos table says.
    pub(crate) fn get(&self, id: &[u8], known: Option<&Video>) -> Option<Duration> {
        let given = known.and_then(|video| video.duration);
        given.or_else(|| self.estimates.get(id).and_then(|evidence| evidence.duration(self.may_estimate)))
    }
}
