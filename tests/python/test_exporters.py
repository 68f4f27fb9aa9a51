"""Written by everybody else, read here: exporters, formats and the types of their columns."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import uuid

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import csv, feather
from pyarrow import parquet as pq

import watchspan as ws
from watchspan.errors import ColumnTypeError

START = dt.datetime(2026, 1, 15, 10, tzinfo=dt.timezone.utc)
TIMES = [START, START + dt.timedelta(seconds=30, milliseconds=500)]
USER = uuid.UUID("123e4567-e89b-12d3-a456-426614174000")
NAMES = ["play", "pause"]
# How each column may be typed: the type in Arrow, and the values.
TIMESTAMPS = {
    "us-utc": (pa.timestamp("us", "UTC"), TIMES),
    "ms-naive": (pa.timestamp("ms"), [time.replace(tzinfo=None) for time in TIMES]),
    "ns-zone": (pa.timestamp("ns", "Europe/Berlin"), TIMES),
    "text": (pa.string(), [time.isoformat() for time in TIMES]),
}
KEYS = {
    "text": (pa.string(), ["ann"] * 2, "ann"),
    "int32": (pa.int32(), [7] * 2, 7),
    "int64": (pa.int64(), [7] * 2, 7),
    "decimal": (pa.decimal128(18, 0), [decimal.Decimal(7)] * 2, 7),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["ann"] * 2, "ann"),
}
POSITIONS = {
    "double": (pa.float64(), [0.0, 30.5]),
    "float": (pa.float32(), [0.0, 30.5]),
    "decimal": (pa.decimal128(10, 1), [decimal.Decimal("0"), decimal.Decimal("30.5")]),
    "text": (pa.string(), ["0", "30.5"]),
}
DEFAULT = {"timestamp": "us-utc", "userId": "text", "currentTime": "double"}
CASES = [
    *({**DEFAULT, "timestamp": kind} for kind in TIMESTAMPS),
    *({**DEFAULT, "userId": kind} for kind in KEYS if kind != "text"),
    *({**DEFAULT, "currentTime": kind} for kind in POSITIONS if kind != "double"),
]


def events(case):
    time, user, position = (
        choices[case[name]] for name, choices in zip(DEFAULT, (TIMESTAMPS, KEYS, POSITIONS))
    )
    columns = {
        "timestamp": pa.array(time[1], time[0]), "userId": pa.array(user[1], user[0]),
        "videoId": pa.array(["v"] * 2), "eventName": pa.array(NAMES),
        "currentTime": pa.array(position[1], position[0]),
    }  # fmt: skip
    return pa.table(columns)


def pandas_of(table):
    return table.to_pandas()


def by_duckdb(table, path, how):
    duckdb.sql("SET TimeZone = 'UTC'")
    duckdb.from_arrow(table).query("events", f"COPY (SELECT * FROM events) TO '{path}' ({how})")


WRITERS = {
    "pyarrow.parquet": (".parquet", pq.write_table),
    "pyarrow.feather": (".feather", lambda table, path: feather.write_feather(table, str(path))),
    "pyarrow.csv": (".csv", csv.write_csv),
    "pandas.parquet": (".parquet", lambda table, path: pandas_of(table).to_parquet(path)),
    "pandas.csv": (".csv", lambda table, path: pandas_of(table).to_csv(path, index=False)),
    "pandas.csv.gz": (".csv.gz", lambda table, path: pandas_of(table).to_csv(path, index=False)),
    "pandas.json": (
        ".jsonl",
        lambda table, path: pandas_of(table).to_json(path, orient="records", lines=True, date_format="iso"),
    ),
    "polars.parquet": (".parquet", lambda table, path: pl.from_arrow(table).write_parquet(path)),
    "polars.ipc": (".arrow", lambda table, path: pl.from_arrow(table).write_ipc(path)),
    "polars.csv": (".csv", lambda table, path: pl.from_arrow(table).write_csv(path)),
    "polars.csv;": (".csv", lambda table, path: pl.from_arrow(table).write_csv(path, separator=";")),
    "polars.ndjson": (".ndjson", lambda table, path: pl.from_arrow(table).write_ndjson(path)),
    "duckdb.parquet": (".parquet", lambda table, path: by_duckdb(table, path, "FORMAT parquet")),
    "duckdb.csv": (".csv", lambda table, path: by_duckdb(table, path, "FORMAT csv, HEADER")),
    "duckdb.json": (".json", lambda table, path: by_duckdb(table, path, "FORMAT json")),
    "duckdb.json array": (".json", lambda table, path: by_duckdb(table, path, "FORMAT json, ARRAY true")),
    "json": (
        ".json",
        lambda table, path: path.write_text(json.dumps(table.to_pylist(), default=str)),
    ),
}
TEXT = (".csv", ".csv.gz", ".json", ".jsonl", ".ndjson")


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.values()))
@pytest.mark.parametrize("writer", WRITERS)
def test_what_others_write_is_read(tmp_path, writer, case):
    suffix, write = WRITERS[writer]
    path = tmp_path / f"events{suffix}"
    write(events(case), path)
    (row,) = ws.aggregate(path).to_pylist()
    user = KEYS[case["userId"]][2]
    assert (row["userId"], row["totalWatchTime"]) == (str(user) if suffix in TEXT else user, 30.5)
    assert row["firstWatchDate"] == START


FRAMES = {
    "pyarrow": lambda table: table,
    "reader": lambda table: table.to_reader(),
    "pandas": lambda table: table.to_pandas(),
    "pandas pyarrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.from_arrow,
    "polars lazy": lambda table: pl.from_arrow(table).lazy(),
    "duckdb": duckdb.from_arrow,
    "dicts": lambda table: table.to_pylist(),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.values()))
@pytest.mark.parametrize("frame", FRAMES)
def test_frames_of_every_library_are_read(frame, case):
    (row,) = ws.aggregate(FRAMES[frame](events(case))).to_pylist()
    assert (row["userId"], row["totalWatchTime"]) == (KEYS[case["userId"]][2], 30.5)


# As BigQuery, Snowflake, Postgres, Jackson, Java, SQL Server and logs print instants.
@pytest.mark.parametrize(
    "text",
    ["2026-01-15 10:00:00 UTC", "2026-01-15 10:00:00.000000 UTC", "2026-01-15 10:00:00.000 +0000",
     "2026-01-15 10:00:00+00", "2026-01-15T10:00:00.000+00:00", "2026-01-15T10:00Z", "2026-01-15 10:00",
     "2026-01-15T11:00:00+01:00[Europe/Berlin]", "2026-01-15 10:00:00.0000000 +00:00",
     "2026-01-15 10:00:00,000"],
)  # fmt: skip
def test_instants_as_everybody_prints_them(tmp_path, text):
    later = text.replace("10:00", "10:01", 1).replace("11:00", "11:01", 1)
    rows = [{"timestamp": time, "userId": "ann", "videoId": "v", "eventName": name, "currentTime": at}
            for time, name, at in ((text, "play", 0), (later, "pause", 60))]  # fmt: skip
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    quoted = tmp_path / "events.csv"
    pd.DataFrame(rows).to_csv(quoted, index=False)
    for source in (rows, path, quoted):
        (row,) = ws.aggregate(source).to_pylist()
        assert (row["totalWatchTime"], row["firstWatchDate"]) == (60.0, START)


def test_stamps_of_clocks_elsewhere():
    rows = [{"timestamp": f"2026-07-15 12:00:{second}", "userId": "ann", "videoId": "v", "eventName": name,
             "currentTime": second} for second, name in ((10, "play"), (40, "pause"))]  # fmt: skip
    where = {"timestamp": ws.Column(timezone="Europe/Berlin")}
    naive = pa.table(rows and {name: [row[name] for row in rows] for name in rows[0]})
    typed = naive.set_column(0, "timestamp", naive["timestamp"].cast(pa.timestamp("ms")))
    for source in (rows, typed):
        (row,) = ws.aggregate(source, columns=where).to_pylist()
        assert row["firstWatchDate"].isoformat() == "2026-07-15T10:00:10+00:00"
    with pytest.raises(ws.errors.OptionError, match='timezone is "Berlin", but the name of a time zone'):
        ws.aggregate(rows, columns={"timestamp": ws.Column(timezone="Berlin")})


def test_uuids_are_text():
    table = events(DEFAULT)
    for kind in (pa.uuid() if hasattr(pa, "uuid") else pa.binary(16), pa.binary(16)):
        keys = pa.array([USER.bytes] * 2, kind.storage_type if hasattr(kind, "storage_type") else kind)
        column = pa.ExtensionArray.from_storage(kind, keys) if hasattr(kind, "storage_type") else keys
        (row,) = ws.aggregate(table.set_column(1, "userId", column)).to_pylist()
        assert row["userId"] == str(USER)


def test_floats_as_keys_are_refused_with_the_casts_that_help():
    table = events(DEFAULT).set_column(1, "userId", pa.array([7.0, None]))
    with pytest.raises(ColumnTypeError, match=r'\.astype\("Int64"\), in polars with \.cast\(pl\.Int64\)'):
        ws.aggregate(table)


def test_ragged_lines_are_counted_and_shown(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(
        "timestamp,userId,videoId,eventName,currentTime\n2026-01-15T10:00:00Z,ann,v,play,0\n"
        "2026-01-15T10:00:10Z,ann,v,pla\n2026-01-15T10:00:11Z,ann,v,play,1,2,3\n"
        "2026-01-15T10:00:30Z,ann,v,pause,30\n"
    )
    table = ws.aggregate(path)
    assert table["totalWatchTime"].to_pylist() == [30.0]
    assert ws.report(table)["dropped"]["unreadable"] == 2
    found = ws.validate(path)
    assert (found.read, found.dropped["unreadable"]) == (4, 2)
    assert "4 cells where the header has 5" in found.unreadable[0] and "pla" in str(found)


def test_lines_that_are_no_json_are_shown_with_file_and_number(tmp_path):
    path = tmp_path / "events.jsonl"
    row = {
        "timestamp": "2026-01-15T10:00:00Z",
        "userId": "a",
        "videoId": "v",
        "eventName": "play",
        "currentTime": 0,
    }
    path.write_text(json.dumps(row) + "\n\nTraceback (most recent call last)\n" + json.dumps(row) + "\n{\n")
    found = ws.validate(path)
    assert found.unreadable == (
        f"{path}, line 3: 'Traceback (most recent call last)'", f"{path}, line 5: '{{'",
    )  # fmt: skip


def test_decimal_commas(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(
        "timestamp;userId;videoId;eventName;currentTime\n2026-01-15T10:00:00Z;ann;v;play;0,5\n"
        "2026-01-15T10:00:30Z;ann;v;pause;30,5\n"
    )
    assert ws.aggregate(path)["totalWatchTime"].to_pylist() == [30.0]


def test_live_streams_leave_the_retention_of_others_standing():
    rows = [{"timestamp": START.isoformat(), "userId": "u", "videoId": video, "eventName": "play",
             "currentTime": at} for video, at in (("clip", 0), ("live", 1_768_471_200))]  # fmt: skip
    rows += [{**row, "timestamp": (START + dt.timedelta(seconds=30)).isoformat(), "eventName": "pause",
              "currentTime": row["currentTime"] + 30} for row in rows]  # fmt: skip
    sessions = ws.sessions(rows)
    with pytest.warns(
        ws.errors.WatchspanWarning, match="1 of the videos would have more.*'live' of 1,768,471"
    ):
        table = ws.retention(sessions, bucket_seconds=10)
    assert table["videoId"].to_pylist() == ["clip"] * 3
    assert set(ws.retention(sessions, buckets=2)["videoId"].to_pylist()) == {"clip", "live"}


def test_losing_most_events_is_said():
    rows = [{"timestamp": START.isoformat(), "userId": "u", "videoId": "v", "eventName": name,
             "currentTime": 0} for name in ("begin", "halt", "play")]  # fmt: skip
    with pytest.warns(
        ws.errors.WatchspanWarning, match=r"2 of 3 events were dropped.*unknown_event: say what .*preset="
    ):
        ws.aggregate(rows)
    with pytest.warns(ws.errors.WatchspanWarning, match=r"2 of 2 events were dropped"):
        ws.sessions(rows[:2])
