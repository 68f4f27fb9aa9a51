"""Data Explorer, by the real clients: queries, streamed rows, and what both do about a busy service."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import duckdb
import pyarrow as pa
import pytest
from duckdb_kql.server import KustoRestServer

import watchspan as ws
from support.app_events import END, SCHEMA, START, month, rows_of
from support.servers import Answer
from watchspan import azure, sample
from watchspan.errors import DataError, MissingColumnError, OptionError

PLAIN = (
    "(timestamp: datetime, userId: string, videoId: string, sessionId: string, eventName: string, "
    "currentTime: real, playbackRate: real, seekFrom: real, sequence: long, eventId: string)"
)
ALWAYS = ("2000-01-01", "2100-01-01")


def plain_rows(events):
    times = [
        t.isoformat(timespec="microseconds") + "Z"
        for t in events["timestamp"].cast(pa.timestamp("us")).to_pylist()
    ]
    names = [column.split(":")[0].strip(" (") for column in PLAIN.split(",")][1:-1]
    columns = [events[name].to_pylist() for name in names]
    ids = [f"id-{n}" for n in range(len(times))]
    rows = [list(row) for row in zip(times, *columns, ids)]
    return [["NaN" if str(value) == "nan" else value for value in row] for row in rows]


@pytest.fixture
def read(data_explorer, credential, trust):
    def all_events(source, start=START, end=END, **how):
        def note(counts):
            all_events.counts = counts

        return azure.read_kusto(
            data_explorer.url, "video", source, start, end, credential, progress=note, **how
        ).read_all()

    return all_events


@pytest.fixture
def write(data_explorer, credential, trust):
    def all_rows(table, target="engagement", **how):
        return azure.write_kusto(table, data_explorer.url, "video", target, credential, **how)

    return all_rows


def make_table(server, schema, order=sorted):
    """Makes the table that the command says, in another order of columns."""
    create, policy = azure.create_table_commands("engagement", schema)
    assert create.startswith('.create-merge table ["engagement"] (TimeGenerated: datetime, runId: string')
    assert policy == '.alter table ["engagement"] policy streamingingestion enable'
    columns = order(create.partition("(")[2].rstrip(")").split(", "))
    server.tables["engagement"] = (f"({', '.join(columns)})", [])
    return [column.split(":")[0] for column in columns]


def stored(server):
    schema, rows = server.tables["engagement"]
    names = [column.split(":")[0].strip(" (") for column in schema.split(",")]
    return [dict(zip(names, row)) for row in rows]


def test_a_table_with_the_engines_columns(read, data_explorer):
    events = month(1_500)
    data_explorer.tables["player_events"] = (PLAIN, plain_rows(events))
    data_explorer.row_limit = 400
    table = read("player_events", *ALWAYS)
    assert read.counts.cut > 0
    assert ws.aggregate(table).equals(ws.aggregate(events))
    assert {"eventId", "sequence"} <= set(table.column_names)
    assert "itemCount" not in table.column_names


def test_a_query_with_other_columns(read, data_explorer):
    schema = "(at: datetime, who: string, clip: string, what: string, pos: real)"
    seen = [
        ["2026-01-15T10:00:00Z", "ann", "v", "play", 0.0],
        ["2026-01-15T10:00:30Z", "ann", "v", "pause", 30.0],
    ]
    data_explorer.tables["raw"] = (schema, seen)
    own = {
        "timestamp": "at",
        "userId": "who",
        "videoId": "the clip",
        "eventName": "what",
        "currentTime": "pos",
    }
    table = read("raw\n| project at, who, ['the clip'] = clip, what, pos;", columns=own)
    assert ws.aggregate(table)["totalWatchTime"].to_pylist() == [30.0]
    assert read("raw", columns={**own, "videoId": "clip"}, event_names=["pause"]).num_rows == 1
    with pytest.raises(MissingColumnError, match=r'no column "the clip" .*it has at, who, clip'):
        read("raw", columns=own)
    with pytest.raises(MissingColumnError, match="no column 'key'"):
        read("raw", columns={**own, "videoId": "clip", "eventId": "key"})
    with pytest.raises(OptionError, match="event_names"):
        read("raw", columns={**own, "videoId": "clip"}, event_names="pause")
    with pytest.raises(OptionError, match="only a table knows"):
        read("raw | take 1", columns=own, by="arrival")


def test_a_call_of_a_function_is_a_query(read, data_explorer):
    data_explorer.tables["player_events"] = (PLAIN, plain_rows(month(20)))
    assert read("(player_events)", *ALWAYS).num_rows == read("player_events", *ALWAYS).num_rows > 0
    with pytest.raises(azure.ServiceError, match="VideoEvents"):
        read("VideoEvents()")
    asked = data_explorer.requests[-1].json["csl"]
    assert asked.startswith("VideoEvents()\n")
    with pytest.raises(OptionError, match="only a table knows"):
        read("database('x').Events", by="arrival")


def test_the_table_of_a_query(data_explorer, credential, trust):
    place = azure.DataExplorer(data_explorer.url, "video", "AppEvents", credential)
    data_explorer.tables["films"] = (
        "(videoId: string, duration: real, size: dynamic)",
        [["a", 300.0, 1], ["b", "NaN", 2.5], ["c", None, 3]],
    )
    assert place.table_of("films")["duration"].to_pylist() == [300.0, None, None]
    data_explorer.tables["films"][1][1][2] = "large"
    with pytest.raises(DataError, match=r"'size' .* todouble\(size\)"):
        place.table_of("films")
    data_explorer.script = [two_tables(data_explorer, credential)]
    with pytest.raises(azure.ServiceError, match="with 2 tables, but one is needed"):
        place.table_of("films; films")


def two_tables(server, credential):
    """The answer to a query of two statements, which the evaluator does not run."""
    (request,) = [each for each in server.requests[-1:] if each.path == "/v2/rest/query"]
    header, table, end = server.answer(request).body
    return Answer(200, [header, table, {**table, "TableId": 2}, end])


def test_app_events_are_read_as_from_log_analytics(read, data_explorer):
    data_explorer.tables["AppEvents"] = (SCHEMA, rows_of())
    table = read("AppEvents")
    assert table["userId"].to_pylist() == ["peter"] * 6
    assert str(table["timestamp"].cast(pa.timestamp("us"))[0]) == "2026-01-15 10:00:00.123456"
    assert table["itemCount"].to_pylist() == [1] * 6


def test_dynamic_values_arrive_as_objects(read, data_explorer):
    data_explorer.tables["raw"] = (PLAIN.replace("videoId: string", "videoId: dynamic"), [
        ["2026-01-15T10:00:00Z", "ann", {"id": [1]}, "s", "play", "NaN", None, None, None, "e"],
    ])  # fmt: skip
    table = read("raw")
    assert table["videoId"].to_pylist() == ['{"id":[1]}']
    assert str(table["currentTime"][0]) == "nan"


def test_a_busy_cluster_is_waited_for(read, data_explorer):
    data_explorer.tables["AppEvents"] = (SCHEMA, rows_of())
    busy = Answer(
        503, {"error": {"code": "Busy", "message": "b", "@permanent": False}}, {"Retry-After": "0.01"}
    )
    data_explorer.script = [None, Answer(429, {}, {"Retry-After": "0.01"}), busy]
    assert read("AppEvents").num_rows == 6


def test_a_permanent_error_is_not_tried_again(read, data_explorer):
    with pytest.raises(azure.ServiceError, match=r"refused the query.*nothing_here"):
        read("nothing_here")
    assert sum(request.path == "/v2/rest/query" for request in data_explorer.requests) == 1


def test_rows_arrive_whatever_the_order_of_the_tables_columns(write, data_explorer):
    rows = ws.aggregate(sample.events(3_000, seed=2), videos=sample.videos(2))
    make_table(data_explorer, rows.schema)
    done = write(rows, window=("2026-01-15", "2026-01-16"), run_id="monday")
    found = stored(data_explorer)
    assert done.sent == len(found) == rows.num_rows > 30
    times = ("firstWatchDate", "lastWatchDate")
    plain = [name for name in rows.column_names if name not in times]
    expected = rows.select(plain).to_pylist()
    for row, other in zip(found, expected):
        assert {name: row[name] for name in plain} == {**other, "videoTitle": other["videoTitle"] or ""}
    assert {row["runId"] for row in found} == {"monday"}
    assert {row["windowStart"] for row in found} == {"2026-01-15T00:00:00.000000Z"}


def test_requests_stay_below_four_megabytes(write, data_explorer):
    table = pa.table(
        {
            "userId": [f"u{n}" for n in range(9_000)],
            "videoId": ["v"] * 9_000,
            "longNote": ['é, "x"\n' * 100] * 9_000,
            "shortNote": ["a\rb"] * 9_000,
        }
    )
    make_table(data_explorer, table.schema)
    data_explorer.failing_share = 0.6
    write(table)
    sizes = [len(request.body) for request in data_explorer.requests if "ingest" in request.path]
    assert len(sizes) == 3 + data_explorer.failed
    assert 3_000_000 < max(sizes) <= 3_500_000
    assert data_explorer.failed > 0
    found = stored(data_explorer)
    assert [row["userId"] for row in found] == table["userId"].to_pylist()
    for name in ("longNote", "shortNote"):
        assert found[0][name] == table[name][0].as_py()


def test_a_stop_in_the_middle_can_be_resumed(write, data_explorer):
    table = pa.table(
        {
            "userId": [f"u{n}" for n in range(9_000)],
            "videoId": ["v"] * 9_000,
            "longNote": ["x" * 1000] * 9_000,
        }
    )
    make_table(data_explorer, table.schema)
    refused = Answer(
        400, {"error": {"code": "BadRequest", "message": "m", "@message": "policy", "@permanent": True}}
    )
    # The places: what the credential is for, the table's columns, two requests.
    data_explorer.script = [None, None, None, refused]
    with pytest.raises(azure.UnfinishedUploadError, match="policy") as stopped:
        write(table)
    before = len(stored(data_explorer))
    assert stopped.value.checkpoint.rows == before > 0
    done = write(table, resume=stopped.value.checkpoint)
    assert done.sent == 9_000 - before
    assert [row["userId"] for row in stored(data_explorer)] == table["userId"].to_pylist()


def test_a_table_that_lacks_a_column(write, data_explorer):
    rows = ws.aggregate(sample.events(500, seed=2))
    make_table(data_explorer, rows.schema, order=lambda columns: columns[:-1])
    with pytest.raises(DataError, match=r"no column 'dataQualityFlag'.*\.create-merge table"):
        write(rows)
    with pytest.raises(azure.ServiceError, match="another"):
        write(rows, target="another")


def test_arguments(credential):
    with pytest.raises(OptionError, match="cluster is 'x'"):
        azure.read_kusto("x", "db", "T", START, END, credential)
    with pytest.raises(OptionError, match="query_or_table"):
        azure.read_kusto("https://x", "db", " ", START, END, credential)


@pytest.fixture
def emulator():
    """A second opinion on the queries: another engine that speaks Data Explorer's protocol, without TLS."""
    events = month(800)
    with duckdb.connect() as connection:
        connection.register("given", events)
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE player_events AS SELECT * REPLACE (timestamp::TIMESTAMP AS timestamp) FROM given"
        )
        server = KustoRestServer(connection, port=0, quiet=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", events
        server.shutdown()
        thread.join()
        server.server_close()


def test_another_engine_gives_the_same_events(emulator):
    address, events = emulator
    reader = azure.read_kusto(address, "memory", "player_events", *ALWAYS)
    assert ws.aggregate(reader).equals(ws.aggregate(events))
    times = events["timestamp"].cast(pa.timestamp("us")).to_pylist()
    [(busiest, number)] = Counter(time.date() for time in times).most_common(1)
    window = (busiest, busiest + timedelta(days=1))
    assert azure.read_kusto(address, "memory", "player_events", *window).read_all().num_rows == number > 10
