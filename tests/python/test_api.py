"""The public functions: what they return, what travels with it, and how they refuse."""

from __future__ import annotations

import importlib.metadata
import json
import pathlib
import random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchspan as ws
from watchspan import _core
from watchspan.errors import (
    ColumnTypeError,
    DataError,
    MissingColumnError,
    OptionError,
    SourceError,
    WatchspanError,
)


def metadata(table: pa.Table) -> dict[str, Any]:
    return json.loads(table.schema.metadata[b"watchspan"])


# Results.


def test_the_worked_example(events: pa.Table, videos: pa.Table) -> None:
    rows = ws.aggregate(events, videos=videos).to_pylist()
    assert [(row["userId"], row["videoId"]) for row in rows] == [
        ("ann", "v1"),
        ("ann", "v2"),
        ("peter", "v1"),
    ]
    peter = rows[2]
    expected = {
        "videoTitle": "Intro",
        "totalWatchTime": 130,
        "totalUniqueSecondsWatched": 120,
        "watchPercentage": 43.33,
        "completionPercentage": 40,
        "totalBackwardSkips": 1,
        "completionCount": 0,
        "engagementScore": 28.33,
        "engagementTier": "Low",
        "dataQualityFlag": "ok",
        "unobservedWatchTime": 0,
    }
    assert {name: peter[name] for name in expected} == expected


@pytest.mark.parametrize("table", ["sessions", "engagement", "retention", "explanation"])
def test_tables_have_the_documented_columns(table: Any, events: pa.Table) -> None:
    made = {
        "sessions": ws.sessions(events),
        "engagement": ws.aggregate(events),
        "retention": ws.retention(ws.aggregate(events)),
        "explanation": ws.explain(events, "peter", "v1"),
    }[table]
    specs = _core.column_specs(table)
    assert made.column_names == [spec["name"] for spec in specs]
    assert [field.nullable for field in made.schema] == [spec["nullable"] for spec in specs]
    for field, spec in zip(made.schema, specs):
        assert (
            spec["type"].startswith("string or integer")
            or str(field.type).replace("item: ", "").replace("element: ", "").replace(" not null", "")
            == spec["type"]
        ), field


@pytest.mark.parametrize("rules", [ws.Rules(), ws.Rules(tolerance_seconds=1, count_unobserved=True)])
@pytest.mark.parametrize("scoring", [ws.Scoring(), ws.Scoring.additive()])
@pytest.mark.parametrize("unique_seconds", [True, False])
def test_engagement_of_sessions_is_aggregate(
    rules: ws.Rules, scoring: ws.Scoring, unique_seconds: bool, events: pa.Table, videos: pa.Table
) -> None:
    options: dict[str, Any] = {"rules": rules, "scoring": scoring, "unique_seconds": unique_seconds}
    expected = ws.aggregate(events, videos=videos, **options)
    found = ws.engagement(ws.sessions(events, rules=rules), videos=videos, **options)
    assert found.equals(expected, check_metadata=True)


def test_sessions_may_come_from_a_file(events: pa.Table, videos: pa.Table, tmp_path: pathlib.Path) -> None:
    pq.write_table(ws.sessions(events), tmp_path / "sessions.parquet")
    expected = ws.aggregate(events, videos=videos)
    for source in (tmp_path, tmp_path / "sessions.parquet", pq.read_table(tmp_path / "sessions.parquet")):
        assert ws.engagement(source, videos=videos).equals(expected, check_metadata=True)
        assert ws.retention(source, videos=videos).num_rows == 200


def test_order_batches_and_threads_do_not_matter(events: pa.Table, videos: pa.Table) -> None:
    expected = ws.aggregate(events, videos=videos)
    rows = list(range(events.num_rows))
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        shuffled = events.take(pa.array(rows)).to_batches(max_chunksize=seed + 1)
        assert ws.aggregate(shuffled, videos=videos, threads=seed + 1).equals(expected, check_metadata=True)


