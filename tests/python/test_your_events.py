"""The page that leads from a raw log to the first rows: what it shows is what comes out."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from pathlib import Path

import pytest

from support.commands import RUNNER
from watchspan.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "your_events.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILES = {"json": ("lesson.jsonl", "player.jsonl"), "toml": ("our_player.toml",)}


def blocks(*languages):
    """The blocks in these languages, in the page's order, each with its language."""
    return [found for found in BLOCK.findall(PAGE) if found[0] in languages]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the files that the page shows."""
    for language, names in FILES.items():
        shown = blocks(language)
        assert len(shown) == len(names)
        for name, (_, text) in zip(names, shown):
            assert f"`{name}`" in PAGE
            (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_python_prints_what_the_page_shows():
    found = blocks("python", "text")
    assert [language for language, _ in found] == ["python", "text"] * (len(found) // 2)
    assert len(found) >= 10
    names = {}
    for (_, code), (_, shown) in zip(found[::2], found[1::2]):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "your_events.md", "exec"), names)
        assert printed.getvalue() == shown, code


def test_commands_run(folder):
    lines = [line for _, block in blocks("sh") for line in block.splitlines()]
    assert len(lines) >= 8
    for line in lines:
        command, _, output = line.partition(" > ")
        words = shlex.split(command)
        assert words[0] == "watchspan"
        done = RUNNER.invoke(app, words[1:], prog_name="watchspan")
        assert done.exit_code == 0, (line, done.output)
        if output:
            (folder / output).write_text(done.stdout, encoding="utf-8")
    reread = ["aggregate", "lesson.jsonl", "--preset", "our_vimeo.toml", "-o", "-"]
    assert json.loads(RUNNER.invoke(app, reread).stdout)["totalWatchTime"] == 40.857


def test_the_known_player_is_one_of_the_samples():
    lines = blocks("json")[0][1].splitlines()
    sample = (ROOT / "tests" / "presets" / "vimeo.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 5
    assert [line for line in lines if line not in sample] == []
