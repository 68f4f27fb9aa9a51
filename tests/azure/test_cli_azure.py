"""The command azure-etl, with the environment as it finds it: an authority, and a credential of ours."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

import watchspan as ws
from support.app_events import SCHEMA, month, row, sample_rows
from support.commands import RUNNER
from support.servers import error
from watchspan import sample, sources
from watchspan.azure import sdk
from watchspan.cli.app import app

WINDOW = ("--from", "2000-01-01", "--to", "2100-01-01")
STREAM = "dataCollectionRules/dcr-0123456789abcdef/streams/Custom-Engagement"


@pytest.fixture
def run(monkeypatch, trust, credential, log_analytics):
    monkeypatch.setattr(sdk, "default_credential", lambda: credential)
    log_analytics.tables["AppEvents"] = (SCHEMA, sample_rows(month(1_000)))

    def invoke(*arguments, code=0, window=WINDOW):
        where = ("--workspace", "id", "--endpoint", log_analytics.url)
        given = arguments if "--cluster" in arguments else (*where, *arguments)
        result = RUNNER.invoke(app, ["azure-etl", *window, *map(str, given)], prog_name="watchspan")
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    return invoke


def test_a_file_and_a_summary(run, log_analytics, tmp_path):
    log_analytics.row_limit = 300
    sources.write(sample.videos(1), tmp_path / "videos.csv")
    result = run(
        "--out",
        tmp_path / "rows.parquet",
        "--videos",
        tmp_path / "videos.csv",
        "--rules",
        "tolerance_seconds=3",
    )
    expected = ws.aggregate(month(1_000), videos=sample.videos(1), rules=ws.Rules(tolerance_seconds=3))
    assert pq.read_table(tmp_path / "rows.parquet").drop(["isSampled"]).equals(expected)
    told = result.stderr
    assert f"{month(1_000).num_rows:,} rows in " in told
    assert "answers were not whole" in told
    assert "0 copies left out" in told
    assert "dropped (" in told
    assert f"{expected.num_rows} rows in {tmp_path / 'rows.parquet'} after" in told


def test_log_analytics_and_json(run, ingestion):
    result = run("--out", f"{ingestion.url}/{STREAM}", "--run-id", "monday", "--json", "-q")
    figures = json.loads(result.stdout)
    assert result.stderr == ""
    assert figures["written"]["sent"] == figures["rows"] == len(ingestion.rows) > 20
    assert figures["read"]["rows"] == figures["report"]["read"] == month(1_000).num_rows
    assert ingestion.rows[0]["runId"] == "monday"


def test_a_stopped_run_says_how_to_go_on(run, ingestion):
    refused = error(400, "InvalidPayload", "no such column")
    ingestion.script = [refused]
    stopped = run("--out", f"{ingestion.url}/{STREAM}", code=1)
    assert "no such column" in stopped.stderr
    text = stopped.stderr.split("resume='")[1].split("'")[0]
    run("--out", f"{ingestion.url}/{STREAM}", "--resume", text)
    assert len(ingestion.rows) > 20
    assert {found["runId"] for found in ingestion.rows} == {text.split(",")[0]}


def test_data_explorer(run, data_explorer, log_analytics, tmp_path):
    data_explorer.tables["AppEvents"] = log_analytics.tables["AppEvents"]
    run("--cluster", f"{data_explorer.url}/video", "--out", tmp_path / "rows.parquet")
    expected = ws.aggregate(month(1_000))
    assert pq.read_table(tmp_path / "rows.parquet").drop(["isSampled"]).equals(expected)
    planned = run(
        "--cluster", f"{data_explorer.url}/video", "--out", f"{data_explorer.url}/video/rows", "--dry-run"
    )
    assert planned.stdout.startswith('.create-merge table ["rows"] (TimeGenerated: datetime, ')


def test_dry_run(run, ingestion):
    result = run("--out", f"{ingestion.url}/{STREAM}", "--dry-run")
    columns = json.loads(result.stdout)["streamDeclarations"]["Custom-Engagement"]["columns"]
    assert columns[0] == {"name": "TimeGenerated", "type": "datetime"}
    assert f"{month(1_000).num_rows:,} rows to read" in result.stderr
    assert "Nothing was written" in result.stderr
    assert ingestion.requests == []


def test_sampling_and_unreadable_values_are_told(run, log_analytics, tmp_path):
    rows = [
        row("2026-01-15T10:00:00Z", "play", {"videoId": "v", "currentTime": "0", "seekFrom": "?"}, count=9)
    ]
    log_analytics.tables["AppEvents"] = (SCHEMA, rows)
    told = run("--out", tmp_path / "rows.jsonl").stderr
    assert "1 rows are sampled and stand for others (9 events in all): 1 rows rest on them" in told
    assert "1 values of seekFrom could not be read" in told
    assert "1 rows have no eventId" in told


def test_events_of_which_none_can_be_used(run, log_analytics, tmp_path):
    log_analytics.tables["AppEvents"] = (SCHEMA, [row("2026-01-15T10:00:00Z", "PlayStart", {"videoId": "v"})])
    result = run("--out", tmp_path / "rows.jsonl", code=1)
    assert "none of the 1 events could be used" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--out", "rows.txt"), "format of 'rows.txt' is unknown"),
        (("--out", "rows.parquet", "--table", "customEvents"), "resource id"),
        (("--out", "rows.parquet", "--cluster", "https://c", "--workspace", "w"), "One of --workspace"),
        (("--out", "rows.parquet", "--cluster", "https://c"), "https://<cluster>/<database> is needed"),
        (("--out", "rows.parquet", "--column", "user=x"), "maps 'user'"),
    ],
)
def test_bad_usage(run, arguments, message, log_analytics):
    assert message in run(*arguments, code=2).stderr
    assert log_analytics.requests == []


def test_without_a_credential_it_says_what_to_set(trust, log_analytics, no_ambient_credentials):
    result = RUNNER.invoke(
        app, ["azure-etl", *WINDOW, "--workspace", "w", "--endpoint", log_analytics.url, "--out", "r.parquet"]
    )
    assert result.exit_code == 2
    assert "AZURE_TOKEN_CREDENTIALS" in result.stderr
    assert no_ambient_credentials == []
    assert log_analytics.requests == []
