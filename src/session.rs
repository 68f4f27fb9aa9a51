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
    /// Wall-clock seconds that these took.
    pub play_time: f64,
    /// The union of the watched segments.
    pub watched: IntervalSet,
    /// The largest position reported.
    pub max_position: f64,
    /// Where `end` events fired, sorted.
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
    /// Segments that start before one that was there already.
    earlier: Vec<Interval>,
}

impl<'a> Tally<'a> {
    /// Adds to what has seen nothing yet.
    pub(crate) const fn new(stats: &'a mut SessionStats) -> Self {
        Self { stats, earlier: Vec::new() }
    }

    fn count(&mut self, event: &Event) {
        let stats = &mut *self.stats;
        if stats.event_count == 0 {
            stats.start = event.time;
        }
        stats.end = event.time;
        stats.event_count += 1;
        stats.max_position = stats.max_position.max(event.position);
        match event.kind {
            EventKind::Pause => stats.pause_count += 1,
            EventKind::End => stats.end_positions.push(event.position),
            _ => {}
        }
    }

    /// Seconds of content watched so far.
    pub(crate) fn watch_time(&self) -> f64 {
        self.stats.watch_time
    }

    /// Puts in order what came in the order of events.
    fn finish(self) {
        let Self { stats, earlier } = self;
        // Positions up to the largest number are taken: sums end there, too.
        stats.watch_time = stats.watch_time.min(f64::MAX);
        stats.end_positions.sort_unstable_by(f64::total_cmp);
        stats.unobserved.sort_unstable_by(|a, b| {
            a.start.total_cmp(&b.start).then_with(|| a.seconds.total_cmp(&b.seconds))
        });
        if !earlier.is_empty() {
            let in_order = stats.watched.as_slice().iter().copied();
            stats.watched = IntervalSet::union(in_order.chain(earlier));
        }
    }
}

impl Tell for Tally<'_> {
    #[expect(clippy::inline_always, reason = "where it is found, nothing asks again what was found")]
    #[inline(always)]
    fn tell(&mut self, finding: Finding) {
        let stats = &mut *self.stats;
        match finding {
            Finding::Watched { segment, play_seconds } => {
                stats.watch_time += segment.end - segment.start;
                stats.play_time += play_seconds;
                if !stats.watched.extend(segment) {
                    self.earlier.push(segment);
                }
            }
            Finding::Unobserved(stretch) => stats.unobserved.push(stretch),
            Finding::ForwardSkip(_) => stats.forward_skips += 1,
            Finding::BackwardSkip(_) => stats.backward_skips += 1,
            Finding::Rejected(_) => stats.rejected += 1,
            Finding::OpenSegment => stats.open += 1,
        }
    }
}

/// How sessions come about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cutting {
    /// Session ids are trusted as they are.
    Trusted,
    /// Sessions end where no event follows within so many seconds.
    Timeout(f64),
}

impl Cutting {
    /// How sessions come about under these rules, with or without a session column.
    #[must_use]
    pub fn new(rules: &Rules, has_session: bool) -> Self {
        match rules.session_timeout_seconds {
            Some(timeout) => Self::Timeout(timeout),
            None if has_session => Self::Trusted,
            None => Self::Timeout(Rules::DEFAULT_SESSION_TIMEOUT),
        }
    }

    /// When each of the sessions begins into which `times`, which are sorted, fall: one session if ids are trusted.
    #[must_use]
    pub fn session_starts(self, times: &[Micros]) -> Vec<Micros> {
        let Self::Timeout(timeout) = self else {
            return times.first().copied().into_iter().collect();
        };
        let later = times.windows(2).filter(|w| w[1].seconds_since(w[0]) > timeout).map(|w| w[1]);
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
        assert_eq!(Cutting::Timeout(1800.0).session_starts(&times), seconds(&[0, 3601]));
        assert_eq!(Cutting::Trusted.session_starts(&times), seconds(&[0]));
        assert_eq!(Cutting::Timeout(1.0).session_starts(&[]), []);
    }

    #[test]
    fn a_timeout_applies_where_ids_are_missing_or_it_is_set() {
        let set = Rules { session_timeout_seconds: Some(60.0), ..Rules::default() };
        assert_eq!(Cutting::new(&Rules::default(), true), Cutting::Trusted);
        assert_eq!(Cutting::new(&Rules::default(), false), Cutting::Timeout(1800.0));
        assert_eq!(Cutting::new(&set, true), Cutting::Timeout(60.0));
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
            position: second.into(),
            seek_from: None,
            rate: None,
            sequence: None,
        };
        let stats =
            SessionStats::observe((0..50).step_by(10).map(beat), &Rules::default(), |_| None).unwrap();
        assert_eq!(stats.watched.as_slice(), [Interval { start: 0.0, end: 40.0 }]);
        assert_eq!((stats.watch_time, stats.play_time, stats.event_count, stats.open), (40.0, 40.0, 5, 1));
        assert_eq!(stats.unobserved[..], [Stretch { start: 40.0, seconds: 300.0 }]);
    }
}
