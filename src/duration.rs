//! How long a video is: what the videos table says, else what players report, else how far anybody got.

use std::collections::BTreeMap;

use crate::intervals::IntervalSet;
use crate::session::SessionStats;

/// Where a duration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationSource {
    /// From the videos table.
    Metadata,
    /// From what most of its viewers' players said.
    Reported,
    /// From how far anybody watched.
    Estimated,
}

impl DurationSource {
    /// Every source, the best one first.
    pub const ALL: [Self; 3] = [Self::Metadata, Self::Reported, Self::Estimated];

    /// The source that goes by that name. Whoever states a duration without saying where it is from vouches for it.
    #[must_use]
    pub fn named(name: Option<&[u8]>) -> Self {
        let is_it = |source: &Self| name == Some(source.name().as_bytes());
        Self::ALL.into_iter().find(is_it).unwrap_or(Self::Metadata)
    }

    /// The name that rows show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Reported => "reported",
            Self::Estimated => "estimated",
        }
    }
}

/// The length of a video.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duration {
    /// Seconds: finite, above 0.
    pub seconds: f64,
    /// Where it comes from.
    pub source: DurationSource,
}

impl Duration {
    /// A duration that a table states; nothing if it is not a finite number above 0.
    #[must_use]
    pub fn stated(seconds: Option<f64>, source: DurationSource) -> Option<Self> {
        let seconds = seconds.filter(|s| s.is_finite() && *s > 0.0)?;
        Some(Self { seconds, source })
    }

    /// Whether it is a guess.
    #[must_use]
    pub fn is_estimated(self) -> bool {
        self.source == DurationSource::Estimated
    }
}

/// How far anybody got in a video: what a duration is estimated from.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Furthest {
    watched: f64,
    position: f64,
}

impl Furthest {
    /// How far one session or user got: what was watched, and the largest position reported.
    #[must_use]
    pub fn new(watched: &IntervalSet, position: f64) -> Self {
        Self { watched: watched.last_end().unwrap_or(0.0), position }
    }

    /// How far one session got.
    #[must_use]
    pub fn of(session: &SessionStats) -> Self {
        Self::new(&session.watched, session.max_position)
    }

    /// Takes in what others have gathered.
    pub fn merge(&mut self, other: Self) {
        self.watched = self.watched.max(other.watched);
        self.position = self.position.max(other.position);
    }

    /// The largest end of what was watched, 0 if nothing was.
    #[must_use]
    pub const fn watched(self) -> f64 {
        self.watched
    }

    /// The largest position reported.
    #[must_use]
    pub const fn position(self) -> f64 {
        self.position
    }

    /// The estimate, if anybody got anywhere.
    fn duration(self) -> Option<Duration> {
        let seconds = if self.watched > 0.0 { self.watched } else { self.position };
        Duration::stated(Some(seconds), DurationSource::Estimated)
    }
}

/// Whose players reported a length of one whole second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Votes {
    /// How many users have rows that report it.
    pub users: u64,
    /// The largest length in that second: seconds.
    pub largest: f64,
}

/// What the viewings of a video say of its length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    furthest: Furthest,
    /// By the bits of the second: those of numbers that are not negative are ordered as the numbers are.
    votes: BTreeMap<u64, Votes>,
}

impl Evidence {
    /// Takes in how far somebody got.
    pub fn see(&mut self, furthest: Furthest) {
        self.furthest.merge(furthest);
    }

    /// Takes in that one more user has rows that report a length of this second, and the `largest` of them.
    pub fn vote(&mut self, largest: f64) {
        self.add(largest.floor(), Votes { users: 1, largest });
    }

    fn add(&mut self, second: f64, more: Votes) {
        let votes = self.votes.entry(second.to_bits()).or_default();
        votes.users += more.users;
        votes.largest = votes.largest.max(more.largest);
    }

    /// Takes in what other users' viewings say.
    pub fn merge(&mut self, other: &Self) {
        self.see(other.furthest);
        other.votes().for_each(|(second, votes)| self.add(second, votes));
    }

