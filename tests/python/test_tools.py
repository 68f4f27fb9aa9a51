"""The generators of tools/: what they refuse, and that they see every file."""

from __future__ import annotations

from pathlib import Path

import pytest

import generate
from reference_pages import link
from scenario_pages import scenario_pages
from stories import THEMES, Story, load_stories, shown_by

ROOT = Path(__file__).resolve().parents[2]
STORIES = load_stories(ROOT / "tests" / "scenarios")


def test_generated_files_are_current() -> None:
    files = generate.generated()
    assert len(files) >= 40
    assert generate.outdated(files) == []


def test_what_is_changed_or_left_over_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"same.kql": "a", "changed.kql": "b", "left.kql": "c"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(generate, "WHOLE", ((tmp_path, "*.kql"),))
    files = {tmp_path / "same.kql": "a", tmp_path / "changed.kql": "B", tmp_path / "new.kql": "d"}
    found = generate.outdated(files)
    assert [path.name for path in found] == ["changed.kql", "new.kql", "left.kql"]
    for path in found:
        generate.write(path, files.get(path))
    assert generate.outdated(files) == []


def test_every_story_is_on_one_page() -> None:
    pages = scenario_pages(STORIES)
    assert set(pages) == {"index.md", *(f"{theme}.md" for theme in THEMES)}
    assert len(STORIES) >= 100
    for story in STORIES:
        told = [name for name, text in pages.items() if f'<a id="{story.name}"></a>' in text]
        assert told == [f"{story.theme}.md"]
        assert story.link() in pages["index.md"]


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(ValueError, match="has the theme cooking, but there are: watching, "):
        scenario_pages([Story("01-a", {"theme": "cooking"})])


def test_what_no_story_or_two_show_is_refused() -> None:
    with pytest.raises(ValueError, match="No story in tests/scenarios shows nosuch"):
        link("nosuch", shown_by(STORIES))
    with pytest.raises(ValueError, match="Both 01-a and 02-b are said to show reach"):
        shown_by([Story(name, {"shows": ["reach"]}) for name in ("01-a", "02-b")])
