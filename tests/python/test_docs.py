"""The pages of docs/: their examples are Python, their links lead somewhere, their commands exist."""

import re
import shlex
from pathlib import Path

import pytest

from watchspan.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])


def blocks(page, language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_pages_are_found():
    names = {page.name for page in PAGES}
    assert {
        "databricks.md",
        "incremental.md",
        "migration.md",
        "rollout.md",
        "metrics.md",
        "README.md",
    } <= names


def test_python_blocks_compile():
    found = [(page.name, block) for page in PAGES for block in blocks(page, "python|py")]
    assert len(found) >= 7
    for name, block in found:
        compile(block, name, "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked), f"{page.name} links to {target}"


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them, and those that it sets itself."""
    text = page.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    return made | set(re.findall(r'(?:id|name)="([^"]+)"', text))


def test_commands_exist():
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines()]
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("watchspan ")]
    assert len(commands) >= 4
    for words in commands:
        assert words[1] in app.commands, words
        known = {option for option in app.commands[words[1]].params for option in option.opts}
        assert {word for word in words if word.startswith("-")} <= known, words
