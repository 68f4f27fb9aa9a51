"""Small inputs that several test files share."""

from __future__ import annotations

import signal

import pyarrow as pa
import pytest

from support.events import COLUMNS, event_rows


def pytest_configure() -> None:
    """What a shell runs in the background ignores Ctrl-C, and so would the programs that the tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
