"""Viewers who leave, skip and replay at random, and at planted moments: in numpy, for many."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np
import pyarrow as pa

DURATION = 600.0
INTERVALS = pa.list_(pa.struct([("start", pa.float64()), ("end", pa.float64())]))
# Numbers, one for each viewer or more.
Numbers = Any


class Plant(NamedTuple):
    """What is planted in every video, where in seconds, and by which share of all viewers."""

    kind: str
    start: float
    end: float
    share: float


class Viewers(NamedTuple):
    """What viewers did.

    Attributes:
        leaves: Where each leaves.
        skips: Where the one stretch that each skips begins, and where it ends; empty for most.
        again: The same of what each watches again.
    """

    leaves: Numbers
    skips: Numbers
    again: Numbers


def viewers_of(count: int, seed: int, plant: Optional[Plant] = None) -> Viewers:
    """So many viewers of a video of `DURATION`.

    Two in five get to the end; one in five skips something somewhere, one in seven watches something again.

    Args:
        count: How many.
        seed: Another seed, other viewers.
        plant: What some do beside that.
    """
    random = np.random.default_rng(seed)
    leaves = _leaves(random, count)
    skips, again = _stretches(random, leaves, 0.2, 30.0), _stretches(random, leaves, 1 / 7, 20.0)
    if plant is not None:
        is_drop = plant.kind == "drop"
        there = leaves > (plant.start if is_drop else plant.end)
        does = there & (random.random(count) < plant.share / there.mean())
        planted = np.array([[plant.start], [plant.end]])
        if is_drop:
            leaves = np.where(does, random.uniform(plant.start, plant.end, count), leaves)
        elif plant.kind == "dip":
            skips = np.where(does, planted, skips)
        else:
            again = np.where(does, planted, again)
    # Who skips all that is left has left.
    leaves = np.where((skips[0] < skips[1]) & (skips[1] >= leaves), np.minimum(skips[0], leaves), leaves)
    return Viewers(leaves, np.minimum(skips, leaves), np.minimum(again, leaves))


def _leaves(random: np.random.Generator, count: int) -> Numbers:
    chance, early = random.random(count), random.exponential(15.0, count)
    anywhere, late = random.uniform(0.0, 0.95, count), random.uniform(0.95, 1.0, count)
    return np.where(chance < 0.15, early, np.where(chance < 0.6, anywhere, late) * DURATION)


def _stretches(random: np.random.Generator, leaves: Numbers, share: float, mean: float) -> Numbers:
    starts = random.random(len(leaves)) * leaves
    lengths = random.exponential(mean, len(leaves)) * (random.random(len(leaves)) < share)
    return np.stack([starts, np.minimum(starts + lengths, leaves)])


def rows_of(videos: int, viewers: int, seed: int, plant: Optional[Plant] = None) -> pa.Table:
    """Engagement rows of so many viewers for each of so many videos, as far as moments need them."""
    count = videos * viewers
    leaves, skips, again = viewers_of(count, seed, plant)
    watched = np.stack([np.stack([np.zeros(count), skips[0]]), np.stack([skips[1], leaves])])
    return pa.table(
        {
            "userId": np.tile(np.arange(viewers), videos),
            "videoId": np.repeat(np.arange(videos), viewers),
            "videoTitle": pa.nulls(count, pa.string()),
            "videoDuration": np.full(count, DURATION),
            "durationSource": pa.array(["metadata"] * count),
            "maxPositionReached": leaves,
            "watchedIntervals": intervals_of(watched),
            "replayedIntervals": intervals_of(again[None]),
        }
    )


def intervals_of(stretches: Numbers) -> pa.Array:
    """Lists of intervals: of each viewer those stretches that are not empty."""
    starts, ends = stretches[:, 0].T, stretches[:, 1].T
    there = starts < ends
    offsets = np.concatenate([[0], there.sum(axis=1).cumsum()]).astype(np.int32)
    pairs = pa.StructArray.from_arrays([pa.array(starts[there]), pa.array(ends[there])], ["start", "end"])
    return pa.ListArray.from_arrays(pa.array(offsets), pairs)
