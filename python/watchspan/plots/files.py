"""Charts as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import vl_convert

from watchspan.errors import OptionError
from watchspan.text import shown_path

_FORMATS = ("svg", "png", "pdf", "html")
_PNG_SCALE = 2


def save(chart: Any, path: str | Path) -> None:
    """Writes a chart to a file, without a browser and without the network.

    Args:
        chart: One of the charts of this package, or any other of Altair's.
        path: Where to; its suffix says as what: `.svg`, `.png`, `.pdf`, or `.html`, a page on its own.

    Raises:
        OptionError: If it is none of these.
        OSError: If it cannot be written.

    >>> import watchspan as ws
    >>> from watchspan import plots
    >>> chart = plots.tiers(ws.aggregate([]))
    >>> plots.save(chart, "tiers.bmp")
    Traceback (most recent call last):
    watchspan.errors.OptionError: path is 'tiers.bmp', but a name in .svg, .png, .pdf or .html is needed.
    """
    place = Path(path)
    kind = place.suffix[1:].lower()
    if kind not in _FORMATS:
        named = shown_path(str(path))
        raise OptionError(f"path is {named}, but a name in .svg, .png, .pdf or .html is needed.")
    if kind == "html":
        place.write_text(html(chart), encoding="utf-8")
    elif kind == "png":
        chart.save(str(place), scale_factor=_PNG_SCALE)
    else:
        chart.save(str(place))


def html(chart: Any) -> str:
    """A page that is nothing but the chart, as text: for `displayHTML` of a notebook, say.

    Args:
        chart: As for `save`. What draws it is in the page; nothing is fetched.
    """
    # A title that ends the script would go on as a page of its own.
    page: str = chart.to_html(inline=True, json_kwds={"cls": _ScriptEncoder})
    return page


def drawing_script() -> str:
    """The script that draws charts, for a page: Vega, and `vegaEmbed` as a name of the window."""
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script


class _ScriptEncoder(json.JSONEncoder):
    """JSON that can stand in a page: nothing in it ends the element that it is in."""

    def encode(self, o: Any) -> str:
        """The value as text."""
        return super().encode(o).replace("<", "\\u003c")
