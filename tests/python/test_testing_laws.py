"""The laws of engagement rows: good rows keep them, and each is found broken, in Arrow and in SQL."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

import watchspan as ws
from support.judged_rows import (
    BREAKS,
    CASES,
    LAWS,
    broken_rows,
    flags_of,
    good_rows,
    random_options,
    random_rows,
)
from support.scenarios import FILES, load_scenario
from watchspan.testing import assert_engagement, checks, tell

Found = dict[str, tuple[str, int]]


@cache
def duck() -> Any:
    return pytest.importorskip("duckdb").connect()


def run_sql(rows: pa.Table, **options: Any) -> Found:
    """What the query says, by law."""
    connection = duck()
    connection.register("engagement", rows)
    query = checks("engagement", format="sql", dialect="duckdb", **options)
    return {law: (criticality, count) for law, criticality, count, _ in connection.sql(query).fetchall()}


def broken_in_sql(rows: pa.Table, **options: Any) -> set[str]:
    found = run_sql(rows, **options)
    return {law for law, (criticality, count) in found.items() if criticality == "error" and count}


def test_every_law_is_broken_once() -> None:
    assert len(LAWS) >= 50
    assert len({law.name for law in LAWS}) == len(LAWS)
    assert {law for law, changes in BREAKS.items() if changes} == {law.name for law in LAWS}


def test_good_rows_keep_all_laws() -> None:
    rows = good_rows()
    assert rows["userId"].to_pylist() == ["ann", "user"]
    assert rows["rewatchedSeconds"].to_pylist() == [0, 10]
    assert_engagement(rows)
    assert broken_in_sql(rows) == set()


@pytest.mark.parametrize(("law", "number"), CASES)
def test_a_broken_law_is_named_with_its_row(law: str, number: int) -> None:
    with pytest.raises(AssertionError) as raised:
        assert_engagement(broken_rows(law, number))
    lines = str(raised.value).splitlines()
    told = next(i for i, line in enumerate(lines) if line.startswith(f"  {law}, in "))
    assert lines[told + 1].startswith("    row ")


@pytest.mark.parametrize(("law", "number"), CASES)
def test_sql_finds_the_same_laws_broken(law: str, number: int) -> None:
    rows = broken_rows(law, number)
    found = broken_in_sql(rows)
    assert law in found
    with pytest.raises(AssertionError) as raised:
        assert_engagement(rows)
    if "nan" not in str(raised.value):  # which in SQL is larger than all numbers, and as large as itself
        assert str(raised.value).startswith(f"{len(found)} of the {len(LAWS)} laws")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_rows_of_stories_keep_all_laws(path: Any) -> None:
    story = load_scenario(path)
    assert_engagement(tell(story).engagement)


@pytest.mark.parametrize("seed", range(60))
def test_rows_of_random_streams_keep_all_laws(seed: int) -> None:
    options = random_options(seed)
    rows = random_rows(seed, options)
    assert_engagement(rows)
    assert_engagement(rows.replace_schema_metadata(), **options)


@pytest.mark.parametrize("seed", range(20))
def test_rows_of_random_streams_keep_all_laws_in_sql(seed: int) -> None:
    options = random_options(seed)
    rows = random_rows(seed, options)
    assert broken_in_sql(rows, **options) == set()
    found = run_sql(rows, **options)
    flags = {name: count for name, (criticality, count) in found.items() if criticality == "warn"}
    assert flags == {f"flag_{name}": count for name, count in flags_of(rows).items()}


def test_options_come_from_the_table_and_go_before_it() -> None:
    rows = good_rows(scoring=ws.Scoring(high=20, medium=10, low=5))
    assert rows["engagementTier"].to_pylist()[1] == "High"
    assert_engagement(rows)
    with pytest.raises(AssertionError, match="tier_follows"):
        assert_engagement(rows, scoring=ws.Scoring())
    with pytest.raises(AssertionError, match="tier_follows"):
        assert_engagement(rows.replace_schema_metadata())


def test_counted_unobserved_time_is_not_replayed() -> None:
    rules = ws.Rules(count_unobserved=True, estimate_duration=False)
    events = [
        {"timestamp": f"2026-01-15T10:00:{second:02}Z", "userId": "ann", "videoId": "v1", "eventName": name,
         "currentTime": place}
        for second, name, place in [(0, "play", 0), (10, "play", 0), (20, "pause", 10)]
    ]  # fmt: skip
    rows = ws.aggregate(events, rules=rules)
    assert_engagement(rows)
    with pytest.raises(AssertionError, match="replayed_follows_rewatched"):
        assert_engagement(rows, rules=ws.Rules(estimate_duration=False))


def test_any_arrow_will_do_and_no_rows_break_no_law() -> None:
    assert_engagement(good_rows().slice(0, 0))
    polars = pytest.importorskip("polars")
    assert_engagement(polars.from_arrow(good_rows()))


def test_what_is_no_engagement_table_is_refused() -> None:
    with pytest.raises(ws.errors.MissingColumnError, match="no column 'replayedIntervals'"):
        assert_engagement(good_rows().drop(["replayedIntervals"]))
    rows = good_rows()
    place = rows.column_names.index("totalWatchTime")
    text = rows.set_column(place, "totalWatchTime", pa.array(["1", "2"]))
    with pytest.raises(ws.errors.ColumnTypeError, match="'totalWatchTime' is of type string"):
        assert_engagement(text)
    with pytest.raises(ws.errors.OptionError, match="rules is"):
        assert_engagement(good_rows(), rules={"high": 1})  # type: ignore[arg-type]


def test_a_failure_shows_a_few_rows_and_counts_the_others() -> None:
    rows = pa.concat_tables([broken_rows("replay_follows", 0)] * 5)
    with pytest.raises(AssertionError) as raised:
        assert_engagement(rows)
    assert str(raised.value).splitlines() == [
        "2 of the 56 laws of engagement rows are broken:".replace("56", str(len(LAWS))),
        "  one_row_per_key, in 10 of 10 rows: A user has one row for a video.",
        "    row 0, userId='ann', videoId='other'",
        "    row 1, userId='user', videoId='video'",
        "    row 2, userId='ann', videoId='other'",
        "    and 7 more rows",
        "  replay_follows, in 5 of 10 rows: `isReplay` is `sessionCount` > 1.",
        "    row 1, userId='user', videoId='video': isReplay=True, sessionCount=1",
        "    row 3, userId='user', videoId='video': isReplay=True, sessionCount=1",
        "    row 5, userId='user', videoId='video': isReplay=True, sessionCount=1",
        "    and 2 more rows",
    ]


def test_names_of_tables_are_quoted() -> None:
    odd = 'a.`b"c`.`d e`'
    assert 'FROM "a"."b""c"."d e"' in checks(odd, format="sql", dialect="duckdb")
    assert 'FROM `a`.`b"c`.`d e`' in checks(odd, format="sql")
    assert json.loads(checks(odd))[0]["user_metadata"]["table"] == 'a.b"c.d e'


@pytest.mark.parametrize("table", ["", "a b", "a..b", "a;b c", None, 3])
def test_what_is_no_name_of_a_table_is_refused(table: Any) -> None:
    with pytest.raises(ws.errors.OptionError, match="name of a table"):
        checks(table)


def test_what_is_no_format_or_dialect_is_refused() -> None:
    with pytest.raises(ws.errors.OptionError, match="format is 'csv', but it has to be dqx or sql"):
        checks("t", format="csv")
    with pytest.raises(ws.errors.OptionError, match="dialect is 'oracle', but it has to be spark or duckdb"):
        checks("t", format="sql", dialect="oracle")
    with pytest.raises(ws.errors.OptionError, match="dialect is 'duckdb', but it has to be spark"):
        checks("t", format="dqx", dialect="duckdb")
