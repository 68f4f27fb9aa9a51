"""From events in Azure to rows where they are wanted: none lost, none twice, although both sides fail."""

from __future__ import annotations

import dataclasses
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

import watchspan as ws
from support.app_events import SCHEMA, month, row, sample_rows
from support.servers import error
from watchspan import azure, sample
from watchspan.errors import OptionError

ALWAYS = ("2000-01-01", "2100-01-01")
STREAM = "dataCollectionRules/dcr-0123456789abcdef/streams/Custom-Engagement"


@pytest.fixture(scope="module")
def events():
    return month(3_000, seed=3)


@pytest.fixture(scope="module")
def videos():
    return sample.videos(3)


@pytest.fixture
def workspace(log_analytics, events, credential, options):
    log_analytics.tables["AppEvents"] = (SCHEMA, sample_rows(events))
    return azure.LogAnalytics("id", endpoint=log_analytics.url, credential=credential, client_options=options)


@pytest.fixture
def run(workspace, credential, options):
    def all_events(out, start=ALWAYS[0], end=ALWAYS[1], **how):
        how.setdefault("client_options", options)
        return azure.etl(workspace, out, start, end, credential=credential, **how)

    return all_events


def without(rows, *names):
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def as_sent(table):
    """The rows of a table as JSON has them."""
    rows = table
    for place, found in enumerate(table.schema):
        if pa.types.is_timestamp(found.type):
            times = table.column(place).cast(pa.timestamp("us")).to_pylist()
            texts = [time.isoformat(timespec="microseconds") + "Z" for time in times]
            rows = rows.set_column(place, found.name, pa.array(texts))
    return rows.to_pylist()


STAMPS = ("TimeGenerated", "runId", "rowKey", "windowStart", "windowEnd", "isSampled")


def test_rows_in_are_rows_out_although_both_sides_fail(
    run, log_analytics, ingestion, events, videos, workspace
):
    log_analytics.row_limit, log_analytics.partial_share = 450, 0.1
    ingestion.failing_share = 0.1
    expected = ws.aggregate(events, videos=videos)
    done = run(f"{ingestion.url}/{STREAM}", videos=videos, run_id="big")
    assert log_analytics.partial >= 5
    assert done.read.cut == log_analytics.partial
    assert done.read.rows == done.read.events == events.num_rows
    assert done.report == ws.report(expected)
    # None lost, none twice, and each as it is in memory.
    assert done.written.sent == len(ingestion.rows) == expected.num_rows > 200
    assert without(ingestion.rows, *STAMPS) == as_sent(expected)
    assert len({row["rowKey"] for row in ingestion.rows}) == expected.num_rows
    assert {row["isSampled"] for row in ingestion.rows} == {False}


def test_many_requests_of_which_a_tenth_fails(ingestion, credential, options, monkeypatch):
    """The same for writing alone, with so many requests that a tenth of them are many."""
    from watchspan.azure import log_analytics as module

    monkeypatch.setattr(module, "_BODY_BYTES", 5_000)
    rows = ws.aggregate(sample.events(10_000, seed=4))
    ingestion.failing_share = 0.1
    done = azure.write_log_analytics(
        rows, ingestion.url, "dcr-1", "Custom-Engagement", credential, client_options=options
    )
    assert done.requests > 50
    assert ingestion.failed >= 5
    assert without(ingestion.rows, *STAMPS) == as_sent(rows)


def test_parquet(run, tmp_path, events, videos):
    path = tmp_path / "rows.parquet"
    done = run(str(path), videos=videos)
    found = pq.read_table(path)
    assert (done.rows, done.written) == (found.num_rows, None)
    assert found.drop(["isSampled"]).equals(ws.aggregate(events, videos=videos))
    assert ws.report(found) == done.report
    assert ws.summarize(found)["rows"] == done.rows


def test_delta(run, tmp_path, events):
    path = tmp_path / "rows"
    for _ in range(2):
        run(f"delta:{path}", mode="merge")
    found = DeltaTable(str(path)).to_pyarrow_table()
    expected = ws.aggregate(events)
    order = [("userId", "ascending"), ("videoId", "ascending")]
    assert found.num_rows == expected.num_rows
    assert found.sort_by(order)["totalWatchTime"].to_pylist() == expected["totalWatchTime"].to_pylist()


def test_data_explorer(run, data_explorer, events, trust):
    expected = ws.aggregate(events)
    schema = expected.schema.append(pa.field("isSampled", pa.bool_()))
    create, _ = azure.create_table_commands("engagement", schema)
    columns = create.partition("(")[2].rstrip(")")
    data_explorer.tables["engagement"] = (f"({columns})", [])
    data_explorer.failing_share = 0.3
    done = run(f"{data_explorer.url}/video/engagement")
    names = [column.split(":")[0] for column in columns.split(", ")]
    found = [dict(zip(names, row)) for row in data_explorer.tables["engagement"][1]]
    assert done.written.sent == len(found) == expected.num_rows
    assert [row["totalWatchTime"] for row in found] == expected["totalWatchTime"].to_pylist()
    assert [row["watchedIntervals"] for row in found] == expected["watchedIntervals"].to_pylist()


