"""`check` on raw samples, on clean events, and what it prints."""

from __future__ import annotations

import json
import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchspan as ws
from support.commands import RUNNER
from support.raw_samples import NAMES, SAMPLES, assert_by_hand
from watchspan import sample
from watchspan.cli.app import app
from watchspan.errors import OptionError

START = 1_768_471_200  # 2026-01-15T10:00:00Z


def lesson(user="ann", video="v1", count=12, step=10, start=START):
    """A video that is played through, with heartbeats, under names that nobody knows."""
    names = ["start", *["tick"] * (count - 2), "stop"]
    return [
        {"meta": {"when": (start + n * step) * 1000, "learner": user}, "clip": video, "evt": name,
         "head": n * step * 1000}
        for n, name in enumerate(names)
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_raw_sample_is_its_presets(name):
    found = ws.check(SAMPLES / f"{name}.jsonl")
    assert (found.preset, found.columns, found.vocabulary) == (name, {}, None)
    assert_by_hand(ws.aggregate(SAMPLES / f"{name}.jsonl", **found.arguments), name)
    assert not [finding for finding in found.findings if finding.severity == "error"]


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_said_where_nothing_is_wrong(seed):
    events = sample.events(5_000, seed=seed)
    found = ws.check(events)
    assert found.findings == []
    assert (found.preset, found.columns, found.vocabulary) == (None, {}, None)
    assert "The events read as they are" in str(found)
    # The sample's heartbeats come every 30 seconds: a rule to set, though nothing is wrong.
    assert found.rules == ws.Rules(heartbeat_seconds=32)


def test_what_is_proposed_is_what_happens():
    events = lesson() + lesson("ben", start=START + 7)
    found = ws.check(events)
    assert found.columns == {
        "timestamp": ws.Column("meta.when", unit="ms"), "userId": "meta.learner", "videoId": "clip",
        "eventName": "evt", "currentTime": ws.Column("head", unit="ms"),
    }  # fmt: skip
    assert found.vocabulary == {"start": "play", "tick": "heartbeat", "stop": "close"}
    assert (found.read, found.kept) == (24, 24)
    rows = ws.aggregate(events, **found.arguments).to_pylist()
    assert [(row["userId"], row["totalWatchTime"]) for row in rows] == [("ann", 110.0), ("ben", 110.0)]
    # The call says the same.
    assert eval(found.call, {"ws": ws, "events": events}).to_pylist() == rows


def test_the_command_says_the_same_as_the_call(tmp_path):
    path, out = tmp_path / "events.jsonl", tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in lesson() + lesson("undefined")))
    found = ws.check(path)
    (tmp_path / "vocabulary.json").write_text(json.dumps(found.vocabulary))
    words = found.command.replace("\\\n", " ").replace("vocabulary.json", f"{tmp_path}/vocabulary.json")
    done = RUNNER.invoke(app, [*shlex.split(words)[1:], "-o", str(out)])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["userId"], row["totalWatchTime"]) for row in rows] == [("ann", 110.0)]


def test_what_is_known_is_believed():
    events = [{**event, "other": "x"} for event in lesson()]
    found = ws.check(events, columns={"userId": "other"})
    assert found.columns["userId"] == "other"
    assert found.columns["currentTime"] == ws.Column("head", unit="ms")
    assert ws.check(SAMPLES / "segment.jsonl", preset="rudderstack").preset == "rudderstack"
    unknown = ws.check(lesson(), preset="html5")
    assert unknown.preset == "html5"
    for options in ({"preset": "nope"}, {"sample": 0}, {"sample": "many"}, {"columns": 3}):
        with pytest.raises(OptionError):
            ws.check(lesson(), **options)


def test_whole_users_are_looked_at(tmp_path):
    events = sample.events(60_000)
    users = events["userId"].to_pylist()
    pq.write_table(events, tmp_path / "events.parquet", row_group_size=5_000)
    lines = [json.dumps({"ctx": {"u": row["userId"]}, **row}, default=str) for row in events.to_pylist()]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    for source in (events, tmp_path / "events.parquet", tmp_path / "events.jsonl"):
        found = ws.check(source, sample=2_000)
        assert 1_000 < found.read < 6_000
        assert found.findings == []
        assert f"of about {len(users):,} events" in found.evidence["sample"]
    assert isinstance(events, pa.Table)


def test_events_of_files_of_every_kind(tmp_path):
    from support import renaming

    flat = [{"when": e["meta"]["when"], "learner": e["meta"]["learner"], "clip": e["clip"], "evt": e["evt"],
             "head": e["head"]} for e in lesson()]  # fmt: skip
    for form in ("csv", "parquet", "jsonl"):
        path = renaming.written(flat, tmp_path, form)
        found = ws.check(str(path))
        assert ws.aggregate(path, **found.arguments)["totalWatchTime"].to_pylist() == [110.0], form


def test_to_dict_is_json():
    found = ws.check(lesson() + lesson("undefined"))
    figures = json.loads(json.dumps(found.to_dict()))
    assert figures["usable"] is True
    assert figures["columns"]["currentTime"]["unit"] == "ms"
    assert figures["call"] == found.call
    assert {finding["severity"] for finding in figures["findings"]} <= {"error", "warning", "note"}


def test_the_command(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in lesson()))
    done = RUNNER.invoke(app, ["check", str(path)])
    assert done.exit_code == 0
    assert done.stdout.strip() == str(ws.check(str(path)))
    done = RUNNER.invoke(app, ["check", str(path), "--json", "--column", "userId=clip", "--sample", "5"])
    assert json.loads(done.stdout)["columns"]["userId"] == "clip"
    path.write_text('{"a": 1}\n')
    done = RUNNER.invoke(app, ["check", str(path)])
    assert done.exit_code == 1
    assert "Nothing says when events happened" in done.stdout


@pytest.mark.parametrize("name", ["edx", "ga4", "peertube"])
def test_the_command_that_is_printed_reads_raw_records(name, tmp_path):
    found, out = ws.check(SAMPLES / f"{name}.jsonl"), tmp_path / "rows.parquet"
    done = RUNNER.invoke(app, [*shlex.split(found.command)[1:], "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert_by_hand(pq.read_table(out), name)
    sessions = RUNNER.invoke(app, ["sessions", found.source, "--preset", name, "-q", "-o", "-"])
    assert sessions.stdout.count("\n") >= 1, sessions.output
    assert RUNNER.invoke(app, ["validate", found.source, "--preset", name]).exit_code == 0
