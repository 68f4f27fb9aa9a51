"""The words that both pages use, the report and the live one, and how they write values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchspan.insight.cohorts import WEEKS

# Between two positions, and for what nobody knows.
DASH = "\u2013"
# What of a moment is told; sizes with their intervals.
MOMENTS = {
    "intro": "{span}: {size} got past the beginning.",
    "steady": "{span}: held best; only {size} of those there left.",
    "dip": "{span}: passed over; the share of viewers who do so is {size} higher than beside it.",
    "spike": "{span}: watched again; {size} plays per viewer more than beside it.",
    "drop": "{span}: viewers leave; the share of those still there who do so is {size} higher than beside "
    "it.",
    "end": "{span}: {size} got to the end.",
}
# The figures of all rows: their names, what they are called, and how they are written.
OVERVIEW = (
    ("users", "Viewers", "count"),
    ("videos", "Videos", "count"),
    ("sessions", "Sessions", "count"),
    ("events", "Events", "count"),
    ("watch_time_hours", "Hours watched", "number"),
    ("completion_rate", "Completion rate", "share"),
    ("median", "Median watch time", "clock"),
)
SENTENCES = {
    "clean": "{clean} of {rows} rows, one for each viewer of a video, carry no flag.",
    "hidden": "The {shown} videos with the most hours are shown. The other {more}, with {hours} hours, are "
    "in these totals only.",
    "noVideo": "No video was watched.",
    "few": "too few for key moments, and every share is rough",
    "guessed": "its duration is a guess from how far anybody watched, and so is every share of it",
    "noCurves": "without a duration there are no curves",
    "nobodyMature": "(nobody came long enough ago to tell)",
    "cohorts": "Of those who began in a week, how many had a session in each week after it. A dashed frame: "
    f"that week is not over. At most the newest {WEEKS} weeks are shown, and {WEEKS} of each.",
    "noSessions": "There are no sessions.",
    "kinds": "Kinds of viewers; each is of the first kind that applies",
}
# What charts are called.
CHARTS = {
    "tiers": "Engagement tiers",
    "scores": "Engagement scores",
    "retention": "Who watched each part",
    "rewatched": "What was watched again",
    "leaving": "Where viewers left for good",
    "completion": "Of those who got that far, who finished",
    "comparison": "What changed",
    "cohorts": "Who came back, by the week of the first session",
}


def told(value: Any, kind: str) -> str:
    """A value as text, as the page's own `shown` writes it.

    Args:
        value: The value; None if nobody knows it.
        kind: How it is written, as `figures.kind` names it.

    >>> told(0.1234, "share"), told(1234, "count"), told(3725.2, "clock")
    ('12.3%', '1,234', '1:02:05')
    """
    if value is None:
        return DASH
    if kind == "share":
        return f"{value:.1%}"
    if kind == "number":
        return f"{value:,.1f}"
    if kind == "count":
        return f"{value:,}"
    return clock(value) if kind == "clock" else str(value)


def clock(seconds: float) -> str:
    """A position in a video as people write it.

    >>> clock(59.6), clock(3600)
    ('1:00', '1:00:00')
    """
    minutes, second = divmod(int(seconds + 0.5), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def moment(found: Mapping[str, Any]) -> str:
    """A moment in words.

    Args:
        found: A row of `watchspan.moments`.
    """
    sign = -1 if found["kind"] == "dip" else 1
    low, high = sorted((sign * found["sizeLow"], sign * found["sizeHigh"]))

    def size(value: float) -> str:
        return f"{value:.2f}" if found["kind"] == "spike" else told(value, "share")

    span = f"{clock(found['startSeconds'])}{DASH}{clock(found['endSeconds'])}"
    interval = f"{size(sign * found['size'])} ({size(low)} to {size(high)})"
    return MOMENTS[found["kind"]].format(span=span, size=interval)
