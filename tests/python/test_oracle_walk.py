"""The second opinion's walk, on cases that were worked out by hand from the metric definitions."""

from typing import Any, Optional

import pytest

from support.oracle import sessions
from support.oracle_cases import assert_row, event, in_order, only_session, spans, started, stretches
from support.oracle_intervals import replays

# ------------------------------------------------------------------------------------------- simple cases


def test_play_pause_is_one_segment() -> None:
    row = only_session([started(), event(30, "pause", 30)])
    assert_row(row, watchTime=30, playTime=30, openSegmentCount=0)
    assert (row["watchedIntervals"], row["replayedIntervals"]) == (spans((0, 30)), [])
    assert (row["unobserved"], row["reportedDuration"]) == ([], None)


def test_silence_after_play_is_never_watch_time() -> None:
    row = only_session([started(position=12)])
    assert (row["watchTime"], row["openSegmentCount"]) == (0, 1)
    assert row["unobserved"] == stretches((12, 300))


# -------------------------------------------------------------------------- a speed change without position


def test_a_speed_change_without_position() -> None:
    """10 s at speed 1 and 10 s at speed 2 are 30 s of content."""
    events = [started(1.0), event(10, "rate_change", None, playbackRate=2.0), event(20, "pause", 30)]
    row = only_session(events)
    assert_row(row, watchTime=30, playTime=20, maxPosition=30, eventCount=3)
    assert row["watchedIntervals"] == spans((0, 30))
    events[2] = event(20, "pause", 35.5)
    assert_row(only_session(events), watchTime=0, rejectedSegmentCount=1, forwardSkipCount=1)
    assert only_session(events)["unobserved"] == stretches((0, 30))


def test_a_speed_change_without_position_keeps_the_lead() -> None:
    events = [
        started(1.0),
        event(10, "heartbeat", 15),  # 5 ahead
        event(14, "rate_change", None, playbackRate=2.0),
        event(17, "pause", 25),  # 5 + 10 - (4 + 6)
    ]
    assert_row(only_session(events), watchTime=25, playTime=17)
    events[3] = event(17, "pause", 25.5)
    assert_row(only_session(events), watchTime=15, rejectedSegmentCount=1)


def test_a_stop_without_position_after_a_speed_change_without_one() -> None:
    events = [started(1.0), event(10, "rate_change", None, playbackRate=2.0)]
    assert_row(only_session(events), openSegmentCount=1, maxPosition=0, watchTime=0)
    assert only_session(events)["unobserved"] == stretches((0, 10 + 2 * 300))
    row = only_session([*events, event(20, "ended", None)])
    assert (row["unobserved"], row["endPositions"]) == (stretches((0, 30)), [30])


def test_a_missed_stop_after_a_speed_change_without_position() -> None:
    """Until the speed change it played; then at most 300 s, 15 s or 90 s more, at speed 2."""
    events = [started(1.0), event(10, "rate_change", None, playbackRate=2.0), event(100, "play", 0)]
    for rules, unseen in [({}, 190), ({"heartbeat_seconds": 15.0}, 40), ({"max_segment_seconds": 20.0}, 20)]:
        row = only_session(in_order(*events, event(100, "pause", 0)), **rules)
        assert (row["unobserved"], row["openSegmentCount"]) == (stretches((0, unseen)), 1)


def test_a_speed_change_of_a_paused_player() -> None:
    events = [
        started(),
        event(10, "pause", 10),
        event(15, "rate_change", None, playbackRate=2.0),
        event(20, "play", 10),
        event(30, "pause", 30),
    ]
    assert_row(only_session(events), watchTime=30, playTime=20, forwardSkipCount=0)


# -------------------------------------------------------------------------------- stops without a position


