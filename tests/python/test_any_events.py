"""Events of any shape: paths, fallbacks, units, constants, missing words, and files of exporters."""

from __future__ import annotations

import bz2
import gzip
import itertools
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchspan as ws
from watchspan.errors import ColumnError, MissingColumnError, OptionError, SourceError

START = 1_768_471_200  # 2026-01-15T10:00:00Z
# Ann watches [0, 30] in 30 s.
RAW = [
    {"time": "2026-01-15T10:00:00Z", "context": {"user_id": "ann"}, "page": "v1",
     "event": json.dumps({"code": "play", "currentTime": 0})},
    {"time": "2026-01-15T10:00:30Z", "context": {"user_id": None}, "who": "ann", "page": "v1",
     "event": json.dumps({"code": "pause", "current_time": "30"})},
]  # fmt: skip
PLACES = {
    "timestamp": "time",
    "userId": ["context.user_id", "who"],
    "videoId": "page",
    "eventName": "event.code",
    "currentTime": ["event.currentTime", "event.current_time"],
}
NAMES = ("timestamp", "userId", "videoId", "eventName", "currentTime")


def watched(events, **options):
    """User -> watch time."""
    rows = ws.aggregate(events, **options).to_pylist()
    return {row["userId"]: row["totalWatchTime"] for row in rows}


def two(timestamps, positions=(0, 30), **more):
    """Two events of ann: she plays, and pauses."""
    return {
        "timestamp": list(timestamps), "userId": ["ann"] * 2, "videoId": ["v1"] * 2,
        "eventName": ["play", "pause"], "currentTime": list(positions), **more,
    }  # fmt: skip


TIMES = ("2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z")


def lines(rows):
    return "\n".join(map(json.dumps, rows)) + "\n"


def test_raw_records_are_read_by_paths_in_frames_and_files(tmp_path):
    assert watched(RAW, columns=PLACES) == {"ann": 30.0}
    plain = lines(RAW)
    prefixed = "".join(f"Jan 15 10:00:00 host tracking: {line}\n" for line in plain.splitlines())
    files = {
        "a.jsonl": plain.encode(), "b.ndjson": b"\xef\xbb\xbf" + plain.encode(),
        "c.json": json.dumps(RAW).encode(), "d.json": json.dumps(RAW, indent=2).encode(),
        "e.log": prefixed.encode(), "f.jsonl.gz": gzip.compress(plain.encode()),
        "g.log.bz2": bz2.compress(prefixed.encode()),
        "h.jsonl.zst": pa.compress(plain.encode(), "zstd", asbytes=True),
        "i.json.gz": gzip.compress(json.dumps(RAW).encode()),
        "j.jsonl": plain.replace("\n", "\r\n\r\n").encode(),
    }  # fmt: skip
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert watched(path, columns=PLACES) == {"ann": 30.0}, name


def test_a_line_that_is_no_object_is_counted_and_stops_nothing(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text(lines(RAW[:1]) + "nonsense\n{\n3\n" + lines(RAW[1:]) + '{"time": ')
    table = ws.aggregate(path, columns=PLACES)
    assert table["totalWatchTime"].to_pylist() == [30.0]
    report = ws.report(table)
    assert (report["read"], report["kept"], report["dropped"]["unreadable"]) == (6, 2, 4)
    examples = ws.validate(path, columns=PLACES).examples.to_pylist()
    assert [(row["reason"], row["row"]) for row in examples] == [("unreadable", row) for row in (1, 2, 3, 5)]


def test_one_column_may_serve_several(tmp_path):
    events = two(TIMES)
    events["who"] = events.pop("userId")
    columns = {"userId": "who", "sessionId": "who"}
    pq.write_table(pa.table(events), tmp_path / "events.parquet")
    (tmp_path / "events.jsonl").write_text(lines(pa.table(events).to_pylist()))
    for source in (events, pa.table(events), tmp_path / "events.parquet", tmp_path / "events.jsonl"):
        rows = ws.sessions(source, columns=columns).to_pylist()
        assert [(row["userId"], row["sessionId"], row["watchTime"]) for row in rows] == [("ann", "ann", 30.0)]
    videos = {"videoId": ["v1"], "length": [60]}
    named = {"duration": "length", "title": "videoId"}
    (row,) = ws.aggregate(two(TIMES), videos=videos, columns=named).to_pylist()
    assert (row["videoDuration"], row["videoTitle"]) == (60.0, "v1")


@pytest.mark.parametrize(
    ("unit", "scale"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9), ("ticks", 10**7)]
)
@pytest.mark.parametrize("kind", [int, float, str])
def test_units(unit, scale, kind):
    events = two([kind(START * scale), kind((START + 30) * scale)], [kind(0), kind(30 * scale)])
    columns = {name: ws.Column(unit=unit) for name in ("timestamp", "currentTime")}
    assert watched(events, columns=columns) == {"ann": pytest.approx(30.0, abs=1e-6)}


