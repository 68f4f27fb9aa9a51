"""The columns of the tables of insight, each once: name, type, unit and meaning.

Schemas, comments and `docs/columns.md` follow from them. Nothing of the package is imported here: the
generators of the docs read this file alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# How far viewers got, in percent, as the totals of videos count it.
QUARTILES = (25, 50, 75, 100)
# Types as documentation prints them. A key has the type that it has in the input.
KEY = "string or integer, as in the input"
TEXT = "string"
NUMBER = "double"
COUNT = "int64"
INSTANT = "timestamp[us, tz=UTC]"
DAY = "date32[day]"
SWITCH = "bool"


@dataclass(frozen=True)
class OutputColumn:
    """One column of an output table.

    Attributes:
        name: Its name.
        type: Its type, as documentation prints it.
        doc: What it means.
        unit: What its numbers count; empty if they count nothing.
        nullable: Whether a value of it can be null.
    """

    name: str
    type: str
    doc: str
    unit: str = ""
    nullable: bool = False


@dataclass(frozen=True)
class OutputTable:
    """One output table.

    Attributes:
        title: What it is called.
        doc: What a row of it is, and which function makes it.
        columns: Its columns, in order.
    """

    title: str
    doc: str
    columns: tuple[OutputColumn, ...]


def _share(name: str, doc: str) -> OutputColumn:
    return OutputColumn(name, NUMBER, doc, "0 to 1", nullable=True)


def _reached(percent: int) -> OutputColumn:
    return _share(
        f"reached{percent}",
        f"Rows with a `completionPercentage` of at least {percent} / rows whose duration is no estimate; "
        "null if there is none.",
    )


_HOURS = "h of content"
_COVERAGE = (
    "Sum of `totalUniqueSecondsWatched` / sum of `videoDuration`, over the rows that have both; null if none "
    "has."
)
_SCORE = OutputColumn(
    "averageScore", NUMBER, "Mean `engagementScore` of the rows that have one; null if none has.", "points",
    nullable=True,
)  # fmt: skip
_WATCH_HOURS = OutputColumn("watchHours", NUMBER, "Sum of `totalWatchTime`.", _HOURS)
_COMPLETION_RATE = OutputColumn(
    "completionRate", NUMBER, "Rows with `isCompletedAtLeastOnce` / rows.", "0 to 1"
)

VIDEO_TOTALS = OutputTable(
    "Video totals",
    "One row per video: `watchspan.video_totals`.",
    (
        OutputColumn("videoId", KEY, "The video."),
        OutputColumn(
            "videoTitle", TEXT, "Its title; the last by alphabet if its rows have several, null if none.",
            nullable=True,
        ),
        OutputColumn(
            "videoDuration", NUMBER, "Its duration; the longest if its rows have several, null if none.",
            "s of content", nullable=True,
        ),
        OutputColumn("viewers", COUNT, "Rows, of which each viewer has one.", "users"),
        OutputColumn("sessions", COUNT, "Sum of `sessionCount`.", "sessions"),
        _WATCH_HOURS,
        _COMPLETION_RATE,
        _share("coverage", _COVERAGE),
        _SCORE,
        _share(
            "rewatchedShare",
            "Sum of `rewatchedSeconds` / sum of `totalWatchTime`, over the rows that have both; null if "
            "nothing was watched.",
        ),
        OutputColumn("flaggedShare", NUMBER, "Rows with any data quality flag / rows.", "0 to 1"),
        OutputColumn("lastWatchDate", INSTANT, "The last event on it."),
        *(_reached(percent) for percent in QUARTILES),
    ),
)  # fmt: skip

_USER_TOTALS = (
    OutputColumn("userId", KEY, "The viewer."),
    OutputColumn("videos", COUNT, "Rows, of which each video has one.", "videos"),
    OutputColumn(
        "sessions", COUNT, "Sum of `sessionCount`: a session over two videos counts for each of them.",
        "sessions",
    ),
    _WATCH_HOURS,
    OutputColumn("completions", COUNT, "Sum of `completionCount`.", "completions"),
    _COMPLETION_RATE,
    _share("coverage", _COVERAGE),
    _SCORE,
    OutputColumn(
        "forwardSkipsPer10Min", NUMBER,
        "Sum of `totalForwardSkips` / sum of `totalWatchTime` in units of ten minutes; null if nothing was "
        "watched.",
        "skips per 10 min of content", nullable=True,
    ),
    OutputColumn("firstSeen", INSTANT, "The first event of the viewer."),
    OutputColumn("lastSeen", INSTANT, "The last event of the viewer."),
)  # fmt: skip
USER_TOTALS = OutputTable("User totals", "One row per user: `watchspan.user_totals`.", _USER_TOTALS)

DAILY = OutputTable(
    "Daily",
    "One row per video and local day, or hour of it: `watchspan.daily`.",
    (
        OutputColumn("videoId", KEY, "The video."),
        OutputColumn("day", DAY, "The day in the time zone that was asked for."),
        OutputColumn(
            "hour", COUNT,
            "The hour of that day, 0 to 23; one that clocks show twice is one. Null with `by=\"day\"`.",
            nullable=True,
        ),
        OutputColumn("viewers", COUNT, "Users with a session that began then.", "users"),
        OutputColumn("sessions", COUNT, "Sessions that began then.", "sessions"),
        OutputColumn("watchHours", NUMBER, "Sum of their `watchTime`, whenever it was watched.", _HOURS),
    ),
)  # fmt: skip

COHORTS = OutputTable(
    "Cohorts",
    "One row per cohort, group of videos and period: `watchspan.cohorts`.",
    (
        OutputColumn("cohort", DAY, "The first day, in UTC, of the period in which its users began."),
        OutputColumn(
            "group", TEXT, "The group of videos that is looked at alone; null without groups, and for videos "
            "that have none.", nullable=True,
        ),
        OutputColumn(
            "period", COUNT, "How many days, weeks or months after the cohort's, from 0.", "periods"
        ),
        OutputColumn("cohortUsers", COUNT, "Users of the cohort.", "users"),
        OutputColumn("activeUsers", COUNT, "Those of them with a session that began in the period.", "users"),
        OutputColumn("share", NUMBER, "`activeUsers` / `cohortUsers`.", "0 to 1"),
        OutputColumn("watchHours", NUMBER, "Sum of the `watchTime` of their sessions of the period.", _HOURS),
        OutputColumn("isPartial", SWITCH, "Whether `as_of` is in the period: more may come."),
    ),
)  # fmt: skip

COMPLETION = OutputTable(
    "Completion",
    "One row per video and bucket of positions, or per bucket: `watchspan.completion_curve`.",
    (
        OutputColumn("videoId", KEY, "The video; null with `by=\"all\"`.", nullable=True),
        OutputColumn("bucket", COUNT, "The bucket's number, from 0."),
        OutputColumn(
            "startSeconds", NUMBER,
            "Where the bucket begins; null with `by=\"all\"`, where it is a share of each row's video.",
            "s of content", nullable=True,
        ),
        OutputColumn(
            "viewers", COUNT,
            "Mature rows that got at least to the bucket's start: those that completed, and those whose last "
            "watched interval ends at or past it.", "users",
        ),
        OutputColumn("completed", COUNT, "Those of them with `isCompletedAtLeastOnce`.", "users"),
        _share("probability", "`completed` / `viewers`; null without viewers."),
        _share("probabilityLow", "Where Wilson's interval of 95% for it begins."),
        _share("probabilityHigh", "Where that interval ends."),
        OutputColumn(
            "leftOut", COUNT, "Rows of the video, or of all, that are younger than `mature_days`.", "users"
        ),
    ),
)  # fmt: skip


MOMENTS = OutputTable(
    "Moments",
    "One row per moment of a video: `watchspan.moments`.",
    (
        OutputColumn("videoId", KEY, "The video."),
        OutputColumn("videoTitle", TEXT, "Its title, if known.", nullable=True),
        OutputColumn(
            "kind", TEXT,
            "What its viewers do: `dip` (pass over it), `drop` (leave), `end` (get to the end), `intro` "
            "(get through the beginning), `spike` (watch it again), `steady` (stay).",
        ),
        OutputColumn("startSeconds", NUMBER, "Where the moment begins.", "s of content"),
        OutputColumn("endSeconds", NUMBER, "Where it ends.", "s of content"),
        OutputColumn(
            "size", NUMBER,
            "How much of it there is: `spike` plays per viewer, `dip` (negative) the share that passes over "
            "it, each less the mean of the stretches beside it; `drop` the share that leaves, less that of "
            "the buckets beside it; `intro` and `end` the share that gets there; `steady` the share that is "
            "lost.", "-1 to 1, spikes more",
        ),
        OutputColumn("sizeLow", NUMBER, "Where the interval for `size` begins.", "as `size`"),
        OutputColumn("sizeHigh", NUMBER, "Where that interval ends.", "as `size`"),
        OutputColumn(
            "viewers", COUNT,
            "Those of whom `size` is a share: all of the video, or those still there at the start of a "
            "`drop` or `steady`.", "users",
        ),
        OutputColumn(
            "z", NUMBER,
            "By how many standard errors it stands out from what is beside it, the lesser of both sides; "
            "null where nothing is compared, and where all viewers do the same.", "standard errors",
            nullable=True,
        ),
    ),
)  # fmt: skip


# Where each class of lengths begins, in minutes, and what it is called.
LENGTHS = ((0, "< 1 min"), (1, "1-3 min"), (3, "3-10 min"), (10, "10-30 min"), (30, ">= 30 min"))

TYPICAL = OutputTable(
    "Typical",
    "One row per class of lengths and bucket of positions: `watchspan.typical`.",
    (
        OutputColumn(
            "lengthClass", TEXT,
            f"How long the videos are: {', '.join(f'`{name}`' for _, name in LENGTHS)}; each begins with the "
            "first number.",
        ),
        OutputColumn("bucket", COUNT, "The bucket's number, from 0."),
        _share("p25", "The `retention` that a quarter of the videos stay below; null of fewer than 10."),
        _share("median", "The `retention` in the middle; null likewise."),
        _share("p75", "The `retention` that a quarter of the videos stay above; null likewise."),
        OutputColumn("videos", COUNT, "Videos of such a length.", "videos"),
    ),
)  # fmt: skip


def _applies(name: str, doc: str) -> OutputColumn:
    return OutputColumn(f"is{name.title()}", SWITCH, doc, nullable=True)


SEGMENTS = OutputTable(
    "Segments",
    "One row per user: `watchspan.segments`. Null where what is asked is not known.",
    (
        *_USER_TOTALS,
        _applies("lapsed", "Whether the segment `lapsed` applies."),
        _applies("new", "Whether `new` does."),
        _applies("finisher", "Whether `finisher` does."),
        _applies("skipper", "Whether `skipper` does; null if nothing was watched."),
        _applies("sampler", "Whether `sampler` does; null if no duration is known."),
        _applies("loyal", "Whether `loyal` does; null of engagement rows."),
        OutputColumn(
            "segment", TEXT, "The first of them that applies, in this order; `regular` if none does."
        ),
    ),
)


def _feature(name: str, unit: str, doc: str) -> OutputColumn:
    return OutputColumn(name, NUMBER, doc, unit, nullable=True)


_OPEN_PAIR = (
    OutputColumn("userId", KEY, "The viewer."),
    OutputColumn("videoId", KEY, "The video, which the viewer has not completed."),
)
_REACH = _share(
    "reach", "Where the last watched interval ends / `videoDuration`, at most 1; null without a duration."
)
FEATURES = OutputTable(
    "Features",
    "One row per pair of a user and a video that is not completed: `watchspan.predict.features`. All are as "
    "of `as_of`, from the rows alone; a rate of others is drawn to that of all rows by as much as five rows "
    "weigh.",
    (
        *_OPEN_PAIR,
        _REACH,
        _feature("furthest", "0 to 1", "`maxPositionReached` / `videoDuration`."),
        _feature("coverage", "0 to 1", "`totalUniqueSecondsWatched` / `videoDuration`."),
        _feature("minutesLong", "min of content", "`videoDuration`."),
        _feature("minutesLeft", "min of content", "What of the video lies behind `reach`."),
        _feature("minutesWatched", "min of content", "`totalWatchTime`."),
        _feature("sessionCount", "sessions", "As in the row."),
        _feature("daysSinceWatched", "days", "From `lastWatchDate` to `as_of`."),
        _feature("daysSinceStarted", "days", "From `firstWatchDate` to `as_of`."),
        _feature("forwardSkipsPerMinute", "skips per min of content",
                 "`totalForwardSkips` per minute watched; null if nothing was."),
        _feature("backwardSkipsPerMinute", "skips per min of content", "`totalBackwardSkips` likewise."),
        _feature("pausesPerSession", "pauses", "`avgPausesPerSession`."),
        _feature("rewatchedShare", "0 to 1", "`rewatchedSeconds` / `totalWatchTime`; null if nothing was "
                 "watched."),
        _feature("speed", "", "`totalWatchTime` / `totalPlayTime`; null if nothing was played."),
        _feature("completionCurve", "0 to 1", "What `completion_curve` of the same rows says at `reach`, of "
                 "the other viewers of the video; null without a duration."),
        _feature("videoViewers", "users", "Rows of the video."),
        _feature("videoCompletionRate", "0 to 1", "Completed rows / rows, of its other viewers."),
        _feature("videoReturnRate", "0 to 1", "Rows with several sessions / rows, of its other viewers."),
        _feature("userVideos", "videos", "Rows of the viewer."),
        _feature("userCompletionRate", "0 to 1", "Completed rows / rows, of the viewer's other videos."),
        _feature("userReturnRate", "0 to 1", "Rows with several sessions / rows, of these."),
        _feature("userDaysSinceSeen", "days", "From the viewer's last event on any video to `as_of`."),
        _feature("videosSince", "videos", "The viewer's videos that were watched last later than this one."),
    ),
)  # fmt: skip

PREDICTIONS = OutputTable(
    "Predictions",
    "One row per pair of a user and a video that is not completed: "
    "`watchspan.predict.CompletionModel.predict`.",
    (
        *_OPEN_PAIR,
        OutputColumn("videoTitle", TEXT, "Its title, if known.", nullable=True),
        OutputColumn(
            "videoDuration", NUMBER, "Its duration, if known.", "s of content", nullable=True
        ),
        _REACH,
        OutputColumn("lastWatchDate", INSTANT, "The viewer's last event on it."),
        OutputColumn("probability", NUMBER, "How likely it is completed by `until`.", "0 to 1"),
        OutputColumn(
            "curveProbability", NUMBER, "What the curve says of it: `reach`, and the video, alone.", "0 to 1"
        ),
        OutputColumn(
            "basis", TEXT, "What `probability` is by: `model`, or `curve` where the model is no better."
        ),
        OutputColumn("until", INSTANT, "`as_of`, and as much time as lay between the rows of the fit."),
    ),
)  # fmt: skip

CALIBRATION = OutputTable(
    "Calibration",
    "One row per tenth of the pairs by their probability: `watchspan.predict.Score.calibration`.",
    (
        OutputColumn("bin", COUNT, "The tenth, from 0. Equal probabilities are in one."),
        OutputColumn("pairs", COUNT, "How many there are.", "pairs"),
        OutputColumn("meanProbability", NUMBER, "The mean of their probabilities.", "0 to 1"),
        OutputColumn("completedShare", NUMBER, "How many of them were completed.", "0 to 1"),
        OutputColumn("completedLow", NUMBER, "Where Wilson's interval of 95% for it begins.", "0 to 1"),
        OutputColumn("completedHigh", NUMBER, "Where that interval ends.", "0 to 1"),
    ),
)  # fmt: skip


def _edge(name: str, doc: str, unit: str) -> OutputColumn:
    return OutputColumn(name, NUMBER, f"{doc} Null where `pValue` is.", unit, nullable=True)


_AS_METRIC = "as the metric"
COMPARISON = OutputTable(
    "Comparison",
    "One row per metric and group but the control: `.table` of what `watchspan.compare` returns.",
    (
        OutputColumn("metric", TEXT, "The metric: one that is built in, or as given."),
        OutputColumn("group", TEXT, "The group."),
        OutputColumn("control", TEXT, "The group that it is compared with."),
        OutputColumn("users", COUNT, "Users of the group, with or without rows.", "users"),
        OutputColumn("usersControl", COUNT, "Users of the control, with or without rows.", "users"),
        OutputColumn(
            "controlValue", NUMBER,
            "The metric of the control, less what the time before says of it, if there is one; null if "
            "either group has nothing to divide by.", _AS_METRIC, nullable=True,
        ),
        OutputColumn("value", NUMBER, "The same of the group.", _AS_METRIC, nullable=True),
        OutputColumn("difference", NUMBER, "`value` - `controlValue`.", _AS_METRIC, nullable=True),
        _edge("differenceLow", "Where the interval for `difference` begins.", _AS_METRIC),
        _edge("differenceHigh", "Where that interval ends.", _AS_METRIC),
        OutputColumn(
            "relative", NUMBER, "`difference` / `controlValue`; null unless that is above 0.", "1 = 100%",
            nullable=True,
        ),
        OutputColumn(
            "relativeLow", NUMBER,
            "Where the interval for `relative` begins, made on the scale of logarithms. Null where `pValue` "
            "is, and unless both values are above 0.", "1 = 100%", nullable=True,
        ),
        OutputColumn(
            "relativeHigh", NUMBER, "Where that interval ends; null likewise.", "1 = 100%", nullable=True
        ),
        OutputColumn(
            "pValue", NUMBER,
            "How likely a difference as large as this is if the groups do not differ (Welch's test, "
            "two-sided); null if nothing varies.", "0 to 1", nullable=True,
        ),
        OutputColumn(
            "pValueAdjusted", NUMBER, "The same for all metrics and groups of the table together (Holm).",
            "0 to 1", nullable=True,
        ),
        OutputColumn(
            "isSignificant", SWITCH,
            "Whether `pValueAdjusted` is at most 1 - `confidence`; null where it is, and everywhere if the "
            "groups have not the sizes that they were to have.", nullable=True,
        ),
        OutputColumn(
            "smallestEffect", NUMBER,
            "The `relative` that would be found with a chance of `power`; null where that or `pValue` is.",
            "1 = 100%", nullable=True,
        ),
        OutputColumn(
            "varianceReduction", NUMBER,
            "The part of the variance of `difference` that the time before took away; null without one, and "
            "where it has nothing to divide by.", "at most 1", nullable=True,
        ),
    ),
)  # fmt: skip

# By the names that results carry as metadata.
TABLES: Mapping[str, OutputTable] = {
    "video_totals": VIDEO_TOTALS,
    "user_totals": USER_TOTALS,
    "daily": DAILY,
    "cohorts": COHORTS,
    "completion": COMPLETION,
    "moments": MOMENTS,
    "typical": TYPICAL,
    "segments": SEGMENTS,
    "predictions": PREDICTIONS,
    "calibration": CALIBRATION,
    "features": FEATURES,
    "comparison": COMPARISON,
}


def comments(table: str) -> dict[str, str]:
    """The meaning and the unit of each column of a table, as `watchspan.comments` has them of the core's.

    Args:
        table: Which one, as `TABLES` names it.
    """
    return {
        column.name: f"{column.doc} Unit: {column.unit}." if column.unit else column.doc
        for column in TABLES[table].columns
    }
