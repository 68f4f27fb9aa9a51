//! Engagement: the session rows of one user and video, and the video's duration, become one row.

use crate::flags::{Flag, FlagSet};
use crate::intervals::{Interval, IntervalSet};
use crate::rules::Rules;
use crate::score::{Features, Tier, round2};
use crate::scoring::Scoring;
use crate::session::SessionStats;
use crate::time::Micros;
use crate::walk::Stretch;

/// Where a duration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationSource {
    /// From the videos table.
    Metadata,
    /// From how far anybody watched.
    Estimated,
}

impl DurationSource {
    /// The source that goes by that name. Whoever states a duration without saying that it is an estimate vouches
    /// for it.
    #[must_use]
    pub fn named(name: Option<&[u8]>) -> Self {
        if name == Some(Self::Estimated.name().as_bytes()) { Self::Estimated } else { Self::Metadata }
    }

    /// The name that rows show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
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

    /// Takes in one session.
    pub fn add(&mut self, session: &SessionStats) {
        self.merge(Self::new(&session.watched, session.max_position));
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
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        let seconds = if self.watched > 0.0 { self.watched } else { self.position };
        (seconds > 0.0).then_some(Duration { seconds, source: DurationSource::Estimated })
    }
}

/// How engagement is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngagementOptions {
    /// The thresholds.
    pub rules: Rules,
    /// Weights and tiers.
    pub scoring: Scoring,
    /// Whether the columns that need the union of intervals are wanted.
    pub unique_seconds: bool,
}

/// What one user did with one video; the output columns say what each number means.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is one output column, and is documented there")]
pub struct Engagement {
    pub duration: Option<Duration>,
    pub watch_time: f64,
    pub max_position: f64,
    pub session_count: i64,
    pub session_seconds: f64,
    pub pause_count: i64,
    pub forward_skips: i64,
    pub backward_skips: i64,
    pub completion_count: i64,
    pub first_watch: Micros,
    pub last_watch: Micros,
    pub play_time: f64,
    pub unobserved: f64,
    pub open: i64,
    pub rejected: i64,
    pub event_count: i64,
    pub unique: Option<Unique>,
    pub score: Option<f64>,
    pub tier: Option<Tier>,
    pub flags: FlagSet,
}

/// What the union of all watched intervals says.
#[derive(Debug, Clone, PartialEq)]
pub struct Unique {
    /// The union, not cut at the duration.
    pub watched: IntervalSet,
    /// Its length, cut at the duration: seconds.
    pub seconds: f64,
    /// Watch time beyond its length: seconds.
    pub rewatched: f64,
}