def test_sampled_events_mark_the_rows_that_rest_on_them(run, log_analytics, tmp_path):
    sent = {"videoId": "v1", "currentTime": "0"}
    rows = [row(f"2026-01-15T10:00:0{n}Z", "play", sent, user=user, count=count)
            for n, (user, count) in enumerate([("ann", 1), ("ann", 5), ("bob", 1)])]  # fmt: skip
    log_analytics.tables["AppEvents"] = (SCHEMA, rows)
    path = tmp_path / "rows.parquet"
    done = run(str(path))
    assert pq.read_table(path)["isSampled"].to_pylist() == [True, False]
    assert (done.read.sampled, done.read.represented, done.sampled_rows) == (1, 7, 1)


def test_options_reach_the_engine(run, tmp_path, events):
    path = tmp_path / "rows.parquet"
    rules, scoring = ws.Rules(tolerance_seconds=1), ws.Scoring.additive()
    run(str(path), rules=rules, scoring=scoring, unique_seconds=False, columns={"sessionId": None})
    expected = ws.aggregate(
        events, rules=rules, scoring=scoring, unique_seconds=False, columns={"sessionId": None}
    )
    assert pq.read_table(path).drop(["isSampled"]).equals(expected)


def test_videos_by_a_query(run, log_analytics, tmp_path, events, videos):
    columns = [videos[name].to_pylist() for name in ("videoId", "duration", "title")]
    log_analytics.tables["Catalogue_CL"] = (
        "(id: string, secs: real, title: string)",
        list(map(list, zip(*columns))),
    )
    log_analytics.tables["Catalogue_CL"][1].append(["live", "NaN", ""])
    path = tmp_path / "rows.parquet"
    run(str(path), videos_query="Catalogue_CL | project videoId = id, duration = secs, ['title']")
    assert pq.read_table(path).drop(["isSampled"]).equals(ws.aggregate(events, videos=videos))
    with pytest.raises(OptionError, match="exclude each other"):
        run(str(path), videos=videos, videos_query="x")


@pytest.mark.parametrize("path", [STREAM, "video/engagement"])
def test_that_nobody_may_write_is_found_out_before_reading(workspace, log_analytics, ingestion, path):
    with pytest.raises(OptionError, match="AZURE_TOKEN_CREDENTIALS is not set"):
        azure.etl(workspace, f"{ingestion.url}/{path}", *ALWAYS)
    assert log_analytics.requests == []


def test_a_stopped_run_goes_on(run, ingestion, options, events):
    options["retry_total"] = 0
    ingestion.script = [error(500, "Failed", "no room")]
    with pytest.raises(azure.UnfinishedUploadError, match="no room") as stopped:
        run(f"{ingestion.url}/{STREAM}")
    done = run(f"{ingestion.url}/{STREAM}", resume=stopped.value.checkpoint)
    assert done.written.run_id == stopped.value.checkpoint.run_id
    assert without(ingestion.rows, *STAMPS) == as_sent(ws.aggregate(events))


def test_a_dry_run_counts_and_writes_nothing(run, ingestion, log_analytics, events):
    done = run(f"{ingestion.url}/{STREAM}", dry_run=True)
    assert (done.rows, done.written, ingestion.requests) == (None, None, [])
    assert len(log_analytics.requests) == 1
    found = done.plan["events"]
    assert found["rows"] == found["events"] == events.num_rows
    assert found["sampled"] == 0
    assert found["firstEvent"] < found["lastEvent"]
    declared = done.plan["needs"]["streamDeclarations"]["Custom-Engagement"]["columns"]
    run(f"{ingestion.url}/{STREAM}")
    assert {column["name"] for column in declared} == set(ingestion.rows[0])
    json.dumps(dataclasses.asdict(done), default=str)


def test_a_dry_run_that_is_not_answered_whole(run, ingestion, log_analytics):
    log_analytics.partial_share = 1.0
    with pytest.raises(azure.ServiceError, match=r"did not answer whole: .* Take a shorter window"):
        run(f"{ingestion.url}/{STREAM}", dry_run=True)


def test_a_window_without_events(run, ingestion, tmp_path):
    done = run(f"{ingestion.url}/{STREAM}", "1999-01-01", "1999-01-02")
    assert (done.rows, done.written.sent, ingestion.requests) == (0, 0, [])
    path = tmp_path / "rows.parquet"
    run(str(path), "1999-01-01", "1999-01-02")
    assert pq.read_table(path).column_names == [*ws.aggregate(month(10)).column_names, "isSampled"]


@pytest.mark.parametrize("out", ["", "rows.txt", "rows", "https://host/one", "https://host/a/b/c", None])
def test_targets_that_are_none(run, log_analytics, out):
    with pytest.raises(OptionError):
        run(out)
    assert log_analytics.requests == []
