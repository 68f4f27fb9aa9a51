"""A few events that many tests begin with."""

from __future__ import annotations

import datetime as dt
from typing import Any

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