@pytest.mark.parametrize("kind", ["pause", "close", "ended"])
def test_a_stop_without_position(kind: str) -> None:
    row = only_session([started(), event(10, kind, None), event(20, "play", 50), event(30, "pause", 60)])
    assert row["unobserved"] == stretches((0, 10))
    # Where it stopped is not known, so that it played on at 50 is no skip.
    assert_row(row, watchTime=10, forwardSkipCount=0, openSegmentCount=0, maxPosition=60)
    assert row["pauseCount"] == (2 if kind == "pause" else 1)
    assert row["endPositions"] == ([10] if kind == "ended" else [])


def test_a_stop_without_position_of_a_player_that_stands_keeps_its_position() -> None:
    row = only_session([started(), event(10, "pause", 10), event(11, "close", None), event(20, "play", 50)])
    assert row["forwardSkipCount"] == 1
    row = only_session(
        [started(), event(10, "seek_start", 10), event(11, "pause", None), event(20, "play", 50)]
    )
    assert (row["watchTime"], row["forwardSkipCount"]) == (10, 1)


def test_an_end_without_position() -> None:
    assert only_session([event(0, "ended", None)])["endPositions"] == []
    assert only_session([event(0, "pause", 7), event(9, "ended", None)])["endPositions"] == [7]
    row = only_session([started(1.5), event(10, "ended", None)])
    assert (row["endPositions"], row["maxPosition"]) == ([15], 0)
    # The pause that comes before it ends the stretch, and tells where it likely ends.
    row = only_session([started(), event(10, "pause", None), event(12, "ended", None)])
    assert (row["endPositions"], row["unobserved"]) == ([10], stretches((0, 10)))
    # While seeking nothing plays: it likely is where the seek began.
    row = only_session([started(), event(10, "seek_start", 10), event(20, "ended", None)])
    assert row["endPositions"] == [10]


def test_where_it_likely_is_outlives_what_knows_no_better() -> None:
    events = [started(), event(10, "pause", None), event(11, "rate_change", None), event(12, "close", None)]
    assert only_session([*events, event(13, "ended", None)])["endPositions"] == [10]
    # After the rate change's own position that one holds.
    events[2] = event(11, "rate_change", 40)
    assert only_session([*events, event(13, "ended", None)])["endPositions"] == [40]


@pytest.mark.parametrize(
    ("second", "ends"),
    [(60.5, [60]), (61, [60]), (61.5, [60, 61.5]), (59, [60]), (58.5, [58.5, 60]), (None, [60])],
)
def test_two_trackers_of_one_end(second: Optional[float], ends: list[float]) -> None:
    events = [started(), event(60, "ended", 60), event(60.2, "end", second)]
    row = only_session(events)
    assert row["endPositions"] == ends
    assert (row["forwardSkipCount"], row["backwardSkipCount"], row["unobserved"]) == (0, 0, [])


def test_a_loop_ends_every_time() -> None:
    events = [
        started(),
        event(60, "ended", 60),
        event(61, "pause", None),
        event(61, "ended", None),
        event(70, "play", 0),
        event(130, "ended", 60),
    ]
    row = only_session(events)
    assert (row["endPositions"], row["watchTime"]) == ([60, 60], 120)
    assert row["replayedIntervals"] == spans((0, 60))


# ------------------------------------------------------------------------- players that stand, and the drag


def test_idle_heartbeats_that_drift_add_up_to_a_missed_start() -> None:
    events = [started(), event(40, "pause", 40)]
    idle = [event(50, "heartbeat", 40.5), event(60, "heartbeat", 41)]
    row = only_session([*events, *idle])
    assert (row["unobserved"], row["openSegmentCount"], row["maxPosition"]) == ([], 0, 41)
    row = only_session([*events, *idle, event(70, "heartbeat", 41.5), event(80, "pause", 51.5)])
    assert row["unobserved"] == stretches((40, 1.5))
    assert_row(row, watchTime=50, openSegmentCount=0)


