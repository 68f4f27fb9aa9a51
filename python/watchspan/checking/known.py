"""What is known of a source while its columns are looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Optional

from watchspan.checking import values
from watchspan.checking.shapes import Leaf
from watchspan.checking.tracks import Tracks

# A name this much alike is believed; anything less needs values that fit.
ALIKE = 0.4


@dataclass
class Found:
    """Where a column is.

    Attributes:
        leaves: The places, of which the first that has a value counts.
        unit: What its numbers count, where that must be said.
        why: What says so.
        missing: Words that stand for nothing there.
    """

    leaves: list[Leaf]
    unit: Optional[str] = None
    why: str = ""
    missing: tuple[str, ...] = ()

    def read(self, reads: Callable[[Any], Optional[float]]) -> dict[int, Any]:
        """Row -> value, as far as `reads` makes something of it."""
        if len(self.leaves) == 1:
            return self.leaves[0].read(reads)
        found: dict[int, Any] = {}
        for leaf in reversed(self.leaves):
            found.update(leaf.read(reads))
        return found

    def seconds(self) -> dict[int, float]:
        """Row -> seconds, of numbers that count the unit and of text such as `PT3S`, which says its own."""
        scale, found = values.UNITS.get(self.unit or "s", 1.0), {}
        for leaf in reversed(self.leaves):
            read = leaf.read(values.seconds)
            written = leaf.is_written or scale == 1.0
            found.update(read if written else {row: value * scale for row, value in read.items()})
        return found

    @property
    def paths(self) -> list[str]:
        """The paths of the places."""
        return [leaf.path for leaf in self.leaves]


@dataclass
class Guesser:
    """What is known of a source while its columns are looked for.

    Attributes:
        leaves: Everything that there is.
        total: The number of events.
        meanings: Row -> what its event means.
        found: Input column -> where it is, as far as that is known.
    """

    leaves: Mapping[str, Leaf]
    total: int
    meanings: Mapping[int, str]
    found: dict[str, Found] = field(default_factory=dict)

    @cached_property
    def tracks(self) -> Tracks:
        """The events in order, by what is known of them."""
        return Tracks.of(self.times(), self.meanings, self.keys("userId"), self.keys("videoId"))

    def watching(self) -> set[int]:
        """The rows that say something about watching; all, if nothing is known of that."""
        found = {row for row, meaning in self.meanings.items() if meaning != "ignore"}
        return found or set(range(self.total))

    def times(self) -> dict[int, float]:
        """Row -> seconds from 1970 UTC."""
        place = self.found.get("timestamp")
        if place is None:
            return {}
        scale, found = values.UNITS.get(place.unit or "", 1.0), {}
        for leaf in reversed(place.leaves):
            if leaf.is_number and place.unit:
                found.update({row: value * scale for row, value in leaf.read(values.number).items()})
            else:
                found.update(leaf.read(values.instant))
        return found

    def keys(self, name: str) -> dict[int, Any]:
        """Row -> user, video or session."""
        place = self.found.get(name)
        return {} if place is None else place.read(values.key)

    def positions(self, name: str = "currentTime") -> dict[int, float]:
        """Row -> seconds, of a column that holds such."""
        place = self.found.get(name)
        return {} if place is None else place.seconds()

    def free(self, *spare: str) -> list[Leaf]:
        """The places that are not taken by another column; those of `spare` may be."""
        taken = {path for name, place in self.found.items() if name not in spare for path in place.paths}
        return [leaf for path, leaf in self.leaves.items() if path not in taken]
