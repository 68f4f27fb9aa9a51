"""Tables of any shape on Spark: presets and columns become expressions, and mean what they always mean."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import types as T

import watchspan as ws
from watchspan.errors import MissingColumnError, OptionError
from watchspan.spark import aggregate_events, flat_events, session_rows

SAMPLES = Path(__file__).parents[1] / "presets"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.jsonl"))
RECORDS = [
    {"at": 1768471200000, "who": {"id": "ann"}, "video": "v1", "tags": [{"key": "n", "value": "play"}],
     "body": '{"pos": "0"}', "speed": "1.5x"},
    {"at": 1768471230000, "who": {"id": "ann"}, "video": "v1", "tags": [{"key": "n", "value": "pause"}],
     "body": '{"pos": "45000"}', "speed": None},
]  # fmt: skip
WHERE = {
    "timestamp": ws.Column("at", unit="ms"),
    "userId": ["who.missing", "who.id"],
    "videoId": "video",
    "eventName": 'tags[key="n"].value',
    "currentTime": ws.Column("body.pos", unit="ms"),
    "playbackRate": "speed",
}


def in_order(rows):
    return sorted(
        (row.asDict(recursive=True) for row in rows),
        key=lambda row: (str(row["userId"]), str(row["videoId"])),
    )


@pytest.mark.parametrize("name", NAMES)
def test_raw_records_of_every_preset_give_the_rows_of_the_core(spark, name):
    path = SAMPLES / f"{name}.jsonl"
    events = spark.read.json(str(path))
    expected = json.loads((SAMPLES / f"{name}.expected.json").read_text())["rows"]
    rows = {
        (row["userId"], row["videoId"]): row
        for row in in_order(aggregate_events(events, preset=name).collect())
    }
    assert len(rows) == len(expected) > 0
    keys = {(str(user), str(video)): row for (user, video), row in rows.items()}
    for by_hand in expected:
        row = keys[str(by_hand["userId"]), str(by_hand["videoId"])]
        figures = {column: value for column, value in by_hand.items() if column not in ("userId", "videoId")}
        assert {column: row[column] for column in figures} == pytest.approx(figures), by_hand["userId"]


FLAT = (
    "timestamp string, userId string, videoId string, sessionId string, eventName string, currentTime double"
)


@pytest.mark.parametrize("name", ["default", *NAMES])
def test_flat_events_are_no_other_ones_whoever_sent_them(spark, name):
    names = ws.vocabulary(name)
    start = next(event for event, meaning in names.items() if meaning in ("play", "heartbeat"))
    stop = next(event for event, meaning in names.items() if meaning in ("pause", "heartbeat", "close"))
    rows = [
        {"timestamp": f"2026-01-15T10:00:{second:02}Z", "userId": "u", "videoId": "v", "sessionId": "s",
         "eventName": event, "currentTime": float(second)} for second, event in ((0, start), (10, stop))
    ]  # fmt: skip
    # Its session is an object that also holds the user; where it is text, that has to be said.
    columns = {"sessionId": "sessionId", "userId": "userId"} if name == "opencast" else None
    events = spark.createDataFrame(rows, FLAT)
    (there,) = aggregate_events(events, preset=name, columns=columns).collect()
    (here,) = ws.aggregate(rows, preset=name, columns=columns).to_pylist()
    assert there.totalWatchTime == here["totalWatchTime"] == 10.0


def test_what_a_session_says_once_holds_for_it_alone(spark):
    preset = {"fill": ["userId", "videoId"], "columns": {"eventName": ["what"], "currentTime": ["at"]}}
    told = [
        ("a", "u", "v"),
        ("a", None, None),
        ("b", "", "v"),
        ("b", "w", None),
        ("b", "w", "x"),
        ("c", None, None),
    ]
    rows = [
        {"timestamp": f"2026-01-15T10:00:{n:02}Z", "sessionId": session, "userId": user, "videoId": video,
         "what": "heartbeat", "at": float(n)} for n, (session, user, video) in enumerate(told)
    ]  # fmt: skip
    schema = "timestamp string, sessionId string, userId string, videoId string, what string, at double"
    events = flat_events(spark.createDataFrame(rows, schema), preset=preset)
    found = {(row.sessionId, row.timestamp[-3:-1]): (row.userId, row.videoId) for row in events.collect()}
    assert found == {
        ("a", "00"): ("u", "v"), ("a", "01"): ("u", "v"), ("b", "02"): ("", "v"), ("b", "03"): ("w", None),
        ("b", "04"): ("w", "x"), ("c", "05"): (None, None),
    }  # fmt: skip
    there = in_order(aggregate_events(spark.createDataFrame(rows, schema), preset=preset).collect())
    assert [(row["userId"], row["videoId"]) for row in there] == [("u", "v"), ("w", "x")]
    here = ws.aggregate(rows, preset=preset)
    assert here.select(["userId", "videoId"]).to_pylist() == [
        {name: row[name] for name in ("userId", "videoId")} for row in there
    ]


def test_paths_units_and_text_that_holds_json(spark):
    events = spark.createDataFrame(
        RECORDS,
        "at bigint, who struct<id:string>, video string, tags array<struct<key:string,value:string>>, "
        "body string, speed string",
    )
    (row,) = aggregate_events(events, columns=WHERE).collect()
    here = ws.aggregate(RECORDS, columns=WHERE).to_pylist()[0]
    assert (
        (row.totalWatchTime, row.totalPlayTime) == (here["totalWatchTime"], here["totalPlayTime"]) == (45, 30)
    )
    assert session_rows(events, columns=WHERE).collect()[0].watchTime == 45
    # The table of videos has the default names, whatever those of the events are.
    videos = spark.createDataFrame([("v1", 90.0)], "videoId string, duration double")
    (row,) = aggregate_events(events, videos=videos, columns=WHERE).collect()
    assert (row.watchPercentage, row.durationSource) == (50.0, "metadata")


def test_only_what_is_used_crosses_the_shuffle(spark):
    events = spark.createDataFrame(
        RECORDS,
        "at bigint, who struct<id:string>, video string, tags array<struct<key:string,value:string>>, "
        "body string, speed string",
    )
    plan = aggregate_events(events, columns=WHERE)._jdf.queryExecution().optimizedPlan().toString()
    shuffled = plan[plan.index("RepartitionByExpression") :].splitlines()[1]
    assert "currentTime" in shuffled and "body AS" not in shuffled and "tags AS" not in shuffled


INSTANTS = [
    ("bigint", 1768471200123, "ms"), ("bigint", 1768471200, "s"), ("bigint", 1768471200123456, "us"),
    ("bigint", 1768471200123456789, "ns"), ("bigint", 17684712001234567, "ticks"), ("bigint", 2**62, "s"),
    ("double", 1768471200.123456, "s"), ("double", 1e300, "ms"),
    ("decimal(20,3)", Decimal("1768471200.123"), "s"),
    ("string", "1768471200123", "ms"), ("string", "1768471200.5", "s"), ("string", "1.7684712e9", "s"),
    ("string", "2026-01-15 10:00:00 UTC", "ms"), ("string", "soon", "ms"), ("string", "9" * 40, "ms"),
    ("timestamp", dt.datetime(2026, 1, 15, 10, tzinfo=dt.timezone.utc), None), ("bigint", -1, "ms"),
]  # fmt: skip


NO_INSTANTS = ["soon", "9" * 40, 2**62, 1e300]


@pytest.mark.parametrize(("kind", "value", "unit"), INSTANTS, ids=str)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_instants_in_every_unit_are_those_of_the_core(spark, kind, value, unit, zone):
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        rows = [{"at": value, "userId": "u", "videoId": "v", "eventName": name, "currentTime": at}
                for name, at in (("play", 0.0), ("heartbeat", 0.5))]  # fmt: skip
        where = {"timestamp": ws.Column("at", unit=unit)}
        schema = f"at {kind}, userId string, videoId string, eventName string, currentTime double"
        there = session_rows(spark.createDataFrame(rows, schema), columns=where)
        here = ws.sessions(rows, columns=where)
        starts = [row.sessionId for row in there.collect()]
        assert starts == here["sessionId"].to_pylist()
        assert len(starts) == (value not in NO_INSTANTS)
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)


def test_missing_words_constants_and_maps(spark):
    schema = T.StructType([
        T.StructField("t", T.StringType()), T.StructField("ids", T.MapType(T.StringType(), T.StringType())),
        T.StructField("list", T.ArrayType(T.StringType())), T.StructField("pos", T.LongType()),
    ])  # fmt: skip
    rows = [("2026-01-15T10:00:00Z", {"user": "undefined", "device": "d"}, ["v"], 0),
            ("2026-01-15T10:00:05Z", {"device": "d"}, ["v", "w"], 5),
            ("2026-01-15T10:00:09Z", {"device": "d"}, [], -1)]  # fmt: skip
    where = {
        "timestamp": "t", "userId": ws.Column("ids.user", "ids.device", missing=("undefined",)),
        "videoId": ws.Column("list[0]", value="none"), "eventName": ws.Column(value="heartbeat"),
        "currentTime": ws.Column("pos", missing=("-1",), value="7"),
    }  # fmt: skip
    events = flat_events(spark.createDataFrame(rows, schema), columns=where)
    found = [(row.userId, row.videoId, row.eventName, row.currentTime) for row in events.collect()]
    assert found == [
        ("d", "v", "heartbeat", "0"),
        ("d", "v", "heartbeat", "5"),
        ("d", "none", "heartbeat", "7"),
    ]
    (row, none) = in_order(aggregate_events(spark.createDataFrame(rows, schema), columns=where).collect())[
        ::-1
    ]
    assert (row["videoId"], row["totalWatchTime"], none["videoId"]) == ("v", 5.0, "none")


def test_what_cannot_be_found_or_said_is_refused(spark):
    events = spark.createDataFrame([(1, "v")], "timestamp bigint, videoId string")
    with pytest.raises(MissingColumnError, match=r"no column .body\.user."):
        aggregate_events(events, columns={"userId": ["body.user", "other"]})
    where = {name: ws.Column(value="x") for name in ("userId", "eventName", "currentTime")}
    where["timestamp"] = ws.Column("timestamp", timezone="Europe/Berlin")
    with pytest.raises(OptionError, match="time zone 'Europe/Berlin', which cannot be read on Spark"):
        flat_events(events, columns=where)
