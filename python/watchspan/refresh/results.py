"""What a refresh says that it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ShrunkScope:
    """A user's session (or user) with fewer raw events than its stored rows were made from.

    Attributes:
        userId: The user.
        sessionId: The session; None where sessions are cut by inactivity alone.
        storedEvents: How many events the stored rows had of the videos that have fewer now.
        foundEvents: How many they have now.
    """

    userId: Any
    sessionId: str | None
    storedEvents: int
    foundEvents: int


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did.

    Attributes:
        scopes: Users' sessions (or users, where sessions are cut by inactivity) with changed events.
        sessions_written: Session rows that were computed and written.
        sessions_deleted: Session rows that no longer exist, such as two that a late event joined.
        pairs: User+video pairs whose engagement was computed again.
        shrunk: Scopes that were left as they are, because fewer raw events were found than their rows were
            made from.
        shrunk_examples: Some of these.
    """

    scopes: int = 0
    sessions_written: int = 0
    sessions_deleted: int = 0
    pairs: int = 0
    shrunk: int = 0
    shrunk_examples: list[ShrunkScope] = field(default_factory=list)
