"""The command line: its tables are those of the API, and what it refuses it refuses in one clear line."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from pyarrow import csv, feather

import watchspan as ws
from support.commands import RUNNER
from support.files import assert_same_rows
from watchspan import _core, sample, sources
from watchspan.cli.app import app
from watchspan.cli.reading import ADVICE

ROWS = 8_000
COMMANDS = (
    "aggregate",
    "azure-etl",
    "check",
    "checks",
    "cohorts",
    "compare",
    "completion",
    "daily",
    "delete-user",
    "demo",
    "generate",
    "kql",
    "moments",
    "predict",
    "presets",
    "report",
    "rescore",
    "retention",
    "segments",
    "serve",
    "sessions",
    "show",
    "summary",
    "totals",
    "typical",
    "update",
    "validate",
    "views",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the sample's tables."""
    made = tmp_path_factory.mktemp("tables")
    events = sample.events(ROWS)
    sources.write(events, made / "events.parquet")
    sources.write(sample.videos(), made / "videos.csv")
    renamed = ["uid" if name == "userId" else name for name in events.column_names]
    sources.write(events.rename_columns(renamed), made / "renamed.parquet")
    sources.write(ws.aggregate(events, videos=sample.videos()), made / "engagement.parquet")
    sources.write(ws.sessions(events), made / "sessions.parquet")
    sources.write(events.slice(0, 0), made / "empty.parquet")
    sources.write(events.select(["userId", "videoId"]), made / "narrow.parquet")
    numbers = events.set_column(0, "timestamp", events["timestamp"].cast(pa.int64()))
    sources.write(numbers, made / "numbers.parquet")
    (made / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    return made


@pytest.fixture
def run(folder, monkeypatch):
    """Runs a command in the folder, in this process."""
    monkeypatch.chdir(folder)

    def invoke(*arguments: Any, code: int = 0) -> Result:
        result = RUNNER.invoke(app, [str(argument) for argument in arguments], prog_name="watchspan")
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    return invoke


# Tables.


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather"])
def test_aggregate_writes_what_the_api_returns(run, folder, tmp_path, suffix):
    out = tmp_path / f"rows.{suffix}"
    run("aggregate", "events.parquet", "--videos", "videos.csv", "-o", out)
    expected = ws.aggregate(folder / "events.parquet", videos=folder / "videos.csv")
    found = pq.read_table(out) if suffix == "parquet" else feather.read_table(out)
    assert_same_rows(found, expected)
    assert ws.report(found) == ws.report(expected)


@pytest.mark.parametrize("suffix", ["jsonl", "json", "ndjson"])
def test_aggregate_writes_json_lines(run, folder, tmp_path, suffix):
    out = tmp_path / f"rows.{suffix}"
    run("aggregate", "events.parquet", "-o", out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert_same(rows, ws.aggregate(folder / "events.parquet"))


def test_aggregate_writes_csv(run, folder, tmp_path):
    out = tmp_path / "rows.csv"
    run("aggregate", "events.parquet", "-o", out)
    found, expected = csv.read_csv(out), ws.aggregate(folder / "events.parquet")
    assert found.column_names == expected.column_names
    assert found["totalWatchTime"].to_pylist() == expected["totalWatchTime"].to_pylist()
    assert json.loads(found["watchedIntervals"][0].as_py()) == expected["watchedIntervals"][0].as_py()


def test_a_dash_writes_json_lines_to_standard_output(run, folder):
    result = run("aggregate", "events.parquet", "-o", "-", "--quiet")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert_same(rows, ws.aggregate(folder / "events.parquet"))


def assert_same(rows: list[dict[str, Any]], table: pa.Table) -> None:
    assert list(rows[0]) == table.column_names
    exact = [name for name in table.column_names if not pa.types.is_timestamp(table[name].type)]
    expected = table.select(exact).to_pylist()
    assert [{name: row[name] for name in exact} for row in rows] == expected
    first = table["firstWatchDate"].cast(pa.timestamp("us"))[0].as_py()
    assert rows[0]["firstWatchDate"] == first.isoformat(timespec="microseconds") + "Z"


def test_aggregate_hands_every_option_on(run, folder, tmp_path):
    out = tmp_path / "rows.parquet"
    words = tmp_path / "words.json"
    words.write_text(json.dumps({"video_play": "play", "video_pause": "pause", "VIDEO_PAUSE": "pause"}))
    names = ("--column", "userId=uid", "--column", "sessionId=", "--vocabulary", words)
    rules = ("--rules", "tolerance_seconds=1,count_unobserved=yes", "--rules", "heartbeat_seconds=30")
    others = (
        "--scoring",
        "additive,low=5",
        "--no-unique-seconds",
        "--threads",
        "2",
        "--videos",
        "videos.csv",
    )
    run("aggregate", "renamed.parquet", *names, *rules, *others, "-o", out)
    expected = ws.aggregate(
        folder / "renamed.parquet",
        videos=folder / "videos.csv",
        columns={"userId": "uid", "sessionId": None},
        vocabulary=json.loads(words.read_text()),
        rules=ws.Rules(tolerance_seconds=1, count_unobserved=True, heartbeat_seconds=30),
        scoring=ws.Scoring(**{**_core.additive_scoring(), "low": 5}),
        unique_seconds=False,
    )
    assert_same_rows(pq.read_table(out), expected)


def test_several_inputs_and_globs_are_one_table(run, folder, tmp_path):
    table = pq.read_table(folder / "events.parquet")
    for number in range(3):
        pq.write_table(table.slice(number * 3000, 3000), tmp_path / f"part-{number}.parquet")
    parts = sorted(tmp_path.glob("part-*.parquet"))
    run("aggregate", *parts, "-o", tmp_path / "listed.parquet")
    run("aggregate", tmp_path / "part-*.parquet", "-o", tmp_path / "globbed.parquet")
    expected = ws.aggregate(folder / "events.parquet")
    assert_same_rows(pq.read_table(tmp_path / "listed.parquet"), expected)
    assert_same_rows(pq.read_table(tmp_path / "globbed.parquet"), expected)


def test_sessions_and_retention(run, folder, tmp_path):
    run("sessions", "events.parquet", "--rules", "session_timeout_seconds=600", "-o", tmp_path / "s.parquet")
    rules = ws.Rules(session_timeout_seconds=600)
    sessions = ws.sessions(folder / "events.parquet", rules=rules)
    assert_same_rows(pq.read_table(tmp_path / "s.parquet"), sessions)
    cut = ("--videos", "videos.csv", "--buckets", 7)
    run("retention", tmp_path / "s.parquet", *cut, "-o", tmp_path / "r.parquet")
    expected = ws.retention(sessions, videos=folder / "videos.csv", buckets=7)
    assert_same_rows(pq.read_table(tmp_path / "r.parquet"), expected)
    run("retention", "engagement.parquet", "--bucket-seconds", 10, "-o", tmp_path / "t.parquet")
    expected = ws.retention(folder / "engagement.parquet", bucket_seconds=10)
    assert_same_rows(pq.read_table(tmp_path / "t.parquet"), expected)


def test_generate_writes_the_sample(run, tmp_path):
    out, videos = tmp_path / "events.parquet", tmp_path / "videos.jsonl"
    result = run("generate", "--rows", 500, "--seed", 4, "--out", out, "--videos-out", videos)
    assert pq.read_table(out)["sequence"].equals(sample.events(500, 4)["sequence"])
    assert len(videos.read_text().splitlines()) == sample.videos(4).num_rows
    assert "500 events" in result.stderr


# What is shown.


def test_without_an_output_the_first_rows_are_shown(run):
    result = run("aggregate", "events.parquet", "--videos", "videos.csv")
    assert "peter" in result.stdout
    assert "28.33" in result.stdout
    assert re.search(r"10 of [\d,]+ rows, 8 of 34 columns", result.stdout)
    assert f"{ROWS:,} events read" in result.stderr
    assert "duplicate" in result.stderr
    assert "sessionStart" in run("sessions", "events.parquet").stdout
    assert "retention" in run("retention", "engagement.parquet").stdout


def test_quiet_says_nothing(run, tmp_path):
    result = run("aggregate", "events.parquet", "-q", "-o", tmp_path / "rows.parquet")
    assert result.output == ""


def test_json_prints_the_figures(run, folder, tmp_path):
    out = tmp_path / "rows.parquet"
    figures = json.loads(run("aggregate", "events.parquet", "-o", out, "--json", "-q").stdout)
    rows = pq.read_table(out)
    assert figures["rows"] == rows.num_rows
    assert figures["output"] == str(out)
    assert {name: figures[name] for name in ("read", "kept", "dropped")} == ws.report(rows)
    assert figures["eventsPerSecond"] > 0
    assert figures["peakMemoryBytes"] > 1e6
    assert json.loads(run("sessions", "events.parquet", "--json", "-q").stdout)["output"] is None


def test_summary(run, folder):
    expected = ws.summarize(folder / "engagement.parquet", top=3)
    assert json.loads(run("summary", "engagement.parquet", "--json", "--top", 3).stdout) == expected
    text = run("summary", "engagement.parquet").stdout
    assert expected["top_videos"][0]["videoTitle"] in text
    assert all(flag in text for flag, count in expected["flags"].items() if count)


def test_summary_of_no_rows(run, tmp_path):
    run("aggregate", "empty.parquet", "-o", tmp_path / "rows.parquet")
    assert "users" in run("summary", tmp_path / "rows.parquet").stdout
    assert json.loads(run("summary", tmp_path / "rows.parquet", "--json").stdout)["rows"] == 0


def test_validate_reports_by_reason(run, folder):
    expected = ws.validate(folder / "events.parquet", examples=3)
    text = run("validate", "events.parquet").stdout
    for reason, count in expected.dropped.items():
        assert not count or (reason in text and ADVICE[reason] in text)
    assert "video_quality_change" in text
    figures = json.loads(run("validate", "events.parquet", "--json").stdout)
    assert figures["dropped"] == expected.dropped
    assert figures["examples"] == expected.examples.to_pylist()


def test_validate_names_the_preset_that_fits(run, tmp_path):
    path = tmp_path / "events.jsonl"
    event = {"timestamp": "2026-01-15T10:00:00Z", "userId": "a", "videoId": "v", "currentTime": 0}
    path.write_text(json.dumps({**event, "eventName": "play_video"}) + "\n")
    result = run("validate", path, code=1)
    assert "--preset edx" in result.stdout
    assert "no event could be used" in result.stderr
    run("validate", path, "--preset", "edx")
    run("validate", "empty.parquet", code=1)


def test_there_is_advice_for_every_reason():
    assert list(ADVICE) == [reason for reason, _ in _core.drop_reasons()]


def test_show_explains_each_event(run, folder):
    text = run("show", "peter", "welcome", "events.parquet", "--videos", "videos.csv").stdout
    assert "watched 30 s to 120 s (90 s)" in text
    assert "28.33" in text
    result = run("show", "peter", "welcome", "events.parquet", "--videos", "videos.csv", "--json")
    figures = json.loads(result.stdout)
    expected = ws.explain(folder / "events.parquet", "peter", "welcome")
    assert [event["verdict"] for event in figures["events"]] == expected["verdict"].to_pylist()
    assert figures["row"]["totalWatchTime"] == 130
    assert figures["row"]["firstWatchDate"] == "2026-01-15T10:00:00.000000Z"


def test_show_takes_keys_that_are_numbers(run, tmp_path):
    path = tmp_path / "events.parquet"
    start = pa.array([0, 30_000_000], pa.timestamp("us", "UTC"))
    keys = {"userId": [7, 7], "videoId": [42, 42]}
    events = pa.table({"timestamp": start, **keys, "eventName": ["play", "pause"], "currentTime": [0, 30]})
    pq.write_table(events, path)
    figures = json.loads(run("show", 7, 42, path, "--json").stdout)
    assert figures["row"]["totalWatchTime"] == 30
    assert "totalWatchTime" in run("show", 7, 42, path).stdout


def test_show_tells_events_that_were_all_dropped(run, tmp_path):
    path = tmp_path / "events.jsonl"
    event = {"timestamp": "2026-01-15T10:00:00Z", "userId": "a", "videoId": "v", "eventName": "play"}
    path.write_text(json.dumps({**event, "currentTime": -1}) + "\n")
    assert "there is no row" in run("show", "a", "v", path).stdout
    assert json.loads(run("show", "a", "v", path, "--json").stdout)["row"] is None


def test_demo_leaves_its_tables(run, tmp_path):
    out = tmp_path / "made" / "demo"
    text = run("demo", "--rows", ROWS, "--out", out).stdout
    for part in ("Top videos", "Tiers", "Data quality flags", "duplicate", "peter", "28.33", "events/s"):
        assert part in text
    tables = {path.stem: pq.read_table(path) for path in out.glob("*.parquet")}
    assert set(tables) == {"events", "videos", "sessions", "engagement", "retention"}
    assert tables["events"].num_rows == ROWS
    assert_same_rows(tables["engagement"], ws.aggregate(sample.events(ROWS), videos=sample.videos()))
    figures = json.loads(run("demo", "--rows", 1000, "--out", out, "--json", "-q").stdout)
    assert figures["row"]["engagementScore"] == 28.33
    assert figures["report"]["read"] == 1000


def test_every_command_has_an_example(run):
    listed = run("--help").stdout
    for command in COMMANDS:
        assert f"  {command} " in listed
        assert f"  watchspan {command} " in run(command, "--help").stdout
    assert set(app.commands) == set(COMMANDS)


# Options.


def test_options_from_files(run, folder, tmp_path):
    rules, both = tmp_path / "rules.json", tmp_path / "settings.json"
    rules.write_text(json.dumps({"tolerance_seconds": 2, "heartbeat_seconds": None}))
    both.write_text(json.dumps({"rules": {"completion_threshold": 0.8}, "scoring": {"coverage": 70}}))
    out = tmp_path / "rows.parquet"
    run("aggregate", "events.parquet", "--rules", f"{rules},{both}", "--scoring", both, "-o", out)
    expected = ws.aggregate(
        folder / "events.parquet",
        rules=ws.Rules(tolerance_seconds=2, completion_threshold=0.8),
        scoring=ws.Scoring(coverage=70),
    )
    assert_same_rows(pq.read_table(out), expected)


def test_options_from_toml(run, folder, tmp_path):
    pytest.importorskip("tomllib")
    settings, out = tmp_path / "settings.toml", tmp_path / "rows.parquet"
    settings.write_text('[rules]\nsession_timeout_seconds = "none"\ntolerance_seconds = 2\n')
    run("aggregate", "events.parquet", "--rules", settings, "-o", out)
    expected = ws.aggregate(folder / "events.parquet", rules=ws.Rules(tolerance_seconds=2))
    assert_same_rows(pq.read_table(out), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rules", "tolerance=3"], "did you mean tolerance_seconds?"),
        (["--rules", "zzz=3"], "there are tolerance_seconds, "),
        (["--rules", "tolerance_seconds"], "give name=value"),
        (["--rules", "tolerance_seconds=much"], "tolerance_seconds is 'much'"),
        (["--rules", "tolerance_seconds=-1"], "tolerance_seconds is -1"),
        (["--rules", "tolerance_seconds=none"], "tolerance_seconds is 'none'"),
        (["--rules", "count_unobserved=2"], "count_unobserved is '2', but True or False is needed."),
        (["--rules", "nowhere.json"], "Cannot read nowhere.json"),
        (["--rules", "events.parquet.toml"], "Cannot read events.parquet.toml"),
        (["--scoring", "multiplicative"], "a preset (additive)"),
        (["--scoring", "low=60"], "Scoring.low is 60"),
        (["--preset", "nope"], "html5"),
        (["--vocabulary", "nowhere.json"], "Cannot read nowhere.json"),
        (["--column", "userId"], "not of the form"),
        (["--column", "user=uid"], "user"),
        (["--column", "userId="], "userId"),
        (["--threads", "0"], "0 is not in the range"),
        (["-o", "rows.xls"], ".parquet"),
        (["-o", "-", "--json"], "both claim standard output"),
        (["--nope"], "No such option"),
    ],
)
def test_bad_usage_ends_with_2(run, arguments, message):
    result = run("aggregate", "events.parquet", *arguments, code=2)
    assert message in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "holds no rules"),
        ('{"scoring": {"low": 1}}', "holds no rules"),
        ('{"tolerance_seconds": ', "Cannot read"),
        ('{"tolerance_seconds": [1]}', "tolerance_seconds"),
    ],
)
def test_bad_files_of_rules_end_with_2(run, tmp_path, content, message):
    path = tmp_path / "rules.json"
    path.write_text(content)
    assert message in run("aggregate", "events.parquet", "--rules", path, code=2).stderr


