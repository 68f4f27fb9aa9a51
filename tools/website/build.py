"""Builds the site of the documentation into target/site/html, and checks that nothing on it needs a network.

    python tools/website/build.py

The pages are those of the repository, at the same places, so that links lead to the same files. What stands
at the side is read from docs/index.md. Any warning is an error.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SITE = ROOT / "target" / "site"
PAGES, HTML = SITE / "pages", SITE / "html"
KINDS = (
    "*.md",
    "docs/**/*.md",
    "docs/**/*.svg",
    "queries/*.kql",
    "notebooks/*.py",
    "tests/scenarios/*.md",
    "examples/tracker/*.js",
)
# What stands at the side below these pages is what they list.
INDEXES = ("index.md", "vocabularies.md")
LINK = re.compile(r"^(?:\* |## )\[([^\]]+)\]\(([^)#]+\.md)\)", re.MULTILINE)
# The theme takes this script from elsewhere unless told otherwise.
SHIM, OWN_SHIM = "https://unpkg.com/iframe-worker/shim", "assets/javascripts/iframe-worker.js"
# Where the theme takes from whatever it does not bring along: in scripts of a page too, which no tag shows.
CDN = "unpkg.com"
Entry = dict[str, "str | list[Entry]"]


def main() -> int:
    """Builds and checks; what is wrong is printed, a line each."""
    stage()
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    built = subprocess.run(command, cwd=SITE, check=False, capture_output=True, text=True)
    print(built.stdout + built.stderr, end="")
    # Warnings of what reads the docstrings are not among those that --strict is about.
    if built.returncode or "griffe:" in built.stdout + built.stderr:
        return 1
    keep_shim()
    pages = sorted(HTML.rglob("*.html"))
    problems = [problem for page in pages for problem in check(page)] + list(undocumented())
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(pages)} pages are in {HTML.relative_to(ROOT)}: open index.html")
    return 1 if problems or len(pages) < 40 else 0


def stage() -> None:
    """Copies the pages, what they link to, and the configuration."""
    shutil.rmtree(SITE, ignore_errors=True)
    for kind in KINDS:
        found = sorted(ROOT.glob(kind))
        if not found:
            raise FileNotFoundError(f"There is no {kind} in {ROOT}.")
        for path in found:
            target = PAGES / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    text = (HERE / "zensical.toml").read_text(encoding="utf-8")
    entries: list[Entry] = [{"watchspan": "README.md"}, *navigation()]
    (SITE / "zensical.toml").write_text(text.replace("nav = []", f"nav = {toml(entries)}"), encoding="utf-8")


def navigation() -> Iterator[Entry]:
    """The sections of docs/index.md with their pages; a page that is an index has its own pages below it."""
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        entries = [{title: below(ROOT / "docs" / target)} for title, target in LINK.findall(section)]
        yield {section.split("\n", 1)[0]: entries}


def below(page: Path) -> str | list[Entry]:
    """A page as an entry, with those that it lists if it is an index."""
    place = page.resolve().relative_to(ROOT).as_posix()
    if page.name not in INDEXES:
        return place
    listed = LINK.findall(page.read_text(encoding="utf-8"))
    return [{"All": place}, *({title: below(page.parent / target)} for title, target in listed)]


def toml(value: str | list[Entry] | Entry) -> str:
    """The value as TOML."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"


def keep_shim() -> None:
    """Takes the script that the theme would fetch from where npm put it.

    Raises:
        LookupError: If no page would fetch it: the theme then takes it from another place.
    """
    shutil.copyfile(HERE / "node_modules" / "iframe-worker" / "shim" / "index.js", HTML / OWN_SHIM)
    pages = {page: page.read_text(encoding="utf-8") for page in HTML.rglob("*.html")}
    fetching = {page: text for page, text in pages.items() if SHIM in text}
    if not fetching:
        raise LookupError(f"None of {len(pages)} pages takes a script from {SHIM}: what does the theme need?")
    for page, text in fetching.items():
        up = "../" * (len(page.relative_to(HTML).parts) - 1)
        page.write_text(text.replace(SHIM, up + OWN_SHIM), encoding="utf-8")


