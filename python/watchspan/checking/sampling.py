"""A sample of whole users out of any source, in seconds: nothing that is large is held or looped over.

Some records from everywhere tell where the user is; with that, everything is read once, and the events of
some of these users are kept, all of them.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional, Protocol

from watchspan.checking import shapes

# How many records tell where the user is.
PROBED = 4_000
# Users of whom more are taken than are kept: how many events each has is only known after reading.
_SPARE = 1.5
_FEWEST_USERS = 5


class Events(Protocol):
    """Events as the engine takes them."""

    records: list[Mapping[str, Any]]

    def source(self, columns: Any) -> Any:
        """What the engine reads of them, with `columns` as it takes that."""


class Reader(Protocol):
    """A source that can be looked at and read once."""

    total: Optional[int]

    def probe(self, count: int) -> Events:
        """About so many events from everywhere; all of them if there are no more."""

    def of_users(self, paths: Sequence[str], users: frozenset[str], roots: Sequence[str]) -> Events:
        """All events of these users, with the columns `roots` at least."""


@dataclass(frozen=True)
class Sample:
    """Some of the events of a source.

    Attributes:
        events: The events.
        total: How many the source has; an estimate where only reading would tell.
        users: Of how many users these are all events; None if nobody knows.
        is_all: Whether these are all events of the source.
    """

    events: Events
    total: int
    users: Optional[int]
    is_all: bool


# What finds, among leaves of so many events, the paths of the user, and the columns to read.
Finder = Callable[[Mapping[str, shapes.Leaf], Events], "tuple[list[shapes.Leaf], list[str]]"]


def sample(reader: Reader, size: int, find: Finder) -> Sample:
    """About `size` events of `reader`, all those of some users."""
    probe = reader.probe(min(PROBED, size))
    if len(probe.records) < (reader.total or 0) <= size:
        probe = reader.probe(size)
    seen, total = len(probe.records), reader.total or len(probe.records)
    if seen >= total:
        return Sample(probe, total, None, True)
    users, roots = find(shapes.leaves(probe.records), probe)
    if not users:
        return Sample(probe, total, None, False)
    counts = Counter(_by_row(users).values())
    chosen = _chosen(counts, size * _SPARE * seen / total)
    events = reader.of_users([leaf.path for leaf in users], frozenset(chosen), roots)
    kept = _trimmed(events, users, chosen, size)
    return Sample(kept, total, len(chosen), False) if kept.records else Sample(probe, total, None, False)


def _by_row(leaves: Sequence[shapes.Leaf]) -> dict[int, str]:
    """Row -> user, by the first of the leaves that says one."""
    found: dict[int, str] = {}
    for leaf in reversed(leaves):
        found.update((row, str(value)) for row, value in zip(leaf.rows, leaf.values))
    return found


def _chosen(counts: Mapping[str, int], events: float) -> list[str]:
    """Users who have so many of the events that were looked at, chosen by a hash and so by nothing else."""
    order = sorted(counts, key=lambda user: (zlib.crc32(user.encode(errors="replace")), user))
    chosen: list[str] = []
    left = events
    for user in order:
        if left <= 0 and len(chosen) >= _FEWEST_USERS:
            break
        chosen.append(user)
        left -= counts[user]
    return chosen


def _trimmed(events: Events, users: Sequence[shapes.Leaf], chosen: list[str], size: int) -> Events:
    """The events of as many of the chosen users as make up `size`, but of a few in any case."""
    if len(events.records) <= size:
        return events
    paths = {leaf.path for leaf in users}
    found = [leaf for path, leaf in shapes.leaves(events.records).items() if path in paths]
    of_row = _by_row(sorted(found, key=lambda leaf: [other.path for other in users].index(leaf.path)))
    counts, kept, left = Counter(of_row.values()), set(), size
    for user in chosen:
        if left <= 0 and len(kept) >= _FEWEST_USERS:
            break
        kept.add(user)
        left -= counts[user]
    return events.only([row for row, user in sorted(of_row.items()) if user in kept])
