"""Charts of what rows come to, as Vega-Lite: for notebooks, for files, and for the report.

Needs the extra `plots`: `pip install "watchspan[plots]"`.
"""

from __future__ import annotations

from watchspan.errors import MissingDependencyError

try:
    import altair as _altair
    import vl_convert as _vl_convert
except ImportError as error:
    raise MissingDependencyError(
        'Charts need the packages altair and vl-convert-python: pip install "watchspan[plots]".'
    ) from error

from watchspan.plots.files import html, save
from watchspan.plots.groups import comparison
from watchspan.plots.people import cohorts, scores, tiers
from watchspan.plots.positions import completion, drop_off, retention, rewatched
from watchspan.plots.style import dark

__all__ = [
    "cohorts",
    "comparison",
    "completion",
    "dark",
    "drop_off",
    "html",
    "retention",
    "rewatched",
    "save",
    "scores",
    "tiers",
]

del _altair, _vl_convert
