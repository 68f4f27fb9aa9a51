"""Reading from Log Analytics, by the real client: whole slices, repaired values, refusals."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

import pyarrow as pa
import pytest

import watchspan as ws
from support.app_events import CLASSIC, END, SCHEMA, START, month, row, rows_of, sample_rows
from support.servers import DROPPED, error, throttled
from watchspan import azure
from watchspan.azure.repairs import as_batch, input_schema
from watchspan.errors import OptionError

ID = "11111111-2222-3333-4444-555555555555"
COMPONENT = "/subscriptions/s/resourceGroups/g/providers/microsoft.insights/components/c"


@pytest.fixture
def read(log_analytics, credential, options):
    """Reads from the server, into a table; `read.counts` are the last figures."""

    def all_events(start=START, end=END, workspace=ID, **how):
        def note(counts):
            all_events.counts = counts

        reader = azure.read_log_analytics(
            workspace,
            start,
            end,
            credential,
            endpoint=log_analytics.url,
            client_options=options,
            progress=note,
            **how,
        )
        return reader.read_all()

    return all_events


def test_the_columns_are_those_of_the_engine(read, log_analytics, credential):
    table = read()
    assert table.num_rows == 6
    first = table.slice(0, 1).cast(
        pa.schema([(f.name, pa.timestamp("us") if f.name == "timestamp" else f.type) for f in table.schema])
    )
    found = first.to_pylist()[0]
    assert found.pop("timestamp").isoformat() == "2026-01-15T10:00:00.123456"
    assert found == {
        "userId": "peter",
        "videoId": "v1",
        "sessionId": "s1",
        "eventName": "video_play",
        "currentTime": 0.0,
        "playbackRate": None,
        "seekFrom": None,
        "sequence": None,
        "videoDuration": None,
        "eventId": "e0",
        "itemCount": 1,
    }
    (peter,) = ws.aggregate(table, videos={"videoId": ["v1"], "duration": [300]}).to_pylist()
    assert (peter["totalWatchTime"], peter["totalUniqueSecondsWatched"]) == (130.0, 120.0)
    assert set(credential.scopes) == {f"{log_analytics.url}/.default"}


def test_a_query_asks_for_half_open_windows_in_its_text_and_in_its_timespan(read, log_analytics):
    read("2026-01-15T10:00:30.123456Z", "2026-01-15T10:02:05.123456Z")
    asked = log_analytics.requests[0].json
    assert ">= datetime(2026-01-15T10:00:30.123456Z)" in asked["query"]
    assert "< datetime(2026-01-15T10:02:05.123456Z)" in asked["query"]
    assert asked["timespan"] == "2026-01-15T10:00:30.123456Z/2026-01-15T10:02:05.123456Z"
    assert log_analytics.requests[0].headers["Prefer"] == "wait=600"


def test_neighbouring_windows_share_no_event_and_miss_none(read):
    edges = [START, "2026-01-15T10:00:30.123456Z", "2026-01-15T10:00:30.123457Z", "2026-01-15T10:02:05Z", END]
    parts = [read(first, after)["eventId"].to_pylist() for first, after in zip(edges, edges[1:])]
    assert list(chain.from_iterable(parts)) == read()["eventId"].to_pylist()
    # The seventh digit lies behind the second edge and before the third.
    assert parts[1] == ["e30"]


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_an_answer_that_is_not_whole_is_never_taken(read, log_analytics, limit):
    log_analytics.row_limit = limit
    assert read()["eventId"].to_pylist() == ["e0", "e30", "e35", "e125", "e130", "e140"]
    assert (log_analytics.partial > 0) == (limit < 6) == (read.counts.cut > 0)
    assert read.counts.queries == len(log_analytics.requests)


def test_slices_grow_again_after_a_crowded_stretch(read, log_analytics):
    log_analytics.row_limit = 2
    read("2026-01-01", "2026-02-01")
    # 31 days: a slice for each second would take millions.
    assert len(log_analytics.requests) < 120


def test_a_microsecond_that_holds_too_much_is_an_error(read, log_analytics):
    rows = [row("2026-01-15T10:00:00.5Z", "video_play", {"eventId": str(n)}) for n in range(3)]
    log_analytics.tables["AppEvents"] = (SCHEMA, rows)
    log_analytics.row_limit = 2
    with pytest.raises(azure.SliceError, match=r"cannot be cut further.*limit of 2 records"):
        read()


def test_throttling_is_honoured(read, log_analytics):
    log_analytics.script = [
        throttled("0.01"),
        error(503, "Busy", "busy", Retry_After="0.01"),
        throttled("0.01"),
    ]
    assert read().num_rows == 6
    assert len(log_analytics.requests) == 4


def test_throttling_without_end_is_an_error_that_says_so(read, log_analytics, options):
    options["retry_total"] = 2
    log_analytics.script = [throttled() for _ in range(9)]
    with pytest.raises(azure.ServiceError, match=r"429.*Too many"):
        read()
    assert len(log_analytics.requests) == 3


@pytest.mark.parametrize("retry_after", [{}, {"Retry_After": "0.01"}])
def test_a_gateway_timeout_cuts_the_slice_at_once(read, log_analytics, retry_after):
    log_analytics.script = [error(504, "GatewayTimeout", "took too long", **retry_after)]
    assert read().num_rows == 6
    assert read.counts.cut == 1
    assert read.counts.queries == len(log_analytics.requests)


@pytest.mark.parametrize(
    "failure", [DROPPED, error(502, "BadGateway", "bad"), error(429, "ThrottledError", "busy")]
)
def test_a_query_is_asked_again_after_what_passes(read, log_analytics, failure):
    log_analytics.script = [failure]
    assert read().num_rows == 6
    assert (read.counts.queries, read.counts.cut, len(log_analytics.requests)) == (1, 0, 2)


def test_a_query_that_is_refused_says_why(read, log_analytics):
    # Without the column the real evaluator refuses the query.
    log_analytics.tables["AppEvents"] = (SCHEMA.replace("SessionId", "Session"), [])
    with pytest.raises(azure.ServiceError, match=r"(?s)\(400\).*SessionId"):
        read()
    assert len(log_analytics.requests) == 1


def test_no_rights(read, log_analytics):
    log_analytics.script = [error(403, "InsufficientAccessError", "no access")]
    with pytest.raises(azure.ServiceError, match="Log Analytics Reader"):
        read()


def test_a_service_that_is_not_there(read, credential):
    reader = azure.read_log_analytics(
        ID, START, END, credential, endpoint="https://127.0.0.1:1", client_options={"retry_total": 0}
    )
    with pytest.raises(azure.ServiceError, match=r"No answer from https://127.0.0.1:1: "):
        reader.read_all()


def test_values_are_repaired(read, log_analytics):
    sent = {"videoId": {"a": 1}, "currentTime": "12.5", "playbackRate": "NaN", "seekFrom": "null"}
    rows = [
        row("2026-01-15T10:00:00Z", "video_play", {**sent, "sequence": "7.0", "eventId": 5}),
        row("2026-01-15T10:00:01Z", "video_play", {"videoId": 12, "currentTime": "soon", "sequence": "x"}),
        row(
            "2026-01-15T10:00:02Z",
            "video_play",
            {"videoId": "", "sequence": "9007199254740993"},
            measurements={"currentTime": 3.25},
        ),
        row("2026-01-15T10:00:03Z", "video_play", {"videoId": True, "currentTime": 1e3, "sequence": "1.5"}),
        row("2026-01-15T10:00:04Z", "video_play", {}, user=None, session=None),
    ]
    log_analytics.tables["AppEvents"] = (SCHEMA, rows)
    table = read()
    assert table["videoId"].to_pylist() == ['{"a":1}', "12", None, "true", None]
    assert table["currentTime"].to_pylist() == [12.5, None, 3.25, 1000.0, None]
    assert str(table["playbackRate"][0]) == "nan"
    assert table["seekFrom"].to_pylist() == [None] * 5
    assert table["sequence"].to_pylist() == [7, None, 2**53 + 1, None, None]
    assert table["eventId"].to_pylist() == ["5", None, None, None, None]
    assert table["sessionId"].to_pylist() == ["s1", "s1", "s1", "s1", None]
    assert read.counts.unreadable == {"currentTime": 1, "sequence": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-15T12:00:00.1234567+02:00", "10:00:00.123456"),
        ("2026-01-15T05:00:00.5-05:00", "10:00:00.500000"),
        ("2026-01-15T12:00:00+02:00", "10:00:00"),
        ("2026-01-15T10:00:00.1234567z", "10:00:00.123456"),
        ("2026-01-15 10:00:00", "10:00:00"),
    ],
)
def test_a_time_of_the_players_own_keeps_its_offset(text, expected):
    batch = as_batch([[text]], input_schema(["timestamp"]), pytest.fail)
    (found,) = batch.column(0).cast(pa.timestamp("us")).to_pylist()
    assert found.isoformat() == f"2026-01-15T{expected}"


def test_who_is_signed_in_comes_before_the_browser(read, log_analytics):
    sent = {"videoId": "v", "currentTime": "0"}
    rows = [
        row("2026-01-15T10:00:00Z", "video_play", sent, user="browser", signed_in="ann"),
        row("2026-01-15T10:00:01Z", "video_play", sent, user="browser"),
    ]
    log_analytics.tables["AppEvents"] = (SCHEMA, rows)
    assert read()["userId"].to_pylist() == ["ann", "browser"]


def test_sampled_rows_are_carried_and_counted(read, log_analytics):
    rows = rows_of()
    count = SCHEMA.split(",").index(" ItemCount: int")
    rows[0][count], rows[1][count], rows[2][count] = 4, None, 2
    log_analytics.tables["AppEvents"] = (SCHEMA, rows)
    assert read()["itemCount"].to_pylist() == [4, None, 2, 1, 1, 1]
    assert (read.counts.sampled, read.counts.represented) == (2, 10)


def test_copies_are_left_out_by_event_id(read, log_analytics):
    rows = rows_of()
    # A copy that was sent again a minute later, and two events without an id.
    late = [*rows[0]]
    late[0] = "2026-01-15T10:05:00Z"
    bare = row("2026-01-15T10:06:00Z", "video_play", {"videoId": "v1", "currentTime": "0"})
    log_analytics.tables["AppEvents"] = (SCHEMA, [*rows, rows[2], late, bare, bare])
    log_analytics.row_limit = 3
    table = read()
    assert table["eventId"].to_pylist() == ["e0", "e30", "e35", "e125", "e130", "e140", None, None]
    assert (read.counts.duplicates, read.counts.without_id) == (2, 2)
    assert (read.counts.rows, read.counts.events) == (10, 8)
    assert read(deduplicate=False).num_rows == 10


def test_an_event_id_counts_within_a_users_session(read, log_analytics):
    """Players that number events begin anew in each session."""
    sent = {"videoId": "v", "currentTime": "0", "eventId": "1"}
    rows = [
        row(f"2026-01-15T10:00:0{n}Z", "play", sent, user=user, session=session)
        for n, (user, session) in enumerate([("ann", "s1"), ("ann", "s2"), ("bob", "s1"), ("ann", "s1")])
    ]
    log_analytics.tables["AppEvents"] = (SCHEMA, rows)
    assert read()["userId"].to_pylist() == ["ann", "ann", "bob"]
    assert read(columns={"sessionId": None})["userId"].to_pylist() == ["ann", "bob"]


def test_own_names_of_columns(read, log_analytics):
    rows = [
        row("2026-01-15T10:00:00Z", "video_play", {"clip": "v", "pos": "3", 'a "b"\\c': "s9", "key": "k"}),
    ]
    log_analytics.tables["AppEvents"] = (SCHEMA, rows)
    own = {
        "videoId": "clip",
        "currentTime": "pos",
        "sessionId": 'a "b"\\c',
        "userId": "OperationId",
        "eventId": "key",
        "seekFrom": None,
    }
    table = read(columns=own)
    assert "seekFrom" not in table.column_names
    (found,) = table.select(["userId", "videoId", "sessionId", "currentTime", "eventId"]).to_pylist()
    assert found == {"userId": "op", "videoId": "v", "sessionId": "s9", "currentTime": 3.0, "eventId": "k"}


def test_only_events_of_some_names(read, log_analytics):
    table = read(event_names=["video_pause"])
    assert table["eventName"].to_pylist() == ["video_pause"] * 3
    assert "in (" in log_analytics.requests[0].json["query"]


def test_a_window_of_arrival_asks_for_a_wider_span_of_time(read, log_analytics):
    read(by="arrival", lookback=timedelta(days=3), end="2026-01-15T12:00:00Z")
    asked = log_analytics.requests[0].json
    lines = asked["query"].splitlines()
    assert lines[0] == "AppEvents"
    assert lines[1] == (
        "| where ingestion_time() >= datetime(2026-01-15T00:00:00.000000Z) "
        "and ingestion_time() < datetime(2026-01-15T12:00:00.000000Z)"
    )
    assert lines[2].startswith("| where TimeGenerated >= datetime(2026-01-12T00:00:00.000000Z)")
    assert asked["timespan"] == "2026-01-12T00:00:00.000Z/2026-01-16T12:00:00.000Z"


def test_late_events_are_in_the_window_in_which_they_arrived(read, log_analytics):
    arrivals = [f"2026-01-{16 if n % 3 == 2 else 15}T10:01:0{n}Z" for n in range(6)]
    rows = [[*found, arrived] for found, arrived in zip(rows_of(), arrivals)]
    schema = SCHEMA.rstrip(")") + ", $ingestion_time: datetime)"
    log_analytics.tables["AppEvents"] = (schema, rows)
    log_analytics.row_limit = 3
    first = read(by="arrival")["eventId"].to_pylist()
    second = read(start=END, end="2026-01-17", by="arrival")["eventId"].to_pylist()
    assert (sorted(first), sorted(second)) == (["e0", "e125", "e130", "e30"], ["e140", "e35"])
    # What happened longer before the window than one looks back is not found.
    assert read("2026-01-16T08:00:00Z", "2026-01-17", by="arrival", lookback=timedelta(hours=1)).num_rows == 0


def test_classic_names_are_those_of_a_component(read, log_analytics):
    log_analytics.tables["customEvents"] = (CLASSIC, rows_of())
    classic = read(workspace=COMPONENT, table="customEvents")
    assert classic.equals(read())
    assert log_analytics.requests[0].path == f"/v1{COMPONENT}/query"
    with pytest.raises(OptionError, match=r"AppEvents.*resource id"):
        read(table="customEvents")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"start": None}, "both ends"),
        ({"start": END}, "is empty"),
        ({"table": "requests"}, "AppEvents, customEvents"),
        ({"columns": {"userId": None}}, "userId out"),
        ({"columns": {"user": "x"}}, "maps 'user'"),
        ({"by": "time"}, "'event' or 'arrival'"),
        ({"lookback": 3}, "timedelta"),
        ({"deduplicate": "yes"}, "True or False"),
        ({"workspace": ""}, "workspace_id"),
        ({"event_names": "play"}, "event_names is 'play', but a list"),
        ({"event_names": []}, r"event_names is \[\]"),
        ({"event_names": ["play", 3]}, "a list of names"),
        ({"event_names": 3}, "event_names is 3"),
    ],
)
def test_arguments_are_checked_before_anything_is_asked(read, log_analytics, how, message):
    with pytest.raises(OptionError, match=message):
        read(**how)
    assert log_analytics.requests == []


def test_nothing_is_asked_before_the_reader_is_pulled(log_analytics, credential, options):
    made = azure.read_log_analytics(
        ID, START, END, credential, endpoint=log_analytics.url, client_options=options
    )
    assert log_analytics.requests == []
    assert made.schema.names[0] == "timestamp"


def test_a_sample_month_is_aggregated_as_in_memory(read, log_analytics):
    events = month(2_000)
    log_analytics.tables["AppEvents"] = (SCHEMA, sample_rows(events))
    log_analytics.row_limit = 300
    table = read("2000-01-01", "2100-01-01")
    assert table.num_rows == events.num_rows
    assert ws.aggregate(table).equals(ws.aggregate(events))
