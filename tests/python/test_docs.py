"""The pages: examples are Python, links lead somewhere, commands exist, and each page is found."""

import re
import shlex
from pathlib import Path

import pytest

from watchspan.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
INDEX = DOCS / "index.md"
# Pages that list others of their kind; the site's navigation has them too.
INDEXES = {"index.md", "vocabularies.md"}


def blocks(page, language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_pages_are_found():
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}
    found = {
        "docs/databricks.md",
        "docs/scenarios/seeks.md",
        "docs/api/spark.md",
        "README.md",
        "ARCHITECTURE.md",
    }
    assert found <= names
    assert len(names) >= 50


def test_python_blocks_compile():
    found = [(page.name, block) for page in PAGES for block in blocks(page, "python|py")]
    assert len(found) >= 7
    for name, block in found:
        compile(block, name, "exec")


def links(page):
    """The files that a page links to, each with an anchor or none, and the link as it stands there."""
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if "://" not in target:
            yield (page.parent / path).resolve() if path else page, anchor, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for linked, anchor, target in links(page):
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked), f"{page.name} links to {target}"


def reached(start):
    """The pages that links lead to from one of them, and itself."""
    found, left = set(), [start]
    while left:
        page = left.pop()
        if page not in found:
            found.add(page)
            left += [linked for linked, _, _ in links(page) if linked.suffix == ".md"]
    return found


def test_every_page_is_reached_from_the_index_and_that_from_the_readme():
    assert INDEX in {linked for linked, _, _ in links(ROOT / "README.md")}
    found = reached(INDEX)
    assert len(found) >= 50
    assert set(PAGES) - found == set()


def test_the_index_lists_every_page_itself_or_through_an_index():
    listed = {linked for linked, _, _ in links(INDEX)}
    below = {linked for page in listed if page.name in INDEXES for linked, _, _ in links(page)}
    pages = set(DOCS.rglob("*.md")) - {INDEX}
    assert len(pages) >= 45
    assert pages - listed - below == set()


def named_paths(tree):
    """The paths of a drawn tree: two spaces of indentation for each folder, several names with commas."""
    folders = []
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r", ", re.split(r"\s{2,}", line.strip())[0])
        del folders[depth:]
        yield from ("".join(folders) + name for name in names)
        folders.append(names[0])


def test_every_path_in_the_architecture_exists():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = [path for tree in blocks(ROOT / "ARCHITECTURE.md", "text") for path in named_paths(tree)]
    told = re.findall(r"`([\w.]+/[\w./]*)`", text)
    assert len(drawn) >= 90
    assert len(told) >= 40
    assert [path for path in drawn + told if not (ROOT / path).exists()] == []


def test_the_architecture_names_every_module():
    drawn = {
        (ROOT / path).with_suffix("")
        for tree in blocks(ROOT / "ARCHITECTURE.md", "text")
        for path in named_paths(tree)
    }
    modules = {
        path.with_suffix("")
        for folder in (ROOT / "src" / "engine", ROOT / "python" / "watchspan")
        for path in folder.iterdir()
        if path.suffix in {".rs", ".py", ".pyi"} or (path.is_dir() and path.name != "__pycache__")
    }
    assert len(modules) >= 40
    assert modules - drawn == set()


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them, and those that it sets itself."""
    text = page.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    return made | set(re.findall(r'(?:id|name)="([^"]+)"', text))


def test_commands_exist():
    found = [block.replace("\\\n", " ") for page in PAGES for block in blocks(page, "sh")]
    lines = [line for block in found for line in block.splitlines()]
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("watchspan ")]
    assert len(commands) >= 4
    for words in commands:
        assert words[1] in app.commands, words
        known = {option for option in app.commands[words[1]].params for option in option.opts}
        assert {word for word in words if word.startswith("-")} <= known, words
