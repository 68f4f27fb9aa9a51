"""The generators of tools/: what they refuse, and that they see every file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import generate
from preset_pages import laid_out, preset_pages, vocabularies_page
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


def test_every_preset_has_a_page_that_the_index_lists() -> None:
    core = generate.load_core()
    pages, index = preset_pages(core, ROOT / "tests" / "presets"), vocabularies_page(core)
    for spec in core.preset_specs():
        text = pages[f"{spec['name']}.md"]
        assert f"(presets/{spec['name']}.md)" in index
        told = [*spec["columns"], *(name for name, _ in spec["names"]), *spec["rules"]]
        assert [name for name in told if f"| `{name}` |" not in text] == []
        assert spec["notes"] in text
        assert spec["source"] in text
        assert text.count("```json") == (spec["name"] != "default")


def test_what_a_source_cannot_know_follows_from_what_it_tells() -> None:
    pages = preset_pages(generate.load_core(), ROOT / "tests" / "presets")
    assert "- Sessions: they are cut where more than 30 minutes" in pages["edx.md"]
    assert "- The length of a video" in pages["peertube.md"]
    assert "- Pauses: they are not counted." in pages["ga4.md"]
    assert "- The speed" not in pages["html5.md"]


def test_records_are_laid_out_as_json_of_the_same_value() -> None:
    value = {"a": ["x" * 60, {"b": "y" * 60}, []], "c": {}, "d": 'z"' * 70}
    text = laid_out(value)
    assert json.loads(text) == value
    assert len(text.splitlines()) > 4
