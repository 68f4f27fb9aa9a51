//! Sessions: cutting a user's events by inactivity, and what one session saw of one video.

use smallvec::SmallVec;

use crate::event::{Event, EventKind};
use crate::intervals::{Interval, IntervalSet};
use crate::rules::Rules;
use crate::time::Micros;
use crate::walk::{Finding, Stretch, Tell, Walker};

/// What one session of one user saw of one video: everything later steps need.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionStats {
    /// Its first event on this video.
    pub start: Micros,
    /// Its last event on this video.
    pub end: Micros,
    /// Its events on this video, after duplicates are gone.
    pub event_count: i64,
    /// Seconds of content that two observed positions prove.
    pub watch_time: f64,
    /// Wall-clock seconds that these took, run by run.
    pub play_time: f64,
    /// The union of the watched segments.
    pub watched: IntervalSet,
    /// Where more than one watched segment lies, as [`IntervalSet::layered`] lists it.
    pub replayed: Vec<Interval>,
    /// The largest length of the video that its events report: seconds.
    pub reported_duration: Option<f64>,
    /// The largest position reported.
    pub max_position: f64,
    /// Where the video ended, sorted.
    pub end_positions: SmallVec<[f64; 2]>,
    /// Pause events.
    pub pause_count: i64,
    /// Skips ahead.
    pub forward_skips: i64,
    /// Skips back.
    pub backward_skips: i64,
    /// Pairs of positions that do not fit together as playback.
    pub rejected: i64,
    /// Stretches of playback whose stop was never seen.
    pub open: i64,
    /// What may have been watched unseen, sorted by start, then length.
    pub unobserved: SmallVec<[Stretch; 2]>,
}

impl SessionStats {
    /// Walks through the events of one session and video, which are in order and hold no duplicates; `None` if
    /// there are none. `next_later` is as in [`Walker`].
    pub fn observe(
        events: impl IntoIterator<Item = Event>,
        rules: &Rules,
        next_later: impl FnMut(Micros) -> Option<Micros>,
    ) -> Option<Self> {
        let mut stats = Self::default();
        stats.see(events, rules, next_later);
        (stats.event_count > 0).then_some(stats)
    }

    /// The same for one that has seen nothing yet: rows are large, and this one is where it will stay.
    pub(crate) fn see(
        &mut self,
        events: impl IntoIterator<Item = Event>,
        rules: &Rules,
        next_later: impl FnMut(Micros) -> Option<Micros>,
    ) {
        let mut tally = Tally::new(self);
        let mut walker = Walker::new(rules, next_later);
        for event in events {
            walker.step(&event, &mut tally);
            tally.count(&event);
        }
        walker.finish(&mut tally);
        tally.finish();
    }

    /// Seconds from the first to the last event.
    #[must_use]
    pub fn duration(&self) -> f64 {
        self.end.seconds_since(self.start)
    }
}

/// Adds up what the walk finds.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    stats: &'a mut SessionStats,
    /// Segments that do not lie behind all that were there before.
    again: Vec<Interval>,
}

impl<'a> Tally<'a> {
    /// Adds to what has seen nothing yet.
    pub(crate) const fn new(stats: &'a mut SessionStats) -> Self {
        Self { stats, again: Vec::new() }
    }

    #[inline]
    fn count(&mut self, event: &Event) {
        let stats = &mut *self.stats;
        if stats.event_count == 0 {
            stats.start = event.time;
        }
        stats.end = event.time;
        stats.event_count += 1;
        stats.max_position = event.position.map_or(stats.max_position, |p| stats.max_position.max(p));
        if let Some(duration) = event.duration {
            stats.reported_duration =
                Some(stats.reported_duration.map_or(duration, |known| known.max(duration)));
        }
        if event.kind == EventKind::Pause {
            stats.pause_count += 1;
        }
    }

    /// What was counted so far.
    pub(crate) const fn stats(&self) -> &SessionStats {
        self.stats
    }

