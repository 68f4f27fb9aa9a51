"""Raw records on the command line, and the command that tells of presets."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

import watchspan as ws
from support.commands import RUNNER
from support.raw_samples import NAMES, SAMPLES, assert_by_hand
from watchspan import _core, presets
from watchspan.cli.app import app

KNOWN = [spec["name"] for spec in _core.preset_specs()]


def run(*arguments, code=0):
    result = RUNNER.invoke(app, [str(argument) for argument in arguments], prog_name="watchspan")
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def sample(name):
    return SAMPLES / f"{name}.jsonl"


@pytest.mark.parametrize("name", NAMES)
def test_raw_records_give_the_rows_that_were_computed_by_hand(name, tmp_path):
    out = tmp_path / "rows.parquet"
    run("aggregate", sample(name), "--preset", name, "-o", out)
    assert_by_hand(pq.read_table(out), name)


@pytest.mark.parametrize("name", NAMES)
def test_the_other_commands_read_raw_records_too(name, tmp_path):
    out = tmp_path / "sessions.parquet"
    run("sessions", sample(name), "--preset", name, "-o", out)
    expected = ws.sessions(sample(name), preset=name)
    assert pq.read_table(out).equals(expected)
    found = json.loads(run("validate", sample(name), "--preset", name, "--json").stdout)
    assert found["dropped"] == ws.report(expected)["dropped"]
    user, video = (str(expected[key][0].as_py()) for key in ("userId", "videoId"))
    told = json.loads(run("show", user, video, sample(name), "--preset", name, "--json").stdout)
    story = ws.explain(sample(name), user, video, preset=name)
    assert [event["verdict"] for event in told["events"]] == story["verdict"].to_pylist()
    assert told["row"]["userId"] == user


RECORDS = [{"at": 0, "who": "ann", "page": "v", "what": "start", "where": 0},
           {"at": 60, "who": "ann", "page": "v", "what": "stop", "where": 60},
           {"at": 70, "who": "ann", "page": "v", "what": "start", "where": 10}]  # fmt: skip
OURS = """
[events]
start = "play"
stop = "pause"
[columns]
timestamp = { paths = ["at"], unit = "s" }
userId = "who"
videoId = "page"
eventName = "what"
currentTime = "where"
[rules]
heartbeat_seconds = 11
"""


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """A folder with events of a player of one's own, and the description of that."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    (tmp_path / "ours.toml").write_text(OURS)


def row(*options):
    return json.loads(run("aggregate", "events.jsonl", "--preset", "ours.toml", *options, "-o", "-").stdout)


@pytest.mark.usefixtures("ours")
def test_options_go_before_the_preset():
    assert (row()["userId"], row()["totalWatchTime"], row()["unobservedWatchTime"]) == ("ann", 60, 11)
    assert row("--column", "userId=page")["userId"] == "v"
    # A unit alone leaves the column where the preset has it.
    assert row("--unit", "currentTime=ms")["maxPositionReached"] == 0.06
    assert row("--constant", "sessionId=one")["sessionCount"] == 1
    nobody = row("--missing", "userId=ann", "--constant", "userId=somebody")
    assert (nobody["userId"], nobody["totalWatchTime"]) == ("somebody", 60)
    # A rule that is named takes the place of the preset's; the others stay.
    assert row("--rules", "tolerance_seconds=3")["unobservedWatchTime"] == 11
    assert row("--rules", "heartbeat_seconds=20")["unobservedWatchTime"] == 20
    names = {"start": "play", "stop": "end"}
    with open("names.json", "w", encoding="utf-8") as file:
        json.dump(names, file)
    assert row("--vocabulary", "names.json")["maxPositionReached"] == 60
    assert row("--vocabulary", "names.json")["completionCount"] == 1


@pytest.mark.usefixtures("ours")
def test_a_vocabulary_is_of_names_alone():
    event = {"timestamp": "2026-01-15T10:00:00Z", "userId": "a", "videoId": "v"}
    with open("flat.jsonl", "w", encoding="utf-8") as file:
        file.write(json.dumps({**event, "eventName": "play_video", "currentTime": 0}) + "\n")
    run("validate", "flat.jsonl", "--vocabulary", "edx")
    failed = run("validate", sample("edx"), "--vocabulary", "edx", code=1)
    assert 'no column "timestamp"' in failed.stderr


@pytest.mark.usefixtures("ours")
def test_what_is_no_preset_is_refused():
    for command in ("aggregate", "sessions", "validate"):
        assert "no preset 'edxx'" in run(command, "events.jsonl", "--preset", "edxx", code=2).stderr
        assert "Cannot read none.toml" in run(command, "events.jsonl", "--preset", "none.toml", code=2).stderr
    with open("wrong.toml", "w", encoding="utf-8") as file:
        file.write('[events]\nstart = "begin"\n')
    for arguments in (["aggregate", "events.jsonl", "--preset", "wrong.toml"], ["presets", "wrong.toml"]):
        assert '"start" cannot mean "begin"' in run(*arguments, code=2).stderr


def test_all_presets_are_listed():
    lines = [line.split() for line in run("presets").stdout.splitlines()]
    assert [line[0] for line in lines[2:]] == KNOWN
    found = json.loads(run("presets", "--json").stdout)
    assert [each["name"] for each in found] == KNOWN
    assert all(each["title"] and each["events"] for each in found)


@pytest.mark.parametrize("name", KNOWN)
def test_one_is_told_whole(name):
    spec = presets.described(name)
    told = " ".join(run("presets", name).stdout.split())
    paths = [path for place in spec["columns"].values() for path in place["paths"]]
    names = [event for event, _ in spec["names"]]
    # The width of a terminal breaks long texts, not words.
    for text in [spec["title"], *names, *(path for path in paths if len(path) < 40)]:
        assert " ".join(text.split()) in told, text
    figures = json.loads(run("presets", name, "--json").stdout)
    assert figures["events"] == dict(spec["names"])
    assert figures["notes"] == spec["notes"]
    assert {column: place["paths"] for column, place in figures["columns"].items()} == {
        column: place["paths"] for column, place in spec["columns"].items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_description_is_a_preset_of_ones_own(name, tmp_path):
    path = tmp_path / "ours.toml"
    path.write_text(run("presets", name, "--toml").stdout, encoding="utf-8")
    assert {**presets.described(path), "name": name} == presets.described(name)
    assert run("presets", path, "--toml").stdout == path.read_text(encoding="utf-8")
    assert_by_hand(ws.aggregate(sample(name), preset=path), name)


def test_what_cannot_be_printed_together_is_refused():
    assert "exclude each other" in run("presets", "edx", "--json", "--toml", code=2).stderr
    assert "name it" in run("presets", "--toml", code=2).stderr


@pytest.mark.usefixtures("ours")
def test_numbers_without_a_unit_are_refused_with_the_option_that_helps():
    failed = run("aggregate", "events.jsonl", "--preset", "ours.toml", "--column", "timestamp=at", code=1)
    assert "--column 'timestamp=at' --unit timestamp=ms" in failed.stderr