@pytest.mark.parametrize("kind", ["heartbeat", "pause", "close", "ended", "rate_change"])
@pytest.mark.parametrize(
    ("position", "unobserved", "skips"),
    [(11, [], (0, 0)), (35, [(10, 25)], (0, 0)), (35.5, [], (1, 0)), (8, [], (0, 0)), (7.5, [], (0, 1))],
)
def test_a_missed_start(kind: str, position: float, unobserved: Any, skips: Any) -> None:
    """Paused at 10; ten seconds later at most 10 * 2 + 5 = 25 s further."""
    paused = [started(), event(10, "pause", 10)]
    row = only_session(in_order(*paused, event(20, kind, position), event(20, "close", None)))
    # A heartbeat that is not near plays, and the close without position says nothing new at once.
    assert row["unobserved"] == stretches(*unobserved)
    assert (row["forwardSkipCount"], row["backwardSkipCount"]) == skips


@pytest.mark.parametrize(("rate", "most"), [(1.0, 15), (3.0, 35), (0.5, 10)])
def test_a_missed_start_with_a_stated_speed(rate: float, most: float) -> None:
    paused = [started(2.0), event(5, "pause", 10)]
    for position, found in [(10 + most, [(10, most)]), (10.5 + most, [])]:
        row = only_session([*paused, event(15, "close", position, playbackRate=rate)])
        assert row["unobserved"] == stretches(*found)
    # Without its own, the one before holds: 10 * 2 + 5.
    assert only_session([*paused, event(15, "close", 35)])["unobserved"] == stretches((10, 25))


def test_after_the_end_nothing_is_missed() -> None:
    for kind in ("heartbeat", "pause", "close", "ended", "play"):
        ended = [started(), event(60, "ended", 60)]
        row = only_session(in_order(*ended, event(70, kind, 20), event(70, "close", None)))
        assert (row["unobserved"], row["backwardSkipCount"]) == ([], 0)
    assert only_session([started(), event(60, "ended", 60), event(70, "seek", 20)])["backwardSkipCount"] == 1


def test_while_seeking_only_heartbeats_tell_of_a_missed_start() -> None:
    dragging = [started(), event(10, "seek_start", 10)]
    for kind in ("pause", "close", "ended", "rate_change"):
        row = only_session(in_order(*dragging, event(20, kind, 25), event(20, "close", None)))
        assert (row["unobserved"], row["watchTime"]) == ([], 10)
    row = only_session(in_order(*dragging, event(20, "heartbeat", 25), event(20, "close", None)))
    assert row["unobserved"] == stretches((10, 15))


def test_a_seek_start_may_report_the_destination() -> None:
    """Of a paused player: the seek is still one of 90 s, and the play that follows is stale."""
    events = [
        started(),
        event(10, "pause", 10),
        event(12, "seek_start", 100),
        event(13, "seek", 100),
        event(14, "play", 10.5),
        event(24, "pause", 110),
    ]
    row = only_session(events)
    assert row["watchedIntervals"] == spans((0, 10), (100, 110))
    assert (row["forwardSkipCount"], row["backwardSkipCount"]) == (1, 0)
    # The first event of all has nothing before it.
    row = only_session([event(0, "seek_start", 100), event(1, "seek", 103)])
    assert (row["forwardSkipCount"], row["maxPosition"]) == (0, 103)


def test_a_seek_start_of_a_playing_player_moves_with_the_drag() -> None:
    events = [
        started(),
        event(10, "seek_start", 10),
        event(11, "seek_start", 95),
        event(12, "seek", 98),  # 3 s from 95 are no skip
        event(13, "play", 95.5),  # stale: where the seek came from
        event(23, "pause", 109),
    ]
    row = only_session(events)
    assert row["watchedIntervals"] == spans((0, 10), (98, 109))
    assert (row["forwardSkipCount"], row["backwardSkipCount"]) == (0, 0)


def test_a_stale_start_is_reported_but_not_believed() -> None:
    events = [started(position=200), event(10, "seek", 100, seekFrom=210), event(11, "play", 210)]
    row = only_session([*events, event(21, "pause", 110)])
    assert row["watchedIntervals"] == spans((100, 110), (200, 210))
    assert_row(row, maxPosition=210, rejectedSegmentCount=0, backwardSkipCount=1, forwardSkipCount=0)


# ------------------------------------------------------------------------------------------------ silences