    /// Puts in order what came in the order of events.
    fn finish(self) {
        let Self { stats, again } = self;
        // Positions up to the largest number are taken: sums end there, too.
        stats.watch_time = stats.watch_time.min(f64::MAX);
        stats.play_time = stats.play_time.min(f64::MAX);
        stats.end_positions.sort_unstable_by(f64::total_cmp);
        stats.unobserved.sort_unstable_by(|a, b| {
            a.start.total_cmp(&b.start).then_with(|| a.seconds.total_cmp(&b.seconds))
        });
        if !again.is_empty() {
            let once = stats.watched.as_slice().iter().copied();
            (stats.watched, stats.replayed) = IntervalSet::layered(once.chain(again));
        }
    }
}

impl Tell for Tally<'_> {
    #[expect(clippy::inline_always, reason = "where it is found, nothing asks again what was found")]
    #[inline(always)]
    fn tell(&mut self, finding: Finding) {
        let stats = &mut *self.stats;
        match finding {
            Finding::Watched(segment) => {
                stats.watch_time += segment.end - segment.start;
                if !stats.watched.follow(segment) {
                    self.again.push(segment);
                }
            }
            Finding::Played(seconds) => stats.play_time += seconds,
            Finding::Unobserved(stretch) => stats.unobserved.push(stretch),
            Finding::ForwardSkip(_) => stats.forward_skips += 1,
            Finding::BackwardSkip(_) => stats.backward_skips += 1,
            Finding::Rejected { .. } => stats.rejected += 1,
            Finding::OpenSegment => stats.open += 1,
            Finding::Ended(position) => stats.end_positions.push(position),
        }
    }
}

/// How sessions come about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cutting {
    /// Session ids are trusted as they are.
    Trusted,
    /// Sessions end where a silence was inactivity.
    Inactivity(Inactivity),
}

/// Which silences end a session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inactivity {
    /// Those longer than this, unless they were played through: seconds.
    timeout: f64,
    max_segment: f64,
    unstated_limit: f64,
    tolerance: f64,
}

impl Inactivity {
    fn new(timeout: f64, rules: &Rules) -> Self {
        Self {
            timeout,
            max_segment: rules.max_segment_seconds,
            unstated_limit: rules.unstated_limit(),
            tolerance: rules.tolerance_seconds,
        }
    }

    /// Whether the viewer watched on in the silence between `a` and `b`, which are neighbours on one video, at least so
    /// long that what is left of it is no inactivity. The two events alone decide, not what an earlier one said of the
    /// speed.
    fn is_played_through(self, a: &Event, b: &Event) -> bool {
        let is_playing = a.kind.starts_playback() || a.kind == EventKind::Heartbeat;
        let (Some(from), Some(to), true) = (a.position, b.position, is_playing) else { return false };
        let (d, gap) = (to - from, b.time.seconds_since(a.time));
        let fastest = a.rate.map_or(self.unstated_limit, |rate| rate.max(self.unstated_limit));
        0.0 < d && d <= self.max_segment.min(gap * fastest + self.tolerance) && gap - d <= self.timeout
    }
}

impl Cutting {
    /// How sessions come about under these rules, with or without a session column.
    #[must_use]
    pub fn new(rules: &Rules, has_session: bool) -> Self {
        match rules.session_timeout_seconds {
            Some(timeout) => Self::Inactivity(Inactivity::new(timeout, rules)),
            None if has_session => Self::Trusted,
            None => Self::Inactivity(Inactivity::new(Rules::DEFAULT_SESSION_TIMEOUT, rules)),
        }
    }
}