def test_columns_can_be_renamed_and_left_out(events: pa.Table, videos: pa.Table) -> None:
    renamed = events.rename_columns(["at", "uid", "vid", *events.column_names[3:]])
    columns = {"timestamp": "at", "userId": "uid", "videoId": "vid"}
    expected = ws.aggregate(events, videos=videos)
    # The videos table may have the mapped name of its key or the default one.
    assert ws.aggregate(renamed, videos=videos, columns=columns).equals(expected)
    own = videos.rename_columns(["vid", "duration", "title"])
    assert ws.aggregate(renamed, videos=own, columns=columns).equals(expected)
    cut = ws.sessions(events, columns={"sessionId": None})
    assert set(cut["sessionId"].to_pylist()) == {"2026-01-15T10:00:00.000000Z"}
    assert ws.aggregate(events, videos=videos, columns={"title": None})["videoTitle"].null_count == 3


def test_retention_by_number_and_by_length(events: pa.Table, videos: pa.Table) -> None:
    rows = ws.aggregate(events, videos=videos)
    assert ws.retention(rows, videos=videos, buckets=7).num_rows == 14
    by_length = ws.retention(rows, videos=videos, bucket_seconds=30)
    assert by_length.num_rows == 10 + 2
    plays = ws.retention(ws.sessions(events), videos=videos, bucket_seconds=30)["plays"]
    assert plays.to_pylist() == pytest.approx(by_length["plays"].to_pylist())
    # Rows of a version that did not keep replays do not tell how often anything was played.
    older = rows.select([name for name in rows.column_names if name != "replayedIntervals"])
    assert ws.retention(older, videos=videos)["plays"].null_count == 100 * 2


def test_explain_shows_every_event(events: pa.Table) -> None:
    shown = ws.explain(events, "ann", "v2")
    assert shown["eventName"].to_pylist().count("unheard_of") == 1
    assert ws.explain(events, "nobody", "v2").num_rows == 0
    numbers = events.set_column(1, "userId", pa.array([1] * events.num_rows))
    assert ws.explain(numbers, 1, "v1").num_rows > 0


def test_explain_tells_sessions_in_the_order_in_which_they_began() -> None:
    events = {
        "timestamp": [f"2026-01-15T{hour}:00:00Z" for hour in (12, 10, 11, 10)], "userId": ["ann"] * 4,
        "videoId": ["v"] * 4, "sessionId": ["a", "b", "c", "d"], "eventName": ["play"] * 4,
        "currentTime": [0] * 4,
    }  # fmt: skip
    # Groups are found in an order that differs from call to call.
    for _ in range(20):
        told = ws.explain(events, "ann", "v")["sessionId"].to_pylist()
        assert list(dict.fromkeys(told)) == ["b", "d", "c", "a"]


def test_explain_shows_a_user_with_more_sessions_than_are_grouped_at_a_time() -> None:
    rows = 140_000
    events = pa.table(
        {
            "userId": ["ann"] * rows,
            "videoId": ["v"] * rows,
            "sessionId": [str(number) for number in range(rows)],
            "eventName": ["video_pause"] * rows,
            "timestamp": pa.array(range(rows), pa.timestamp("us", "UTC")),
            "currentTime": pa.array(range(rows), pa.float64()),
        }
    )
    shown = ws.explain(events, "ann", "v")
    assert shown.num_rows == rows
    assert sorted(shown["position"].to_pylist()) == list(range(rows))


def test_vocabularies_are_listed_and_used(events: pa.Table) -> None:
    names = [spec["name"] for spec in _core.preset_specs()]
    assert {"default", "html5", "snowplow", "segment", "ga4", "xapi", "edx", "videojs"} <= set(names)
    for name in names:
        assert set(ws.vocabulary(name).values()) <= set(_core.meanings())
    mine = {**ws.vocabulary(), "unheard_of": "pause"}
    assert ws.report(ws.aggregate(events, vocabulary=mine))["dropped"]["unknown_event"] == 0
    assert ws.aggregate(events, vocabulary="default").equals(ws.aggregate(events))


# What travels with results.


