"""The second opinion, section 3: how long a video is, and who says so."""

import math
from collections.abc import Sequence
from typing import Any, Optional

from support.oracle_events import Row, positive
from support.oracle_intervals import interval_pairs


def catalogue(videos: Optional[Sequence[Row]]) -> dict[Any, tuple[Optional[float], Optional[str]]]:
    """Duration (None if it is missing) and title by video."""
    known: dict[Any, tuple[Optional[float], Optional[str]]] = {}
    for video in videos or []:
        name = video.get("videoId")
        if name is None or name == "":
            continue
        entry = (positive(video.get("duration")), video.get("title"))
        if known.setdefault(name, entry) != entry:
            raise ValueError(f"videos holds two different rows for {name!r}")
    return known


def reported(of_video: Sequence[Row]) -> Optional[float]:
    """The duration that most distinct users' rows report, counted by whole seconds."""
    stated = [
        (row["userId"], row["reportedDuration"])
        for row in of_video
        if row.get("reportedDuration") is not None
    ]
    users: dict[int, set[Any]] = {}
    for user, duration in stated:
        users.setdefault(math.floor(duration), set()).add(user)
    if not users:
        return None
    winner = max(users, key=lambda second: (len(users[second]), second))
    return max(duration for _, duration in stated if math.floor(duration) == winner)


def estimate(of_video: Sequence[Row]) -> Optional[float]:
    """A guess of the duration from all users' rows for the video."""
    ends = [end for row in of_video for _, end in interval_pairs(row["watchedIntervals"])]
    guess: float = max(ends) if ends else max(row["maxPosition"] for row in of_video)
    return guess if guess > 0 else None


def duration_of(
    rows: Sequence[Row], video: Any, videos: Optional[Sequence[Row]], rules: Row
) -> tuple[Optional[float], Optional[str]]:
    """The duration and its source."""
    of_video = [row for row in rows if row["videoId"] == video]
    known = catalogue(videos).get(video, (None, None))[0]
    if known is not None:
        return known, "metadata"
    known = reported(of_video)
    if known is not None:
        return known, "reported"
    known = estimate(of_video) if rules["estimate_duration"] else None
    return known, None if known is None else "estimated"