@pytest.mark.parametrize(("name", "position"), [("pause", None), ("heartbeat", 500), ("seek", 50)])
def test_the_heartbeat_bounds_every_silence(name: str, position: Optional[float]) -> None:
    events = [started(), event(10, "heartbeat", 10), event(100, name, position), event(100, "close", None)]
    events = in_order(*events)
    assert only_session(events)["unobserved"] == stretches((10, 90))
    assert only_session(events, heartbeat_seconds=15.0)["unobserved"] == stretches((10, 15))
    # The next event on any video does so too, but only of a player that is known to send heartbeats.
    other = event(14, "pause", 0, videoId="w")
    rows, _ = sessions([*events, other], rules={"heartbeat_seconds": 15.0})
    assert rows[0]["unobserved"] == stretches((10, 4))
    rows, _ = sessions([*events, other])
    assert rows[0]["unobserved"] == stretches((10, 90))


def test_a_missed_stop_is_bounded_without_a_heartbeat_too() -> None:
    events = in_order(started(2.0), event(400, "play", 0), event(400, "close", 0))
    row = only_session(events)
    assert (row["unobserved"], row["openSegmentCount"]) == (stretches((0, 600)), 1)
    assert only_session(events, open_segment_cap_seconds=0.0)["unobserved"] == []
    rows, _ = sessions([*events, event(7, "pause", 0, videoId="w")])
    assert rows[0]["unobserved"] == stretches((0, 14))


def test_a_doubled_play_is_a_missed_stop_only_beyond_the_tolerance() -> None:
    for seconds, opened in [(5, 0), (5.5, 1)]:
        row = only_session([started(), event(seconds, "play", 0), event(seconds + 1, "pause", 1)])
        assert row["openSegmentCount"] == opened


def test_the_last_silence_is_bounded_by_what_comes_on_another_video() -> None:
    rows, _ = sessions([started(), event(10, "heartbeat", 10), event(10, "pause", 0, videoId="a")])
    assert rows[1]["unobserved"] == stretches((10, 300))
    rows, _ = sessions([started(), event(10, "heartbeat", 10), event(17, "pause", 0, videoId="a")])
    assert (rows[1]["unobserved"], rows[1]["openSegmentCount"]) == (stretches((10, 7)), 1)
    # While seeking nothing more was played for sure, but the player may have gone on.
    row = only_session([started(), event(10, "seek_start", 10)])
    assert (row["unobserved"], row["openSegmentCount"]) == (stretches((10, 300)), 1)


# ------------------------------------------------------------------------------------------------- replays


def test_replays_nested_three_deep() -> None:
    assert replays([(0, 30), (10, 25), (15, 20)]) == [(10, 25), (15, 20)]
    assert replays([(0, 60)] * 3) == [(0, 60), (0, 60)]
    assert replays([(0, 10), (10, 20), (0, 20)]) == [(0, 20)]
    assert replays([(0, 10), (10, 20)]) == replays([]) == replays([(0, 10)]) == []
    assert replays([(0, 10), (5, 15), (10, 20)]) == [(5, 15)]


def test_replays_of_a_session() -> None:
    """0 to 30, then from 10 to 25, then from 15 to 20."""
    events = [
        started(),
        event(30, "seek", 10, seekFrom=30),
        event(45, "seek", 15, seekFrom=25),
        event(50, "pause", 20),
    ]
    row = only_session(events)
    assert row["watchedIntervals"] == spans((0, 30))
    assert row["replayedIntervals"] == spans((10, 25), (15, 20))
    assert_row(row, watchTime=50, uniqueSecondsWatched=30, backwardSkipCount=2)


def test_the_reported_duration_is_the_largest() -> None:
    stated = [100.0, None, 101.0, 0.0, float("nan"), float("inf"), -5.0]
    events = [event(number, "heartbeat", number, videoDuration=n) for number, n in enumerate(stated)]
    assert only_session(events)["reportedDuration"] == 101
    assert only_session(events[3:])["reportedDuration"] is None