def test_results_say_how_they_were_made(events: pa.Table) -> None:
    rules = ws.Rules(tolerance_seconds=4)
    rows = ws.aggregate(events, rules=rules, scoring=ws.Scoring.additive())
    made = metadata(rows)
    assert made["version"] == ws.__version__ == importlib.metadata.version("watchspan")
    assert made["table"] == "engagement"
    assert ws.Rules(**made["rules"]) == rules
    assert ws.Scoring(**made["scoring"]) == ws.Scoring.additive()
    assert made["report"] == ws.report(rows)
    assert "scoring" not in metadata(ws.sessions(events))
    assert metadata(ws.retention(rows))["report"] == made["report"]


def test_the_report_counts_every_reason(events: pa.Table) -> None:
    figures = ws.report(ws.aggregate(pa.concat_tables([events, events])))
    assert list(figures["dropped"]) == [reason for reason, _ in _core.drop_reasons()]
    assert figures["read"] == 24
    assert figures["kept"] == 10
    assert {reason: count for reason, count in figures["dropped"].items() if count} == {
        "null_key": 2,
        "unknown_event": 2,
        "duplicate": 10,
    }


def test_a_table_without_a_report_is_refused(events: pa.Table) -> None:
    for table in (events, events.replace_schema_metadata({b"watchspan": b"no JSON"}), {}, 3):
        with pytest.raises(SourceError, match="carries no report"):
            ws.report(table)
    # Session rows that lost it still count.
    bare = ws.sessions(events).replace_schema_metadata(None)
    rows = ws.engagement(bare)
    assert rows.equals(ws.aggregate(events))
    with pytest.raises(SourceError, match="carries no report"):
        ws.report(rows)


def test_rules_that_shape_sessions_cannot_change_afterwards(events: pa.Table) -> None:
    ses = ws.sessions(events, rules=ws.Rules(tolerance_seconds=3))
    with pytest.raises(
        OptionError, match=r"Rules\.tolerance_seconds is 5\.0, but .* 3\.0\. .*needs the events"
    ):
        ws.engagement(ses)
    shaping = [spec["name"] for spec in _core.rule_specs() if spec["shapes_walk"]]
    assert len(shaping) >= 7
    for name in shaping:
        with pytest.raises(OptionError, match=f"Rules.{name} is 77.0"):
            ws.engagement(ws.sessions(events), rules=ws.Rules(**{name: 77}))
    assert ws.engagement(ses, rules=ws.Rules(tolerance_seconds=3, completion_threshold=0.5)).num_rows == 3


# Nothing, and nothing valid.


def empty_like(events: pa.Table) -> list[Any]:
    return [events.slice(0, 0), events.slice(0, 0).to_batches(), iter([]), [], events.schema.empty_table()]


def test_no_events_give_an_empty_table(events: pa.Table, videos: pa.Table) -> None:
    schema = ws.aggregate(events, videos=videos).schema
    for source in empty_like(events):
        rows = ws.aggregate(source, videos=videos)
        assert rows.num_rows == 0
        assert rows.schema.equals(schema)
        assert ws.report(rows)["read"] == 0
    for source in empty_like(events):
        ses = ws.sessions(source)
        assert ses.schema.equals(ws.sessions(events).schema)
        assert ws.engagement(ses).schema.equals(schema)
        assert ws.retention(ses).num_rows == 0
        assert ws.validate(source).examples.num_rows == 0
    assert ws.explain([], "u", "v").num_rows == 0
    assert ws.aggregate(events, videos=videos.slice(0, 0)).num_rows == 3


def test_no_valid_event_gives_an_empty_table_and_the_report(events: pa.Table) -> None:
    bad = events.set_column(4, "eventName", pa.array(["unheard_of"] * events.num_rows))
    rows = ws.aggregate(bad)
    assert rows.num_rows == 0
    assert rows.schema.equals(ws.aggregate(events).schema)
    figures = ws.report(rows)
    assert (figures["read"], figures["kept"]) == (12, 0)
    assert ws.engagement(ws.sessions(bad)).equals(rows, check_metadata=True)


def test_columns_of_nulls_are_read(events: pa.Table) -> None:
    nulls = pa.table({name: pa.nulls(3) for name in events.column_names})
    assert ws.report(ws.aggregate(nulls))["dropped"]["null_key"] == 3


