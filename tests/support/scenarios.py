"""The stories of ``tests/scenarios`` as Python values, and how rows are compared with them."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import pyarrow as pa

from watchspan.testing import Story as Scenario
from watchspan.testing import read_story as load_scenario
from watchspan.testing.stories import SUFFIX
from watchspan.testing.telling import arrow_table, event_table

__all__ = ["Scenario", "arrow_table", "load_scenario"]

Row = dict[str, Any]

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"
TOLERANCE = 1e-6
TIMESTAMP_COLUMNS = {"sessionStart", "sessionEnd", "firstWatchDate", "lastWatchDate"}
EPOCH = dt.datetime(1970, 1, 1)
FILES = sorted(FOLDER.glob(f"*{SUFFIX}"))


def load_scenarios() -> list[Scenario]:
    """All stories that have a number, by it."""
    numbered = [path for path in FILES if path.name[0].isdecimal()]
    return [
        load_scenario(path) for path in sorted(numbered, key=lambda path: int(path.name.partition("_")[0]))
    ]


def arrow_tables(scenario: Scenario) -> tuple[pa.Table, Optional[pa.Table]]:
    """A story's events and videos."""
    videos = scenario.videos
    listed = None if videos is None else arrow_table(videos, ["videoId", "duration", "title"])
    return event_table(scenario), listed


def timestamp_text(value: Any) -> Any:
    """A timestamp (microseconds since 1970 UTC, or a datetime; naive = UTC) as the stories write it."""
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(dt.timezone.utc).replace(tzinfo=None)
        return value.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, int) and not isinstance(value, bool):
        return timestamp_text(EPOCH + dt.timedelta(microseconds=value))
    return value


def difference(actual: Any, expected: Any, where: str) -> Optional[str]:
    """What is wrong with a value, or None."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        if set(actual) != set(expected):
            return f"{where}: keys {sorted(actual)}, expected {sorted(expected)}"
        found = [difference(actual[key], expected[key], f"{where}.{key}") for key in expected]
        return next((one for one in found if one), None)
    if isinstance(expected, list) and isinstance(actual, Sequence) and not isinstance(actual, str):
        if len(actual) != len(expected):
            return f"{where}: {actual!r}, expected {expected!r}"
        found = [difference(one, two, f"{where}[{i}]") for i, (one, two) in enumerate(zip(actual, expected))]
        return next((one for one in found if one), None)
    kinds = (isinstance(actual, bool), isinstance(expected, bool))
    if not any(kinds) and isinstance(actual, (int, float)) and isinstance(expected, (int, float)):
        same = math.isclose(actual, expected, rel_tol=0, abs_tol=TOLERANCE)
    else:
        same = kinds[0] == kinds[1] and bool(actual == expected)
    return None if same else f"{where}: {actual!r}, expected {expected!r}"


def assert_rows(actual: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> None:
    """The same rows in the same order, in the columns that the expected rows hold."""
    problems = []
    if len(actual) != len(expected):
        problems.append(f"{len(actual)} rows, expected {len(expected)}: {list(actual)!r}")
    for i, (row, wanted) in enumerate(zip(actual, expected)):
        for column, value in wanted.items():
            where = f"row {i}, {column}"
            if column not in row:
                problems.append(f"{where}: no such column")
                continue
            got = timestamp_text(row[column]) if column in TIMESTAMP_COLUMNS else row[column]
            problem = difference(got, value, where)
            if problem:
                problems.append(problem)
    assert not problems, "\n".join(problems)