def test_numbers_without_a_unit_are_no_instants(tmp_path):
    with pytest.raises(ColumnError, match="does not say its unit"):
        ws.aggregate(two([START, START + 30]))
    path = tmp_path / "events.jsonl"
    path.write_text(lines(pa.table(two([START, START + 30])).to_pylist()))
    with pytest.raises(ColumnError, match=r'does not say its unit.*unit="ms"'):
        ws.aggregate(path)
    with pytest.raises(OptionError, match="unit"):
        ws.aggregate(two(TIMES), columns={"currentTime": ws.Column(unit="min")})
    with pytest.raises(OptionError, match='"eventName" the unit "s"'):
        ws.aggregate(two(TIMES), columns={"eventName": ws.Column(unit="s")})


@pytest.mark.parametrize(
    "texts", [("0", "30"), ("00:00:00", "00:00:30.000"), ("PT0S", "PT30S"), (" 0", "3e1")]
)
def test_positions_may_be_text(texts):
    assert watched(two(TIMES, texts)) == {"ann": 30.0}


def test_speeds_and_sequences_may_be_text():
    rate = two(TIMES, (0, 60), playbackRate=["2.0x", None], sequence=["1", "2"])
    assert watched(rate, rules=ws.Rules(max_unstated_speed=1)) == {"ann": 60.0}


def test_one_odd_cell_stops_nothing(tmp_path):
    path = tmp_path / "events.csv"
    head = ",".join(NAMES)
    rows = [
        f"{TIMES[0]},ann,v1,play,0",
        head,
        f"{TIMES[0]},ann,v1,heartbeat,NULL",
        f"{TIMES[1]},ann,v1,pause,30",
    ]
    path.write_text("\n".join([head, *rows]) + "\n")
    table = ws.aggregate(path)
    assert table["totalWatchTime"].to_pylist() == [30.0]
    dropped = {reason: count for reason, count in ws.report(table)["dropped"].items() if count}
    assert dropped == {"invalid_timestamp": 1, "invalid_position": 1}


def test_missing_words_constants_and_fallbacks():
    events = two(TIMES, ("0", "30"), who=["undefined", "bob"])
    del events["eventName"]
    columns = {
        "userId": ws.Column("who", "userId", missing="undefined"),
        "eventName": ws.Column(value="heartbeat"),
        "videoDuration": ws.Column(value=60),
    }
    assert watched(events, columns=columns) == {"ann": 0.0, "bob": 0.0}
    (row,) = ws.aggregate(events, columns={**columns, "userId": "userId"}).to_pylist()
    assert (row["totalWatchTime"], row["videoDuration"], row["durationSource"]) == (30.0, 60.0, "reported")


def test_names_that_are_spelled_otherwise_are_found():
    events = two(TIMES)
    other = {"event_name": events.pop("eventName"), "USERID": events.pop("userId"), **events}
    assert watched(other) == {"ann": 30.0}
    with pytest.raises(MissingColumnError, match='no column "userId"'):
        ws.aggregate({**other, "user_id": ["x", "y"]})


def test_what_is_no_place_is_refused():
    for place in (3, [], [3], {"paths": []}, ws.Column(3)):
        with pytest.raises(OptionError, match="columns maps 'userId'"):
            ws.aggregate(two(TIMES), columns={"userId": place})
    with pytest.raises(OptionError, match="is no path"):
        ws.aggregate(two(TIMES), columns={"userId": "a["})


def test_nested_columns_of_every_kind():
    struct = [{"user": {"id": "ann"}, "ids": ["v1", "x"], "params": [("code", "play")]},
              {"user": {"id": "ann"}, "ids": ["v1"], "params": [("code", "pause")]}]  # fmt: skip
    kind = pa.struct([("user", pa.struct([("id", pa.string())])), ("ids", pa.list_(pa.string())),
                      ("params", pa.map_(pa.string(), pa.string()))])  # fmt: skip
    events = pa.table({
        "timestamp": TIMES, "e": pa.array(struct, kind),
        "p": [[{"key": "at", "value": {"text": None, "number": n}}] for n in (0, 30)],
    })  # fmt: skip
    columns = {"userId": "e.user.id", "videoId": "e.ids[0]", "eventName": 'e.params["code"]',
               "currentTime": 'p[key="at"].value'}  # fmt: skip
    assert watched(events, columns=columns) == {"ann": 30.0}
    for layout in (pa.large_list(pa.string()), pa.list_(pa.string(), 1)):
        ids = pa.array([["v1"], ["v1"]], layout)
        assert watched(events.append_column("ids", ids), columns={**columns, "videoId": "ids[0]"}) == {
            "ann": 30.0
        }


