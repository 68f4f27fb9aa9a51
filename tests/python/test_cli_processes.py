"""The command line as a process: exit codes, what goes to which stream, terminals, pipes and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import watchspan as ws
from support.commands import COMMAND, Terminal
from watchspan import sample, sources


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with events."""
    made = tmp_path_factory.mktemp("events")
    sources.write(sample.events(8_000), made / "events.parquet")
    return made


def shell(folder: Path, *arguments: Any, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command in a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **settings,
    )


def test_the_version(folder):
    assert shell(folder, "--version").stdout == f"watchspan {ws.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["aggregate", "events.parquet", "-o", "-", "-q"], 0, ""),
        (["aggregate", "nowhere.parquet"], 1, "Error: There is no file or directory 'nowhere.parquet'.\n"),
        (["aggregate", "events.parquet", "--rules", "a=1"], 2, "Error: --rules has no setting 'a'"),
    ],
)
def test_exit_codes_and_messages_of_a_process(folder, arguments, code, message):
    done = shell(folder, *arguments)
    assert done.returncode == code
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") <= 1
    assert bool(done.stdout) == (code == 0)


def test_a_pipe_gets_no_progress(folder):
    done = shell(folder, "aggregate", "events.parquet")
    assert "\x1b" not in done.stderr + done.stdout
    assert len(done.stderr.splitlines()) == 2


def test_a_terminal_without_unicode_is_enough(folder, tmp_path):
    events = pq.read_table(folder / "events.parquet")
    accented = pc.replace_substring(events["videoId"], "welcome", "caf\u00e9")
    place = events.column_names.index("videoId")
    pq.write_table(events.set_column(place, "videoId", accented), tmp_path / "events.parquet")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = shell(tmp_path, "show", "peter", "caf\u00e9", "events.parquet", env=environment)
    assert done.returncode == 0, done.stderr
    assert "caf\\xe9" in done.stdout


def test_without_its_packages_the_command_names_the_extra(folder):
    code = "import sys; sys.modules['click'] = None; from watchspan.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "Error: the command line needs click: run pip install 'watchspan[cli]'.\n"


def test_a_reader_that_leaves_is_no_error(folder):
    command = [*COMMAND, "aggregate", "events.parquet", "-o", "-", "-q"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_terminal_sees_progress(folder, tmp_path):
    shown = Terminal(folder, "aggregate", "events.parquet", "-o", tmp_path / "rows.parquet")
    assert shown.read_until(r"8,000 rows, [\d,]+ rows/s, \d+ s, [\d,]+ MB memory")
    assert shown.close() == 0
    assert "8,000 events read" in shown.text


def test_a_quiet_terminal_sees_nothing(folder, tmp_path):
    shown = Terminal(folder, "aggregate", "events.parquet", "-q", "-o", tmp_path / "rows.parquet")
    assert shown.close() == 0
    assert shown.text == ""


def test_ctrl_c_ends_with_130(folder, tmp_path):
    out = tmp_path / "events.parquet"
    shown = Terminal(folder, "generate", "--rows", 50_000_000, "--out", out)
    assert shown.read_until("rows/s")
    shown.process.send_signal(signal.SIGINT)
    assert shown.close() == 130
    assert shown.text.rstrip().endswith("Error: interrupted.")
    assert "Traceback" not in shown.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["aggregate", "sessions"])
def test_an_input_is_never_overwritten(command: str, tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text("timestamp,userId,videoId,eventName,currentTime\n2026-01-15T10:00:00Z,a,v,play,0\n")
    before = events.read_bytes()
    for given in (str(events), str(tmp_path / "*.csv"), str(tmp_path)):
        arguments = [sys.executable, "-m", "watchspan", command, given, "-o", str(events)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "also an input" in done.stderr
    assert events.read_bytes() == before
