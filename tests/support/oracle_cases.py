"""Events and rows of cases that are worked out by hand."""

from typing import Any, Optional

import pytest

from support.oracle import Row, sessions

START = 1_768_471_200_000_000  # 2026-01-15T10:00:00Z


def event(seconds: float, name: str, position: Optional[float] = None, **more: Any) -> Row:
    """An event of one user's session, that many seconds after the start."""
    row = {"timestamp": START + round(seconds * 1e6), "userId": "u", "videoId": "v", "sessionId": "s"}
    row.update(eventName=name, currentTime=position)
    row.update(more)
    return row


def in_order(*events: Row) -> list[Row]:
    """The events with a sequence, so that those of one time are in this order."""
    return [dict(one, sequence=number) for number, one in enumerate(events)]


def only_session(events: list[Row], **rules: Any) -> Row:
    """The one session row of the events."""
    rows, _ = sessions(events, rules=rules)
    assert len(rows) == 1
    return rows[0]


def spans(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    """Intervals as rows show them."""
    return [{"start": start, "end": end} for start, end in pairs]


def stretches(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    """Unobserved stretches as rows show them."""
    return [{"start": start, "seconds": seconds} for start, seconds in pairs]


def assert_row(row: Row, **expected: Any) -> None:
    """The columns that are named are these."""
    assert {name: row[name] for name in expected} == pytest.approx(expected)


def started(rate: Optional[float] = None, position: float = 0) -> Row:
    """Play, at the start."""
    return event(0, "play", position, playbackRate=rate)
