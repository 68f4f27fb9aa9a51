"""Writing to Log Analytics, by the real client: requests that fit, plain values, going on after a stop."""

from __future__ import annotations

import json
import pickle
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

import watchspan as ws
from support.servers import MEGABYTE, error
from watchspan import azure, sample
from watchspan.errors import DataError, OptionError

RULE, STREAM = "dcr-0123456789abcdef", "Custom-Engagement"
WINDOW = ("2026-01-15", "2026-01-16")


@pytest.fixture(scope="module")
def rows():
    return ws.aggregate(sample.events(20_000, seed=2), videos=sample.videos(2))


@pytest.fixture
def write(ingestion, credential, options):
    def all_rows(table, **how):
        how.setdefault("window", WINDOW)
        return azure.write_log_analytics(
            table, ingestion.url, RULE, STREAM, credential, client_options=options, **how
        )

    return all_rows


def wide(number, bytes_each=1000):
    return pa.table(
        {
            "userId": [f"u{n}" for n in range(number)],
            "videoId": ["v"] * number,
            "note": ["x" * bytes_each] * number,
        }
    )


def test_rows_arrive_as_they_are(write, ingestion, rows, credential):
    done = write(rows, run_id="monday")
    assert (done.run_id, done.rows, done.sent) == ("monday", rows.num_rows, rows.num_rows)
    assert len(ingestion.rows) == rows.num_rows > 100
    times = ("firstWatchDate", "lastWatchDate")
    plain = [name for name in rows.column_names if name not in times]
    found = [{name: row[name] for name in plain} for row in ingestion.rows]
    assert found == rows.select(plain).to_pylist()
    for name in times:
        expected = rows[name].cast(pa.timestamp("us")).to_pylist()
        assert [row[name] for row in ingestion.rows] == [
            moment.isoformat(timespec="microseconds") + "Z" for moment in expected
        ]
    assert credential.scopes[0] == "https://monitor.azure.com/.default"


def test_every_row_says_what_it_is_of(write, ingestion, rows):
    write(rows, run_id="monday")
    first, second = ingestion.rows[:2]
    assert (first["runId"], first["windowStart"], first["windowEnd"]) == (
        "monday",
        "2026-01-15T00:00:00.000000Z",
        "2026-01-16T00:00:00.000000Z",
    )
    keys = {row["rowKey"] for row in ingestion.rows}
    assert len(keys) == rows.num_rows
    assert all(len(key) == 32 for key in keys)
    # All rows of a run were computed at one time, a later run's rows have the same keys and a later time.
    assert first["TimeGenerated"] == second["TimeGenerated"]
    write(rows)
    again = ingestion.rows[rows.num_rows :]
    assert {row["rowKey"] for row in again} == keys
    assert again[0]["TimeGenerated"] > first["TimeGenerated"]
    assert again[0]["runId"] != "monday"


def test_another_window_gives_other_keys(write, ingestion, rows):
    write(rows.slice(0, 1))
    write(rows.slice(0, 1), window=("2026-01-16", "2026-01-17"))
    first, second = ingestion.rows
    assert first["rowKey"] != second["rowKey"]


def test_sessions_have_keys_of_their_own(write, ingestion):
    sessions = ws.sessions(sample.events(3_000, seed=2))
    pairs = {(row["userId"], row["videoId"]) for row in sessions.select(["userId", "videoId"]).to_pylist()}
    assert len(pairs) < sessions.num_rows
    write(sessions)
    assert len({row["rowKey"] for row in ingestion.rows}) == sessions.num_rows


def test_requests_fit(write, ingestion):
    write(wide(3_000))
    sizes = [len(request.body) for request in ingestion.requests]
    assert len(sizes) == 5
    assert max(sizes) <= 900_000
    # They are full, too: another row would not have fitted.
    assert min(sizes[:-1]) > 900_000 - 2_000
    assert all(request.headers["Content-Encoding"] == "gzip" for request in ingestion.requests)
    assert all(request.sent < len(request.body) for request in ingestion.requests)


