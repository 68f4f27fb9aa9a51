"""A sample of whole users out of any source, in seconds: nothing that is large is held or looped over.

Some records from everywhere tell where the user is; with that, everything is read once, and the events of
some of these users are kept, all of them.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Protocol

from watchspan.checking import shapes

# How many records tell where the user is.
PROBED = 4_000
# How many events a user has is only known after reading.
_MOST_USERS = 500


class Events(Protocol):
    """Events as the engine takes them."""

    records: list[Mapping[str, Any]]

    def source(self, columns: Any) -> Any:
        """What the engine reads of them, with `columns` as it takes that."""

    def only(self, rows: list[int]) -> Events:
        """Those of the events."""


class Reader(Protocol):
    """A source that can be looked at and read once."""

    total: Optional[int]

    def probe(self, count: int) -> Events:
        """About so many events from everywhere; all of them if there are no more."""

    def of_users(
        self, paths: Sequence[str], users: Sequence[str], roots: Sequence[str], size: int
    ) -> tuple[Events, list[str]]:
        """All events of as many of the users, the first of them first, as make up `size`; and these users."""


@dataclass(frozen=True)
class Sample:
    """Some of the events of a source.

    Attributes:
        events: The events.
        total: How many the source has; an estimate where only reading would tell.
        users: Of how many users these are all events; None if nobody knows.
        is_all: Whether these are all events of the source.
        nobody: The share of all events that have no user, as far as the sample leaves them out.
        often: User -> its share of all events, of those that the sample may leave out.
    """

    events: Events
    total: int
    users: Optional[int]
    is_all: bool
    nobody: float = 0.0
    often: Mapping[str, float] = field(default_factory=dict)


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
    nobody = 1 - (sum(counts.values()) - counts.pop("", 0)) / seen
    often = {user: count / seen for user, count in counts.items()}
    paths = [leaf.path for leaf in users]
    events, chosen = reader.of_users(paths, _in_order(counts)[:_MOST_USERS], roots, size)
    if not events.records:
        return Sample(probe, total, None, False)
    return Sample(events, reader.total or total, len(chosen), False, nobody, often)


def _by_row(leaves: Sequence[shapes.Leaf]) -> dict[int, str]:
    """Row -> user, by the first of the leaves that says one."""
    found: dict[int, str] = {}
    for leaf in reversed(leaves):
        found.update((row, str(value)) for row, value in zip(leaf.rows, leaf.values))
    return found


def _in_order(users: Iterable[str]) -> list[str]:
    """Users in an order that depends on nothing but them."""
    return sorted(users, key=lambda user: (zlib.crc32(user.encode(errors="replace")), user))
