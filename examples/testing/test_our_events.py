"""Tests of our events: how they are read, what comes of them, and how our player behaves."""

from pathlib import Path

import watchspan as ws
from watchspan.testing import assert_engagement, assert_events, assert_same_rows

EVENTS = Path(__file__).with_name("our_events.jsonl")
READING = {
    "columns": {"userId": "viewer", "videoId": "clip", "eventName": "action", "currentTime": "position"},
    "vocabulary": {"started": "play", "stopped": "pause"},
}


def test_hardly_any_event_is_dropped():
    assert_events(EVENTS, **READING, max_dropped=0.01, unknown_event=0)


def test_rows_keep_the_laws_of_such_rows():
    assert_engagement(ws.aggregate(EVENTS, **READING))


def test_rows_are_those_of_two_steps():
    sessions = ws.sessions(EVENTS, **READING)
    assert_same_rows(ws.engagement(sessions), ws.aggregate(EVENTS, **READING))


def test_our_player_reports_where_a_seek_came_from(story):
    told = story(
        """
        0:00  play   0
        0:30  seek   50  from=30   # thirty seconds watched, twenty passed over
        0:40  pause  60
        """,
        duration=60,
    )
    told.expect(totalWatchTime=40, totalForwardSkips=1, unobservedWatchTime=0)
