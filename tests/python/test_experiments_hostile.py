"""Groups and rows that nobody should hand over: each is told of in a sentence."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

pytest.importorskip("scipy", reason="the extra experiments is not installed")

import watchspan as ws
from support.experiment_rows import experiment, random_users
from support.insight_rows import hostile_columns, sample_events, sample_rows, with_column
from watchspan.errors import ColumnTypeError, DataError, MissingColumnError, OptionError, WatchspanError

ROWS = {"userId": ["a", "b", "c", "d"], "totalWatchTime": [1.0, 2.0, 3.0, 5.0]}
GROUPS = {"userId": ["a", "b", "c", "d"], "group": ["x", "x", "y", "y"]}
WATCHED = ws.Metric("watched", "totalWatchTime")


def told(groups: Any, rows: Any = None, **options: Any) -> str:
    with pytest.raises(WatchspanError) as error:
        ws.compare(ROWS if rows is None else rows, groups, **{"metrics": [WATCHED], **options})
    text = str(error.value)
    assert text.endswith(".")
    return f"{type(error.value).__name__}: {text}"


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"userId": [], "group": []}, "DataError: groups has no rows, but two groups are needed"),
        ({**GROUPS, "group": ["x"] * 4}, "DataError: groups has only the group 'x', but two"),
        ({**GROUPS, "group": ["x", "x", "x", "y"]}, "DataError: The group 'y' has 1 users"),
        (
            {"userId": list("abcdd"), "group": ["x", "x", "y", "y", "x"]},
            "DataError: The group 'y' has 1 users that are in no other one",
        ),
        ({**GROUPS, "group": ["x", None, "y", "y"]}, "DataError: Column 'group' of groups is null in 1 of 4"),
        ({**GROUPS, "group": ["x", "x", "y", ""]}, 'DataError: A group in groups has the name ""'),
        ({**GROUPS, "userId": ["a", None, "c", "d"]}, "DataError: Column 'userId' of groups is null in 1"),
        ({**GROUPS, "userId": [1.0, math.nan, 3.0, 4.0]}, "ColumnTypeError: Column 'userId' of groups is of"),
        ({**GROUPS, "group": [1.0, 1.0, 2.0, 2.0]}, "ColumnTypeError: Column 'group' of groups is of type"),
        ({"userId": list("abcd"), "arm": list("xxyy")}, "MissingColumnError: groups has no column 'group'"),
        ({"user": list("abcd"), "group": list("xxyy")}, "MissingColumnError: groups has no column 'userId'"),
        (pa.table([list("abcd"), *[list("xxyy")] * 2], ["userId", "group", "group"]), "2 columns named"),
    ],
)  # fmt: skip
def test_groups_that_are_none(groups: Any, message: str) -> None:
    assert message in told(groups)


def test_users_of_other_types() -> None:
    numbers = {**ROWS, "userId": [1, 2, 3, 4]}
    text = told(GROUPS, numbers)
    assert "ColumnTypeError: userId is of type string in groups, but of type int64 in the rows" in text
    matching = {**GROUPS, "userId": [1, 2, 3, 4]}
    assert "userId is of type string in before, but" in told(matching, numbers, before=ROWS)
    found = ws.compare(numbers, {**GROUPS, "userId": ["1", "2", "3", "4"]}, metrics=[WATCHED])
    assert found.left_out["rows_of_others"] == 0
    # Numbers and text that have nothing to do with each other.
    strangers = ws.compare(ROWS, {**GROUPS, "userId": [1, 2, 3, 4]}, metrics=[WATCHED])
    assert "Not one of the 4 rows of rows is of a user in groups" in strangers.warnings[0]


def test_exposure_that_cannot_be_used() -> None:
    exposed = {**GROUPS, "exposedAt": ["2026-01-16"] * 4}
    sessions = ws.sessions(sample_events())
    assert "OptionError: groups has exposedAt" in told(exposed)
    assert "OptionError: before is given, but groups has exposedAt" in told(
        exposed, sessions, before=sessions
    )
    for value, message in (
        (None, "'exposedAt' of groups is null in 1 of 4 rows. Nobody knows from when"),
        ("soon", "DataError: A time in column 'exposedAt' of groups is none that is read ('soon')"),
        ("2026-13-01", "none that is read ('2026-13-01')"),
        ("", "none that is read ('')"),
    ):
        assert message in told({**exposed, "exposedAt": ["2026-01-16"] * 3 + [value]}, sessions)
    for values in ([1, 2, 3, 4], [0.5] * 4, [True] * 4):
        assert "ColumnTypeError: Column 'exposedAt' of groups" in told(
            {**exposed, "exposedAt": values}, sessions
        )


def test_options_that_are_not_accepted() -> None:
    for name, values in {
        "confidence": (0.5, 1, 0, math.nan, "0.95", None, True),
        "power": (0, 1, -1, math.nan, None),
        "before_days": (-1, math.inf, "14", None),
        "shares": (
            {"x": 1},
            {"x": 1, "y": 0},
            {"x": 1, "y": 1, "z": 1},
            [1, 1],
            {"x": 1, "y": math.nan},
            0.5,
        ),
        "metrics": ([], 3, ["watched"], [WATCHED, WATCHED], [None]),
        "rules": (3,),
        "videos": ({"videoId": ["v"], "duration": [1.0]},),
    }.items():
        for value in values:
            assert told(GROUPS, **{name: value}).startswith("OptionError: "), (name, value)
    for arguments in (("", "videos"), (1, "videos"), ("x", "userId"), ("x", "videos", "users"), ("x", None)):
        with pytest.raises(OptionError):
            ws.Metric(*arguments)  # type: ignore[arg-type]
    assert told(GROUPS, control="z").startswith("DataError: control is 'z'")
    assert told(GROUPS, control=7).startswith("DataError: control is 7")


def test_rows_that_are_none() -> None:
    users = sorted(set(sample_rows()["userId"].to_pylist()))
    groups = {"userId": users, "group": [("x", "y")[n % 2] for n in range(len(users))]}
    with pytest.raises(MissingColumnError, match="engagement rows"):
        ws.compare({"userId": ["a"]}, groups)
    seen = 0
    for name in ("userId", "totalWatchTime", "sessionCount", "isCompletedAtLeastOnce", "engagementScore"):
        for values in hostile_columns(sample_rows().num_rows):
            table = None
            with contextlib.suppress(ColumnTypeError, DataError):
                table = ws.compare(with_column(sample_rows(), name, values), groups).table
            seen += table is None
            flat = [value for row in table.to_pylist() for value in row.values()] if table else []
            assert not any(isinstance(value, float) and not math.isfinite(value) for value in flat)
    assert seen > 15


def test_files_of_groups(tmp_path: Path) -> None:
    rows, before, groups = experiment({"a": random_users(1, 9), "b": random_users(2, 9)})
    metrics = [ws.Metric("x", "totalWatchTime", "sessionCount")]
    expected = ws.compare(rows, groups, before=before, metrics=metrics).table
    more = groups.append_column("country", pa.array(["de"] * 18))
    for name in ("groups.csv", "groups.parquet", "groups.jsonl", "groups.arrow"):
        ws.sources.write(more, tmp_path / name)
        assert ws.compare(rows, tmp_path / name, before=before, metrics=metrics).table.equals(expected), name
    ws.sources.write(groups.rename_columns(["userId", "arm"]), tmp_path / "arms.csv")
    assert "group" in told(tmp_path / "arms.csv", rows)
    # What comes once only is read once only.
    batches = iter(groups.to_batches(max_chunksize=4))
    assert ws.compare(rows, batches, before=before, metrics=metrics).table.equals(expected)


def test_without_the_extra_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in ("watchspan.experiments.arms", "watchspan.experiments.statistics"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delattr(ws.experiments, "arms", raising=False)
    monkeypatch.delattr(ws.experiments, "statistics", raising=False)
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    assert 'pip install "watchspan[experiments]"' in told(GROUPS)
