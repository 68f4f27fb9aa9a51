//! The player state machine: one session of one user and video, event by event.
//!
//! Watch time needs two observed positions. Whatever lies between two events and is not shown by both of
//! them is reported as unobserved, with the most that it can have been, or counted as a rejected segment.

use crate::event::{Event, EventKind};
use crate::intervals::Interval;
use crate::rules::Rules;
use crate::time::Micros;

/// Positions this close are the same place to a player that reports its position late: seconds.
const NEAR_SECONDS: f64 = 1.0;

/// A stretch that may have been watched, but no pair of events shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Where it would begin, in seconds of the video.
    pub start: f64,
    /// How much content it can have been at most, in seconds.
    pub seconds: f64,
}

/// One thing that the walk found out at an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// A segment was watched.
    Watched {
        /// The segment.
        segment: Interval,
        /// The wall-clock seconds it took.
        play_seconds: f64,
    },
    /// A stretch may have been watched.
    Unobserved(Stretch),
    /// Playback jumped ahead by so many seconds.
    ForwardSkip(f64),
    /// Playback jumped back by so many seconds (a positive number).
    BackwardSkip(f64),
    /// Two positions do not fit together as playback, by this distance.
    Rejected(f64),
    /// Playback went on and no event says until when.
    OpenSegment,
}

/// Whoever is told what the walk finds: a function, or what adds it up.
pub trait Tell {
    /// Takes in one finding.
    fn tell(&mut self, finding: Finding);
}

impl<F: FnMut(Finding)> Tell for F {
    fn tell(&mut self, finding: Finding) {
        self(finding);
    }
}

/// What is known of the player after an event.
#[derive(Debug, Clone, Copy, PartialEq)]
struct State {
    position: f64,
    time: Micros,
    rate: f64,
    playing: bool,
    seeking: bool,
    ended: bool,
    /// Where the last seek came from, if a player may still report it as its position.
    origin: Option<f64>,
}

impl State {
    fn is_near(&self, position: f64) -> bool {
        near(self.position, position)
    }

    fn plays_on(&self) -> bool {
        self.playing && !self.seeking
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= NEAR_SECONDS
}

/// Walks through the events of one session of one user and video, in their order.
///
/// `next_later` answers when the same user's next strictly later event in this session was, on any video; it
/// is only asked where playback may have gone on unseen.
#[derive(Debug)]
pub struct Walker<'a, N> {
    rules: &'a Rules,
    next_later: N,
    state: Option<State>,
}

impl<'a, N: FnMut(Micros) -> Option<Micros>> Walker<'a, N> {
    /// A walk that has seen no event.
    pub const fn new(rules: &'a Rules, next_later: N) -> Self {
        Self { rules, next_later, state: None }
    }

