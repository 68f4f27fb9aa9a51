"""What rows come to: totals, days, cohorts, segments and completion, as tables."""

from __future__ import annotations

from watchspan.insight.cohorts import cohorts
from watchspan.insight.completion import completion_curve
from watchspan.insight.daily import daily
from watchspan.insight.segments import Segments, segments
from watchspan.insight.totals import user_totals, video_totals

__all__ = [
    "Segments",
    "cohorts",
    "completion_curve",
    "daily",
    "segments",
    "user_totals",
    "video_totals",
]