    /// How far anybody got.
    #[must_use]
    pub const fn furthest(&self) -> Furthest {
        self.furthest
    }

    /// The seconds that were reported, in order, and whose players did.
    pub fn votes(&self) -> impl Iterator<Item = (f64, Votes)> {
        self.votes.iter().map(|(second, votes)| (f64::from_bits(*second), *votes))
    }

    /// The duration that most users' players report, so that no single wrong one sets it; else, `if_estimated`, how far
    /// anybody got.
    #[must_use]
    pub fn duration(&self, if_estimated: bool) -> Option<Duration> {
        // Of equal ones the last, which is the largest, is the most.
        let most = self.votes.values().max_by_key(|votes| votes.users);
        match most {
            Some(votes) => Duration::stated(Some(votes.largest), DurationSource::Reported),
            None => self.furthest.duration().filter(|_| if_estimated),
        }
    }
}

/// Tells `vote` what one user's rows report: of each video's whole seconds among `reports` the largest length. Leaves no
/// report behind.
pub fn each_vote<V: Ord + Copy>(reports: &mut Vec<(V, f64)>, mut vote: impl FnMut(V, f64)) {
    reports.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let in_one = |a: &(V, f64), b: &(V, f64)| a.0 == b.0 && a.1.floor() == b.1.floor();
    for alike in reports.chunk_by(in_one) {
        if let Some(&(video, largest)) = alike.last() {
            vote(video, largest);
        }
    }
    reports.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evidence of users whose rows report these lengths.
    fn reported(users: &[&[f64]]) -> Evidence {
        let mut evidence = Evidence::default();
        for lengths in users {
            let mut reports = lengths.iter().map(|&length| ((), length)).collect();
            each_vote(&mut reports, |(), largest| evidence.vote(largest));
        }
        evidence
    }

    fn seconds(evidence: &Evidence) -> Option<f64> {
        let duration = evidence.duration(true)?;
        assert_eq!(duration.source, DurationSource::Reported);
        Some(duration.seconds)
    }

    #[test]
    fn most_users_decide_and_then_the_largest_length_in_their_second() {
        assert_eq!(seconds(&reported(&[&[100.2], &[100.7], &[3600.0]])), Some(100.7));
        // One user is one voice for each second, however many rows say so.
        assert_eq!(seconds(&reported(&[&[90.0, 90.1, 90.2], &[100.0], &[100.5]])), Some(100.5));
        assert_eq!(seconds(&reported(&[&[100.0], &[101.0]])), Some(101.0));
        assert_eq!(seconds(&reported(&[&[0.5]])), Some(0.5));
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let users: [&[f64]; 4] = [&[100.2, 200.0], &[100.7], &[200.5], &[200.1]];
        let mut parts = reported(&users[..2]);
        parts.merge(&reported(&users[2..]));
        assert_eq!(parts, reported(&users));
        assert_eq!(seconds(&parts), Some(200.5));
    }

    #[test]
    fn without_reports_a_duration_is_an_estimate_if_it_may_be() {
        let mut evidence = Evidence::default();
        assert_eq!(evidence.duration(true), None);
        evidence.see(Furthest { watched: 0.0, position: 30.0 });
        let estimated = |seconds| Some(Duration { seconds, source: DurationSource::Estimated });
        assert_eq!((evidence.duration(true), evidence.duration(false)), (estimated(30.0), None));
        evidence.see(Furthest { watched: 20.0, position: 0.0 });
        assert_eq!(evidence.duration(true), estimated(20.0));
    }

    #[test]
    fn a_source_that_nobody_knows_is_metadata() {
        for source in DurationSource::ALL {
            assert_eq!(DurationSource::named(Some(source.name().as_bytes())), source);
        }
        assert_eq!(DurationSource::named(Some(b"Estimated")), DurationSource::Metadata);
        assert_eq!(DurationSource::named(None), DurationSource::Metadata);
    }
}
