"""The commands that keep Delta tables: they do what the functions do, and say it in one line."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pyarrow as pa
import pytest

import watchspan as ws
from support.events import PETER
from watchspan.cli.app import app

pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")

from deltalake import DeltaTable, write_deltalake

from support.commands import RUNNER
from support.delta_tables import Place, rows


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos.csv").write_text("videoId,duration\nv1,300\n")
    place = Place(tmp_path)
    place.arrive(rows("peter", "v1", "s1", PETER), rows("ann", "v1", "s2", PETER))
    return place


def run(*arguments, code=0):
    result = RUNNER.invoke(app, [str(argument) for argument in arguments], prog_name="watchspan")
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_update_rescore_and_delete(place):
    window = ("--from", "2026-01-15", "--to", "2026-01-16", "--videos", "videos.csv")
    figures = json.loads(run("update", "raw", "engagement", *window, "--json", "--quiet").stdout)
    assert (figures["scopes"], figures["pairs"], figures["shrunk_examples"]) == (2, 2, [])
    videos = {"videoId": ["v1"], "duration": [300.0]}
    place.check(videos=videos)
    told = run("rescore", "engagement", "--scoring", "additive", "--videos", "videos.csv").stderr
    assert told.startswith("2 user+video pairs computed, after ")
    place.check(videos=videos, scoring=ws.Scoring.additive())
    told = run("delete-user", "engagement", "peter", "--videos", "videos.csv").stderr
    assert told.startswith("1 session rows deleted; 1 user+video pairs computed")
    assert [row["userId"] for row in place.kept()] == ["ann"]
    assert run("delete-user", "engagement", "peter", "--videos", "videos.csv").stderr.startswith(
        "nothing to do"
    )


def test_the_window_may_be_one_of_arrival(place):
    run("update", "raw", "engagement", "--changed-by", "ingestedAt", "--from", "2026-01-16", "-q")
    assert place.kept() == []
    run("update", "raw", "engagement", "--changed-by", "ingestedAt", "--rules", "tolerance_seconds=5", "-q")
    place.check()


def test_what_is_wrong_is_said(place):
    assert "no Delta table at 'nowhere'" in run("update", "nowhere", "engagement", code=1).stderr
    assert "'yesterday', but a date" in run("update", "raw", "out", "--from", "yesterday", code=2).stderr
    assert "NAME=VALUE is needed" in run("update", "raw", "out", "--storage", "key", code=2).stderr
    assert "There is no sessions table" in run("rescore", "engagement", code=1).stderr
    assert "'x' is no integer" in run("delete-user", "engagement", "x", "--integer", code=2).stderr
    run("update", "raw", "engagement", "-q")
    told = run("update", "raw", "engagement", "--rules", "heartbeat_seconds=30", code=2).stderr
    assert "heartbeat_seconds is 30.0 but the tables were made with None" in told


def test_lost_raw_events_are_told(place):
    run("update", "raw", "engagement", "-q")
    DeltaTable("raw").delete('"userId" = \'ann\' AND "currentTime" > 100')
    assert "1 left as they were, for lack of raw events" in run("update", "raw", "engagement").stderr
    run("update", "raw", "engagement", "--allow-shrink", "-q")
    assert pa.table(DeltaTable("engagement").scan())["eventCount"].to_pylist().count(3) == 1


def test_update_reads_raw_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    at = [datetime(2026, 1, 15, 10, tzinfo=timezone.utc), datetime(2026, 1, 15, 10, 1, tzinfo=timezone.utc)]
    records = [
        {"time": time, "context": {"user_id": 7}, "event_type": name, "event": json.dumps(event)}
        for time, name, event in [
            (at[0], "play_video", {"id": "v", "currentTime": 0, "duration": 300}),
            (at[1], "pause_video", {"id": "v", "currentTime": 60, "duration": 300}),
        ]
    ]
    write_deltalake("raw", pa.Table.from_pylist(records))
    run("update", "raw", "engagement", "--preset", "edx")
    expected = ws.aggregate(records, preset="edx").to_pylist()[0]
    (found,) = DeltaTable("engagement").to_pyarrow_table().to_pylist()
    assert (found["totalWatchTime"], found["videoDuration"]) == (60, 300)
    assert {name: found[name] for name in expected if name != "userId"} == {
        name: value for name, value in expected.items() if name != "userId"
    }