impl Engagement {
    /// The engagement of one user with one video, from its session rows in the order of (start, session id); `None`
    /// if there are none.
    #[must_use]
    pub fn combine<'s>(
        sessions: impl Iterator<Item = &'s SessionStats> + Clone,
        duration: Option<Duration>,
        options: &EngagementOptions,
    ) -> Option<Self> {
        let mut row = Self::default();
        row.see(sessions, duration, options);
        (row.session_count > 0).then_some(row)
    }

    /// The same for a row that has seen nothing yet: rows are large, and this one is where it will stay.
    pub(crate) fn see<'s>(
        &mut self,
        sessions: impl Iterator<Item = &'s SessionStats> + Clone,
        duration: Option<Duration>,
        options: &EngagementOptions,
    ) {
        let EngagementOptions { rules, scoring, unique_seconds } = options;
        let cap = duration.map_or(f64::INFINITY, |d| d.seconds);
        self.duration = duration;
        sessions.clone().for_each(|session| self.add(session, cap, rules));
        if rules.count_unobserved {
            self.watch_time += self.unobserved;
        }
        // Sums of absurd numbers end at the largest one: what is infinite means nothing to anybody, and JSON has no word
        // for it.
        self.watch_time = self.watch_time.min(f64::MAX);
        self.unobserved = self.unobserved.min(f64::MAX);
        self.play_time = self.play_time.min(f64::MAX);
        let max_position = self.max_position;
        self.max_position = max_position.min(cap);
        self.unique = unique_seconds.then(|| Unique::of(sessions.clone(), cap, self.watch_time, rules));
        self.rate(scoring, rules.sufficient_watch_percentage);
        self.flag(sessions, max_position, rules);
    }

    /// Takes in one session, of which nothing beyond `cap` counts as unobserved.
    fn add(&mut self, session: &SessionStats, cap: f64, rules: &Rules) {
        let count = |total: &mut i64, more| *total = total.saturating_add(more);
        let is_first = self.session_count == 0;
        self.first_watch = if is_first { session.start } else { self.first_watch.min(session.start) };
        self.last_watch = if is_first { session.end } else { self.last_watch.max(session.end) };
        self.watch_time += session.watch_time;
        self.play_time += session.play_time;
        self.session_seconds += session.duration();
        self.unobserved += session.unobserved.iter().map(|&u| seconds_below(u, cap)).sum::<f64>();
        self.max_position = self.max_position.max(session.max_position);
        self.session_count += 1;
        count(&mut self.pause_count, session.pause_count);
        count(&mut self.forward_skips, session.forward_skips);
        count(&mut self.backward_skips, session.backward_skips);
        count(&mut self.completion_count, completions(session, self.duration, rules));
        count(&mut self.open, session.open);
        count(&mut self.rejected, session.rejected);
        count(&mut self.event_count, session.event_count);
    }

    /// A number of seconds as a percentage of the duration, rounded, and finite however short that is.
    #[must_use]
    pub fn percentage(&self, seconds: f64) -> Option<f64> {
        self.duration.map(|d| round2(seconds / d.seconds * 100.0).min(f64::MAX))
    }

    /// A total over the number of sessions.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count of sessions is far below 2^53")]
    pub fn per_session(&self, total: f64) -> f64 {
        total / self.session_count as f64
    }

    /// The percentage of the video that was watched, as far as it is known.
    fn sufficiency(&self) -> Option<f64> {
        match &self.unique {
            Some(unique) => self.percentage(unique.seconds),
            None => self.percentage(self.watch_time).map(|percentage| percentage.min(100.0)),
        }
    }

    fn rate(&mut self, scoring: &Scoring, sufficient: f64) {
        if self.duration.is_none() && scoring.needs_duration() {
            return;
        }
        let score = scoring.score(&self.features(sufficient));
        self.score = Some(score);
        self.tier = Some(scoring.tier(score));
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn features(&self, sufficient: f64) -> Features {
        let share = |seconds: f64| self.duration.map_or(0.0, |d| seconds / d.seconds);
        let believed = self.completion_count > 0 && self.sufficiency().is_some_and(|p| p >= sufficient);
        Features {
            coverage: share(self.unique.as_ref().map_or(self.watch_time, |unique| unique.seconds)),
            completion: f64::from(u8::from(believed)),
            reach: share(self.max_position),
            rewatch: share(self.unique.as_ref().map_or(0.0, |unique| unique.rewatched)),
            watch_minutes: self.watch_time / 60.0,
            completions: self.completion_count as f64,
            sessions: self.session_count as f64,
            skips: self.forward_skips.saturating_add(self.backward_skips) as f64,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn flag<'s>(
        &mut self,
        sessions: impl Iterator<Item = &'s SessionStats>,
        max_position: f64,
        rules: &Rules,
    ) {
        let sufficiency = self.sufficiency();
        let flags = &mut self.flags;
        flags.set_if(Flag::MissingDuration, self.duration.is_none());
        if let Some(Duration { seconds, source }) = self.duration {
            let metadata = source == DurationSource::Metadata;
            let mark = rules.completion_threshold * seconds;
            let plausible = rules.excessive_ratio * seconds * self.session_count as f64;
            let too_little = sufficiency.is_some_and(|p| p < rules.sufficient_watch_percentage);
            flags.set_if(Flag::EstimatedDuration, !metadata);
            flags.set_if(Flag::ExcessiveWatchTime, self.watch_time > plausible);
            flags.set_if(Flag::CompletedWithoutSufficientWatch, self.completion_count > 0 && too_little);
            let exceeds = max_position > seconds + rules.position_slack_seconds;
            flags.set_if(Flag::PositionExceedsDuration, metadata && exceeds);
            let early = sessions.flat_map(|s| &s.end_positions).any(|&end| end < mark);
            flags.set_if(Flag::EndedBeforeDuration, early);
        }
        flags.set_if(Flag::ImplausibleSegments, self.rejected > 0);
        flags.set_if(Flag::VeryShortWatch, self.watch_time < rules.very_short_seconds);
    }
}

impl Unique {
    fn of<'s>(
        sessions: impl Iterator<Item = &'s SessionStats> + Clone,
        cap: f64,
        watch_time: f64,
        rules: &Rules,
    ) -> Self {
        let mut first_two = sessions.clone();
        let watched = match (first_two.next(), first_two.next()) {
            (Some(only), None) if !rules.count_unobserved => only.watched.clone(),
            _ => {
                let observed = sessions.clone().flat_map(|s| s.watched.as_slice().iter().copied());
                let counted = sessions.filter(|_| rules.count_unobserved).flat_map(|s| &s.unobserved);
                let end = |u: Stretch| (u.start + seconds_below(u, cap)).min(f64::MAX);
                let counted = counted.map(|&u| Interval { start: u.start, end: end(u) });
                IntervalSet::union(observed.chain(counted))
            }
        };
        let seconds = watched.measure_below(cap);
        let rewatched = (watch_time - watched.measure()).max(0.0);
        Self { watched, seconds, rewatched }
    }
}

/// How much of an unobserved stretch lies before `cap`, in seconds.
fn seconds_below(stretch: Stretch, cap: f64) -> f64 {
    stretch.seconds.min(cap - stretch.start).max(0.0)
}

/// How often a session completed the video.
fn completions(session: &SessionStats, duration: Option<Duration>, rules: &Rules) -> i64 {
    let ends = &session.end_positions;
    let Some(Duration { seconds, source }) = duration else {
        return ends.iter().map(|_| 1).sum();
    };
    let mark = rules.completion_threshold * seconds;
    let ended = ends.iter().filter(|&&end| end >= mark).map(|_| 1).sum();
    if ended > 0 || source == DurationSource::Estimated {
        return ended;
    }
    i64::from(session.watched.last_end().is_some_and(|end| end >= mark))
}
