"""The page out of its parts: templates, scripts, styles, data."""

from __future__ import annotations

import base64
import hashlib
import html
from functools import lru_cache
from pathlib import Path
from string import Template
from typing import Any

from watchspan.plots.files import drawing_script
from watchspan.text import to_json, visible

_HERE = Path(__file__).parent
_SCRIPTS = ("vendored/dataTables.min.js", "page/data.js", "page/charts.js", "page/tables.js", "page/page.js")


def page(title: str, blocks: dict[str, Any]) -> str:
    """The page as text.

    Args:
        title: What it is called.
        blocks: Data by name, each of which becomes an element of its own that no browser runs.
    """
    style = _read("page/page.css")
    scripts = [_vega(), *(_closed(_read(name)) for name in _SCRIPTS)]
    return Template(_read("page/page.html")).substitute(
        title=html.escape(visible(title)),
        policy=_policy(scripts, style),
        style=f"<style>{style}</style>",
        data="\n".join(
            f'<script type="application/json" id="data-{name}">{_json(block)}</script>'
            for name, block in blocks.items()
        ),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
        licences=html.escape(
            "\n".join(_read(f"vendored/{name}.License.txt") for name in ("dataTables", "vega"))
        ),
    )


def _policy(scripts: list[str], style: str) -> str:
    """Nothing runs, and nothing is fetched, but what is in the page by its hash."""
    sources = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {sources}; style-src {_hash(style)}; base-uri 'none'; "
        "form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(block: Any) -> str:
    """JSON that nothing in it can end."""
    return to_json(block).replace("<", "\\u003c")


def _closed(script: str) -> str:
    """A script that does not seem to end before its end."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


@lru_cache
def _vega() -> str:
    return _closed(drawing_script())


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
