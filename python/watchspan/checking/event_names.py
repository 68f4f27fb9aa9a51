"""Where event names are, and whose they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from watchspan.checking.known import ALIKE, Found
from watchspan.checking.meanings import Match, Names, vocabularies
from watchspan.checking.naming import likeness
from watchspan.checking.places import at, moved_leaves, native_leaves
from watchspan.checking.shapes import Leaf
from watchspan.columns import place_of

_MOST_NAMES = 400
# How many presets are tried for names whose place is known.
_TRIED = 6
_EVENT = "eventName"


@dataclass(frozen=True)
class NamePlace:
    """Where event names are, and what they mean.

    Attributes:
        found: The places.
        names: The names and how many events have each.
        match: The preset that knows them; None: their meanings are guessed.
        is_native: Whether the places are those that the preset names.
        is_theirs: Whether they are these, or the same within something else.
    """

    found: Found
    names: Names
    match: Optional[Match]
    is_native: bool = False
    is_theirs: bool = False

    @property
    def vocabulary(self) -> Mapping[str, str]:
        """What the names mean."""
        return self.names.guessed if self.match is None else self.match.vocabulary

    def is_like(self, other: NamePlace) -> bool:
        """Whether another one is of the same places and the same preset."""
        presets = [place.match.preset if place.match else None for place in (self, other)]
        return presets[0] == presets[1] and self.found.paths == other.found.paths

    def meanings(self) -> dict[int, str]:
        """Row -> what its event means, of the names that are known."""
        known = self.vocabulary
        if self.match is not None and self.match.how != "exactly":
            known = {**self.names.guessed, **known}
        read = self.found.read(str)  # type: ignore[arg-type]
        return {row: known[name] for row, name in read.items() if name in known}


def name_places(leaves: Mapping[str, Leaf], total: int, preset: Optional[str], given: Any) -> list[NamePlace]:
    """Where event names may be, the likeliest first."""
    found: list[NamePlace] = []
    if given:
        chain = at(leaves, place_of(given))
        names = _names(chain, total)
        fits = _of(names, preset) if preset else names.matches[:_TRIED]
        return [NamePlace(Found(chain), names, match) for match in (*fits, None) if chain]
    for name in vocabularies():
        if preset in (None, name):
            moved = moved_leaves(leaves, name, _EVENT)
            if moved:
                names = _names(moved, total)
                found += [NamePlace(Found(moved), names, match, False, True) for match in _of(names, name)]
            chain = native_leaves(leaves, name, _EVENT)
            if chain:
                names = _names(chain, total)
                found += [NamePlace(Found(chain), names, match, True, True) for match in _of(names, name)]
    for leaf in leaves.values():
        if len(leaf.rows) < 0.25 * total or leaf.is_instant or leaf.distinct > _MOST_NAMES:
            continue
        if leaf.distinct == 1 and likeness(leaf.names, _EVENT) < ALIKE:
            continue
        if isinstance(leaf.looks[0], (bool, float)) or (leaf.is_written and leaf.distinct > 1):
            continue
        names = _names([leaf], total)
        matches = names.matches[:3] if preset is None else _of(names, preset)
        found += [NamePlace(Found([leaf]), names, match) for match in matches]
        if names.guessed:
            found.append(NamePlace(Found([leaf]), names, None))
    return sorted((place for place in found if _score(place) > 0), key=_score, reverse=True)


def _of(names: Names, preset: str) -> list[Match]:
    return [match for match in names.matches if match.preset == preset][:1]


def _score(place: NamePlace) -> float:
    """How likely event names are there: 0 for not at all."""
    vocabulary, leaf = place.vocabulary, place.found.leaves[0]
    known = place.names.share(vocabulary)
    alike = max(likeness(leaf.names, _EVENT) for leaf in place.found.leaves)
    playing = not {"play", "heartbeat", "resume"}.isdisjoint(vocabulary.values())
    if not playing or (len(vocabulary) < 2 and alike < ALIKE):
        return 0.0
    if leaf.is_number and alike < ALIKE and (known < 0.9 or len(vocabulary) < 4):
        return 0.0
    if place.match is None:
        guessed = len(vocabulary) / max(1, len(place.names.counts))
        return 0.5 * known + 0.3 * alike + 0.2 * guessed if known > 0.4 and (alike or guessed > 0.5) else 0.0
    exactness = {"exactly": 0.5, "case": 0.3, "prefix": 0.1}[place.match.how]
    # Names that are alike by chance are few.
    if known < 0.4 if place.match.how != "exactly" else known < 0.15 and not place.is_theirs:
        return 0.0
    rarity, plain = place.match.rarity, place.match.size
    return known + exactness + 0.3 * alike + 0.3 * rarity + 0.5 * place.is_theirs - 0.0005 * plain


def _names(leaves: Iterable[Leaf], total: int) -> Names:
    read = Found(list(leaves)).read(str)  # type: ignore[arg-type]
    return Names(dict(Counter(read.values()).most_common()), total)
