"""Mistakes with tables that look right: nothing but a word of warning stands between them and a decision."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv

pytest.importorskip("scipy", reason="the extra experiments is not installed")

import watchspan as ws
from watchspan import sample
from watchspan.errors import ColumnTypeError, DataError, MissingColumnError, OptionError

EVENTS = 20_000
GROUPS = sample.groups(rows=EVENTS)
START = dt.datetime(2026, 1, 12, tzinfo=dt.timezone.utc)


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    """The rows of the experiment, of the time before it, and of both; and all sessions."""
    events, videos = sample.events(EVENTS), sample.videos()
    late = pc.greater_equal(events["timestamp"], pa.scalar(START, events["timestamp"].type))
    parts = {"now": events.filter(late), "before": events.filter(pc.invert(late)), "all": events}
    made = {name: ws.aggregate(part, videos=videos) for name, part in parts.items()}
    return {**made, "sessions": ws.sessions(events)}


def test_a_time_before_is_no_mistake(tables: dict[str, pa.Table]) -> None:
    assert not any("before" in text for text in warned(tables["now"], before=tables["before"]))


@pytest.mark.parametrize(("now", "before"), [("now", "all"), ("before", "now")])
def test_a_time_before_that_is_none(now: str, before: str, tables: dict[str, pa.Table]) -> None:
    found = [text for text in warned(tables[now], before=tables[before]) if "have begun already" in text]
    assert len(found) == 1
    assert int(re.findall(r"^(\d+)%", found[0])[0]) > 40


@pytest.mark.parametrize("argument", ["rows", "before"])
def test_tables_of_two_periods_laid_end_to_end(argument: str, tables: dict[str, pa.Table]) -> None:
    both = pa.concat_tables([tables["now"], tables["before"]])
    rows, before = (both, None) if argument == "rows" else (tables["now"], both)
    with pytest.raises(
        DataError, match=rf"^{argument} has several rows of \d+ pairs, among them user 'user-"
    ):
        ws.compare(rows, GROUPS, before=before)


@pytest.mark.parametrize("name", ["exposed_at", "exposedat", "ExposedAt"])
def test_a_misspelt_time_of_exposure(name: str, tables: dict[str, pa.Table], tmp_path: Path) -> None:
    column = pa.array(["2026-01-12T00:00:00Z"] * len(GROUPS))
    groups, path = GROUPS.append_column(name, column), tmp_path / "groups.csv"
    csv.write_csv(groups, path)
    told = f"groups has a column '{name}', but none named 'exposedAt'"
    for source in (groups, path):
        with pytest.raises(MissingColumnError, match=told):
            ws.compare(tables["sessions"], source)


def test_a_complete_difference_is_told() -> None:
    users = [f"u{number}" for number in range(400)]
    rows = {"userId": users[:200], "videoId": ["v"] * 200, "totalWatchTime": [60.0] * 200}
    groups = {"userId": users, "group": ["control"] * 200 + ["new"] * 200}
    found = ws.compare(rows, groups, metrics=["activeUsers"])
    assert found.table["isSignificant"].to_pylist() == [None]
    assert [text for text in found.warnings if text.startswith("activeUsers of 'new' differs")]
    same = ws.compare({**rows, "userId": users[100:300]}, groups, metrics=["activeUsers"])
    assert not [text for text in same.warnings if "differs" in text]


def test_times_of_exposure_after_all_sessions(tables: dict[str, pa.Table]) -> None:
    groups = GROUPS.append_column("exposedAt", pa.array(["2027-01-01"] * GROUPS.num_rows))
    found = warned(tables["sessions"], groups)
    assert [
        text for text in found if re.match(r"None of the [\d,]+ sessions of users in groups begins", text)
    ]
    assert not [text for text in found if "the same ids" in text]


def test_times_of_exposure_that_are_numbers(tables: dict[str, pa.Table]) -> None:
    groups = GROUPS.append_column("exposedAt", pa.array([1] * GROUPS.num_rows))
    with pytest.raises(ColumnTypeError, match="of type int64, but times are needed"):
        ws.compare(tables["sessions"], groups)


def test_options_at_their_ends(tables: dict[str, pa.Table]) -> None:
    for power in (0.01, 0.025):
        with pytest.raises(
            OptionError, match=r"power is .*, but a number above 0\.025 and below 1 is needed"
        ):
            ws.compare(tables["now"], GROUPS, power=power)
    least = ws.compare(tables["now"], GROUPS, power=0.0251).table["smallestEffect"]
    assert pc.min(least).as_py() > 0
    with pytest.raises(
        OptionError, match=r"^shares of 'control' is -1, but a number above 0 for each group, as"
    ):
        ws.compare(tables["now"], GROUPS, shares={"control": -1, "treatment": 1})
    with pytest.raises(OptionError, match=r"^shares is "):
        ws.compare(tables["now"], GROUPS, shares={"control": 1e308, "treatment": 1e308})


def warned(rows: Any, groups: Any = GROUPS, **options: Any) -> tuple[str, ...]:
    return ws.compare(rows, groups, **options).warnings