impl Inactivity {
    /// When each of the sessions begins into which events at `times`, which are sorted, fall. `neighbours` tells the two
    /// events at both ends of the silence that ends with the time at an index, if they are of one video.
    #[must_use]
    pub fn session_starts(
        self,
        times: &[Micros],
        neighbours: impl Fn(usize) -> Option<[Event; 2]>,
    ) -> Vec<Micros> {
        let is_start = |&index: &usize| {
            times[index].seconds_since(times[index - 1]) > self.timeout
                && !neighbours(index).is_some_and(|[a, b]| self.is_played_through(&a, &b))
        };
        let later = (1..times.len()).filter(is_start).map(|index| times[index]);
        times.first().copied().into_iter().chain(later).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(times: &[i64]) -> Vec<Micros> {
        times.iter().map(|&s| Micros(s * 1_000_000)).collect()
    }

    #[test]
    fn only_a_longer_gap_cuts() {
        let times = seconds(&[0, 1800, 3601]);
        let inactivity = |timeout| Inactivity::new(timeout, &Rules::default());
        assert_eq!(inactivity(1800.0).session_starts(&times, |_| None), seconds(&[0, 3601]));
        assert_eq!(inactivity(1.0).session_starts(&[], |_| None), []);
    }

    #[test]
    fn a_silence_that_was_played_through_is_no_inactivity() {
        let event = |second: i32, kind, position| Event {
            time: Micros(i64::from(second) * 1_000_000),
            kind,
            position: Some(position),
            seek_from: None,
            rate: None,
            sequence: None,
            duration: None,
        };
        let beat = |second, position| event(second, EventKind::Heartbeat, position);
        let is_joined = |a: Event, b: Event| {
            let starts = Inactivity::new(1800.0, &Rules::default())
                .session_starts(&[a.time, b.time], |index| (index == 1).then_some([a, b]));
            starts.len() == 1
        };
        // An hour watched, less what is as long as the timeout, or a bit more.
        assert!(is_joined(beat(0, 0.0), beat(3600, 3600.0)));
        assert!(is_joined(beat(0, 0.0), beat(3600, 1800.0)));
        assert!(!is_joined(beat(0, 0.0), beat(3600, 1799.9)));
        // Twice as fast, or more; and more than a segment can be long.
        assert!(is_joined(beat(0, 0.0), beat(3600, 7200.0)));
        assert!(is_joined(beat(0, 0.0), beat(1801, 3607.0)));
        assert!(!is_joined(beat(0, 0.0), beat(1801, 3607.1)));
        assert!(is_joined(Event { rate: Some(3.0), ..beat(0, 0.0) }, beat(1801, 5408.0)));
        assert!(!is_joined(beat(0, 0.0), beat(9000, 7200.1)));
        // A player that did not play, or whose position is not known.
        assert!(!is_joined(event(0, EventKind::Pause, 0.0), beat(3600, 3600.0)));
        assert!(!is_joined(beat(0, 0.0), Event { position: None, ..event(3600, EventKind::Close, 0.0) }));
    }

    #[test]
    fn a_timeout_applies_where_ids_are_missing_or_it_is_set() {
        let set = Rules { session_timeout_seconds: Some(60.0), ..Rules::default() };
        assert_eq!(Cutting::new(&Rules::default(), true), Cutting::Trusted);
        let timeout = |cutting| {
            if let Cutting::Inactivity(Inactivity { timeout, .. }) = cutting { timeout } else { 0.0 }
        };
        assert_eq!(timeout(Cutting::new(&Rules::default(), false)), 1800.0);
        assert_eq!(timeout(Cutting::new(&set, true)), 60.0);
    }

    #[test]
    fn no_events_no_session() {
        assert_eq!(SessionStats::observe([], &Rules::default(), |_| None), None);
    }

    #[test]
    fn heartbeats_make_one_interval() {
        let beat = |second: i32| Event {
            time: Micros(i64::from(second) * 1_000_000),
            kind: EventKind::Heartbeat,
            position: Some(second.into()),
            seek_from: None,
            rate: None,
            sequence: None,
            duration: None,
        };
        let stats =
            SessionStats::observe((0..50).step_by(10).map(beat), &Rules::default(), |_| None).unwrap();
        assert_eq!(stats.watched.as_slice(), [Interval { start: 0.0, end: 40.0 }]);
        assert_eq!((stats.watch_time, stats.play_time, stats.event_count, stats.open), (40.0, 40.0, 5, 1));
        assert_eq!(stats.unobserved[..], [Stretch { start: 40.0, seconds: 300.0 }]);
    }
}
