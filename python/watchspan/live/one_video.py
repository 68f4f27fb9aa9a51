"""One video: read when somebody asks for it."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from watchspan.api import retention
from watchspan.insight.completion import completion_curve
from watchspan.insight.moments import moments
from watchspan.instants import moment
from watchspan.live.kept import Kept, State
from watchspan.report_page.curves import BUCKETS, PARTS

_NEEDED = (
    "userId", "videoId", "videoTitle", "videoDuration", "durationSource", "isCompletedAtLeastOnce",
    "firstWatchDate", "lastWatchDate", "maxPositionReached", "watchedIntervals",
)  # fmt: skip
# Tables of an older watchspan lack it.
_MAYBE = ("replayedIntervals",)


@dataclass(frozen=True)
class OneVideo:
    """What is drawn of a video; its tables are empty if it has no duration.

    Attributes:
        retention: Who watched each part.
        moments: Where many do the same.
        left: The completion curve of all rows, from which follows who left where.
        completion: That of those who had the time to finish.
        is_guessed: Whether its duration is a guess.
    """

    retention: pa.Table
    moments: pa.Table
    left: pa.Table
    completion: pa.Table
    is_guessed: bool


def one_video(kept: Kept, state: State, video: str | int, newest: int) -> OneVideo:
    """Reads the rows of a video, and no others, and computes its curves.

    Args:
        kept: The tables.
        state: The engagement table at some moment.
        video: The video's id.
        newest: The last event of all rows, in microseconds since 1970.

    Raises:
        WatchspanError: If a column is not there or has another type, or the table cannot be read.
    """
    rows, until = kept.rows_of(video, state, _NEEDED, _MAYBE), moment(newest)
    return OneVideo(
        retention(rows, buckets=BUCKETS),
        moments(rows),
        completion_curve(rows, mature_days=0, buckets=PARTS),
        completion_curve(rows, buckets=PARTS, as_of=until),
        "estimated" in rows["durationSource"].to_pylist(),
    )
