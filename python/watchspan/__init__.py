"""Raw video-player events in, one engagement row per user and video out.

>>> import watchspan as ws
>>> events = {
...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
...     "userId": ["ann", "ann"],
...     "videoId": ["v1", "v1"],
...     "eventName": ["play", "pause"],
...     "currentTime": [0, 30],
... }
>>> ws.aggregate(events)["totalWatchTime"].to_pylist()
[30.0]
"""

from __future__ import annotations

# The first, so that Ctrl-C is ours as soon as may be.
from watchspan import _interrupts  # isort: split

import warnings

from watchspan import errors, kql, views
from watchspan._core import debug_build as _debug_build
from watchspan._core import version as __version__
from watchspan.api import aggregate, engagement, explain, retention, sessions, vocabulary
from watchspan.checking import Check, check
from watchspan.columns import Column
from watchspan.experiments.comparing import compare
from watchspan.experiments.metrics import Metric
from watchspan.experiments.outcome import Comparison
from watchspan.insight.cohorts import cohorts
from watchspan.insight.completion import completion_curve
from watchspan.insight.daily import daily
from watchspan.insight.moments import moments
from watchspan.insight.options import Segments
from watchspan.insight.segments import segments
from watchspan.insight.totals import user_totals, video_totals
from watchspan.insight.typical import typical
from watchspan.report import report, validate
from watchspan.report_page.writing import write_report
from watchspan.rules import Rules, Scoring
from watchspan.summary import summarize
from watchspan.viewings import sessions_of_intervals

__all__ = [
    "Check",
    "Column",
    "Comparison",
    "Metric",
    "Rules",
    "Scoring",
    "Segments",
    "__version__",
    "aggregate",
    "check",
    "cohorts",
    "compare",
    "completion_curve",
    "daily",
    "engagement",
    "errors",
    "explain",
    "kql",
    "moments",
    "report",
    "retention",
    "segments",
    "sessions",
    "sessions_of_intervals",
    "summarize",
    "typical",
    "user_totals",
    "validate",
    "video_totals",
    "views",
    "vocabulary",
    "write_report",
]

# The plugin of pytest is in the same wheel, so pytest takes the package for a part of it, and would warn of
# each program that imports it before it runs pytest. This is how it is told not to.
__doc__ = f"{__doc__}\nPYTEST_DONT_REWRITE"

if _debug_build:
    warnings.warn(
        "This is a debug build of watchspan, which is many times slower: build it with --release.",
        RuntimeWarning,
        stacklevel=2,
    )

_interrupts.package_is_loaded()
