//! Hand-computed walks.

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
    let jumped =
        [event(0.0, PLAY, 0.0), event(5.0, BEAT, 5.0), event(10.0, BEAT, 500.0), event(12.0, PAUSE, 502.0)];
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
    let events =
        [at_rate(1.0, event(0.0, PLAY, 0.0)), at_rate(2.0, nowhere(10.0, RATE)), event(20.0, PAUSE, 30.0)];
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
    let twice = [event(0.0, PLAY, 0.0), event(60.0, EventKind::End, 60.0), event(60.5, EventKind::End, 60.9)];
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
