"""Charts along a video: who is there, who watches again, who leaves, who finishes."""

from __future__ import annotations

from typing import Any

import altair as alt

from watchspan.insight.completion import wilson
from watchspan.insight.typical import length_class
from watchspan.plots.inputs import Row, matching, name_of, of_one_video, rows_of
from watchspan.plots.style import (
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    SKY,
    VERMILLION,
    finished,
    seconds_axis,
    share_axis,
)

RETENTION = (
    "videoId", "videoTitle", "users", "bucket", "startSeconds", "endSeconds", "retention", "plays",
)  # fmt: skip
MOMENTS = ("videoId", "kind", "startSeconds", "endSeconds", "size")
TYPICAL = ("lengthClass", "bucket", "p25", "median", "p75")
COMPLETION = (
    "videoId", "bucket", "startSeconds", "viewers", "completed", "probability", "probabilityLow",
    "probabilityHigh",
)  # fmt: skip
# The kinds of moments that have a place, each with a colour and a shape of its own.
SHAPES = {
    "spike": (GREEN, "triangle-up"),
    "dip": (PURPLE, "triangle-down"),
    "drop": (VERMILLION, "cross"),
    "steady": (BLUE, "square"),
}
_AT = alt.X("startSeconds:Q", axis=seconds_axis(), scale=alt.Scale(nice=False))


def retention(table: Any, moments: Any = None, typical: Any = None, *, video: Any = None) -> Any:
    """Draws which share of a video's viewers watched each part of it.

    Args:
        table: A table of `watchspan.retention`, in any form.
        moments: Key moments of the same videos, which are marked in the curve; None: no marks.
        typical: A table of `watchspan.typical` of as many buckets as `table` has, of which what is typical of
            videos about as long is drawn behind the curve; None: nothing.
        video: The id of the video to show; None if the table has but one.

    Returns:
        A chart of layers: the curve, and what was asked for.

    Raises:
        MissingColumnError: If a column is not there.
        OptionError: If the table has several videos and `video` names none of them.
        SourceError: If a table cannot be read.

    >>> import watchspan as ws
    >>> from watchspan import plots
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... }, videos={"videoId": ["v1"], "duration": [60]})
    >>> plots.retention(ws.retention(rows)).description
    'Share of the 1 viewers of v1 who watched each part: 100% at first, 0% at the end.'
    """
    curve = of_one_video(rows_of(table, RETENTION, "retention"), video)
    of = curve[0]["videoId"] if curve else video
    layers = [_curve(curve)]
    if typical is not None:
        layers = [_typical(alike(rows_of(typical, TYPICAL, "typical"), curve), curve), *layers]
    if moments is not None:
        layers.append(_marks(placed(matching(rows_of(moments, MOMENTS, "moments"), of), curve)))
    return finished(alt.layer(*layers), name_of(curve), _said(curve))


def _said(curve: list[Row]) -> str:
    if not curve:
        return "No viewers."
    first, last = curve[0], curve[-1]
    return (
        f"Share of the {first['users']:,} viewers of {name_of(curve)} who watched each part: "
        f"{first['retention']:.0%} at first, {last['retention']:.0%} at the end."
    )


def steps(curve: list[Row]) -> list[Row]:
    """A curve as a line takes it: a point where each bucket begins, and one where the last ends."""
    names = ("startSeconds", "retention", "again")
    points = [
        {**row, "again": row["plays"] and row["users"] and row["plays"] / row["users"]} for row in curve
    ]
    points += [{**point, "startSeconds": point["endSeconds"]} for point in points[-1:]]
    return [{name: point[name] for name in names} for point in points]


def _curve(curve: list[Row]) -> Any:
    base = alt.Chart(alt.Data(values=steps(curve), name="curve")).encode(x=_AT)
    share = alt.Y("retention:Q", axis=share_axis("Viewers who watched it"), scale=alt.Scale(domain=[0, 1]))
    fill = base.mark_area(interpolate="step-after", color=BLUE, opacity=0.15).encode(y=share)
    line = base.mark_line(interpolate="step-after", color=BLUE, strokeWidth=2).encode(y=share)
    return alt.layer(fill, line)


