//! The player state machine: one session of one user and video, event by event.
//!
//! Watch time needs two observed positions. Whatever lies between two events and is not shown by both of
//! them is reported as unobserved, with the most that it can have been, or counted as a rejected segment.
//! Playback is judged by runs, not pair by pair: content may be ahead of the clock by the tolerance once, and only the
//! clock makes up for it.

mod state;

use crate::event::{Event, EventKind};
use crate::intervals::Interval;
use crate::rules::Rules;
use crate::time::Micros;
use state::{Since, State, near};

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
    Watched(Interval),
    /// A run of playback is over, and took so many wall-clock seconds.
    Played(f64),
    /// A stretch may have been watched.
    Unobserved(Stretch),
    /// Playback jumped ahead by so many seconds.
    ForwardSkip(f64),
    /// Playback jumped back by so many seconds (a positive number).
    BackwardSkip(f64),
    /// Two positions do not fit together as playback.
    Rejected {
        /// By how much the position moved, in seconds.
        moved: f64,
        /// By how much it can have moved at most.
        allowed: f64,
    },
    /// Playback went on and no event says until when.
    OpenSegment,
    /// The video ended at this position.
    Ended(f64),
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

/// The wall clock of playback that goes on from event to event.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    /// Seconds from its first event to its last.
    clock: f64,
    /// Seconds that its content takes at the rates that it likely had.
    content: f64,
}

impl Run {
    /// How long it took: a stall is no play time, and late or rounded timestamps do not bias it.
    fn seconds(self) -> f64 {
        self.clock.min(self.content)
    }
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
    run: Run,
}

impl<'a, N: FnMut(Micros) -> Option<Micros>> Walker<'a, N> {
    /// A walk that has seen no event.
    pub fn new(rules: &'a Rules, next_later: N) -> Self {
        Self { rules, next_later, state: None, run: Run::default() }
    }

