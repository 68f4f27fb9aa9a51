"""Where an upload stopped, so that another call can go on there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchspan.azure import sdk
from watchspan.errors import DataError, OptionError
from watchspan.masking import masked

__all__ = ["Checkpoint"]

_TEXT = re.compile(r"([\w.-]{1,100}),([0-9TZ:.-]+),(\d{1,18}),([0-9a-f]{64})")


@dataclass(frozen=True)
class Checkpoint:
    """Where an upload stopped. Its text, by `str`, says the same.

    Attributes:
        run_id: The run.
        computed_at: When its rows were computed.
        rows: How many of them, from the first one on, are known to be stored.
        digest: What those rows were: going on with other rows is refused.
    """

    run_id: str
    computed_at: str
    rows: int
    digest: str

    def __str__(self) -> str:
        return f"{self.run_id},{self.computed_at},{self.rows},{self.digest}"

    @classmethod
    def of(cls, given: Checkpoint | str | None) -> Checkpoint | None:
        """A checkpoint, or what a text says of one.

        Raises:
            OptionError: If it is neither.
        """
        if given is None or isinstance(given, Checkpoint):
            return given
        found = _TEXT.fullmatch(given.strip()) if isinstance(given, str) else None
        if found is None:
            raise OptionError(
                f"resume is {sdk.shortened(masked(repr(given)))}, but the checkpoint of an unfinished upload "
                "is needed."
            )
        return cls(found[1], found[2], int(found[3]), found[4])

    def check(self, rows: int, digest: str) -> None:
        """Makes sure that the rows to send begin with those that were sent.

        Args:
            rows: How many there are to send, from the first one of the run on.
            digest: What the first `self.rows` of them are, as SHA-256.

        Raises:
            DataError: If they are others.
        """
        if rows < self.rows or digest != self.digest:
            raise DataError(
                f"The first {self.rows:,} rows are not those that the run {self.run_id!r} has sent: the "
                "events, options or the window have changed. Start a new run; readers take the newest row of "
                "each rowKey."
            )