PAIRS = [
    ("currentTime", pa.int32(), pa.float64()), ("currentTime", pa.float32(), pa.float64()),
    ("currentTime", pa.decimal128(23, 2), pa.float64()), ("currentTime", pa.int16(), pa.decimal128(23, 2)),
    ("userId", pa.int32(), pa.int64()), ("userId", pa.uint8(), pa.int64()),
    ("timestamp", pa.timestamp("ms"), pa.timestamp("us", "UTC")),
    ("timestamp", pa.timestamp("s", "UTC"), pa.timestamp("ns")),
    ("eventName", pa.string(), pa.large_string()),
    ("eventName", pa.dictionary(pa.int32(), pa.string()), pa.string()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "one", "other"), PAIRS, ids=str)
@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_files_of_different_types_are_read_in_either_order(tmp_path, name, one, other, form):
    events = pa.table({
        "timestamp": pa.array([START * 10**6, (START + 30) * 10**6], pa.timestamp("us")), "userId": [7, 7],
        "videoId": ["v1"] * 2, "eventName": ["play", "pause"], "currentTime": [0, 30],
    })  # fmt: skip
    for kinds in itertools.permutations((one, other)):
        folder = tmp_path / str(kinds[0]).replace("/", "_")
        folder.mkdir()
        for number, kind in enumerate(kinds):
            place = events.column_names.index(name)
            column = (
                events[name].cast(kind)
                if not pa.types.is_dictionary(kind)
                else events[name].dictionary_encode()
            )
            file = events.set_column(place, name, column).slice(number, 1)
            if form == "parquet":
                pq.write_table(file, folder / f"{number}.parquet")
            else:
                with pa.ipc.new_file(folder / f"{number}.arrow", file.schema) as writer:
                    writer.write_table(file)
        assert watched(folder) == {7: 30.0}, kinds


def test_folders_keep_their_keys_as_text(tmp_path):
    for user in ("007", "7"):
        folder = tmp_path / f"userId={user}"
        folder.mkdir()
        events = two(TIMES)
        del events["userId"]
        pq.write_table(pa.table(events), folder / "events.parquet")
        (folder / "events.csv").write_text("timestamp,videoId,eventName,currentTime\n" + "".join(
            f"{row['timestamp']},v1,{row['eventName']},{row['currentTime']}\n"
            for row in pa.table(events).to_pylist()
        ))  # fmt: skip
    for pattern in ("*/*.parquet", "*/*.csv"):
        assert watched(str(tmp_path / pattern)) == {"007": 30.0, "7": 30.0}, pattern


def test_a_file_without_sessions_among_others_is_refused_with_the_remedy(tmp_path):
    with_session = {**two(TIMES), "sessionId": ["s", "s"]}
    without = {**two(TIMES), "deviceId": ["d", "d"]}
    pq.write_table(pa.table(with_session), tmp_path / "a.parquet")
    pq.write_table(pa.table(without), tmp_path / "b.parquet")
    with pytest.raises(MissingColumnError, match=r"b\.parquet has no sessionId, which other files have"):
        ws.sessions(tmp_path)
    rows = ws.sessions(tmp_path, columns={"sessionId": ["sessionId", "deviceId"]})
    assert sorted(rows["sessionId"].to_pylist()) == ["d", "s"]
    assert ws.sessions(tmp_path, columns={"sessionId": None}).num_rows == 1


def test_a_file_of_no_bytes_is_passed_over_and_said(tmp_path, caplog):
    pq.write_table(pa.table(two(TIMES)), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"")
    assert watched(tmp_path) == {"ann": 30.0}
    assert "b.parquet is empty (0 bytes)" in caplog.text
    with pytest.raises(SourceError, match="is empty: it has 0 bytes"):
        ws.aggregate(tmp_path / "b.parquet")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".csv.bz2"])
def test_what_stands_between_cells_is_found(tmp_path, delimiter, suffix):
    rows = pa.table(two(TIMES)).to_pylist()
    text = "\n".join(
        [delimiter.join(NAMES), *(delimiter.join(str(row[name]) for name in NAMES) for row in rows)]
    )
    pack = (
        {".gz": gzip.compress, ".bz2": bz2.compress}.get(suffix[-3:], bytes)
        if suffix != ".csv.bz2"
        else bz2.compress
    )
    path = tmp_path / f"events{suffix}"
    path.write_bytes(pack(text.encode()))
    assert watched(path) == {"ann": 30.0}
