"""Events that are read from a workspace give the numbers that the queries give there."""

from __future__ import annotations

import pytest

import watchspan as ws
from support.app_events import END, SCHEMA, START, row
from support.insights import assert_same
from watchspan import azure

PLAYED = ((0, "play", 0), (30, "pause", 30), (60, "resume", 30), (100, "ended", 70))


def rows_of(properties, measurements=None, **of):
    """A session of 70 seconds, each event with these values beside its own."""
    rows = []
    for second, name, position in PLAYED:
        time = f"2026-01-15T10:{second // 60:02}:{second % 60:02}Z"
        own = {"currentTime": str(position), **properties}
        measured = {key: value + position for key, value in (measurements or {}).items()}
        rows.append(row(time, f"video_{name}", own, measurements=measured, **of))
    return rows


ROWS = [
    *rows_of({"videoId": "v1"}),
    # A position that is both: the measurement is the number that was sent as one.
    *rows_of({"videoId": "v2", "currentTime": "7"}, {"currentTime": 100}),
    # Text is a property, whatever measurement has its name.
    *rows_of({"videoId": "v3"}, {"videoId": 5}),
    *rows_of({}, {"videoId": 5}),
    *rows_of({"videoId": "null"}),
    *rows_of({"videoId": "undefined", "userId": "own", "sessionId": "mine"}),
    *rows_of({"videoId": " ", "playbackRate": "2", "seekFrom": "null"}),
    *rows_of({"videoId": "v4"}, session="s2", user="cookie", signed_in="ann"),
]


@pytest.mark.parametrize(
    "columns", [None, {"userId": "userId", "sessionId": "sessionId"}, {"sessionId": None}]
)
def test_the_queries_read_what_the_etl_reads(log_analytics, run_kql, credential, options, columns):
    log_analytics.tables["AppEvents"] = (SCHEMA, ROWS)
    events = azure.read_log_analytics(
        "id",
        START,
        END,
        credential,
        endpoint=log_analytics.url,
        columns=columns,
        deduplicate=False,
        client_options=options,
    )
    expected = ws.aggregate(events).to_pylist()
    assert len(expected) == (1 if columns and columns["sessionId"] else 6)
    named, rows = run_kql(ws.kql.query("engagement", columns=columns), {"AppEvents": (SCHEMA, ROWS)})
    assert_same([dict(zip((name for name, _ in named), row)) for row in rows], expected)