def test_a_vocabulary_must_be_a_mapping(run, tmp_path):
    path = tmp_path / "words.json"
    path.write_text('["play"]')
    assert "is no vocabulary" in run("validate", "events.parquet", "--vocabulary", path, code=2).stderr
    path.write_text('{"go": "start"}')
    assert "start" in run("validate", "events.parquet", "--vocabulary", path, code=2).stderr


def test_other_bad_usage_ends_with_2(run):
    assert "rows is 5" in run("generate", "--rows", 5, "--out", "x.parquet", code=2).stderr
    assert "Missing option" in run("generate", code=2).stderr
    assert "Missing argument" in run("aggregate", code=2).stderr
    both = ("--preset", "html5", "--vocabulary", "edx")
    assert "exclude each other" in run("kql", "engagement", *both, code=2).stderr
    both = ("--buckets", 3, "--bucket-seconds", 5)
    assert "exclude each other" in run("retention", "sessions.parquet", *both, code=2).stderr
    assert "bucket_seconds" in run("retention", "sessions.parquet", "--bucket-seconds", 0, code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["aggregate", "nowhere.parquet"], "nowhere.parquet"),
        (["aggregate", "broken.parquet"], "broken.parquet"),
        (["aggregate", "narrow.parquet"], "--column 'timestamp=<your column>'"),
        (["aggregate", "numbers.parquet"], "--unit timestamp=ms"),
        (["aggregate", "events.parquet", "--column", "userId=uid"], "uid"),
        (["aggregate", "events.parquet", "--videos", "nowhere.csv"], "nowhere.csv"),
        (["aggregate", "events.parquet", "--preset", "edx"], "none of the 8,000 events could be used"),
        (["sessions", "events.parquet", "--preset", "edx"], "none of the 8,000 events could be used"),
        (["aggregate", "events.parquet", "-o", "videos.csv/rows.parquet"], "videos.csv"),
        (["summary", "events.parquet"], "engagement rows"),
        (["summary", "videos.csv"], "CSV"),
        (["retention", "events.parquet"], "watchedIntervals"),
        (["show", "nobody", "welcome", "events.parquet"], "no events of the user 'nobody'"),
    ],
)
def test_bad_data_ends_with_1(run, arguments, message):
    result = run(*arguments, code=1)
    assert message in result.stderr
    assert result.stderr.count("Error: ") == 1


def test_an_empty_table_is_not_an_error(run, tmp_path):
    out = tmp_path / "rows.parquet"
    run("aggregate", "empty.parquet", "-o", out)
    assert pq.read_table(out).num_rows == 0
