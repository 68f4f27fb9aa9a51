"""What rows come to: totals, days, cohorts, segments and completion, as tables."""

from __future__ import annotations

from watchspan.insight.totals import user_totals, video_totals

__all__ = ["user_totals", "video_totals"]
