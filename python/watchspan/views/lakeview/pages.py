"""The pages of the dashboard: which widgets, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from watchspan.insight.cohorts import WEEKS
from watchspan.views.lakeview.charts import Spec
from watchspan.views.lakeview.datasets import Dataset
from watchspan.views.lakeview.widgets import (
    NUMBER,
    SHARE,
    Widget,
    counter,
    heatmap,
    picker,
    table,
    text,
    vega,
    xy,
)

# A page is so many columns wide.
_COLUMNS = 12
# A row: how high it is, and widgets side by side that share its width.
_Row = tuple[int, Sequence[Widget]]
_TALL, _LOW = 8, 3


def pages(asked: Mapping[str, Dataset], charts: Mapping[str, Spec]) -> list[dict[str, Any]]:
    """The pages in order: how far rows can be trusted, then what they say."""
    return [
        _page("quality", "Data quality", _quality(asked)),
        _page("overview", "Overview", _overview(asked, charts)),
        _page("video", "Video", _video(asked, charts)),
        _page("cohorts", "Cohorts", _cohorts(asked, charts)),
    ]


def _page(name: str, title: str, rows: Sequence[_Row]) -> dict[str, Any]:
    layout, y = [], 0
    for height, widgets in rows:
        width = _COLUMNS // len(widgets)
        for number, widget in enumerate(widgets):
            position = {"x": number * width, "y": y, "width": width, "height": height}
            layout.append({"widget": widget, "position": position})
        y += height
    return {
        "name": name,
        "displayName": title,
        "pageType": "PAGE_TYPE_CANVAS",
        "layoutVersion": "GRID_V1",
        "layout": layout,
    }


def _quality(asked: Mapping[str, Dataset]) -> list[_Row]:
    figures, flags, sources = asked["quality"], asked["flags"], asked["sources"]
    return [
        (2, [text("quality-words", "## How far can the rows be trusted?\nEach row is a viewer of a video.")]),
        (
            _LOW,
            [
                counter("rows", "Rows", figures, "rows", NUMBER),
                counter("flagged", "Flagged", figures, "flaggedShare", SHARE),
                counter("estimated", "Estimated duration", figures, "estimatedShare", SHARE),
                counter("unknown", "No duration", figures, "unknownShare", SHARE),
            ],
        ),
        (
            _LOW,
            [
                counter("newest", "Newest event", figures, "newestEvent", None),
                counter("rejected", "Rejected segments", figures, "rejectedSegments", NUMBER),
                counter("open", "Stops never seen", figures, "openSegments", NUMBER),
                counter("unobserved", "Unobserved hours", figures, "unobservedHours", NUMBER),
            ],
        ),
        (
            _TALL,
            [
                xy(
                    "flag-bars", "Rows by flag", flags, "bar",
                    ("flag", "Flag", "categorical"), [("rows", "Rows")],
                ),
                xy(
                    "source-bars", "Where durations are from", sources, "bar",
                    ("source", "Source", "categorical"), [("rows", "Rows"), ("videos", "Videos")],
                ),
            ],
        ),
        (
            _TALL,
            [
                table(
                    "flagged-videos", "Videos and their flagged rows", asked["videos"],
                    {
                        "video": "Video", "viewers": "Viewers", "flaggedShare": "Flagged",
                        "lastWatchDate": "Last event",
                    },
                )
            ],
        ),
    ]  # fmt: skip


def _overview(asked: Mapping[str, Dataset], charts: Mapping[str, Spec]) -> list[_Row]:
    figures, days, tiers, scores = (asked[name] for name in ("overview", "days", "tiers", "scores"))
    day = ("day", "Day (UTC)", "temporal")
    return [
        (
            _LOW,
            [
                counter("viewers", "Viewers", figures, "viewers", NUMBER),
                counter("videos", "Videos", figures, "videos", NUMBER),
                counter("hours", "Hours watched", figures, "watchHours", NUMBER),
                counter("completion", "Completed", figures, "completionRate", SHARE),
                counter("coverage", "Watched of the video", figures, "coverage", SHARE),
                counter("score", "Score", figures, "averageScore", NUMBER),
            ],
        ),
        (
            _TALL,
            [
                xy("hours-by-day", "Hours watched by day", days, "bar", day, [("watchHours", "Hours")]),
                xy(
                    "viewers-by-day", "Viewers and sessions by day", days, "line", day,
                    [("viewers", "Viewers"), ("sessions", "Sessions")],
                ),
            ],
        ),
        (
            _TALL,
            [
                vega("tiers-chart", "Tiers", tiers, charts["tiers"]),
                xy("tier-bars", "Tiers", tiers, "bar", ("tier", "Tier", "categorical"), [("rows", "Rows")]),
            ],
        ),
        (
            _TALL,
            [
                vega("scores-chart", "Scores", scores, charts["scores"]),
                xy(
                    "score-bars", "Scores", scores, "bar",
                    ("from", "From", "quantitative"), [("rows", "Rows")],
                ),
            ],
        ),
        (
            _TALL,
            [
                table(
                    "top-videos", "Most watched videos", asked["videos"],
                    {
                        "video": "Video", "viewers": "Viewers", "sessions": "Sessions", "watchHours": "Hours",
                        "completionRate": "Completed", "coverage": "Watched", "averageScore": "Score",
                        "rewatchedShare": "Rewatched",
                    },
                )
            ],
        ),
    ]  # fmt: skip


def _video(asked: Mapping[str, Dataset], charts: Mapping[str, Spec]) -> list[_Row]:
    chosen, reached, positions = asked["chosen"], asked["reached"], asked["positions"]
    at = ("startSeconds", "Position (s)", "quantitative")
    targets = [dataset for dataset in asked.values() if dataset.of_one_video]
    return [
        (2, [picker("video-picker", "Video", asked["videos"], targets)]),
        (
            _LOW,
            [
                counter("video-name", "Video", chosen, "video", None),
                counter("video-viewers", "Viewers", chosen, "viewers", NUMBER),
                counter("video-hours", "Hours watched", chosen, "watchHours", NUMBER),
                counter("video-completion", "Completed", chosen, "completionRate", SHARE),
            ],
        ),
        (
            _TALL,
            [
                vega("retention-chart", "Viewers who watched each part", positions, charts["positions"]),
                xy(
                    "retention-line", "Viewers who watched each part", positions, "line", at,
                    [("retention", "Share of viewers")],
                ),
            ],
        ),
        (
            _TALL,
            [
                vega("rewatched-chart", "Watched again", positions, charts["rewatched"]),
                xy(
                    "rewatched-line", "Watched again", positions, "line", at,
                    [("retention", "Watched"), ("again", "Watched, also again")],
                ),
            ],
        ),
        (
            _TALL,
            [
                xy(
                    "reached-bars", "How far viewers got", reached, "bar",
                    ("percent", "% of the video reached", "categorical"), [("share", "Share of viewers")],
                )
            ],
        ),
    ]  # fmt: skip


def _cohorts(asked: Mapping[str, Dataset], charts: Mapping[str, Spec]) -> list[_Row]:
    cohorts = asked["cohorts"]
    words = (
        "## Who comes back?\nA cohort is who began in a week (UTC); period 0 is that week. The last period "
        f"of each is not over yet. At most the newest {WEEKS} weeks are shown, and {WEEKS} of each."
    )
    return [
        (2, [text("cohort-words", words)]),
        (12, [vega("cohorts-chart", "Share who came back", cohorts, charts["cohorts"])]),
        (12, [heatmap("cohort-cells", "Share who came back", cohorts, "period", "who", "share")]),
        (
            _TALL,
            [
                table(
                    "cohort-table", "Cohorts", cohorts,
                    {
                        "cohort": "Week", "period": "Weeks later", "cohortUsers": "Began",
                        "activeUsers": "Active", "share": "Share", "watchHours": "Hours",
                        "isPartial": "Not over yet",
                    },
                )
            ],
        ),
    ]  # fmt: skip
