"""What can be said of a source, and what there is to say it from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Optional

from watchspan.checking.meanings import PLAYING
from watchspan.checking.proposal import Proposal
from watchspan.checking.shapes import Leaf


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        topic: What it is about, in a word or two: `sessions`, `clock`, `unit of positions`.
        severity: `error`: the events cannot be read so; `warning`: numbers may be wrong; `note`: how the
            source differs from what is read by default, and what the proposal does about it; `advice`: a rule
            to set where nothing is wrong.
        text: What was found, with its values, and what to do.
        evidence: The figures behind it.
        argument: What the proposal gains by it: `rules`, `columns` or `preset` -> what to pass there.
    """

    topic: str
    severity: str
    text: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    argument: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Case:
    """A sample and how it is read: what the checks look at.

    Attributes:
        leaves: Everything that is in the events.
        total: The number of events.
        proposal: How they are best read.
        nobody: The share of all events that have no user, of a sample that leaves these out.
        often: User -> its share of all events, of a sample that may leave it out.
    """

    leaves: Mapping[str, Leaf]
    total: int
    proposal: Proposal
    nobody: float = 0.0
    often: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def times(self) -> dict[int, float]:
        """Row -> seconds from 1970 UTC."""
        return self.proposal.known.times()

    @cached_property
    def positions(self) -> dict[int, float]:
        """Row -> position in seconds, of the positions that count."""
        found = self.proposal.known.positions()
        return {row: position for row, position in found.items() if position >= 0}

    @cached_property
    def meanings(self) -> Mapping[int, str]:
        """Row -> what its event means, of the events that say something about watching."""
        found = self.proposal.known.meanings
        return {row: meaning for row, meaning in found.items() if meaning != "ignore"}

    @cached_property
    def users(self) -> dict[int, Any]:
        """Row -> user."""
        return self.proposal.known.keys("userId")

    @cached_property
    def videos(self) -> dict[int, Any]:
        """Row -> video."""
        return self.proposal.known.keys("videoId")

    @cached_property
    def sessions(self) -> dict[int, Any]:
        """Row -> session id."""
        return self.proposal.known.keys("sessionId")

    @cached_property
    def groups(self) -> list[list[int]]:
        """The rows of each user, video and session that say something about watching, in order of time."""
        found: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for row in self.meanings:
            if row in self.times and row in self.users and row in self.videos:
                found[self.users[row], self.videos[row], self.sessions.get(row)].append(row)
        return [sorted(rows, key=lambda row: (self.times[row], row)) for rows in found.values()]

    @cached_property
    def stretches(self) -> list[tuple[int, int, float, float]]:
        """Two neighbouring rows after the first of which a player plays; clock and content between them."""
        found = []
        for rows in self.groups:
            for first, then in zip(rows, rows[1:]):
                if first in self.positions and then in self.positions and self.meanings[first] in PLAYING:
                    clock = self.times[then] - self.times[first]
                    found.append((first, then, clock, self.positions[then] - self.positions[first]))
        return found


def share(part: float, whole: float) -> str:
    """A share as text: `12%`, `0.3%`.

    >>> share(1, 8), share(3, 1000), share(1, 1000000)
    ('12%', '0.3%', 'less than 0.1%')
    """
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.1:
        return "less than 0.1%"
    return f"{percent:.0f}%" if percent >= 10 or percent == 0 else f"{percent:.1f}%".replace(".0%", "%")


def listed(words: Any, most: int = 5) -> str:
    """Some words of many, in one line."""
    found = list(words)
    text = ", ".join(map(str, found[:most]))
    return f"{text} and {len(found) - most:,} more" if len(found) > most else text


def example(leaf: Optional[Leaf]) -> str:
    """The first value of a place, short."""
    text = repr(leaf.values[0]) if leaf else ""
    return text if len(text) <= 60 else f"{text[:57]}..."