    /// Whether the player plays after the events so far.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.state.is_some_and(|state| state.playing)
    }

    /// Takes in the next event and tells what it shows.
    pub fn step(&mut self, event: &Event, tell: &mut impl Tell) {
        let mut position = event.position;
        if let Some(state) = self.state {
            if is_stale_start(&state, event) {
                position = state.position;
            }
            if state.plays_on() {
                self.after_playing(&state, event, position, tell);
            } else {
                self.after_standstill(&state, event, position, tell);
            }
        }
        self.state = Some(next_state(self.state.as_ref(), event, position));
    }

    /// Ends the walk: playback that nothing stopped is an open segment.
    pub fn finish(mut self, tell: &mut impl Tell) {
        if let Some(state) = self.state.filter(|state| state.playing) {
            tell.tell(Finding::OpenSegment);
            let seconds = self.bound(&state);
            unobserved(state.position, seconds, tell);
        }
    }

    /// The event ends a stretch of playback.
    fn after_playing(&mut self, state: &State, event: &Event, position: f64, tell: &mut impl Tell) {
        let dt = event.time.seconds_since(state.time);
        let content = dt * state.rate;
        let is_seek = event.kind == EventKind::Seek;
        let observed = if is_seek { event.seek_from } else { Some(position) };
        match observed {
            None => {
                let seconds = self.unseen(state, event, content);
                unobserved(state.position, seconds, tell);
            }
            Some(x) => self.judge(state, event, x, (dt, content), tell),
        }
        if is_seek {
            self.skip(position - observed.unwrap_or(state.position + content), tell);
        }
    }

    /// Playback ran from the state's position to the observed position `x`, or so it seems.
    fn judge(
        &mut self,
        state: &State,
        event: &Event,
        x: f64,
        (dt, content): (f64, f64),
        tell: &mut impl Tell,
    ) {
        let d = x - state.position;
        if 0.0 < d && d <= self.rules.max_segment_seconds && d <= content + self.rules.tolerance_seconds {
            let segment = Interval { start: state.position, end: x };
            tell.tell(Finding::Watched { segment, play_seconds: dt.min(d / state.rate) });
        } else if d > 0.0 || d < -self.rules.backward_skip_seconds {
            tell.tell(Finding::Rejected(d));
            let seconds = self.unseen(state, event, content);
            unobserved(state.position, seconds, tell);
            self.skip(d, tell);
        } else if event.kind.starts_playback() && dt > self.rules.tolerance_seconds {
            tell.tell(Finding::OpenSegment);
            let seconds = self.unseen(state, event, content);
            unobserved(state.position, seconds, tell);
        }
    }

    /// The event finds a player that was paused, ended, closed or in the viewer's hand.
    fn after_standstill(&self, state: &State, event: &Event, position: f64, tell: &mut impl Tell) {
        let d = position - state.position;
        match event.kind {
            EventKind::Seek => self.skip(d, tell),
            EventKind::Play | EventKind::Resume if !state.ended => self.skip(d, tell),
            EventKind::Heartbeat if !state.ended && !state.is_near(position) => {
                let rate = event.rate.unwrap_or(state.rate);
                let content = event.time.seconds_since(state.time) * rate;
                if 0.0 < d && d <= content + self.rules.tolerance_seconds {
                    unobserved(state.position, d, tell);
                } else {
                    self.skip(d, tell);
                }
            }
            _ => {}
        }
    }

    /// What may have been watched between the state and this event at most, in seconds of content.
    fn unseen(&mut self, state: &State, event: &Event, content: f64) -> f64 {
        let seconds = content.min(self.rules.max_segment_seconds);
        if event.kind.starts_playback() { seconds.min(self.bound(state)) } else { seconds }
    }

    /// What may have been played after the state although its stop was never seen, in seconds of content.
    fn bound(&mut self, state: &State) -> f64 {
        let cap = self.rules.open_segment_cap_seconds;
        let cap = self.rules.heartbeat_seconds.map_or(cap, |interval| cap.min(interval));
        let later = (self.next_later)(state.time);
        state.rate * later.map_or(cap, |later| cap.min(later.seconds_since(state.time)))
    }

    fn skip(&self, d: f64, tell: &mut impl Tell) {
        if d > self.rules.forward_skip_seconds {
            tell.tell(Finding::ForwardSkip(d));
        } else if d < -self.rules.backward_skip_seconds {
            tell.tell(Finding::BackwardSkip(-d));
        }
    }
}

/// Whether the player still reports the position before the seek as it starts.
fn is_stale_start(state: &State, event: &Event) -> bool {
    event.kind.starts_playback()
        && state.origin.is_some_and(|origin| near(event.position, origin) && !near(state.position, origin))
}

fn unobserved(start: f64, seconds: f64, tell: &mut impl Tell) {
    if seconds > 0.0 {
        // A speed may be so absurd that its product with the clock is none.
        tell.tell(Finding::Unobserved(Stretch { start, seconds: seconds.min(f64::MAX) }));
    }
}

