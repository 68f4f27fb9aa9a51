"""What each user of an experiment comes to: sums of their rows, 0 for who has none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from watchspan.experiments.metrics import SUMMABLE, columns_of
from watchspan.insight.rows import MILLION, Columns, grouped, millionths, ones, plain, where

Numbers = Any  # an array of doubles


def sums_of(table: pa.Table, places: pa.Array, count: int, names: Iterable[str]) -> dict[str, Numbers]:
    """Name of a sum -> its value for each user.

    Args:
        table: Engagement rows.
        places: Which user each row is of; null: none of them.
        count: How many users there are.
        names: Which sums.

    Raises:
        WatchspanError: If the rows cannot be summed up, as `watchspan.user_totals` has it.
    """
    names = tuple(dict.fromkeys(names))
    found = plain(table, "engagement", columns_of(names))
    is_known = pc.is_valid(places)
    found = {name: column.filter(is_known) for name, column in found.items()}
    wholes = {name: _whole(name, found) for name in names if name not in _COUNTED}
    groups = grouped({"user": places.filter(is_known)}, wholes)
    user = _numpy(groups["user"])
    rows = _spread(_numpy(groups["rows"]), user, count)
    made = {"videos": rows, "activeUsers": np.minimum(rows, 1.0)}
    for name in wholes:
        scale = MILLION if SUMMABLE.get(name, "double" if name in _SECONDS else "") == "double" else 1
        made[name] = _spread(_numpy(groups[name]) / scale, user, count)
    return {name: made[name] for name in names}


_COUNTED = ("videos", "activeUsers")
_SECONDS = {"coveredSeconds": "totalUniqueSecondsWatched", "coverableSeconds": "videoDuration"}


def _whole(name: str, found: Columns) -> pa.Array:
    """What a sum adds up of each row, in whole numbers: what is added up exactly comes out in any order."""
    if name == "scoredVideos":
        return ones(pc.is_valid(found["engagementScore"]))
    if name in _SECONDS:
        has_both = pc.and_(*(pc.is_valid(found[column]) for column in _SECONDS.values()))
        return where(has_both, millionths(_SECONDS[name], found[_SECONDS[name]]))
    if SUMMABLE[name] == "double":
        return pc.fill_null(millionths(name, found[name]), 0)
    return ones(found[name]) if SUMMABLE[name] == "bool" else pc.fill_null(found[name], 0)


def _numpy(column: pa.Array) -> Numbers:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _spread(values: Numbers, user: Any, count: int) -> Numbers:
    every = np.zeros(count)
    every[user.astype(np.int64)] = values
    return every
