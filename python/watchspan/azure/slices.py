"""A window of time in slices that a service can answer whole.

Services cut an answer that is too large and say so beside the rows. What they send then is of no use: which
rows are missing is unknown. So such a slice is cut in two, down to the resolution of time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Callable, TypeVar

from watchspan import instants
from watchspan.azure.failures import ServiceError, SliceError

__all__ = ["Slice", "TooMuchError", "in_slices"]

_Rows = TypeVar("_Rows")
# Services return up to half a million rows, which take the client a gigabyte: slices are kept below that.
_FEW_ROWS, _MANY_ROWS = 25_000, 100_000


class TooMuchError(ServiceError):
    """An answer is not whole."""

    @property
    def words(self) -> str:
        """What the service said."""
        return str(self.args[0])

    def __str__(self) -> str:
        return f"The service did not answer whole: {self.words} Take a shorter window, or ask for less."


@dataclass(frozen=True)
class Slice:
    """The instants from `start` to before `end`, in microseconds since 1970 UTC."""

    start: int
    end: int

    @property
    def first(self) -> datetime:
        """The first instant."""
        return instants.moment(self.start)

    @property
    def after(self) -> datetime:
        """The first instant after it."""
        return instants.moment(self.end)

    def __str__(self) -> str:
        return f"{instants.text(self.start)} to {instants.text(self.end)}"


def in_slices(
    window: Slice,
    fetch: Callable[[Slice], _Rows],
    size_of: Callable[[_Rows], int],
    *,
    step: int,
    on_cut: Callable[[], object] = lambda: None,
) -> Iterator[tuple[Slice, _Rows]]:
    """The rows of a window, slice by slice in the order of time, each instant in exactly one slice.

    Args:
        window: All of it.
        fetch: Gets the rows of a slice, or raises `TooMuchError`.
        size_of: How many rows those are.
        step: How long the first slice is, in microseconds; later ones follow what the service can answer.
        on_cut: Called whenever a slice turned out to be too large.

    Raises:
        SliceError: If a slice of a microsecond is still too much.
    """
    start = window.start
    while start < window.end:
        part = Slice(start, min(start + step, window.end))
        try:
            rows = fetch(part)
        except TooMuchError as error:
            on_cut()
            if part.end - part.start == 1:
                raise SliceError(
                    f"The service did not answer whole for the slice {part}, which cannot be cut further: "
                    f"{error.words} If that many events carry the same time, read them in parts by "
                    "event_names, or in a window of event times if it is one of arrival: whole batches "
                    "arrive at once."
                ) from error
            step = (part.end - part.start) // 2
            continue
        yield part, rows
        start = part.end
        size = size_of(rows)
        if size < _FEW_ROWS:
            step *= 2
        elif size > _MANY_ROWS:
            step = max(1, step // 2)
