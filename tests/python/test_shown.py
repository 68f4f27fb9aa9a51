"""Each rule, weight, drop reason and flag is linked to a story in which it makes a difference."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import watchspan as ws
from support.scenarios import FOLDER, Scenario, arrow_tables, load_scenario
from watchspan import _core

DOCS = Path(__file__).resolve().parents[2] / "docs"
RULES = [spec["name"] for spec in _core.rule_specs()]
WEIGHTS = [spec["name"] for spec in _core.scoring_specs()]
# No event in memory is a line that cannot be read: files have these.
REASONS = [name for name, _ in _core.drop_reasons() if name != "unreadable"]
FLAGS = [name for name, _ in _core.flag_specs()]


def shown_by(page: str, name: str) -> Scenario:
    """The story that a reference page links in the line of that name."""
    text = (DOCS / page).read_text(encoding="utf-8")
    lines = re.findall(rf"^\| `{name}` \|.*\]\(scenarios/[a-z]+\.md#([\w-]+)\) \|$", text, re.MULTILINE)
    assert len(lines) == 1, f"{page} links {len(lines)} stories for {name}"
    return load_scenario(FOLDER / f"{lines[0].replace('-', '_')}.story.json")


def tables(story: Scenario, *, rules: dict[str, Any], scoring: dict[str, Any]) -> tuple[Any, Any]:
    """The session and the engagement rows of a story with these options."""
    events, videos = arrow_tables(story)
    judged = {"vocabulary": story.vocabulary, "rules": ws.Rules(**rules)}
    scored = {"scoring": ws.Scoring(**scoring), "unique_seconds": story.unique_seconds}
    return ws.sessions(events, **judged), ws.aggregate(events, videos=videos, **judged, **scored)


def test_the_names_are_found() -> None:
    assert (len(RULES) >= 14, len(WEIGHTS) >= 13, len(REASONS) >= 6, len(FLAGS) >= 8) == (True,) * 4


@pytest.mark.parametrize("name", RULES)
def test_rule(name: str) -> None:
    story = shown_by("rules.md", name)
    others = {key: value for key, value in story.rules.items() if key != name}
    assert tables(story, rules=story.rules, scoring=story.scoring) != tables(
        story, rules=others, scoring=story.scoring
    )


@pytest.mark.parametrize("name", WEIGHTS)
def test_weight(name: str) -> None:
    story = shown_by("rules.md", name)
    others = {key: value for key, value in story.scoring.items() if key != name}
    assert tables(story, rules=story.rules, scoring=story.scoring) != tables(
        story, rules=story.rules, scoring=others
    )


@pytest.mark.parametrize("reason", REASONS)
def test_drop_reason(reason: str) -> None:
    story = shown_by("columns.md", reason)
    _, rows = tables(story, rules=story.rules, scoring=story.scoring)
    assert ws.report(rows)["dropped"][reason] == story.dropped[reason] > 0


@pytest.mark.parametrize("flag", FLAGS)
def test_flag(flag: str) -> None:
    story = shown_by("columns.md", flag)
    _, rows = tables(story, rules=story.rules, scoring=story.scoring)
    assert any(flag in flags for flags in rows["dataQualityFlags"].to_pylist())