class References(HTMLParser):
    """What a page loads, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes addresses; a diagram would load what draws it."""
        values = {name: value or "" for name, value in attrs}
        if "mermaid" in values.get("class", "").split():
            self.loaded.append("https://unpkg.com/mermaid")
        if tag == "a":
            self.links.append(values.get("href", ""))
        elif "src" in values or tag == "link":
            self.loaded.append(values.get("src") or values.get("href", ""))


def check(page: Path) -> Iterator[str]:
    """What a page loads from elsewhere, and its links within the site that lead nowhere."""
    found = References()
    text, name = page.read_text(encoding="utf-8"), page.relative_to(HTML)
    found.feed(text)
    if CDN in text:
        yield f"{name} names {CDN}, from where a script of it would load"
    loaded = [*found.loaded, *styles(page.parent, found.loaded)]
    if not loaded:
        yield f"{name} loads nothing at all, not even its style"
    yield from (f"{name} loads {address}" for address in loaded if is_elsewhere(address))
    for address in found.links + found.loaded:
        path = unquote(address.partition("#")[0].partition("?")[0])
        # The page for what is not found is shown at any address, so its links begin at the site's root.
        within = path and not is_elsewhere(address) and page.name != "404.html"
        if within and not (page.parent / path).is_file():
            yield f"{name} leads to {address}, which is not there"


def is_elsewhere(address: str) -> bool:
    """Whether an address is not one of the site's own files."""
    return address.startswith(("http:", "https:", "//"))


def styles(folder: Path, addresses: list[str]) -> Iterator[str]:
    """What the site's own styles among `addresses` load."""
    for address in addresses:
        if address.endswith(".css") and not is_elsewhere(address) and (folder / address).is_file():
            text = (folder / address).read_text(encoding="utf-8")
            yield from (found for found in re.findall(r"(?:url\(|@import )[\"']?([^\"')]+)", text))


def undocumented() -> Iterator[str]:
    """Public names that no page of docs/api has."""
    for page in sorted((ROOT / "docs" / "api").glob("*.md")):
        text = (HTML / "docs" / "api" / f"{page.stem}.html").read_text(encoding="utf-8")
        shown = set(re.findall(r'id="(watchspan\.[\w.]+)"', text))
        for module in re.findall(r"^::: ([a-z.]+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            for name, places in public(module).items():
                if not places & shown:
                    yield f"{page.name} does not have {module}.{name}"


def public(module: str) -> dict[str, set[str]]:
    """The functions and classes in a module's `__all__`, or all public classes where it has none.

    Each has the whole names by which a page may show it: that of the module, and that of where it is defined.
    """
    place = ROOT / "python" / module.replace(".", "/")
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    if not path.is_file():  # the directive names a function or a class
        return {}
    tree = ast.parse(path.read_text(encoding="utf-8")).body
    lists = [each.value for each in tree if isinstance(each, ast.Assign) and is_all(each)]
    if not lists:
        return {each.name: {f"{module}.{each.name}"} for each in tree if isinstance(each, ast.ClassDef)}
    origins = {
        alias.name: each.module for each in tree if isinstance(each, ast.ImportFrom) for alias in each.names
    }
    names = (name for name in ast.literal_eval(lists[0]) if name[0] != "_" and not name.isupper())
    return {
        name: {f"{module}.{name}", f"{origins.get(name, module)}.{name}"}
        for name in names
        if origins.get(name) != module  # these are modules
    }


def is_all(statement: ast.Assign) -> bool:
    """Whether a statement says what `__all__` is."""
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in statement.targets)


if __name__ == "__main__":
    sys.exit(main())