def test_separators_count(write, ingestion):
    # Of short rows the separators are a large part: without them the bodies would be too large.
    write(wide(40_000, bytes_each=1))
    sizes = [len(request.body) for request in ingestion.requests]
    assert len(sizes) > 5
    assert 890_000 < max(sizes) <= 900_000


def test_a_row_that_is_too_large_stops_before_anything_is_sent(write, ingestion):
    table = wide(3, bytes_each=10)
    notes = [["a" * 60_000] * 20 if n == 2 else [] for n in range(3)]
    table = table.append_column("parts", pa.array(notes))
    with pytest.raises(DataError, match=r"parts of userId 'u2'.*cut the rest off. Nothing was sent"):
        write(table)
    columns = {f"part{n}": ["", "", "a" * 60_000] for n in range(20)}
    with pytest.raises(DataError, match=r"userId 'u2'.*900,000 in a request. Nothing was sent"):
        write(pa.table({"userId": ["u0", "u1", "u2"], "videoId": ["v"] * 3, **columns}))
    assert ingestion.requests == []


def test_a_field_that_would_be_cut_is_refused_or_left_out(write, ingestion):
    table = wide(2, bytes_each=70_000)
    with pytest.raises(DataError, match=r"note of userId 'u0'.*70,000 bytes.*64,000"):
        write(table)
    assert ingestion.requests == []
    assert write(table, oversize="null").nulled == 2
    assert [row["note"] for row in ingestion.rows] == [None, None]


def test_what_is_no_number_becomes_null(write, ingestion):
    odd = [float("nan"), float("inf"), -float("inf"), 1.5]
    lists = [[{"start": 0.0, "end": value}] for value in odd]
    write(pa.table({"userId": list("abcd"), "videoId": ["v"] * 4, "score": odd, "parts": lists}))
    assert [row["score"] for row in ingestion.rows] == [None, None, None, 1.5]
    assert [row["parts"][0]["end"] for row in ingestion.rows] == [None, None, None, 1.5]


def test_dates_and_decimals(write, ingestion):
    own = {"day": [date(2026, 1, 15)], "price": [Decimal("1.5")], "prices": [[Decimal("2.5"), None]]}
    table = pa.table({"userId": ["a"], "videoId": ["v"], **own})
    write(table)
    (found,) = ingestion.rows
    assert (found["day"], found["price"], found["prices"]) == ("2026-01-15", 1.5, [2.5, None])
    types = {column["name"]: column["type"] for column in azure.log_analytics_columns(table.schema)}
    assert (types["day"], types["price"]) == ("string", "real")


def test_names_that_log_analytics_does_not_have(write, ingestion):
    table = wide(1)
    for name in ("a" * 46, "9lives", "with space", ""):
        with pytest.raises(DataError, match="no column called"):
            write(table.rename_columns(["userId", "videoId", name]))
    with pytest.raises(DataError, match="'runId', which the upload adds itself"):
        write(table.rename_columns(["userId", "videoId", "runId"]))
    with pytest.raises(DataError, match="aggregate"):
        write(table.drop(["videoId"]))
    write(table.rename_columns(["userId", "videoId", "a" * 45]))
    assert len(ingestion.rows) == 1


def test_failures_that_end_are_waited_for(write, ingestion, rows):
    ingestion.failing_share = 0.5
    done = write(wide(9_000))
    assert done.sent == 9_000
    assert ingestion.failed > 3
    assert [row["userId"] for row in ingestion.rows] == [f"u{n}" for n in range(9_000)]


def test_resuming_sends_the_rest_and_only_the_rest(write, ingestion, options):
    table = wide(3_000)
    options["retry_total"] = 1
    ingestion.script = [None, None, *[error(500, "Failed", "disk full") for _ in range(2)]]
    with pytest.raises(azure.UnfinishedUploadError, match=r"disk full.*of 3,000 rows.*resume='") as stopped:
        write(table, run_id="monday")
    place = pickle.loads(pickle.dumps(stopped.value)).checkpoint
    assert place == stopped.value.checkpoint
    sent = len(ingestion.rows)
    assert (place.rows, place.run_id) == (sent, "monday")
    assert 0 < sent < 3_000
    # By its text, as a command gets it.
    done = write(table, resume=str(place))
    assert (done.run_id, done.rows, done.sent) == ("monday", 3_000, 3_000 - sent)
    assert [row["userId"] for row in ingestion.rows] == [f"u{n}" for n in range(3_000)]
    assert len({(row["runId"], row["TimeGenerated"]) for row in ingestion.rows}) == 1


