"""The command line and those who mean no good: terminals, names and settings."""

from __future__ import annotations

import json
import os
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.commands import COMMAND, RUNNER, Terminal
from watchspan import sample, sources
from watchspan.cli.app import app

# Red, a title for the window, the clipboard, a link, clear the screen, the same by one character, the other
# direction, an isolate, a mark, no width, a separator of lines.
EVIL = (
    "\x1b[31m\x1b]0;t\x07\x1b]52;c;eA==\x07\x1b]8;;http://x\x07\x1b[2J\x9b2J\u202e\u2066\u200f\u200b\u2028"
    "\r\n[red]x[/]"
)
HIDDEN = set(EVIL) - set("[31m]0;t52;c;eA==8;;http://x2Jred/\n") - {" "}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Events whose every text is hostile, and good ones."""
    made = tmp_path_factory.mktemp("hostile")
    sources.write(sample.events(2_000), made / "events.parquet")
    rows = [
        ("2026-01-15T10:00:00Z", "play", 0),
        ("2026-01-15T10:00:30Z", "pause", 30),
        ("x" + EVIL, "play", 1),
    ]
    events = pa.table(
        {
            "timestamp": [time for time, _, _ in rows] + ["2026-01-15T10:00:31Z"],
            "userId": [f"user{EVIL}"] * 4,
            "videoId": [f"video{EVIL}"] * 4,
            "sessionId": [f"session{EVIL}"] * 4,
            "eventName": [name for _, name, _ in rows] + [f"name{EVIL}"],
            "currentTime": pa.array([position for _, _, position in rows] + [2], pa.float64()),
        }
    )
    pq.write_table(events, made / "evil.parquet")
    renamed = [f"{name}{EVIL}" for name in events.column_names]
    pq.write_table(events.rename_columns(renamed), made / "columns.parquet")
    title = {"videoId": [f"video{EVIL}"], "duration": [60.0], "title": [f"title{EVIL}"]}
    pq.write_table(pa.table(title), made / "titles.parquet")
    return made


@pytest.fixture
def run(folder, monkeypatch):
    """Runs a command in the folder, in this process; what it shows holds nothing of what terminals obey."""
    monkeypatch.chdir(folder)

    def invoke(*arguments, code=0):
        result = RUNNER.invoke(app, [str(argument) for argument in arguments], prog_name="watchspan")
        assert result.exit_code == code, result.output + repr(result.exception)
        for shown in (result.stdout, result.stderr):
            assert not HIDDEN & set(shown), HIDDEN & set(shown)
        return result

    return invoke


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        (["aggregate", "evil.parquet"], r"user\x1b[31m"),
        (["aggregate", "evil.parquet", "-o", "-"], r"user\u001b[31m"),
        (["aggregate", "evil.parquet", "--videos", "titles.parquet", "-o", "-"], r"title\u001b[31m"),
        (["sessions", "evil.parquet"], r"session\x1b[31m"),
        (["sessions", "evil.parquet", "-o", "-"], r"\u202e"),
        (["validate", "evil.parquet"], r"name\x1b[31m"),
        (["validate", "evil.parquet", "--json"], r"name\u001b[31m"),
        (
            ["show", f"user{EVIL}", f"video{EVIL}", "evil.parquet", "--videos", "titles.parquet"],
            r"title\x1b[31m",
        ),
        (["show", f"user{EVIL}", f"video{EVIL}", "evil.parquet", "--json"], r"session\u001b[31m"),
        (["kql", "top_videos", "--videos", "titles.parquet"], r"title\u001b[31m"),
    ],
)
def test_no_text_of_the_data_commands_the_terminal(run, arguments, seen):
    shown = run(*arguments).stdout
    assert seen in shown.replace("\n", "").replace(" ", "") or seen in shown
    assert "[red]x[/]" in shown.replace("\n", "") or "--json" in arguments or "-" in arguments


def test_summaries_and_retention_are_shown_safely(run, tmp_path):
    rows = tmp_path / "rows.parquet"
    run("aggregate", "evil.parquet", "--videos", "titles.parquet", "-o", rows)
    for arguments in (["summary", rows], ["summary", rows, "--json"], ["retention", rows]):
        assert "title" in run(*arguments).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["aggregate", "columns.parquet"],
        ["aggregate", "evil.parquet", "--column", f"userId={EVIL}"],
        ["aggregate", "evil.parquet", "--column", EVIL],
        ["aggregate", EVIL],
        ["aggregate", "evil.parquet", "-o", EVIL],
        ["aggregate", "evil.parquet", "--rules", EVIL],
        ["aggregate", "evil.parquet", "--preset", EVIL],
        ["aggregate", "evil.parquet", "--memory-limit", EVIL],
        ["aggregate", "evil.parquet", "--threads", EVIL],
        ["aggregate", "evil.parquet", "--rules", f"{EVIL}.json"],
        ["summary", "columns.parquet"],
        ["show", EVIL, EVIL, "evil.parquet"],
        ["kql", EVIL],
        ["kql", "top_videos", "--set", f"{EVIL}=1"],
        ["validate", "columns.parquet"],
        [f"x{EVIL}"],
        [f"--{EVIL}"],
        ["aggregate", f"--{EVIL}"],
    ],
)
def test_no_message_commands_the_terminal(run, arguments):
    result = RUNNER.invoke(app, arguments, prog_name="watchspan")
    assert result.exit_code in (1, 2)
    run(*arguments, code=result.exit_code)
    assert "Error: " in result.stderr
    assert "fault in watchspan" not in result.stderr


def test_progress_and_closing_lines_are_safe(folder, tmp_path):
    name = "\x1b[2J\u202e[red].parquet"
    shown = Terminal(folder, "aggregate", "events.parquet", "-o", tmp_path / name)
    assert shown.close() == 0
    assert r"\x1b[2J\u202e[red].parquet" in shown.text
    assert not {"\u202e", "\x9b"} & set(shown.text)
    assert "\x1b[2J" not in shown.text
    assert os.listdir(tmp_path) == [name]


# Names.


def test_names_that_are_not_utf8(run, folder, tmp_path):
    try:
        (tmp_path / "\udcff.csv").write_text("")
    except OSError:
        pytest.skip("this file system has no such names")
    # As a process gets them: in bytes.
    out = os.fsencode(tmp_path) + b"/\xff.parquet"
    command = [*COMMAND, "aggregate", "events.parquet", "-o", out]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (0, 2), done.stderr
    assert rb"\xff.parquet after" in done.stderr
    shown = run("summary", os.fsdecode(out), code=1).stderr
    assert shown.startswith("Error: Cannot open")
    assert "not UTF-8" in shown


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["aggregate", "\udcff.csv"], 1),
        (["aggregate", "events.parquet", "--column", "userId=\udcff"], 2),
        (["show", "\udcff", "v", "events.parquet"], 2),
        (["aggregate", "events.parquet", "--rules", "\udcff.json"], 2),
        (["aggregate", "events.parquet", "--preset", "\udcff"], 2),
        (["x\udcff"], 2),
    ],
)
def test_arguments_that_are_not_utf8(run, arguments, code):
    assert "fault in watchspan" not in run(*arguments, code=code).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["aggregate", ""], ["sessions", ""], ["validate", ""], ["summary", ""], ["retention", ""],
        ["show", "u", "v", ""], ["aggregate", "events.parquet", "--videos", ""],
        ["aggregate", "events.parquet", ""],
        ["kql", "top_videos", "--videos", ""], ["demo", "--rows", "1000", "--out", ""],
        ["aggregate", "events.parquet", "-o", ""], ["generate", "--rows", "1000", "--out", ""],
    ],
)  # fmt: skip
def test_an_empty_path_is_not_the_folder(run, arguments):
    result = RUNNER.invoke(app, arguments, prog_name="watchspan")
    assert result.exit_code in (1, 2), result.output
    assert "empty" in result.stderr or "''" in result.stderr


# Nothing that is read is overwritten.


def test_settings_and_all_inputs_are_kept(run, folder, tmp_path):
    (tmp_path / "words.json").write_text('{"video_play": "play"}')
    (tmp_path / "rules.json").write_text('{"tolerance_seconds": 3}')
    (tmp_path / "videos.csv").write_text("videoId,duration\n")
    events = tmp_path / "events.parquet"
    events.write_bytes((folder / "events.parquet").read_bytes())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name, option in {
        "words.json": ["--vocabulary", tmp_path / "words.json"],
        "rules.json": ["--rules", f"tolerance_seconds=1,{tmp_path / 'rules.json'}"],
        "videos.csv": ["--videos", (tmp_path / "videos.csv").as_uri()],
        "events.parquet": ["--videos", tmp_path / "videos.csv"],
    }.items():
        for out in (tmp_path / name, (tmp_path / name).as_uri()):
            for command in ("aggregate", "sessions")[: 1 if option[0] == "--videos" else 2]:
                result = run(command, events.as_uri(), *option, "-o", out, code=2)
                assert "also an input" in result.stderr
    run("aggregate", events, "--scoring", tmp_path / "none.json", "-o", tmp_path / "none.json", code=2)
    out = tmp_path / "out.parquet"
    run("aggregate", events, "-o", out)
    assert "also an input" in run("retention", out, "-o", out.as_uri(), code=2).stderr
    assert "also an input" in run("generate", "--out", out, "--videos-out", out.as_uri(), code=2).stderr
    out.unlink()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_cannot_be_written_is_told_before_anything_is_read(run, folder, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("")
    for out in (tmp_path / ("n" * 252 + ".csv"), tmp_path / "folder.csv", tmp_path / "file" / "rows.csv"):
        for command in (["aggregate"], ["sessions"], ["retention"]):
            # The input is not there: who reads first says so.
            assert "Cannot write" in run(*command, tmp_path / "nowhere.parquet", "-o", out, code=1).stderr
        assert "Cannot write" in run("generate", "--rows", 10**12, "-o", out, code=1).stderr


def test_the_demo_replaces_only_its_own_tables(run, tmp_path):
    (tmp_path / "events.parquet").write_text("mine")
    assert "did not make it" in run("demo", "--rows", 1000, "--out", tmp_path, code=2).stderr
    assert os.listdir(tmp_path) == ["events.parquet"]
    for _ in range(2):
        run("demo", "--rows", 1000, "--out", tmp_path / "demo")


# Settings.


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "[" * 100_000),
        ("a.json", '{"a":' * 100_000),
        ("a.json", '{"tolerance_seconds": 1' + "0" * 400 + "}"),
        ("a.json", '{"tolerance_seconds": 1e999}'),
        ("a.json", '{"tolerance_seconds": NaN}'),
        ("a.json", '{"tolerance_seconds": ' + "9" * 6000 + "}"),
        ("a.json", '{"\\ud800": "play"}'),
        ("a.json", b"\xff\xfe\x00"),
        ("a.json", b" " * 20_000_000),
        ("a.toml", "a = " + "[" * 100_000),
        ("a.toml", "tolerance_seconds = 1" + "0" * 400),
        ("a.toml", "tolerance_seconds = 1979-05-27"),
        ("a.toml", b"\xff"),
    ],
)
def test_no_settings_break_the_command(run, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for option in ("--rules", "--scoring", "--vocabulary"):
        for command in (["aggregate", "events.parquet"], ["kql", "engagement"]):
            result = run(*command, option, path, code=2)
            assert result.stderr.count("Error: ") == 1
            assert "fault in watchspan" not in result.stderr


def test_an_error_that_nobody_expects_is_a_sentence(run, monkeypatch):
    def fail(*args, **settings):
        raise OverflowError("Python int\ntoo \x1b[31mlarge")

    monkeypatch.setattr("watchspan.cli.reading.ws.summarize", fail)
    shown = run("summary", "rows.parquet", code=1).stderr
    assert r"report it: OverflowError: Python int too \x1b[31mlarge" in shown
    assert "Traceback" not in shown
    monkeypatch.setenv("WATCHSPAN_TRACEBACK", "1")
    result = RUNNER.invoke(app, ["summary", "rows.parquet"])
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert "OverflowError: Python int" in result.stderr


def test_figures_have_no_numbers_that_json_has_not(run, tmp_path):
    out = tmp_path / "rows.parquet"
    run("aggregate", "events.parquet", "-o", out)
    rows = pq.read_table(out)
    place = rows.column_names.index("totalWatchTime")
    infinite = pa.array([float("inf"), float("nan")] + [1.0] * (rows.num_rows - 2))
    pq.write_table(rows.set_column(place, "totalWatchTime", infinite), out)
    figures = json.loads(run("summary", out, "--json").stdout, parse_constant=pytest.fail)
    assert figures["watch_time_seconds"]["max"] is None
    assert "Top videos" in run("summary", out).stdout


def test_formulas_are_escaped_where_that_is_asked_for(run, tmp_path):
    header = "timestamp,userId,videoId,eventName,currentTime\n"
    (tmp_path / "events.csv").write_text(f"{header}2026-01-15T10:00:00Z,=1+1,v,play,0\n")
    out = tmp_path / "rows.csv"
    for command in ("aggregate", "sessions"):
        run(command, tmp_path / "events.csv", "-o", out)
        assert '"=1+1"' in out.read_text()
        run(command, tmp_path / "events.csv", "-o", out, "--escape-formulas")
        assert '"\'=1+1"' in out.read_text()
    for given in (["-o", tmp_path / "rows.parquet"], ["-o", "-"], []):
        result = run("aggregate", tmp_path / "events.csv", *given, "--escape-formulas", code=2)
        assert "is for CSV" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "--rows", "1000", "--out", "x.csv", "--users"],
        ["generate", "--rows", "1000", "--out", "x.csv", "--seed"],
        ["generate", "--out", "x.csv", "--rows"],
        ["demo", "--out", "x", "--rows"],
        ["aggregate", "events.parquet", "--threads"],
        ["aggregate", "events.parquet", "--memory-limit"],
        ["retention", "events.parquet", "--buckets"],
        ["retention", "events.parquet", "--bucket-seconds"],
        ["validate", "events.parquet", "--examples"],
        ["delete-user", "nowhere", "--integer"],
        ["azure-etl", "--cluster", "x", "--from", "2026", "--to", "2027", "--out", "x.csv", "--lookback"],
    ],
)
def test_no_number_breaks_the_command(run, tmp_path, monkeypatch, arguments):
    for number in ("1" + "0" * 400, "1e400", "nan", "-inf", "9" * 5000, "-1", str(2**64)):
        if arguments[-1] == "--seed" and number not in ("1e400", "nan", "-inf"):
            continue  # any integer is a seed
        result = RUNNER.invoke(app, [*arguments, number], prog_name="watchspan")
        assert result.exit_code in (1, 2), (number, result.output)
        assert "Error: " in result.stderr
        assert "fault in watchspan" not in result.stderr, number
