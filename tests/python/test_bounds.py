"""What the core needs of the system, and what it makes of numbers, ids and hashes that somebody chose."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest

import watchspan as ws
from watchspan import errors


def told_by(program: str, *arguments: str) -> str:
    """What a program prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_threads_the_error_says_so() -> None:
    program = """
import os, resource
import watchspan as ws
events = {"timestamp": ["2026-01-15T10:00:00Z"], "userId": ["a"], "videoId": ["v"], "eventName": ["play"],
          "currentTime": [0.0]}
ws.aggregate(events, threads=1)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
if os.getuid() == 0:
    os.setuid(65534)  # the limit does not hold for root
try:
    ws.aggregate(events, threads=16)
except ws.errors.OptionError as error:
    print(error)
"""
    assert "The system gives no more threads" in told_by(program)


def test_results_do_not_depend_on_the_seed_of_the_hash(events: pa.Table) -> None:
    # Every engine has a seed of its own.
    table = pa.concat_tables([events] * 3)
    first = (ws.sessions(table), ws.aggregate(table))
    for _ in range(20):
        assert (ws.sessions(table), ws.aggregate(table)) == first


def test_few_files_may_be_open() -> None:
    program = """
import resource, sys
import watchspan as ws
from watchspan import sample
events = sample.generate(20_000).read_all()
expected = ws.aggregate(events)
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]),) * 2)
try:
    print(ws.aggregate(events, memory_limit="100kB").equals(expected))
except ws.errors.SourceError as error:
    print(error)
"""
    for limit, told in ((256, "True"), (40, "True"), (5, "raise its limit")):
        assert told in told_by(program, str(limit)), limit


def test_long_ids_do_not_multiply_memory() -> None:
    program = """
import resource, sys
import watchspan as ws
size, rows = 20_000_000, 5
events = {"timestamp": [f"2026-01-15T10:00:0{n}Z" for n in range(rows)], "userId": ["u" * size] * rows,
          "videoId": ["v"] * rows, "eventName": ["play"] * rows, "currentTime": [0.0] * rows}
ws.aggregate(events, memory_limit=sys.argv[1], threads=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    peaks = {limit: int(told_by(program, limit)) for limit in ("10GB", "1MB")}
    assert peaks["1MB"] < 2 * peaks["10GB"], peaks


def test_numbers_stay_finite(events: pa.Table) -> None:
    huge = [0.0, 1e307, 1.7e308]
    rows = {
        "timestamp": [f"2026-01-15T10:00:{n:02}Z" for n in range(6)],
        "userId": ["a"] * 6,
        "videoId": ["v"] * 6,
        "eventName": ["play", "heartbeat", "ended"] * 2,
        "currentTime": [*huge, *huge],
        "playbackRate": [1e308] * 6,
    }
    most = 1.7e308
    rules = ws.Rules(
        tolerance_seconds=most, max_segment_seconds=most, open_segment_cap_seconds=most, count_unobserved=True
    )
    scoring = ws.Scoring(watch_minutes=1e308, skips=-1e308, sessions=1e308, maximum=None, minimum=None)
    for duration in (1e-306, 5e-324, 1.7e308, None):
        videos = {"videoId": ["v"], "duration": [duration]} if duration else None
        sessions = ws.sessions(rows, rules=rules)
        table = ws.engagement(sessions, videos=videos, rules=rules, scoring=scoring)
        assert table.equals(ws.aggregate(rows, videos=videos, rules=rules, scoring=scoring))
        curve = ws.retention(table, buckets=7)
        for found in (sessions, table, curve):
            assert_finite(found)


def assert_finite(table: pa.Table) -> None:
    def numbers(value: Any) -> list[float]:
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return [number for part in value for number in numbers(part)]
        return [value] if isinstance(value, float) else []

    for name in table.column_names:
        for number in numbers(table[name].to_pylist()):
            assert abs(number) <= sys.float_info.max, (name, number)


def test_session_rows_with_numbers_that_are_none_are_refused(events: pa.Table) -> None:
    rows = ws.sessions(events)
    infinite = float("inf")
    for name, value in (
        ("endPositions", [infinite]),
        ("endPositions", [-1.0]),
        ("watchedIntervals", [{"start": 0.0, "end": infinite}]),
        ("unobserved", [{"start": 0.0, "seconds": infinite}]),
        ("watchTime", infinite),
    ):
        index = rows.column_names.index(name)
        changed = pa.array([value] * rows.num_rows, rows.schema.field(name).type)
        with pytest.raises(errors.DataError, match=name):
            ws.engagement(rows.set_column(index, name, changed))
