"""Servers that answer what no service does: an error with a sentence, or nulls that are counted."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pytest

import watchspan as ws
from support.app_events import END, SCHEMA, START
from support.servers import Answer, error, forget_clouds
from watchspan import azure
from watchspan.azure.repairs import as_batch, as_table, figures, input_schema
from watchspan.columns import EVENTS
from watchspan.errors import DataError, OptionError

ROWS = pa.table({"userId": ["u"], "videoId": ["v"]})
DEEP = b"[" * 100_000
LONG_NUMBER = b"9" * 100_000
NAMES = [field.name for field in input_schema([*EVENTS, "eventId", "itemCount"])]
NO_TABLES = [
    b"", b"null", b"7", b'"text"', b"[]", b"{}", b"<html>busy</html>", b"\xff\xfe", DEEP,
    b"[" + LONG_NUMBER + b"]", b'{"a":' * 50_000, b"[null]", b"[[1]]", b'{"tables": 3, "Tables": 3}',
    b'{"tables": [3]}', b'[{"FrameType": 3}]',
]  # fmt: skip


def log_analytics_answers():
    """Tables that are none, as Log Analytics would write them."""
    columns = [{"name": name, "type": "string"} for name in NAMES]
    row = ["x"] * len(NAMES)
    tables = [
        {"columns": columns, "rows": None}, {"columns": columns, "rows": 3},
        {"columns": columns, "rows": [3]},
        {"columns": columns, "rows": [row, row[1:]]}, {"columns": columns, "rows": [[*row, "x"]]},
        {"columns": columns, "rows": [None]}, {"columns": columns, "rows": {"a": 1}},
        {"columns": columns, "rows": ["abc"]},
        {"columns": [{"name": 3, "type": 4}] * len(NAMES), "rows": [row]}, {"columns": [{}], "rows": []},
        {"columns": columns[:-1] + columns[:1], "rows": [row]}, {"columns": None, "rows": [row]},
        {"columns": "abc", "rows": [row]}, {"rows": [row]}, {},
    ]  # fmt: skip
    return [{"tables": [table]} for table in tables] + [
        {"tables": [{"columns": columns, "rows": []}] * 2},
        {"tables": [{"columns": columns, "rows": [row]}], "error": 3},
        {"tables": [{"columns": columns, "rows": [row]}], "error": {"details": [3]}},
        {"error": {"code": {}, "message": ["x"], "details": {}}},
    ]


def kusto_answers():
    """Frames that are none, as Data Explorer would write them."""
    columns = [{"ColumnName": name, "ColumnType": "string"} for name in NAMES]
    table = {
        "FrameType": "DataTable",
        "TableId": 1,
        "TableKind": "PrimaryResult",
        "TableName": "PrimaryResult",
    }
    row = ["x"] * len(NAMES)
    tables = [
        {"Columns": columns, "Rows": None}, {"Columns": columns, "Rows": 3},
        {"Columns": columns, "Rows": [3]},
        {"Columns": columns, "Rows": [row[1:]]}, {"Columns": columns, "Rows": [[*row, "x"]]},
        {"Columns": columns, "Rows": [None]}, {"Columns": columns, "Rows": ["".join(row)]},
        {"Columns": columns, "Rows": [{}]}, {"Columns": columns, "Rows": [{"OneApiErrors": [{"error": 3}]}]},
        {"Columns": [{"ColumnName": 3, "ColumnType": 4}] * len(NAMES), "Rows": [row]},
        {"Columns": [{}], "Rows": []},
        {"Columns": columns[:-1] + columns[:1], "Rows": [row]}, {"Columns": None, "Rows": []},
        {"Rows": []}, {},
        {"TableKind": "Nothing", "Columns": columns, "Rows": [row]},
        {"TableKind": "QueryCompletionInformation", "Columns": columns, "Rows": [row]},
    ]  # fmt: skip
    header = {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"}
    return [[header, {**table, **one}] for one in tables] + [[header], [header, {**table}, {**table}]]


@pytest.fixture
def read(log_analytics, credential, options):
    def all_events(**how):
        return azure.read_log_analytics(
            "id", START, END, credential, endpoint=log_analytics.url, client_options=options, **how
        ).read_all()

    return all_events


def refused(call, place):
    """The message of a refusal, which says who was asked and stays short."""
    with pytest.raises(azure.ServiceError) as raised:
        call()
    message = str(raised.value)
    assert place in message or "The service did not answer whole" in message or "cannot be cut" in message
    assert len(message) < 3_000
    return message


@pytest.mark.parametrize("body", [*NO_TABLES, *log_analytics_answers()], ids=lambda body: str(body)[:40])
def test_log_analytics(log_analytics, credential, options, body):
    # A slice that cannot be cut, so that an answer that is not whole is an error, too.
    moment = "2026-01-15T00:00:00.00000"
    for status in (200, 400):
        log_analytics.script = [Answer(status, body)]
        reader = azure.read_log_analytics(
            "id", f"{moment}0Z", f"{moment}1Z", credential, endpoint=log_analytics.url, client_options=options
        )
        refused(reader.read_all, log_analytics.url)


@pytest.mark.parametrize("body", [*NO_TABLES, *kusto_answers()], ids=lambda body: str(body)[:40])
def test_data_explorer(data_explorer, credential, trust, body):
    for status in (200, 400):
        for source in ("AppEvents", "T"):
            data_explorer.script = [None, Answer(status, body)]
            moment = "2026-01-15T00:00:00.00000"
            window = (f"{moment}0Z", f"{moment}1Z")
            forget_clouds()
            refused(
                lambda source=source, window=window: azure.read_kusto(
                    data_explorer.url, "db", source, *window, credential
                ).read_all(),
                data_explorer.url,
            )


@pytest.mark.parametrize("body", [b"[]", b"{}", b"7", b'{"AzureAD": {}}', DEEP, b"<html>"], ids=repr)
def test_what_a_cluster_says_of_its_cloud(data_explorer, credential, trust, body):
    data_explorer.script = [Answer(200, body)]
    refused(lambda: azure.read_kusto(data_explorer.url, "db", "T", START, END, credential), data_explorer.url)


@pytest.mark.parametrize("body", NO_TABLES, ids=lambda body: str(body)[:40])
def test_uploads_say_how_to_go_on(ingestion, data_explorer, credential, options, trust, body):
    """Whatever comes back after rows have gone out."""
    ingestion.script = [Answer(400, body)]
    with pytest.raises(azure.UnfinishedUploadError, match="resume=") as stopped:
        azure.write_log_analytics(
            ROWS, ingestion.url, "dcr-1", "Custom-Engagement", credential, client_options=options
        )
    assert stopped.value.checkpoint.rows == 0
    create, _ = azure.create_table_commands("Engagement", ROWS.schema)
    data_explorer.tables["Engagement"] = (f"({create.partition('(')[2]}", [])
    for status in (200, 400):
        forget_clouds()
        data_explorer.script = [None, None, Answer(status, body)]
        with pytest.raises(azure.ServiceError) as raised:
            azure.write_kusto(ROWS, data_explorer.url, "db", "Engagement", credential)
        assert isinstance(raised.value, azure.UnfinishedUploadError)
        assert len(str(raised.value)) < 3_000


VALUES = [
    None, "", "null", True, -1, 0, 2**63, 10**400, 1e308, "1e999", "NaN", "-Infinity", "9" * 100_000,
    "\ud800", "a\x00b", "\x1b]0;title\x07", "\u202e", [], {}, {"a": [1]}, [[[[]]]],
    "9999-12-31T23:59:59.9999999Z", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z",
    "2026-13-45T99:99:99Z", "2026-01-15T10:00:00+99:99",
    "2026-01-15T10:00:00." + "1" * 10_000 + "Z", "\u0663", "\uff11",
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:30])
def test_values(log_analytics, data_explorer, read, credential, trust, value):
    """Every column may hold it; what cannot be read is null, and counted."""
    time = "2026-01-15T10:00:00Z"
    rows = [[time, *["x"] * (len(NAMES) - 1)]] + [
        [value if place == own else (time if own == 0 else "1") for own in range(len(NAMES))]
        for place in range(len(NAMES))
    ]
    found = {"tables": [{"name": "PrimaryResult", "rows": rows,
                         "columns": [{"name": name, "type": "datetime" if name == "timestamp" else "string"}
                                     for name in NAMES]}]}  # fmt: skip
    table_of_kusto = {
        "FrameType": "DataTable", "TableId": 1, "TableKind": "PrimaryResult", "TableName": "PrimaryResult",
        "Columns": [{"ColumnName": name, "ColumnType": "string"} for name in NAMES], "Rows": rows,
    }  # fmt: skip
    header = {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"}
    order = azure.read_log_analytics("id", START, END, credential).schema.names
    for table in (found["tables"][0], table_of_kusto):
        key = "rows" if "rows" in table else "Rows"
        names = "columns" if "columns" in table else "Columns"
        places = [NAMES.index(name) for name in order]
        table[key] = [[row[place] for place in places] for row in table[key]]
        table[names] = [table[names][place] for place in places]
    log_analytics.script = [Answer(200, found)]
    data_explorer.script = [None, Answer(200, [header, table_of_kusto])]
    for events in (
        read(),
        azure.read_kusto(data_explorer.url, "db", "AppEvents", START, END, credential).read_all(),
    ):
        assert 1 <= events.num_rows <= len(rows)
        events.validate(full=True)
        report = ws.report(ws.aggregate(events, vocabulary={"x": "play", "1": "pause"}))
        assert report["read"] == events.num_rows


def test_numbers_of_a_dry_run():
    names = ["rows", "events", "sampled", "firstEvent", "lastEvent"]
    first = "2026-01-15T10:00:00.1234567Z"
    found = figures("host", names, [[3, None, 0.0, first, None]])
    assert (found["rows"], found["events"], found["sampled"], found["lastEvent"]) == (3, 0, 0, None)
    assert found["firstEvent"] == datetime(2026, 1, 15, 10, 0, 0, 123456, timezone.utc)
    for rows in ([], [[1, 1, 1, first]], [["x", 1, 1, first, first]], [[1, 1, 1, "\x1b[2J", first]]):
        with pytest.raises(azure.ServiceError, match="host did not say"):
            figures("host", names, [*rows, *rows] if rows and len(rows[0]) == 4 else rows)


def test_a_dry_run_over_strange_figures(log_analytics, credential, options):
    place = azure.LogAnalytics(
        "id", endpoint=log_analytics.url, credential=credential, client_options=options
    )
    for rows in ([], [["\x1b[2J", 1, 1, None, None]], [[None, None, None, None, None]]):
        names = ["rows", "events", "sampled", "firstEvent", "lastEvent"]
        table = {"name": "P", "columns": [{"name": name, "type": "long"} for name in names], "rows": rows}
        log_analytics.script = [Answer(200, {"tables": [table]})]
        with pytest.raises(azure.ServiceError, match="did not say"):
            azure.etl(place, "rows.parquet", START, END, dry_run=True)


@pytest.mark.parametrize("value", ["x", "\ud800", 10**400, [1], {"a": "\ud800"}, "9" * 100_000])
def test_tables_of_queries(value):
    for kind in ("real", "long", "int", "decimal", "string", "dynamic", "datetime", "nothing"):
        try:
            table = as_table([("a", kind)], [[value], [None]])
        except DataError as refusal:
            assert "The column 'a' of the query holds" in str(refusal)  # noqa: PT017
        else:
            table.validate(full=True)


def test_nested_values_of_a_query_are_text():
    nested = json.loads("[" * 400 + "]" * 400)
    table = as_table([("a", "dynamic")], [[nested], [{"b": 1}]])
    assert table["a"].to_pylist() == ["[" * 400 + "]" * 400, '{"b":1}']


def test_half_a_character_is_no_text():
    counted = []
    batch = as_batch([["\ud800"], ["é"]], input_schema(["userId"]), counted.append)
    assert (batch.column(0).to_pylist(), counted) == ([None, "é"], ["userId"])


@pytest.mark.parametrize("wait", ["inf", "1e9", "nan", "-5", "soon", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_service_that_wants_to_be_left_alone_for_ever(
    log_analytics, data_explorer, ingestion, credential, options, trust, wait
):
    started = time.perf_counter()
    options["retry_total"] = 1
    log_analytics.script = [error(429, "Busy", "busy", Retry_After=wait)] * 3
    reader = azure.read_log_analytics(
        "id", START, END, credential, endpoint=log_analytics.url, client_options=options
    )
    refused(reader.read_all, log_analytics.url)
    ingestion.script = [error(503, "Busy", "busy", Retry_After=wait)] * 3
    with pytest.raises(azure.UnfinishedUploadError):
        azure.write_log_analytics(
            ROWS, ingestion.url, "dcr-1", "Custom-Engagement", credential, client_options=options
        )
    if wait not in ("nan", "-5", "soon", "Fri, 31 Dec 9999 23:59:59 GMT"):  # after these it is asked again
        data_explorer.script = [None, Answer(429, {}, {"Retry-After": wait})]
        refused(
            lambda: azure.read_kusto(data_explorer.url, "db", "T", START, END, credential), data_explorer.url
        )
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize(
    ("window", "lookback"),
    [
        (("0001-01-01", "0001-01-02"), timedelta.max),
        (("0001-01-01", "0001-01-02"), timedelta(days=2)),
        (("9999-12-31", "9999-12-31T23:59:59.999999Z"), timedelta(days=2)),
    ],
)
def test_the_first_and_the_last_times(log_analytics, credential, options, window, lookback):
    log_analytics.tables["AppEvents"] = (SCHEMA.rstrip(")") + ", $ingestion_time: datetime)", [])
    reader = azure.read_log_analytics(
        "id", *window, credential, endpoint=log_analytics.url, by="arrival", lookback=lookback,
        client_options=options,
    )  # fmt: skip
    assert reader.read_all().num_rows == 0
    asked = log_analytics.requests[0].json["query"]
    assert f"datetime({window[0][:4]}-" in asked
    assert "datetime(1-" not in asked


def test_windows_that_are_none():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(OptionError, match="between the years 1 and 9999"):
        azure.read_log_analytics("id", "0001-01-01T00:00:00+14:00", END)
    with pytest.raises(OptionError, match="start is NaT, but a date or timestamp"):
        azure.read_log_analytics("id", pandas.NaT, END)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**63 - 1], pa.int64()).cast(pa.timestamp("us")),
        pa.array([b"\xff"]),
        pa.array([timedelta(seconds=1)]),
        pa.array([[b"x"]]),
    ],
    ids=lambda column: str(column.type),
)
def test_values_that_no_service_takes(ingestion, data_explorer, credential, options, trust, column):
    rows = ROWS.append_column("Odd", column)
    with pytest.raises(DataError, match=r"The column 'Odd' of type .* no service takes"):
        azure.write_log_analytics(
            rows, ingestion.url, "dcr-1", "Custom-Engagement", credential, client_options=options
        )
    create, _ = azure.create_table_commands("Engagement", rows.schema)
    data_explorer.tables["Engagement"] = (f"({create.partition('(')[2]}", [])
    with pytest.raises(DataError, match=r"The column 'Odd' of type .* no service takes"):
        azure.write_kusto(rows, data_explorer.url, "db", "Engagement", credential)
    assert ingestion.requests == []
