"""docs/testing.md: its example runs as it stands there, fails as it says, and its command prints checks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import watchspan as ws
from support.judged_rows import LAWS
from watchspan import _core
from watchspan.cli.app import app
from watchspan.testing import checks

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "testing"
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Path:
    """A copy of the example."""
    shutil.copytree(EXAMPLES, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return pytester.path


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "error", *arguments)


def test_the_example_runs(pytester: pytest.Pytester, folder: Path) -> None:
    result = run(pytester)
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["rewatch.story.json .*"])


def test_its_failure_is_the_one_that_is_shown(pytester: pytest.Pytester, folder: Path) -> None:
    shown = (EXAMPLES / "failure.txt").read_text(encoding="utf-8")
    assert f"```text\n{shown}```" in PAGE
    story = folder / "rewatch.story.json"
    text = story.read_text(encoding="utf-8")
    assert '"totalWatchTime": 40' in text
    assert 'With `"totalWatchTime": 50`' in PAGE
    story.write_text(text.replace('"totalWatchTime": 40', '"totalWatchTime": 50'), encoding="utf-8")
    result = run(pytester, story.name)
    result.assert_outcomes(failed=1)
    assert shown in "\n".join(line.rstrip() for line in result.outlines) + "\n"


def test_the_plugin_can_be_left_out(pytester: pytest.Pytester, folder: Path) -> None:
    assert "`pytest -p no:watchspan`" in PAGE
    run(pytester, "-p", "no:watchspan", "-k", "not player").assert_outcomes(passed=3, deselected=1)


def test_the_page_has_every_law_and_field() -> None:
    for law in LAWS:
        assert f"| `{law.name}` | {law.doc} |" in PAGE


def test_the_command_prints_what_the_function_gives() -> None:
    def printed(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["checks", *arguments], prog_name="watchspan")
        assert result.exit_code == code, result.output
        return result.output

    assert printed("gold.engagement") == checks("gold.engagement")
    found = json.loads(printed("gold.engagement"))
    assert len(found) == len(LAWS) + len(_core.flag_specs())
    given = ("e", "--format", "sql", "--scoring", "additive", "--rules", "very_short_seconds=3")
    rules = ws.Rules(very_short_seconds=3)
    text = checks("e", format="sql", rules=rules, scoring=ws.Scoring.additive())
    assert printed(*given) == text
    assert "totalWatchTime < 3.0e0" in text
    assert "engagementScore >= 100.0e0" in text
    assert "list_contains" in printed("e", "--format", "sql", "--dialect", "duckdb")
    assert "name of a table" in printed("a b", code=2)
    assert "dialect is 'duckdb'" in printed("e", "--dialect", "duckdb", code=2)
