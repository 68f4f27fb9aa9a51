"""The second opinion's runs, lead and speeds, on cases that were worked out by hand."""

import pytest

from support.oracle import sessions
from support.oracle_cases import assert_row, event, in_order, only_session, spans, started, stretches

# ------------------------------------------------------------------------------------------- runs and lead


def test_lead_at_the_tolerance_is_kept_and_not_forgiven() -> None:
    """Unstated, so 20 s of content may pass in 10 s: twice 5 s ahead, then 5.5 s."""
    events = [
        started(),
        event(10, "heartbeat", 25),  # 25 - 20 = 5 ahead
        event(20, "heartbeat", 45),  # 5 + 20 - 20 = 5
        event(30, "heartbeat", 65.5),  # 5 + 20.5 - 20 = 5.5
        event(40, "pause", 75.5),
    ]
    row = only_session(events)
    assert row["watchedIntervals"] == spans((0, 45), (65.5, 75.5))
    assert row["unobserved"] == stretches((45, 10))
    # The first run: 20 s of clock for 45 s of content; the second 10 s for 10 s.
    assert_row(row, watchTime=55, playTime=30, rejectedSegmentCount=1, forwardSkipCount=1)


def test_steps_that_are_each_within_the_tolerance_do_not_creep() -> None:
    """A second ahead in each second: after five of them the sixth is too much."""
    events = [started(1.0), *(event(n, "heartbeat", 2 * n) for n in range(1, 7)), event(7, "pause", 13)]
    row = only_session(events)
    assert row["watchedIntervals"] == spans((0, 10), (12, 13))
    assert row["unobserved"] == stretches((10, 1))
    # 5 s of clock for 10 s of content, and 1 s for 1 s. Two seconds forward are no skip.
    assert_row(row, watchTime=11, playTime=6, rejectedSegmentCount=1, forwardSkipCount=0)


@pytest.mark.parametrize(("jump", "rejected"), [(2.0, 0), (2.5, 1)])
def test_a_rejected_segment_drains_the_lead_and_adds_nothing(jump: float, rejected: int) -> None:
    events = [
        started(1.0),
        event(5, "heartbeat", 10),  # 5 ahead
        event(7, "heartbeat", 100),  # rejected: 5 - 2 = 3 ahead
        event(17, "pause", 110 + jump),  # 3 + 10 + jump - 10
    ]
    row = only_session(events)
    # What is rejected is a skip, too.
    assert_row(row, rejectedSegmentCount=1 + rejected, forwardSkipCount=1 + rejected)
    assert row["watchTime"] == 10 + (10 + jump) * (1 - rejected)
    assert row["unobserved"] == stretches((10, 2), *([(100, 10)] * rejected))


def test_a_stall_drains_the_lead() -> None:
    events = [started(1.0), event(10, "heartbeat", 15)]
    row = only_session([*events, event(15, "heartbeat", 15), event(25, "pause", 30)])
    # 25 s of clock for 30 s of content in one run.
    assert_row(row, watchTime=30, playTime=25, rejectedSegmentCount=0)
    row = only_session([*events, event(14.5, "heartbeat", 15), event(24.5, "pause", 30)])
    # The run ends after 14.5 s, of which 15 s of content can have taken all.
    assert_row(row, watchTime=15, playTime=14.5, rejectedSegmentCount=1)


@pytest.mark.parametrize(("paused", "rejected"), [(5.0, 0), (4.5, 1)])
def test_a_pause_drains_the_lead(paused: float, rejected: int) -> None:
    events = [
        started(1.0),
        event(10, "pause", 15),
        event(10 + paused, "play", 15),
        event(20 + paused, "pause", 30),
    ]
    assert_row(only_session(events), watchTime=30 - 15 * rejected, rejectedSegmentCount=rejected)


@pytest.mark.parametrize(("position", "rejected"), [(110, 0), (110.5, 1)])
def test_a_seek_keeps_the_lead(position: float, rejected: int) -> None:
    events = [started(1.0), event(10, "seek", 100, seekFrom=15), event(20, "pause", position)]
    row = only_session(events)
    assert_row(
        row, watchTime=15 + (1 - rejected) * 10, rejectedSegmentCount=rejected, forwardSkipCount=1 + rejected
    )
    # A seek ends the run: 10 s for 15 s of content, then 10 s for 10 s.
    assert row["playTime"] == 20 - 10 * rejected