    /// Whether the player plays after the events so far.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.state.is_some_and(|state| state.playing)
    }

    /// By how many seconds content is ahead of the clock after the events so far.
    #[must_use]
    pub fn lead(&self) -> f64 {
        self.state.map_or(0.0, |state| state.lead)
    }

    /// How many wall-clock seconds the run took that is not over yet.
    #[must_use]
    pub fn run_seconds(&self) -> f64 {
        self.run.seconds()
    }

    /// Takes in the next event and tells what it shows.
    pub fn step(&mut self, event: &Event, tell: &mut impl Tell) {
        let mut position = event.position;
        let mut goes_on = false;
        let mut before = self.state.unwrap_or_else(|| State::unknown(self.rules));
        if self.state.is_some() {
            if before.is_stale_start(event) {
                position = before.position;
            }
            goes_on = match before.position {
                Some(from) if before.plays_on() => {
                    self.after_playing(&mut before, from, event, position, tell)
                }
                _ => {
                    self.after_standstill(&mut before, event, position, tell);
                    false
                }
            };
        }
        if !goes_on {
            self.end_run(tell);
        }
        if event.kind == EventKind::End {
            if let Some(at) = before.end(position) {
                tell.tell(Finding::Ended(at));
            }
        }
        self.state = Some(before.next(event, position));
    }

    /// Ends the walk: playback that nothing stopped is an open segment.
    pub fn finish(mut self, tell: &mut impl Tell) {
        self.end_run(tell);
        if let Some(state) = self.state.filter(|state| state.playing) {
            tell.tell(Finding::OpenSegment);
            let seconds = state.since.content + self.bound(&state);
            unobserved(state.position, seconds, tell);
        }
    }

    fn end_run(&mut self, tell: &mut impl Tell) {
        let seconds = std::mem::take(&mut self.run).seconds();
        if seconds > 0.0 {
            tell.tell(Finding::Played(seconds));
        }
    }

    /// The event, at `position`, follows on playback from the position `from` of `state`. Whether the run goes on.
    fn after_playing(
        &mut self,
        state: &mut State,
        from: f64,
        event: &Event,
        position: Option<f64>,
        tell: &mut impl Tell,
    ) -> bool {
        let before = state.since.content;
        state.pass(event.time.seconds_since(state.time));
        let is_seek = event.kind == EventKind::Seek;
        let goes_on = match if is_seek { event.seek_from } else { position } {
            // Its position is told later: until then nothing is decided.
            None if event.kind == EventKind::RateChange => true,
            None => {
                self.lose(state, event, before, tell);
                false
            }
            Some(x) => self.judge(state, event, (from, x), before, tell),
        };
        if is_seek {
            let left = event.seek_from.unwrap_or(from + state.since.content);
            self.skip(position.map_or(0.0, |p| p - left), tell);
        }
        goes_on && !is_seek
    }

    /// Playback ran `from` one position `to` another, or so it seems; `before` is what content of it was known of
    /// before this event. Whether the run goes on.
    fn judge(
        &mut self,
        state: &mut State,
        event: &Event,
        (from, to): (f64, f64),
        before: f64,
        tell: &mut impl Tell,
    ) -> bool {
        let Since { clock, content, fastest } = state.since;
        let d = to - from;
        let ahead = (state.lead + d - fastest).max(0.0);
        let (most, tolerance) = (self.rules.max_segment_seconds, self.rules.tolerance_seconds);
        if 0.0 < d && d <= most && ahead <= tolerance {
            tell.tell(Finding::Watched(Interval { start: from, end: to }));
            self.run.clock += clock;
            self.run.content += if content > 0.0 { d * clock / content } else { d / state.rate };
            state.lead = ahead;
            return true;
        }
        if d > 0.0 || d < -self.rules.backward_skip_seconds {
            let allowed = most.min(fastest - state.lead + tolerance);
            tell.tell(Finding::Rejected { moved: d, allowed });
            self.lose(state, event, before, tell);
            self.skip(d, tell);
            return false;
        }
        if event.kind.starts_playback() && clock > tolerance {
            tell.tell(Finding::OpenSegment);
            self.lose(state, event, before, tell);
            return false;
        }
        self.run.clock += clock;
        state.lead = ahead;
        true
    }

    /// The event, at `position`, finds a player that was paused, ended, closed or in the viewer's hand.
    fn after_standstill(
        &self,
        state: &mut State,
        event: &Event,
        position: Option<f64>,
        tell: &mut impl Tell,
    ) {
        let dt = event.time.seconds_since(state.time);
        state.drain(dt * state.limit);
        let (Some(from), Some(to)) = (state.position, position) else { return };
        let d = to - from;
        match event.kind {
            EventKind::Seek => self.skip(d, tell),
            EventKind::Play | EventKind::Resume if !state.ended => self.skip(d, tell),
            EventKind::Play | EventKind::Resume | EventKind::SeekStart => {}
            // Of a player in the viewer's hand only a heartbeat says that it moves by itself.
            kind if state.seeking && kind != EventKind::Heartbeat => {}
            _ if state.ended || near(from, to) => {}
            _ if 0.0 < d && d <= dt * event.rate.unwrap_or(state.limit) + self.rules.tolerance_seconds => {
                unobserved(Some(from), d, tell);
            }
            _ => self.skip(d, tell),
        }
    }

    /// What went by up to this event shows nothing, but may have been watched unseen. Its clock drains the lead.
    fn lose(&mut self, state: &mut State, event: &Event, before: f64, tell: &mut impl Tell) {
        unobserved(state.position, self.unseen(state, event, before), tell);
        state.drain(state.since.fastest);
    }

    /// What may have been watched unseen up to this event at most, in seconds of content; `before` of them were known
    /// before it.
    fn unseen(&mut self, state: &State, event: &Event, before: f64) -> f64 {
        let seconds = state.since.content.min(self.rules.max_segment_seconds);
        let missed_a_stop = event.kind.starts_playback() || self.rules.heartbeat_seconds.is_some();
        if missed_a_stop { seconds.min(before + self.bound(state)) } else { seconds }
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

fn unobserved(start: Option<f64>, seconds: f64, tell: &mut impl Tell) {
    if let (Some(start), true) = (start, seconds > 0.0) {
        // A speed may be so absurd that its product with the clock is none.
        tell.tell(Finding::Unobserved(Stretch { start, seconds: seconds.min(f64::MAX) }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAY: EventKind = EventKind::Play;
    const PAUSE: EventKind = EventKind::Pause;
    const BEAT: EventKind = EventKind::Heartbeat;
    const RATE: EventKind = EventKind::RateChange;

    /// Events as (second, kind, position); the findings of the whole walk, but for play time.
    fn walk(rules: &Rules, events: &[(f64, EventKind, f64)]) -> Vec<Finding> {
        let events: Vec<_> = events.iter().map(|&(at, kind, position)| event(at, kind, position)).collect();
        walk_events(rules, &events)
    }

    fn walk_events(rules: &Rules, events: &[Event]) -> Vec<Finding> {
        let is_played = |finding: &Finding| matches!(finding, Finding::Played(_));
        all_findings(rules, events).into_iter().filter(|finding| !is_played(finding)).collect()
    }

    /// How long each run took.
    fn runs(events: &[Event]) -> Vec<f64> {
        let seconds = |finding| if let Finding::Played(seconds) = finding { Some(seconds) } else { None };
        all_findings(&Rules::default(), events).into_iter().filter_map(seconds).collect()
    }

    fn all_findings(rules: &Rules, events: &[Event]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let times: Vec<_> = events.iter().map(|e| e.time).collect();
        let mut walker = Walker::new(rules, |time| times.iter().copied().find(|&t| t > time));
        for event in events {
            walker.step(event, &mut |finding| findings.push(finding));
        }
        walker.finish(&mut |finding| findings.push(finding));
        findings
    }

    fn event(at: f64, kind: EventKind, position: f64) -> Event {
        Event { position: Some(position), ..nowhere(at, kind) }
    }

    /// An event at an unknown position.
    #[expect(clippy::cast_possible_truncation, reason = "test times are small")]
    fn nowhere(at: f64, kind: EventKind) -> Event {
        let time = Micros((at * 1e6) as i64);
        Event { time, kind, position: None, seek_from: None, rate: None, sequence: None, duration: None }
    }

    fn at_rate(rate: f64, event: Event) -> Event {
        Event { rate: Some(rate), ..event }
    }

    fn watched(start: f64, end: f64) -> Finding {
        Finding::Watched(Interval { start, end })
    }

    fn rejected(moved: f64, allowed: f64) -> Finding {
        Finding::Rejected { moved, allowed }
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
        let rules = Rules { max_unstated_speed: 1.0, ..Rules::default() };
        let on_the_edge = walk(&rules, &[(0.0, PLAY, 0.0), (10.0, PAUSE, 15.0)]);
        assert_eq!(on_the_edge, [watched(0.0, 15.0)]);
        let beyond = walk(&rules, &[(0.0, PLAY, 0.0), (10.0, PAUSE, 15.5)]);
        assert_eq!(beyond, [rejected(15.5, 15.0), maybe(0.0, 10.0), Finding::ForwardSkip(15.5)]);
    }

    #[test]
    fn a_speed_that_nobody_stated_is_at_most_what_rules_say() {
        let rules = Rules::default();
        assert_eq!(walk(&rules, &[(0.0, PLAY, 0.0), (10.0, PAUSE, 25.0)]), [watched(0.0, 25.0)]);
        let beyond = walk(&rules, &[(0.0, PLAY, 0.0), (10.0, PAUSE, 25.5)]);
        assert_eq!(beyond, [rejected(25.5, 25.0), maybe(0.0, 10.0), Finding::ForwardSkip(25.5)]);
        // Once a speed was stated, it holds.
        let stated = [at_rate(1.0, event(0.0, PLAY, 0.0)), event(10.0, PAUSE, 15.5)];
        let expected = [rejected(15.5, 15.0), maybe(0.0, 10.0), Finding::ForwardSkip(15.5)];
        assert_eq!(walk_events(&rules, &stated), expected);
    }

    #[test]
    fn the_tolerance_is_granted_once_for_a_run() {
        // Five seconds of content every half second: 1 at the limit of 2, so 4 ahead, then 8.
        let beats: Vec<_> = (0..4).map(|n| (f64::from(n) * 0.5, BEAT, f64::from(n) * 5.0)).collect();
        let findings = walk(&Rules::default(), &beats);
        let expected = [
            watched(0.0, 5.0),
            rejected(5.0, 2.0),
            maybe(5.0, 0.5),
            // The lead of 4 less the second that the clock allowed; a rejected segment adds nothing.
            rejected(5.0, 3.0),
            maybe(10.0, 0.5),
            Finding::OpenSegment,
            maybe(15.0, 300.0),
        ];
        assert_eq!(findings, expected);
    }

    #[test]
    fn pauses_and_seeks_do_not_refill_the_tolerance_but_the_clock_does() {
        let rules = Rules { max_unstated_speed: 1.0, ..Rules::default() };
        // Content is 5 ahead after the first second; the pause gives back the second that it takes.
        let again = [(0.0, PLAY, 0.0), (1.0, PAUSE, 6.0), (2.0, PLAY, 6.0), (3.0, PAUSE, 8.0)];
        assert_eq!(walk(&rules, &again), [watched(0.0, 6.0), watched(6.0, 8.0)]);
        let more = [(0.0, PLAY, 0.0), (1.0, PAUSE, 6.0), (2.0, PLAY, 6.0), (3.0, PAUSE, 8.5)];
        assert_eq!(walk(&rules, &more), [watched(0.0, 6.0), rejected(2.5, 2.0), maybe(6.0, 1.0)]);
        let later = [(0.0, PLAY, 0.0), (1.0, PAUSE, 6.0), (6.0, PLAY, 6.0), (7.0, PAUSE, 12.0)];
        assert_eq!(walk(&rules, &later), [watched(0.0, 6.0), watched(6.0, 12.0)]);
        // A stall does, too.
        let stalled = [(0.0, PLAY, 0.0), (1.0, BEAT, 6.0), (6.0, BEAT, 6.0), (7.0, PAUSE, 12.0)];
        assert_eq!(walk(&rules, &stalled), [watched(0.0, 6.0), watched(6.0, 12.0)]);
    }

    #[test]
    fn play_time_is_the_clock_of_whole_runs() {
        // Four beats a second with stamps of whole seconds: 60 s of content in 60 s.
        let beats: Vec<_> = (0..=240).map(|n| event(f64::from(n / 4), BEAT, f64::from(n) / 4.0)).collect();
        assert_eq!(runs(&beats), [60.0]);
        // A stall is none: 10 s of content took 10 s, not 20.
        let stalled =
            [event(0.0, PLAY, 0.0), event(5.0, BEAT, 5.0), event(15.0, BEAT, 5.0), event(20.0, PAUSE, 10.0)];
        assert_eq!(runs(&stalled), [10.0]);
        // A pause ends a run, and so does what does not fit.
        let paused =
            [event(0.0, PLAY, 0.0), event(5.0, PAUSE, 5.0), event(9.0, PLAY, 5.0), event(11.0, PAUSE, 7.0)];
        assert_eq!(runs(&paused), [5.0, 2.0]);
        let jumped = [
            event(0.0, PLAY, 0.0),
            event(5.0, BEAT, 5.0),
            event(10.0, BEAT, 500.0),
            event(12.0, PAUSE, 502.0),
        ];
        assert_eq!(runs(&jumped), [5.0, 2.0]);
    }

    #[test]
    fn a_longest_segment_is_kept_and_a_longer_one_is_not() {
        let rules = Rules { max_segment_seconds: 60.0, ..Rules::default() };
        assert_eq!(walk(&rules, &[(0.0, PLAY, 0.0), (60.0, PAUSE, 60.0)]), [watched(0.0, 60.0)]);
        let findings = walk(&rules, &[(0.0, PLAY, 0.0), (61.0, PAUSE, 61.0)]);
        assert_eq!(findings, [rejected(61.0, 60.0), maybe(0.0, 60.0), Finding::ForwardSkip(61.0)]);
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
    fn the_interval_of_heartbeats_bounds_every_silence() {
        let asleep = [(0.0, PLAY, 0.0), (7200.0, PAUSE, 9000.0)];
        let skip = Finding::ForwardSkip(9000.0);
        assert_eq!(walk(&Rules::default(), &asleep), [rejected(9000.0, 7200.0), maybe(0.0, 7200.0), skip]);
        let rules = Rules { heartbeat_seconds: Some(10.0), ..Rules::default() };
        assert_eq!(walk(&rules, &asleep), [rejected(9000.0, 7200.0), maybe(0.0, 10.0), skip]);
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
        // Slow drift adds up: the position stays that of the pause.
        let drift =
            walk(&rules, &[(0.0, PAUSE, 30.0), (10.0, BEAT, 31.0), (20.0, BEAT, 32.0), (30.0, PAUSE, 42.0)]);
        assert_eq!(drift, [maybe(30.0, 2.0), watched(32.0, 42.0)]);
        let moving = walk(&rules, &[(0.0, PAUSE, 30.0), (10.0, BEAT, 40.0), (20.0, PAUSE, 50.0)]);
        assert_eq!(moving, [maybe(30.0, 10.0), watched(40.0, 50.0)]);
        let jumped = walk(&rules, &[(0.0, PAUSE, 30.0), (10.0, BEAT, 90.0), (20.0, PAUSE, 100.0)]);
        assert_eq!(jumped, [Finding::ForwardSkip(60.0), watched(90.0, 100.0)]);
    }

    #[test]
    fn a_stop_at_a_moved_position_means_that_a_start_was_missed() {
        let rules = Rules::default();
        for kind in [PAUSE, EventKind::Close, RATE] {
            let findings = walk(&rules, &[(0.0, PAUSE, 30.0), (10.0, kind, 40.0)]);
            assert_eq!(findings, [maybe(30.0, 10.0)], "{kind:?}");
            let far = walk(&rules, &[(0.0, PAUSE, 30.0), (10.0, kind, 90.0)]);
            assert_eq!(far, [Finding::ForwardSkip(60.0)], "{kind:?}");
            let sought = walk(&rules, &[(0.0, EventKind::SeekStart, 30.0), (10.0, kind, 40.0)]);
            assert_eq!(sought, [], "{kind:?}");
        }
        let ended = walk(&rules, &[(0.0, PAUSE, 30.0), (10.0, EventKind::End, 40.0), (20.0, PAUSE, 50.0)]);
        assert_eq!(ended, [maybe(30.0, 10.0), Finding::Ended(40.0)]);
    }

    #[test]
    fn a_change_of_speed_at_an_unknown_position_decides_nothing_yet() {
        let rules = Rules::default();
        // 10 s at speed 1 and 10 s at speed 2.
        let events = [
            at_rate(1.0, event(0.0, PLAY, 0.0)),
            at_rate(2.0, nowhere(10.0, RATE)),
            event(20.0, PAUSE, 30.0),
        ];
        assert_eq!(walk_events(&rules, &events), [watched(0.0, 30.0)]);
        assert_eq!(runs(&events), [20.0]);
        let unstopped = [events[0], events[1], event(20.0, PLAY, 0.0), event(25.0, PAUSE, 10.0)];
        let expected = [Finding::OpenSegment, maybe(0.0, 30.0), watched(0.0, 10.0)];
        assert_eq!(walk_events(&rules, &unstopped), expected);
    }

    #[test]
    fn a_stop_at_an_unknown_position_ends_playback_and_shows_nothing() {
        let rules = Rules::default();
        let closed = [event(0.0, PLAY, 0.0), nowhere(300.0, EventKind::Close)];
        assert_eq!(walk_events(&rules, &closed), [maybe(0.0, 300.0)]);
        // Where it stopped is not known, so a start anywhere is no skip.
        let again = [closed[0], closed[1], event(400.0, PLAY, 20.0), event(410.0, PAUSE, 30.0)];
        assert_eq!(walk_events(&rules, &again), [maybe(0.0, 300.0), watched(20.0, 30.0)]);
        // A paused player is still where it was.
        let paused = [
            event(0.0, PAUSE, 10.0),
            nowhere(5.0, EventKind::Close),
            event(9.0, PLAY, 50.0),
            event(9.0, PAUSE, 50.0),
        ];
        assert_eq!(walk_events(&rules, &paused), [Finding::ForwardSkip(40.0)]);
    }

    #[test]
    fn an_end_is_where_the_player_likely_was_and_told_once() {
        let rules = Rules::default();
        let end = |at| nowhere(at, EventKind::End);
        let played = [event(0.0, PLAY, 0.0), end(60.0)];
        assert_eq!(walk_events(&rules, &played), [maybe(0.0, 60.0), Finding::Ended(60.0)]);
        let twice =
            [event(0.0, PLAY, 0.0), event(60.0, EventKind::End, 60.0), event(60.5, EventKind::End, 60.9)];
        assert_eq!(walk_events(&rules, &twice), [watched(0.0, 60.0), Finding::Ended(60.0)]);
        let other = [twice[0], twice[1], event(60.5, EventKind::End, 61.1)];
        let expected = [watched(0.0, 60.0), Finding::Ended(60.0), Finding::Ended(61.1)];
        assert_eq!(walk_events(&rules, &other), expected);
        let paused = [event(0.0, PLAY, 0.0), nowhere(30.0, PAUSE), end(31.0)];
        assert_eq!(walk_events(&rules, &paused), [maybe(0.0, 30.0), Finding::Ended(30.0)]);
        assert_eq!(walk_events(&rules, &[end(0.0)]), []);
    }

    #[test]
    fn a_seek_that_starts_with_its_destination_is_a_skip_all_the_same() {
        let rules = Rules::default();
        let events = [(0.0, PAUSE, 30.0), (1.0, EventKind::SeekStart, 90.0), (1.0, EventKind::Seek, 90.0)];
        assert_eq!(walk(&rules, &events), [Finding::ForwardSkip(60.0)]);
    }

    #[test]
    fn speed_stretches_the_clock() {
        let play = at_rate(2.0, event(0.0, PLAY, 0.0));
        let events = [play, event(30.0, PAUSE, 60.0)];
        assert_eq!(walk_events(&Rules::default(), &events), [watched(0.0, 60.0)]);
        assert_eq!(runs(&events), [30.0]);
    }

    proptest::proptest! {
        #[test]
        fn watch_time_never_outruns_the_clock(
            raw in proptest::collection::vec((0u8..60, 0usize..9, proptest::option::of(0u8..100)), 0..30)
        ) {
            let rules = Rules::default();
            let mut at = 0.0;
            let events: Vec<_> = raw.into_iter().filter_map(|(gap, kind, position)| {
                at += f64::from(gap);
                let position = position.map(f64::from);
                let kind = EventKind::ALL[kind];
                (position.is_some() || !kind.needs_position()).then_some(Event { position, ..nowhere(at, kind) })
            }).collect();
            let (mut content, mut clock) = (0.0, 0.0);
            for finding in all_findings(&rules, &events) {
                match finding {
                    Finding::Watched(segment) => content += segment.end - segment.start,
                    Finding::Played(seconds) => clock += seconds,
                    _ => {}
                }
            }
            proptest::prop_assert!(clock <= at + 1e-9);
            proptest::prop_assert!(content <= at * rules.unstated_limit() + rules.tolerance_seconds + 1e-9);
        }
    }
}
