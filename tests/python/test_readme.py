"""The README's examples run as they stand."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import watchspan as ws
from watchspan import sample

README = Path(__file__).resolve().parents[2] / "README.md"


def blocks(language):
    """The README's code blocks in that language."""
    found = re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"the README has no {language} block"
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the files that the README speaks of."""
    (tmp_path / "events").mkdir()
    events = sample.events(2000, seed=3)
    pq.write_table(events.slice(0, 1000), tmp_path / "events" / "1.parquet")
    pq.write_table(events.slice(1000), tmp_path / "events" / "2.parquet")
    pq.write_table(sample.videos(seed=3), tmp_path / "videos.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python(folder, capsys):
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "'read': 2000" in printed


def test_shell(folder):
    lines = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("watchspan ")]
    assert len(commands) >= 3
    for command in commands:
        arguments = ["welcome" if word == "intro-video" else word for word in command[1:]]
        done = subprocess.run(
            [sys.executable, "-m", "watchspan", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
    rows = ws.aggregate("events/*.parquet", videos="videos.parquet")
    assert pq.read_table(folder / "engagement.parquet").equals(rows)


def test_calls_exist():
    named = set(re.findall(r"\bws\.(\w+)\(", README.read_text(encoding="utf-8")))
    assert len(named) >= 7
    assert named <= set(ws.__all__)


def test_the_table_on_the_first_screen_is_what_comes_out():
    text = README.read_text(encoding="utf-8")
    lines = [line.strip("| ").split(" | ") for line in re.findall(r"^\| .*\|$", text, re.MULTILINE)]
    start = next(number for number, line in enumerate(lines) if line[0] == "userId")
    names, shown = lines[start], lines[start + 1 : start + 6]
    rows = ws.aggregate(sample.events(10_000), videos=sample.videos()).select(names).to_pylist()
    made = [
        [f"{value:g}" if isinstance(value, float) else str(value) for value in row.values()] for row in rows
    ]
    assert text.index("userId |") < text.index("## ")
    assert len({tuple(line) for line in shown}) == 5
    assert [line for line in shown if line not in made] == []
