"""How good predictions of who finishes are: `python benches/prediction.py`.

Each line is of one stream of events: what was planted in it, and how good the model is on users that it did
not see, beside the curve by reach and video, and beside `completion_curve` as it is.
"""

from __future__ import annotations

import datetime as dt
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import watchspan as ws
from watchspan import sample
from watchspan.predict import CompletionModel, Score

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.returning import LATER, THEN, as_of, by_reach_alone, keen_ones

SEEDS = 20


def scored(then: pa.Table, later: pa.Table, **until: Any) -> Score:
    """How good a model of these rows is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CompletionModel().fit(then, later, **until).score()


def of_sample(rows: int, seed: int = 0) -> Score:
    """The sample's month: what was known after 15 days, and 10 days later."""
    events, videos = sample.events(rows, seed), sample.videos(seed)
    times, tables = events["timestamp"], []
    for day in (16, 26):
        until = pa.scalar(dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc), times.type)
        tables.append(ws.aggregate(events.filter(pc.less(times, until)), videos=videos))
    return scored(*tables)


def cases() -> Iterator[tuple[str, Score]]:
    """What each stream is, and the score."""
    for users in (150, 400, 1_500):
        told = keen_ones(users)
        yield f"some viewers come back, {users:,} users", scored(as_of(told, THEN), as_of(told, LATER))
    for rows in (20_000, 200_000):
        yield f"sample, {rows:,} events", of_sample(rows)


def main() -> None:
    """Prints the scores."""
    print("| stream | pairs | completed | Brier, model | curve | completion_curve | AUC | skill | 95% |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|")
    for name, score in cases():
        print(
            f"| {name} | {score.pairs:,} | {score.completed:,} | {score.brier:.4f} | {score.curve_brier:.4f} "
            f"| {score.completion_curve_brier:.4f} | {score.auc:.3f} | {score.skill:.3f} "
            f"| {score.skill_low:.3f} to {score.skill_high:.3f} |",
            flush=True,
        )
    skills = []
    for seed in range(SEEDS):
        told = by_reach_alone(seed=seed)
        skills.append(scored(as_of(told, THEN), as_of(told, LATER), as_of=THEN, until=LATER).skill)
    above = sum(skill > 0 for skill in skills)
    print(
        f"\nOf {SEEDS} streams in which reach alone decides, {above} had a skill above 0; "
        f"from {min(skills):.3f} to {max(skills):.3f}."
    )


if __name__ == "__main__":
    main()
