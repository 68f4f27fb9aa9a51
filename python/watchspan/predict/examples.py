"""Open pairs to learn from, and what became of them."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from watchspan.errors import DataError, WatchspanWarning
from watchspan.instants import Instant
from watchspan.predict.knowledge import Known, known
from watchspan.predict.pairs import NEEDED, OUTCOME, Numbers, codes, outcomes, read_pairs

FOLDS = 5
# Of pairs with each outcome, and of users.
FEWEST = 10


@dataclass(frozen=True)
class Examples:
    """Open pairs, and what became of them."""

    known: Known
    matrix: Numbers
    videos: pa.Array
    user: Numbers
    completed: Numbers

    def part(self, chosen: Numbers) -> tuple[Numbers, pa.Array, Numbers]:
        """How far some of the pairs had got, their videos, and what became of them."""
        reach = self.known.columns["reach"]
        return reach[chosen], self.videos.filter(pa.array(chosen)), self.completed[chosen]


def examples_of(rows_then: Any, rows_later: Any, as_of: Instant, until: Instant) -> tuple[Examples, int, int]:
    """Open pairs with what became of them, within how many microseconds, and until when that is known."""
    then = read_pairs(rows_then, "rows_then", NEEDED, "as_of", as_of)
    later = read_pairs(rows_later, "rows_later", OUTCOME, "until", until)
    is_known, completed = outcomes(then, later)
    found = known(then)
    has_outcome, lacking = is_known[found.is_open], int((found.is_open & ~is_known).sum())
    if lacking:
        warnings.warn(
            f"{lacking:,} of the {len(has_outcome):,} pairs that are open in rows_then are not in "
            "rows_later, so nobody knows what became of them, and they are left out.",
            WatchspanWarning,
            stacklevel=3,
        )
    columns = {name: values[has_outcome] for name, values in found.columns.items()}
    chosen = Known(then, found.is_open & is_known, columns)
    examples = Examples(
        chosen,
        chosen.matrix,
        chosen.keys("videoId").cast(pa.string()),
        codes(chosen.keys("userId").cast(pa.string())),
        completed[chosen.is_open],
    )
    return examples, later.until - then.until, later.until


def refuse_few(examples: Examples) -> None:
    """Refuses to learn from next to nothing.

    Raises:
        DataError: If there are too few pairs of either outcome, or too few users.
    """
    completed, pairs = int(examples.completed.sum()), len(examples.completed)
    users = len(np.unique(examples.user))
    if min(completed, pairs - completed, users) < FEWEST:
        raise DataError(
            f"Of {pairs:,} pairs of {users:,} users that were open in rows_then, {completed:,} were "
            f"completed in rows_later and {pairs - completed:,} were not: at least {FEWEST} of each, of "
            f"{FEWEST} users, are needed to learn from. Take rows that lie further apart, or of more viewers."
        )


def folds(examples: Examples) -> Numbers:
    """Which part of the users each pair is of: by what ids hash to, as their order may tell something."""
    users = examples.known.keys("userId").cast(pa.string()).unique().to_pylist()
    order = sorted(range(len(users)), key=lambda number: hashlib.sha256(users[number].encode()).digest())
    part: Numbers = np.empty(len(users), dtype=np.int64)
    part[order] = np.arange(len(users)) % FOLDS
    return part[examples.user]
