"""What is summed up of each user, and the metrics that are built in, each once.

`docs/columns.md` follows from them. Nothing of the package is imported here: the generators read this file
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Quantity:
    """A sum of a user's rows that is no column of theirs.

    Attributes:
        name: What it is called.
        doc: What it is.
        columns: The columns of engagement rows that it is made from.
    """

    name: str
    doc: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuiltIn:
    """A metric that is built in.

    Attributes:
        name: What it is called.
        numerator: The sum above.
        denominator: The sum below; None: users.
        doc: What it is.
    """

    name: str
    numerator: str
    denominator: Optional[str]
    doc: str


_COVERED = ("totalUniqueSecondsWatched", "videoDuration")
QUANTITIES = (
    Quantity("activeUsers", "1 if the user has a row at all, else 0."),
    Quantity("videos", "Rows, of which each video has one."),
    Quantity(
        "coveredSeconds",
        "`totalUniqueSecondsWatched` of the rows that also have a `videoDuration`.",
        _COVERED,
    ),
    Quantity(
        "coverableSeconds",
        "`videoDuration` of the rows that also have `totalUniqueSecondsWatched`.",
        _COVERED,
    ),
    Quantity("scoredVideos", "Rows with an `engagementScore`.", ("engagementScore",)),
)

BUILT_INS = (
    BuiltIn("watchTimePerUser", "totalWatchTime", None, "Seconds of content watched by a user."),
    BuiltIn("activeUsers", "activeUsers", None, "Share of the users who have a row at all."),
    BuiltIn("videosPerUser", "videos", None, "Videos that a user opened."),
    BuiltIn(
        "sessionsPerUser", "sessionCount", None,
        "Sessions of a user; one over two videos counts for each of them.",
    ),
    BuiltIn("completionRate", "isCompletedAtLeastOnce", "videos", "Completed rows / rows."),
    BuiltIn(
        "coverage", "coveredSeconds", "coverableSeconds", "Share of what they opened that users have watched."
    ),
    BuiltIn("scorePerVideo", "engagementScore", "scoredVideos", "Mean engagement score of a row, in points."),
)  # fmt: skip