fn next_state(before: Option<&State>, event: &Event, position: f64) -> State {
    let mut state = State {
        position,
        time: event.time,
        rate: event.rate.or(before.map(|s| s.rate)).unwrap_or(1.0),
        playing: before.is_some_and(|s| s.playing),
        seeking: before.is_some_and(|s| s.seeking),
        ended: before.is_some_and(|s| s.ended),
        origin: None,
    };
    match event.kind {
        EventKind::Heartbeat if before.is_some_and(|s| !s.plays_on() && s.is_near(position)) => {}
        EventKind::Play | EventKind::Resume | EventKind::Heartbeat => {
            (state.playing, state.seeking, state.ended) = (true, false, false);
        }
        EventKind::Pause | EventKind::Close => (state.playing, state.seeking) = (false, false),
        EventKind::End => (state.playing, state.seeking, state.ended) = (false, false, true),
        EventKind::SeekStart => state.seeking = true,
        EventKind::Seek => {
            (state.seeking, state.ended) = (false, false);
            let standing = before.filter(|s| !s.plays_on()).map(|s| s.position);
            state.origin = event.seek_from.or(standing);
        }
        EventKind::RateChange => {}
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAY: EventKind = EventKind::Play;
    const PAUSE: EventKind = EventKind::Pause;
    const BEAT: EventKind = EventKind::Heartbeat;

    /// Events as (second, kind, position); the findings of the whole walk.
    fn walk(rules: &Rules, events: &[(f64, EventKind, f64)]) -> Vec<Finding> {
        let events: Vec<_> = events.iter().map(|&(at, kind, position)| event(at, kind, position)).collect();
        walk_events(rules, &events)
    }

    fn walk_events(rules: &Rules, events: &[Event]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let times: Vec<_> = events.iter().map(|e| e.time).collect();
        let mut walker = Walker::new(rules, |time| times.iter().copied().find(|&t| t > time));
        for event in events {
            walker.step(event, &mut |finding| findings.push(finding));
        }
        walker.finish(&mut |finding| findings.push(finding));
        findings
    }

    #[expect(clippy::cast_possible_truncation, reason = "test times are small")]
    fn event(at: f64, kind: EventKind, position: f64) -> Event {
        let time = Micros((at * 1e6) as i64);
        Event { time, kind, position, seek_from: None, rate: None, sequence: None }
    }

    fn watched(start: f64, end: f64) -> Finding {
        Finding::Watched { segment: Interval { start, end }, play_seconds: end - start }
    }

    fn maybe(start: f64, seconds: f64) -> Finding {
        Finding::Unobserved(Stretch { start, seconds })
    }

    #[test]
    fn a_segment_needs_two_positions() {
        let rules = Rules::default();
        assert_eq!(walk(&rules, &[(0.0, PLAY, 0.0), (30.0, PAUSE, 30.0)]), [watched(0.0, 30.0)]);
        assert_eq!(walk(&rules, &[(0.0, PAUSE, 30.0)]), []);
        assert_eq!(walk(&rules, &[(0.0, PLAY, 0.0)]), [Finding::OpenSegment, maybe(0.0, 300.0)]);
    }

    #[test]
    fn the_clock_bounds_a_segment_up_to_the_tolerance() {
        let rules = Rules::default();
        let on_the_edge = walk(&rules, &[(0.0, PLAY, 0.0), (10.0, PAUSE, 15.0)]);
        let segment = Interval { start: 0.0, end: 15.0 };
        assert_eq!(on_the_edge, [Finding::Watched { segment, play_seconds: 10.0 }]);
        let beyond = walk(&rules, &[(0.0, PLAY, 0.0), (10.0, PAUSE, 15.5)]);
        assert_eq!(beyond, [Finding::Rejected(15.5), maybe(0.0, 10.0), Finding::ForwardSkip(15.5)]);
    }

    #[test]
    fn a_longest_segment_is_kept_and_a_longer_one_is_not() {
        let rules = Rules { max_segment_seconds: 60.0, ..Rules::default() };
        assert_eq!(walk(&rules, &[(0.0, PLAY, 0.0), (60.0, PAUSE, 60.0)]), [watched(0.0, 60.0)]);
        let findings = walk(&rules, &[(0.0, PLAY, 0.0), (61.0, PAUSE, 61.0)]);
        assert_eq!(findings, [Finding::Rejected(61.0), maybe(0.0, 60.0), Finding::ForwardSkip(61.0)]);
    }

    #[test]
    fn jumps_within_the_thresholds_are_no_skips() {
        let rules = Rules::default();
        for (to, expected) in [
            (35.0, None),
            (35.5, Some(Finding::ForwardSkip(5.5))),
            (28.0, None),
            (27.5, Some(Finding::BackwardSkip(2.5))),
        ] {
            let findings = walk(&rules, &[(0.0, PAUSE, 30.0), (1.0, PLAY, to), (2.0, PAUSE, to)]);
            assert_eq!(findings, Vec::from_iter(expected), "to {to}");
        }
    }

    #[test]
    fn a_second_start_without_a_stop_leaves_an_open_segment() {
        let rules = Rules { heartbeat_seconds: Some(10.0), ..Rules::default() };
        let findings = walk(&rules, &[(0.0, PLAY, 50.0), (100.0, PLAY, 50.0), (105.0, PAUSE, 55.0)]);
        assert_eq!(findings, [Finding::OpenSegment, maybe(50.0, 10.0), watched(50.0, 55.0)]);
        let at_once = walk(&rules, &[(0.0, PLAY, 50.0), (5.0, PLAY, 50.0), (10.0, PAUSE, 55.0)]);
        assert_eq!(at_once, [watched(50.0, 55.0)]);
    }

    #[test]
    fn a_stale_start_after_a_seek_is_moved_to_the_destination() {
        let mut seek = event(10.0, EventKind::Seek, 200.0);
        seek.seek_from = Some(10.0);
        let rules = Rules::default();
        let events = [event(0.0, PLAY, 0.0), seek, event(10.5, PLAY, 10.2), event(20.5, PAUSE, 210.0)];
        let skip = Finding::ForwardSkip(190.0);
        assert_eq!(walk_events(&rules, &events), [watched(0.0, 10.0), skip, watched(200.0, 210.0)]);
    }

    #[test]
    fn a_paused_players_sign_of_life_starts_nothing_and_a_moving_one_does() {
        let rules = Rules::default();
        let near = walk(&rules, &[(0.0, PAUSE, 30.0), (10.0, BEAT, 31.0), (20.0, BEAT, 31.0)]);
        assert_eq!(near, []);
        let moving = walk(&rules, &[(0.0, PAUSE, 30.0), (10.0, BEAT, 40.0), (20.0, PAUSE, 50.0)]);
        assert_eq!(moving, [maybe(30.0, 10.0), watched(40.0, 50.0)]);
        let jumped = walk(&rules, &[(0.0, PAUSE, 30.0), (10.0, BEAT, 90.0), (20.0, PAUSE, 100.0)]);
        assert_eq!(jumped, [Finding::ForwardSkip(60.0), watched(90.0, 100.0)]);
    }

    #[test]
    fn speed_stretches_the_clock() {
        let rules = Rules::default();
        let mut play = event(0.0, PLAY, 0.0);
        play.rate = Some(2.0);
        let findings = walk_events(&rules, &[play, event(30.0, PAUSE, 60.0)]);
        let segment = Interval { start: 0.0, end: 60.0 };
        assert_eq!(findings, [Finding::Watched { segment, play_seconds: 30.0 }]);
    }

    #[test]
    fn a_start_after_the_end_is_a_replay_and_no_skip() {
        let rules = Rules::default();
        let events = [(0.0, PLAY, 0.0), (10.0, EventKind::End, 10.0), (20.0, PLAY, 0.0), (25.0, PAUSE, 5.0)];
        assert_eq!(walk(&rules, &events), [watched(0.0, 10.0), watched(0.0, 5.0)]);
    }

    proptest::proptest! {
        #[test]
        fn watched_seconds_never_exceed_the_clock_and_its_tolerances(
            raw in proptest::collection::vec((0u32..40, 0usize..9, 0u32..400), 0..40),
        ) {
            let rules = Rules::default();
            let mut at = 0.0;
            let events: Vec<_> = raw.into_iter().map(|(gap, kind, position)| {
                at += f64::from(gap);
                event(at, EventKind::ALL[kind], position.into())
            }).collect();
            let (mut content, mut clock, mut segments) = (0.0, 0.0, 0.0);
            for finding in walk_events(&rules, &events) {
                if let Finding::Watched { segment, play_seconds } = finding {
                    content += segment.end - segment.start;
                    clock += play_seconds;
                    segments += 1.0;
                }
            }
            proptest::prop_assert!(clock <= at);
            proptest::prop_assert!(content <= at + segments * rules.tolerance_seconds);
        }
    }
}