def _typical(typical: list[Row], curve: list[Row]) -> Any:
    """The middle half of videos, and their median, as long as the video."""
    base = alt.Chart(alt.Data(values=stretched(typical, curve), name="typical")).encode(x=_AT)
    band = base.mark_area(interpolate="step-after", color=GREY, opacity=0.25).encode(y="p25:Q", y2="p75:Q")
    middle = base.mark_line(interpolate="step-after", color=GREY, strokeDash=[4, 3], strokeWidth=1.5)
    return alt.layer(band, middle.encode(y="median:Q"))


def alike(typical: list[Row], curve: list[Row]) -> list[Row]:
    """What is typical of videos about as long as that of a curve."""
    named = length_class(curve[-1]["endSeconds"]) if curve else None
    return [row for row in typical if row["lengthClass"] == named]


def stretched(typical: list[Row], curve: list[Row]) -> list[Row]:
    """What is typical of each bucket, at the place that the bucket has in a video."""
    known = {row["bucket"]: row for row in typical if row["median"] is not None}
    points = [
        {**known[row["bucket"]], "startSeconds": row["startSeconds"]}
        for row in curve
        if row["bucket"] in known
    ]
    ends = [{**points[-1], "startSeconds": curve[-1]["endSeconds"]}] if points else []
    return points + ends


def placed(moments: list[Row], curve: list[Row]) -> list[Row]:
    """Moments that have a place in the curve, each with how high the curve is in their middle."""
    found = []
    for moment in moments:
        if moment["kind"] in SHAPES and curve:
            middle = (moment["startSeconds"] + moment["endSeconds"]) / 2
            there = [row["retention"] for row in curve if row["startSeconds"] <= middle]
            found.append({**moment, "middle": middle, "height": there[-1] if there else 0})
    return found


def _marks(moments: list[Row]) -> Any:
    base = alt.Chart(alt.Data(values=moments, name="moments"))
    scales = {
        "color": alt.Scale(domain=list(SHAPES), range=[color for color, _ in SHAPES.values()]),
        "shape": alt.Scale(domain=list(SHAPES), range=[shape for _, shape in SHAPES.values()]),
    }
    color = alt.Color(
        "kind:N", scale=scales["color"], title=None, legend=alt.Legend(symbolOpacity=1, symbolSize=120)
    )
    spans = base.mark_rect(opacity=0.15).encode(x="startSeconds:Q", x2="endSeconds:Q", color=color)
    points = base.mark_point(size=120, filled=True, opacity=1).encode(
        x="middle:Q", y="height:Q", color=color, shape=alt.Shape("kind:N", scale=scales["shape"], title=None)
    )
    return alt.layer(spans, points)


def rewatched(table: Any, *, video: Any = None) -> Any:
    """Draws how often each part of a video was played, beside how many watched it at all.

    Args:
        table: As for `retention`.
        video: As for `retention`.

    Returns:
        A chart of layers: plays per viewer, viewers, and between them what was watched again.

    Raises:
        WatchspanError: As `retention` does.
    """
    curve = of_one_video(rows_of(table, RETENTION, "retention"), video)
    base = alt.Chart(alt.Data(values=steps(curve), name="curve")).encode(x=_AT)
    axis = alt.Axis(title="Plays per viewer", format=".1f", tickCount=5)
    y = alt.Y("value:Q", axis=axis, scale=alt.Scale(domainMin=0))
    names = {"retention": "watched", "again": "watched, also again"}
    label = " : ".join(f"datum.key == '{key}' ? '{name}'" for key, name in names.items()) + " : ''"
    gap = base.mark_area(interpolate="step-after", color=SKY, opacity=0.35).encode(
        y="retention:Q", y2="again:Q"
    )
    lines = (
        base.transform_fold(list(names), as_=["key", "value"])
        .transform_calculate(what=label)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            y=y,
            color=alt.Color(
                "what:N", scale=alt.Scale(domain=list(names.values()), range=[BLUE, VERMILLION]), title=None
            ),
            strokeDash=alt.StrokeDash(
                "what:N", scale=alt.Scale(domain=list(names.values()), range=[[1, 0], [6, 3]]), title=None
            ),
        )
    )
    viewers = curve[0]["users"] if curve else 0
    said = f"How often the {viewers:,} viewers of {name_of(curve)} played each part, also again."
    return finished(alt.layer(gap, lines), name_of(curve), said)