def test_resuming_with_other_rows_is_refused(write, ingestion, options):
    options["retry_total"] = 0
    ingestion.script = [None, error(500, "Failed", "no")]
    with pytest.raises(azure.UnfinishedUploadError) as stopped:
        write(wide(2_000))
    place = stopped.value.checkpoint
    before = len(ingestion.rows)
    for table in (wide(2_000, bytes_each=999), wide(3), wide(2_000).slice(1)):
        with pytest.raises(DataError, match="are not those that the run"):
            write(table, resume=place)
    with pytest.raises(DataError, match="the window have changed"):
        write(wide(2_000), resume=place, window=("2026-01-01", "2026-01-02"))
    assert len(ingestion.rows) == before


def test_a_lost_answer_doubles_rows_which_readers_tell_by_key(write, ingestion, run_kql):
    ingestion.lost_share = 0.5
    write(wide(9_000))
    assert ingestion.lost > 1
    assert len(ingestion.rows) > 9_000
    schema = "(TimeGenerated: datetime, rowKey: string, userId: string)"
    stored = [[row["TimeGenerated"], row["rowKey"], row["userId"]] for row in ingestion.rows]
    query = "Engagement_CL | summarize arg_max(TimeGenerated, *) by rowKey | summarize n = count()"
    _, [[count]] = run_kql(query, {"Engagement_CL": (schema, stored)})
    assert count == 9_000


def test_refusals_say_what_to_do(write, ingestion):
    ingestion.script = [error(403, "OperationFailed", "no access")]
    with pytest.raises(azure.UnfinishedUploadError, match=r"Monitoring Metrics Publisher.*0 of 2 rows"):
        write(wide(2))
    with pytest.raises(OptionError, match="Custom-VideoEngagement"):
        azure.write_log_analytics(wide(1), ingestion.url, RULE, "Engagement")
    for how in ({"oversize": "cut"}, {"resume": "x"}, {"run_id": "a b"}, {"window": ("soon", None)}):
        with pytest.raises(OptionError):
            write(wide(1), **how)


def test_progress_is_told(write, ingestion):
    told = []
    write(wide(3_000), progress=told.append)
    assert [done.requests for done in told] == [1, 2, 3, 4, 5]
    assert told[-1].sent == told[-1].rows == 3_000
    assert told[0].sent < told[1].sent


def test_columns_of_the_table(rows):
    columns = {column["name"]: column["type"] for column in azure.log_analytics_columns(rows.schema)}
    assert list(columns)[:5] == ["TimeGenerated", "runId", "rowKey", "windowStart", "windowEnd"]
    assert list(columns)[5:] == rows.column_names
    assert (columns["totalWatchTime"], columns["sessionCount"]) == ("real", "long")
    assert (columns["watchedIntervals"], columns["dataQualityFlags"]) == ("dynamic", "dynamic")
    assert (columns["isCompletedAtLeastOnce"], columns["firstWatchDate"]) == ("boolean", "datetime")
    json.dumps(columns)


def test_the_server_refuses_what_is_too_large(ingestion, credential, options):
    """What our own pieces are for: the client's own are larger than the service takes."""
    from azure.core.exceptions import HttpResponseError
    from azure.monitor.ingestion import LogsIngestionClient

    client = LogsIngestionClient(ingestion.url, credential, **options)
    logs = [{"n": "x" * 10, "i": number} for number in range(60_000)]
    with client, pytest.raises(HttpResponseError) as refused:
        client.upload(rule_id=RULE, stream_name=STREAM, logs=logs)
    assert refused.value.status_code == 413
    assert len(ingestion.requests[0].body) > MEGABYTE