# Validation.


def test_validate_shows_rows_as_they_are(events: pa.Table) -> None:
    far = pa.array([2**62, *[0] * (events.num_rows - 1)], pa.timestamp("us", "UTC"))
    found = ws.validate(events.set_column(0, "timestamp", far), examples=1)
    shown = found.examples.to_pylist()
    assert [(row["reason"], row["row"]) for row in shown] == [
        ("null_key", 10),
        ("invalid_timestamp", 0),
        ("unknown_event", 11),
        ("duplicate", 5),
    ]
    assert shown[1]["timestamp"].startswith(str(2**62))
    assert (shown[0]["userId"], shown[0]["sessionId"], shown[0]["currentTime"]) == ("ann", None, "20.0")
    assert found.examples.schema.field("row").type == pa.int64()


def test_validate_limits_examples_per_reason(events: pa.Table) -> None:
    repeated = pa.concat_tables([events] * 4)
    for count in (0, 2, 100):
        found = ws.validate(repeated, examples=count)
        reasons = found.examples["reason"].to_pylist()
        assert max([reasons.count(reason) for reason in found.dropped], default=0) <= count
        assert found.read - found.kept == sum(found.dropped.values())
    assert len(reasons) == sum(found.dropped.values())


def test_validation_prints_advice(events: pa.Table) -> None:
    text = str(ws.validate(events))
    assert text.splitlines()[0].split() == ["read", "12"]
    assert "unknown_event" in text
    assert dict(_core.drop_reasons())["unknown_event"] in text
    assert "duplicate" not in text


# Bad tables.


def test_missing_columns_are_named_with_the_fix(events: pa.Table, videos: pa.Table) -> None:
    required = [s["name"] for s in _core.input_column_specs() if s["table"] == "events" and s["required"]]
    assert len(required) >= 5
    for name in required:
        with pytest.raises(MissingColumnError, match=rf"{name}.*it has .*columns=") as caught:
            ws.aggregate(events.drop([name]))
        assert all(other in str(caught.value) for other in events.column_names)
    with pytest.raises(MissingColumnError, match="uid"):
        ws.aggregate(events, columns={"userId": "uid"})
    with pytest.raises(MissingColumnError, match="rate"):
        ws.aggregate(events, columns={"playbackRate": "rate"})
    for name in ("videoId", "duration"):
        with pytest.raises(MissingColumnError, match=f"videos.*{name}"):
            ws.aggregate(events, videos=videos.drop([name]))
    with pytest.raises(MissingColumnError, match="sessionId"):
        ws.engagement(ws.aggregate(events))
    with pytest.raises(MissingColumnError, match="watchedIntervals"):
        ws.retention(events.drop(["sessionId"]))


def test_wrong_types_are_named(events: pa.Table, videos: pa.Table) -> None:
    for index, name in enumerate(events.column_names):
        wrong = events.set_column(index, name, pa.array([[1.5]] * events.num_rows))
        with pytest.raises(ColumnTypeError, match=rf"{name}.*"):
            ws.aggregate(wrong)
    seconds = events.set_column(0, "timestamp", pa.array([1] * events.num_rows))
    with pytest.raises(ColumnTypeError, match=r"timestamp.*unit"):
        ws.aggregate(seconds)
    with pytest.raises(ColumnTypeError, match="videoId"):
        ws.aggregate(events, videos=videos.set_column(0, "videoId", pa.array([1, 2])))


def test_contradicting_rows_are_refused(events: pa.Table, videos: pa.Table) -> None:
    with pytest.raises(DataError, match="v1"):
        ws.aggregate(events, videos={"videoId": ["v1", "v1"], "duration": [1, 2]})
    assert ws.aggregate(events, videos=pa.concat_tables([videos, videos])).num_rows == 3
    with pytest.raises(DataError, match="two rows"):
        ws.engagement(pa.concat_tables([ws.sessions(events)] * 2))
    with pytest.raises(WatchspanError, match="unique_seconds"):
        ws.retention(ws.aggregate(events, unique_seconds=False))