def drop_off(table: Any, *, video: Any = None) -> Any:
    """Draws in which part of a video its viewers left for good, of those who did not finish it.

    Args:
        table: A table of `watchspan.completion_curve`, in any form. With `mature_days=0` it has all viewers.
        video: As for `retention`.

    Returns:
        A chart of layers: a bar for each bucket, and its interval of 95%.

    Raises:
        WatchspanError: As `retention` does.
    """
    curve = of_one_video(rows_of(table, COMPLETION, "completion_curve"), video)
    parts = leaving(curve)
    base = alt.Chart(alt.Data(values=parts, name="leaving"))
    x = alt.X(
        "part:N",
        sort=None,
        axis=alt.Axis(
            title="Part of the video, from the start", labelAngle=0, labelOverlap=True, labelSeparation=6
        ),
    )
    bars = base.mark_bar(color=VERMILLION, opacity=0.8).encode(
        x=x, y=alt.Y("share:Q", axis=share_axis("Viewers who left in it"))
    )
    spread = base.mark_rule(color=GREY, strokeWidth=2).encode(x=x, y="low:Q", y2="high:Q")
    most = max(parts, key=lambda part: part["share"], default=None)
    said = f"Most viewers left in {most['part']}: {most['share']:.0%}." if most else "No viewers."
    return finished(alt.layer(bars, spread), name_of(curve), said)


def leaving(curve: list[Row]) -> list[Row]:
    """For each bucket of a completion curve who left in it: how many, which share, and how sure that is.

    Somebody who finished left nowhere.
    """
    there = [row["viewers"] - row["completed"] for row in curve] + [0]
    found, everybody = [], curve[0]["viewers"] if curve else 0
    for row, here, further in zip(curve, there, there[1:]):
        share, low, high = wilson(here - further, everybody) if everybody else (0.0, 0.0, 0.0)
        found.append(
            {
                "part": _part(row["bucket"], len(curve)),
                "left": here - further,
                "of": everybody,
                "share": share,
                "low": low,
                "high": high,
            }
        )
    return found


def _part(bucket: int, buckets: int) -> str:
    return f"{bucket / buckets:.0%}"


def completion(table: Any, *, video: Any = None) -> Any:
    """Draws how likely somebody who got as far as each part of a video finished it.

    Args:
        table: As for `drop_off`.
        video: As for `retention`.

    Returns:
        A chart of layers: the probability, and its interval of 95%.

    Raises:
        WatchspanError: As `retention` does.
    """
    curve = of_one_video(rows_of(table, COMPLETION, "completion_curve"), video)
    points = [{**row, "reached": row["bucket"] / len(curve)} for row in curve]
    base = alt.Chart(alt.Data(values=points, name="completion")).encode(
        x=alt.X(
            "reached:Q", axis=share_axis("Part of the video that was reached"), scale=alt.Scale(domain=[0, 1])
        )
    )
    y = alt.Y("probability:Q", axis=share_axis("Finished it"), scale=alt.Scale(domain=[0, 1]))
    band = base.mark_area(color=GREEN, opacity=0.2).encode(y="probabilityLow:Q", y2="probabilityHigh:Q")
    line = base.mark_line(
        color=GREEN, strokeWidth=2, strokeDash=[8, 3], point={"color": GREEN, "shape": "diamond"}
    )
    known = [row["probability"] for row in curve if row["probability"] is not None]
    said = "Of those who began, {:.0%} finished; of those who got furthest, {:.0%}."
    return finished(
        alt.layer(band, line.encode(y=y)),
        name_of(curve),
        said.format(known[0], known[-1]) if known else "No viewers.",
    )
