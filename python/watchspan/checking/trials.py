"""What the engine makes of a sample, read in one way or another: what is proposed is what happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

import pyarrow.compute as pc

from watchspan.api import sessions
from watchspan.errors import WatchspanError
from watchspan.presets import reading
from watchspan.report import report


@dataclass(frozen=True)
class Trial:
    """What became of the events.

    Attributes:
        read: How many there were.
        kept: How many count.
        dropped: Reason -> how many do not.
        watched: Seconds of content that were watched.
        rejected: How many stretches were ahead of the clock.
        error: Why nothing was read; None if it was.
    """

    read: int = 0
    kept: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    watched: float = 0.0
    rejected: int = 0
    error: Optional[str] = None

    @property
    def understood(self) -> float:
        """The share of the events that were read, including those that are known to say nothing."""
        known = self.kept + self.dropped.get("duplicate", 0) + self.dropped.get("ignored_event", 0)
        return known / self.read if self.read else 0.0

    @property
    def worth(self) -> tuple[float, ...]:
        """What to choose by: the greater the better."""
        usable = self.kept > 0 and self.watched > 0
        return (usable, round(self.understood, 2), self.watched, -self.rejected)


def tried(events: Any, **arguments: Any) -> Trial:
    """What `sessions` makes of a sample's `events` with these arguments."""
    how = reading(arguments.get("preset"), arguments.get("columns"), arguments.get("vocabulary"), None)
    try:
        table = sessions(events.source(how.columns), **arguments)
    except WatchspanError as error:
        return Trial(error=str(error))
    figures = report(table)
    watched = pc.sum(table["watchTime"]).as_py() or 0.0
    rejected = pc.sum(table["rejectedSegmentCount"]).as_py() or 0
    return Trial(figures["read"], figures["kept"], figures["dropped"], watched, rejected)
