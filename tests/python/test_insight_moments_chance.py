"""How often moments are found that are there, and that are not: over many videos made by chance."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import lru_cache
from typing import Any, Optional

import numpy as np
import pyarrow.compute as pc
import pytest

import watchspan as ws
from support import moments_oracle
from support.viewers import DURATION, Plant, rows_of, viewers_of
from watchspan import sample

PLANTS = {
    "spike": Plant("spike", 200.0, 230.0, 0.08),
    "dip": Plant("dip", 200.0, 230.0, 0.1),
    "drop": Plant("drop", 200.0, 206.0, 0.1),
}
STANDING = ("dip", "drop", "spike")
Rows = list[dict[str, Any]]


@lru_cache
def made(videos: int, viewers: int, plant: Optional[Plant], seed: int = 11) -> Rows:
    """The moments of so many videos, each with so many viewers."""
    return ws.moments(rows_of(videos, viewers, seed, plant)).to_pylist()


def is_planted(row: dict[str, Any], plant: Plant) -> bool:
    overlaps = row["startSeconds"] < plant.end and plant.start < row["endSeconds"]
    return row["kind"] == plant.kind and overlaps


@pytest.mark.parametrize("viewers", [100, 300, 1_000])
def test_in_few_videos_without_moments_any_is_found(viewers: int) -> None:
    wrong = {row["videoId"] for row in made(1_000, viewers, None) if row["kind"] in STANDING}
    print(f"{viewers} viewers: {len(wrong) / 1_000}")
    assert len(wrong) / 1_000 <= 0.05


@pytest.mark.parametrize("kind", PLANTS)
def test_planted_moments_are_found(kind: str) -> None:
    plant, videos = PLANTS[kind], 400
    rows = [row for row in made(videos, 1_000, plant) if row["kind"] in STANDING]
    right = {row["videoId"] for row in rows if is_planted(row, plant)}
    wrong = [row for row in rows if not is_planted(row, plant)]
    few = {row["videoId"] for row in made(videos, 300, plant) if is_planted(row, plant)}
    print(f"{kind}: found {len(right) / videos}, of 300 {len(few) / videos}, wrong {len(wrong) / videos}")
    assert len(right) / videos >= 0.95
    assert len(wrong) / videos <= 0.05


class Truth:
    """What would be found of all viewers that there could be."""

    def __init__(self, plant: Optional[Plant]) -> None:
        leaves, skips, again = viewers_of(400_000, 1, plant)
        edges = np.linspace(0.0, DURATION, 101)
        self.leaves, self.edges = np.sort(leaves), edges

        def covered(starts: Any, ends: Any) -> Any:
            pairs = zip(edges, edges[1:])
            parts = [
                np.clip(np.minimum(ends, high) - np.maximum(starts, low), 0, None) for low, high in pairs
            ]
            return np.array([part.mean() for part in parts]) / (edges[1] - edges[0])

        self.skipped = covered(*skips)
        self.plays = covered(np.zeros(len(leaves)), leaves) - self.skipped + covered(*again)

    def reach(self, position: float) -> float:
        return 1 - float(np.searchsorted(self.leaves, position)) / len(self.leaves)

    def of(self, row: dict[str, Any]) -> float:
        """The true size of a moment."""
        start, end, kind = row["startSeconds"], row["endSeconds"], row["kind"]
        if kind in ("intro", "end"):
            return self.reach(end if kind == "intro" else start)
        if kind == "steady":
            return 1 - self.reach(end) / self.reach(start)
        first, after = (round(position / DURATION * 100) for position in (start, end))
        if kind == "drop":
            there = np.array([self.reach(edge) for edge in self.edges])
            beside = [b for b in range(max(0, first - 5), min(95, first + 6)) if b != first]
            exits = there[:-1] - there[1:]
            return float(exits[first] / there[first] - exits[beside].sum() / there[beside].sum())
        sign, values = (-1, self.skipped) if kind == "dip" else (1, self.plays)
        wide = after - first
        sides = values[first - wide : first].mean() + values[after : after + wide].mean()
        return float(sign * (values[first:after].mean() - sides / 2))


@pytest.mark.parametrize("kind", [None, *PLANTS])
def test_intervals_hold_what_is_true(kind: Optional[str]) -> None:
    plant = PLANTS[kind] if kind else None
    truth, held = Truth(plant), defaultdict(list)
    for row in made(1_000 if plant is None else 400, 1_000, plant):
        held[row["kind"]].append(row["sizeLow"] <= truth.of(row) <= row["sizeHigh"])
    covered = {name: float(np.mean(those)) for name, those in held.items() if len(those) >= 100}
    print(kind, covered)
    assert {"intro", "end", "steady", *(() if kind is None else (kind,))} <= set(covered)
    # Those of intro and end are 95% to the digit, so that a few of a thousand more may be outside.
    for name, share in covered.items():
        assert share >= (0.93 if name in ("intro", "end") else 0.95), name
    # A video's spikes, dips and drops hold together.
    together = defaultdict(list)
    for row in made(400, 1_000, plant) if plant else []:
        if row["kind"] in STANDING and is_planted(row, plant):
            together[row["videoId"]].append(row["sizeLow"] <= truth.of(row) <= row["sizeHigh"])
    assert plant is None or np.mean([all(those) for those in together.values()]) >= 0.95


@pytest.mark.parametrize("kind", ["spike", "dip"])
def test_errors_are_those_of_a_bootstrap(kind: str) -> None:
    rows = rows_of(1, 1_000, 3, PLANTS[kind])
    (row,) = [row for row in ws.moments(rows).to_pylist() if row["kind"] == kind]
    first, after = (round(row[name] / DURATION * 100) for name in ("startSeconds", "endSeconds"))
    wide, width = after - first, DURATION / 100 / moments_oracle.UNITS
    values = []
    for viewer in rows.to_pylist():
        watched, again = (
            moments_oracle.spread(viewer[name], width, 100)
            for name in ("watchedIntervals", "replayedIntervals")
        )
        reached = moments_oracle.spread([{"start": 0.0, "end": viewer["maxPositionReached"]}], width, 100)
        each = (watched + again if kind == "spike" else watched - reached) / moments_oracle.UNITS
        here, sides = each[first:after].mean(), [each[first - wide : first], each[after : after + wide]]
        values.append(here - np.mean(sides))
    random = np.random.default_rng(0)
    means = np.array(values)[random.integers(0, 1_000, (2_000, 1_000))].mean(axis=1)
    error = (row["sizeHigh"] - row["sizeLow"]) / 2 / moments_oracle.critical(0.05 / (4 * 448))
    assert np.mean(values) == pytest.approx(row["size"], abs=1e-9)
    assert error == pytest.approx(means.std(), rel=0.06)


def test_the_moments_of_the_sample_are_found() -> None:
    events, videos = sample.events(1_500_000, seed=5), sample.videos(5)
    rows = ws.aggregate(events, videos=videos)
    viewers, planted = Counter(rows["videoId"].to_pylist()), sample.moments(5).to_pylist()
    timed = set(rows.filter(pc.equal(rows["durationSource"], "metadata"))["videoId"].to_pylist())
    # The sample's drops are a twentieth of a video, which is one bucket of twenty.
    finer, coarser = (ws.moments(rows, buckets=buckets).to_pylist() for buckets in (100, 20))
    for kind, told, least in (("dip", finer, 0.9), ("spike", finer, 0.75), ("drop", coarser, 0.9)):
        watched = [
            p for p in planted if p["kind"] == kind and p["videoId"] in timed and viewers[p["videoId"]] >= 500
        ]
        right = [any(_shows(row, plant) for row in told) for plant in watched]
        print(f"sample, {kind}: {sum(right)} of {len(right)}")
        assert len(right) >= 5
        assert np.mean(right) >= least
    wrong = [r for r in finer if r["kind"] in STANDING and not any(_shows(r, plant) for plant in planted)]
    print(f"sample, wrong: {len(wrong)} in {len(viewers)} videos")
    assert len(wrong) / len(viewers) <= 0.05


def _shows(row: dict[str, Any], plant: dict[str, Any]) -> bool:
    """Whether a moment is a planted one."""
    is_same = all(row[name] == plant[name] for name in ("videoId", "kind"))
    return is_same and row["startSeconds"] < plant["endSeconds"] and plant["startSeconds"] < row["endSeconds"]
