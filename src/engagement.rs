//! Engagement: the session rows of one user and video, and the video's duration, become one row.

use crate::duration::Duration;
use crate::flags::{Flag, FlagSet};
use crate::intervals::{Interval, IntervalSet};
use crate::rules::Rules;
use crate::score::{Features, Tier, round2};
use crate::scoring::Scoring;
use crate::session::SessionStats;
use crate::time::Micros;
use crate::walk::Stretch;

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
    /// Where more than one play lies, as [`IntervalSet::layered`] lists it.
    pub replayed: Vec<Interval>,
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
        let is_sufficient = sufficiency.is_some_and(|p| p >= rules.sufficient_watch_percentage);
        if let Some(duration) = self.duration {
            let seconds = duration.seconds;
            let mark = rules.completion_mark(seconds);
            // A loop that is played to its end five times is five plays.
            let plays = self.session_count.max(self.completion_count);
            let plausible = rules.excessive_ratio * seconds * plays as f64;
            flags.set_if(Flag::EstimatedDuration, duration.is_estimated());
            flags.set_if(Flag::ExcessiveWatchTime, self.watch_time > plausible);
            flags.set_if(Flag::CompletedWithoutSufficientWatch, self.completion_count > 0 && !is_sufficient);
            let exceeds = max_position > seconds + rules.position_slack_seconds;
            flags.set_if(Flag::PositionExceedsDuration, !duration.is_estimated() && exceeds);
            let early = sessions.flat_map(|s| &s.end_positions).any(|&end| end < mark);
            flags.set_if(Flag::EndedBeforeDuration, early);
        }
        flags.set_if(Flag::ImplausibleSegments, self.rejected > 0);
        flags.set_if(Flag::VeryShortWatch, self.watch_time < rules.very_short_seconds && !is_sufficient);
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
        let (mut watched, replayed) = match (first_two.next(), first_two.next()) {
            (Some(only), None) => (only.watched.clone(), only.replayed.clone()),
            _ => IntervalSet::layered(
                sessions.clone().flat_map(|s| s.watched.as_slice().iter().chain(&s.replayed).copied()),
            ),
        };
        if rules.count_unobserved {
            let end = |u: Stretch| (u.start + seconds_below(u, cap)).min(f64::MAX);
            let counted = sessions.flat_map(|s| &s.unobserved);
            let counted = counted.map(|&u| Interval { start: u.start, end: end(u) });
            watched = IntervalSet::union(watched.as_slice().iter().copied().chain(counted));
        }
        let seconds = watched.measure_below(cap);
        let rewatched = (watch_time - watched.measure()).max(0.0);
        Self { watched, replayed, seconds, rewatched }
    }
}

/// How much of an unobserved stretch lies before `cap`, in seconds.
fn seconds_below(stretch: Stretch, cap: f64) -> f64 {
    stretch.seconds.min(cap - stretch.start).max(0.0)
}

/// How often a session completed the video.
fn completions(session: &SessionStats, duration: Option<Duration>, rules: &Rules) -> i64 {
    let ends = &session.end_positions;
    let Some(duration) = duration else {
        return ends.iter().map(|_| 1).sum();
    };
    let mark = rules.completion_mark(duration.seconds);
    let ended = ends.iter().filter(|&&end| end >= mark).map(|_| 1).sum();
    if ended > 0 || duration.is_estimated() {
        return ended;
    }
    i64::from(session.watched.last_end().is_some_and(|end| end >= mark))
}