@pytest.mark.parametrize(("position", "rejected"), [(115, 0), (115.5, 1)])
def test_a_seek_of_unknown_origin_drains_the_lead(position: float, rejected: int) -> None:
    events = [
        started(1.0),
        event(10, "heartbeat", 15),
        event(20, "seek", 100),  # 5 - 10: none is left
        event(30, "pause", position),  # 15 in 10 s
    ]
    row = only_session(events)
    assert_row(row, rejectedSegmentCount=rejected, forwardSkipCount=1 + rejected)
    assert row["unobserved"] == stretches((15, 10), *([(100, 10)] * rejected))


def test_the_play_time_of_a_run_is_not_biased_by_late_timestamps() -> None:
    events = [started(), event(10.5, "heartbeat", 10), event(19.5, "heartbeat", 20), event(30, "pause", 30)]
    assert only_session(events)["playTime"] == 30


def test_a_stall_is_no_play_time() -> None:
    events = [started(), event(10, "heartbeat", 10), event(30, "heartbeat", 10), event(40, "pause", 20)]
    assert_row(only_session(events), watchTime=20, playTime=20)
    # Nor is it made up for by what a later run has too much of.
    events = [started(), event(10, "pause", 5), event(20, "play", 5), event(30, "pause", 20)]
    assert_row(only_session(events), watchTime=20, playTime=15)


def test_content_in_no_time_at_all() -> None:
    events = in_order(started(2.0), event(0, "heartbeat", 4), event(10, "pause", 20))
    # 4 + 16 s at speed 2 would take 10 s.
    assert_row(only_session(events), watchTime=20, playTime=10)


# ------------------------------------------------------------------------------------------------- speeds


@pytest.mark.parametrize(
    ("most", "position", "rejected"),
    [
        (2.0, 65, 0),
        (2.0, 65.5, 1),
        (1.0, 35, 0),
        (1.0, 35.5, 1),
        (0.5, 35, 0),
        (4.0, 125, 0),
        (4.0, 125.5, 1),
    ],
)
def test_the_unstated_speed(most: float, position: float, rejected: int) -> None:
    row = only_session([started(), event(30, "pause", position)], max_unstated_speed=most)
    assert row["rejectedSegmentCount"] == rejected
    # The likely speed is 1: at most 30 s of play time, and 30 s of what is not known.
    assert row["playTime"] == 30 * (1 - rejected)
    assert row["unobserved"] == stretches(*([(0, 30)] * rejected))


def test_a_speed_is_unstated_until_an_event_says_it() -> None:
    events = [
        started(),
        event(30, "heartbeat", 60, playbackRate=1.0),  # before it: at most 2
        event(60, "heartbeat", 120),  # after it: 1
        event(70, "heartbeat", 130, playbackRate=None),
    ]
    row = only_session([*events, event(80, "pause", 140)])
    assert row["watchedIntervals"] == spans((0, 60), (120, 140))
    assert_row(row, rejectedSegmentCount=1, playTime=50)


def test_a_stated_speed_below_1_is_a_limit_too() -> None:
    row = only_session([started(0.5), event(10, "heartbeat", 10), event(20, "pause", 15.5)])
    # 10 - 5 = 5 ahead, then 5 + 5.5 - 5.
    assert_row(row, watchTime=10, playTime=10, rejectedSegmentCount=1)
    assert row["unobserved"] == stretches((10, 5))


def test_a_new_session_states_its_own_speed() -> None:
    events = [started(1.0), event(10, "pause", 10)]
    later = [event(200, "play", 10), event(230, "pause", 70)]
    rows, _ = sessions([*events, *later], rules={"session_timeout_seconds": 100.0})
    assert [row["watchTime"] for row in rows] == [10, 60]
    assert only_session([*events, *later])["rejectedSegmentCount"] == 1
