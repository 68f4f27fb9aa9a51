"""The curves of many videos, small enough to be in a page."""

from __future__ import annotations

import base64
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa

from watchspan.api import retention
from watchspan.insight.completion import completion_curve
from watchspan.insight.moments import MIN_VIEWERS, moments
from watchspan.insight.typical import length_class, typical
from watchspan.plots.inputs import Row, rows_of
from watchspan.plots.positions import COMPLETION, leaving
from watchspan.text import to_json

BUCKETS, PARTS = 100, 20
# What stands for a value that is not known, among thousandths.
_UNKNOWN = -1
_LARGEST = 32_000
_MOMENTS = ("kind", "startSeconds", "endSeconds", "size", "sizeLow", "sizeHigh", "viewers")
_QUARTERS = ("p25", "median", "p75")
# Below so many leavers and viewers chance says where the most leave.
FEWEST = {"leavers": 10, "viewers": 30, "forMoments": MIN_VIEWERS}


@dataclass(frozen=True)
class Drawn:
    """The curves of some videos.

    Attributes:
        packed: All of them: one series after the other, in each one video after the other, in thousandths,
            each less the one before it, as 16 bits, packed by zlib and in base64.
        layout: The series in that order, how many values each has of a video, and how many videos there are.
        places: Which of the videos one is.
        seconds: How long it is.
        worst: Where it loses most of its viewers: the part's number, how many of how many, which share, and
            the interval of that.
        began: How many viewers each has; `mature`: how many of them had the time to finish.
        mature: See there.
        moments: The key moments of all as JSON, column by column, packed; `video` is which video each is of.
            Also what is typical of each class of lengths, and the class of each video.
    """

    packed: str
    layout: dict[str, Any]
    places: dict[Any, int]
    seconds: dict[Any, float]
    worst: dict[Any, list[float]]
    began: list[int]
    mature: list[int]
    moments: str


def drawn(rows: pa.Table, videos: Any) -> Drawn:
    """The curves of all videos of some rows that have a duration.

    Args:
        rows: Engagement rows.
        videos: Durations and titles, or None.
    """
    curve = retention(rows, videos=videos, buckets=BUCKETS)
    keys, every = curve["videoId"].to_pylist()[::BUCKETS], curve["users"].to_pylist()
    plays = [
        0 if not users else played and played / users
        for users, played in zip(every, curve["plays"].to_pylist())
    ]
    everybody = dict(_by_video(completion_curve(rows, videos=videos, mature_days=0, buckets=PARTS)))
    mature = dict(_by_video(completion_curve(rows, videos=videos, buckets=PARTS)))
    left = {key: leaving(part) for key, part in everybody.items()}
    series: dict[str, Sequence[float | None]] = {
        "retention": curve["retention"].to_pylist(),
        "again": plays,
        "left": [part["share"] for key in keys for part in left[key]],
        "probability": [part["probability"] for key in keys for part in mature[key]],
        "reached": [
            part["viewers"] / max(1, mature[key][0]["viewers"]) for key in keys for part in mature[key]
        ],
    }
    seconds = dict(zip(keys, curve["videoDuration"].to_pylist()[::BUCKETS]))
    sizes = {name: len(values) // max(1, len(keys)) for name, values in series.items()}
    return Drawn(
        packed=packed(value for values in series.values() for value in values),
        layout={"videos": len(keys), "series": list(sizes.items())},
        places={key: place for place, key in enumerate(keys)},
        seconds=seconds,
        began=[everybody[key][0]["viewers"] for key in keys],
        mature=[mature[key][0]["viewers"] for key in keys],
        moments=_moments(moments(rows, videos=videos), keys, seconds, typical(curve)),
        worst={key: found for key, parts in left.items() if (found := _worst(parts))},
    )


def _moments(
    found: pa.Table, keys: Sequence[Any], seconds: dict[Any, float], usual: pa.Table
) -> str:  # fmt: skip
    """Moments and what is typical, packed; see `Drawn`."""
    place = {key: number for number, key in enumerate(keys)}
    columns = {name: [_rounded(value) for value in found[name].to_pylist()] for name in _MOMENTS}
    columns["video"] = [place.get(key, -1) for key in found["videoId"].to_pylist()]
    classes = [length_class(seconds[key]) for key in keys]
    return _packed(
        to_json({"told": _MOMENTS, **columns, "classes": classes, "typical": _lines(usual)}).encode()
    )


def _lines(usual: pa.Table) -> dict[str, dict[str, list[Any]]]:
    """Class of lengths -> its quarters and median, bucket by bucket."""
    lines: dict[str, dict[str, list[Any]]] = {}
    for row in usual.to_pylist():
        line = lines.setdefault(row["lengthClass"], {name: [] for name in _QUARTERS})
        for name in _QUARTERS:
            line[name].append(_rounded(row[name]))
    return lines


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def _by_video(table: pa.Table) -> Iterable[tuple[Any, list[Row]]]:
    rows = rows_of(table, COMPLETION, "completion_curve")
    return ((video, list(part)) for video, part in groupby(rows, key=lambda row: row["videoId"]))


def _worst(parts: list[Row]) -> list[float] | None:
    """Where most left for good, unless there are too few to say so."""
    number, part = max(enumerate(parts), key=lambda each: each[1]["left"])
    if part["left"] < FEWEST["leavers"] or part["of"] < FEWEST["viewers"]:
        return None
    return [number, part["left"], part["of"], *(round(part[name], 4) for name in ("share", "low", "high"))]


def packed(values: Iterable[float | None]) -> str:
    """Numbers as the page has them; see `Drawn`.

    >>> import base64, zlib
    >>> list(zlib.decompress(base64.b64decode(packed([0.5, 0.501, None]))))
    [244, 1, 1, 0, 10, 254]
    """
    thousandths, before = array("h"), 0
    for value in values:
        number = _UNKNOWN if value is None else min(round(value * 1000), _LARGEST)
        # What does not fit wraps around, there and back.
        thousandths.append((number - before + 32_768) % 65_536 - 32_768)
        before = number
    if sys.byteorder == "big":
        thousandths.byteswap()
    return _packed(thousandths.tobytes())


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()
