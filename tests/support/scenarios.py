"""The stories of ``tests/scenarios`` as Python values, and how rows are compared with them."""

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

import pyarrow as pa

Row = dict[str, Any]

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"
TOLERANCE = 1e-6
TIMESTAMP_COLUMNS = {"sessionStart", "sessionEnd", "firstWatchDate", "lastWatchDate"}
EPOCH = dt.datetime(1970, 1, 1)
NUMBERS = {"currentTime", "playbackRate", "seekFrom", "videoDuration", "duration"}


class Scenario(NamedTuple):
    """One story. What the file leaves out has its default here."""

    name: str
    title: str
    story: str
    why: str
    columns: list[str]
    events: list[Row]
    videos: Optional[list[Row]]
    vocabulary: Union[str, dict[str, str], None]
    rules: Row
    scoring: Row
    unique_seconds: bool
    dropped: dict[str, int]
    sessions: Optional[list[Row]]
    engagement: Optional[list[Row]]

    @property
    def has_session(self) -> bool:
        """Whether there is a sessionId column."""
        return "sessionId" in self.columns


def load_scenario(path: Path) -> Scenario:
    """One file."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    columns, expected = raw["columns"], raw["expected"]
    for event in raw["events"]:
        assert len(event) == len(columns), f"{path.name}: {event} does not match {columns}"
    return Scenario(
        name=path.stem,
        title=raw["title"],
        story=raw["story"],
        why=raw["why"],
        columns=columns,
        events=[dict(zip(columns, event)) for event in raw["events"]],
        videos=raw.get("videos"),
        vocabulary=raw.get("vocabulary"),
        rules=raw.get("rules", {}),
        scoring=raw.get("scoring", {}),
        unique_seconds=raw.get("uniqueSeconds", True),
        dropped=expected.get("dropped", {}),
        sessions=expected.get("sessions"),
        engagement=expected.get("engagement"),
    )


def load_scenarios() -> list[Scenario]:
    """All stories, by their number."""
    files = sorted(FOLDER.glob("[0-9]*_*.json"), key=lambda path: int(path.stem.partition("_")[0]))
    return [load_scenario(path) for path in files]


def arrow_table(rows: Sequence[Row], columns: Sequence[str]) -> pa.Table:
    """A table of a story's events or videos; stories write NaN and infinity as text."""
    arrays = {}
    for name in columns:
        values = [row.get(name) for row in rows]
        if name in NUMBERS:
            arrays[name] = pa.array([None if v is None else float(v) for v in values], pa.float64())
        elif name == "sequence" or any(isinstance(value, int) for value in values):
            arrays[name] = pa.array(values, pa.int64())
        else:
            arrays[name] = pa.array(values, pa.string())
    return pa.table(arrays)


def arrow_tables(scenario: Scenario) -> tuple[pa.Table, Optional[pa.Table]]:
    """A story's events and videos."""
    videos = scenario.videos
    listed = None if videos is None else arrow_table(videos, ["videoId", "duration", "title"])
    return arrow_table(scenario.events, scenario.columns), listed


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
