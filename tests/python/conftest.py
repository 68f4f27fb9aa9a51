"""Small inputs that several test files share."""

from __future__ import annotations

import datetime as dt
import signal
from typing import Any

import pyarrow as pa
import pytest

COLUMNS = ("timestamp", "userId", "videoId", "sessionId", "eventName", "currentTime")
START = dt.datetime(2026, 1, 15, 10, tzinfo=dt.timezone.utc)
# Peter's session, as docs/metrics.md works it out: seconds from the start, event, position.
PETER = (
    (0, "play", 0),
    (30, "pause", 30),
    (35, "resume", 30),
    (125, "pause", 120),
    (130, "resume", 110),
    (140, "pause", 120),
)


def pytest_configure() -> None:
    """What a shell runs in the background ignores Ctrl-C, and so would the programs that the tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def event_rows() -> list[dict[str, Any]]:
    """Peter's session, a second viewer of two videos, and one event for each of two reasons to drop."""
    viewers = [("peter", "v1", "s1", event) for event in PETER]
    viewers += [("ann", "v1", "s2", event) for event in ((0, "play", 0), (290, "ended", 290))]
    viewers += [("ann", "v2", "s2", event) for event in ((300, "play", 0), (320, "pause", 20))]
    viewers += [("ann", "v2", None, (330, "play", 20)), ("ann", "v2", "s2", (340, "unheard_of", 20))]
    return [
        {
            "timestamp": START + dt.timedelta(seconds=seconds),
            "userId": user,
            "videoId": video,
            "sessionId": session,
            "eventName": name,
            "currentTime": float(position),
        }
        for user, video, session, (seconds, name, position) in viewers
    ]


@pytest.fixture
def events() -> pa.Table:
    """The events as a pyarrow table."""
    rows = event_rows()
    table = {name: [row[name] for row in rows] for name in COLUMNS}
    return pa.table({**table, "timestamp": pa.array(table["timestamp"], pa.timestamp("us", "UTC"))})


@pytest.fixture
def videos() -> pa.Table:
    """Durations of both videos, a title of one."""
    return pa.table({"videoId": ["v1", "v2"], "duration": [300.0, 40.0], "title": ["Intro", None]})
