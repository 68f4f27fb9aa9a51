"""Events of a service as a stream of record batches, and the figures of reading them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Callable, Literal, Union

import pyarrow as pa

from watchspan.arguments import instant_argument
from watchspan.azure.queries import EVENT_ID, ITEM_COUNT
from watchspan.azure.repairs import as_batch, input_schema
from watchspan.azure.slices import Slice, in_slices
from watchspan.errors import OptionError
from watchspan.instants import DAY, Instant, aware

__all__ = ["By", "OnProgress", "ReadCounts", "closed_window", "stream", "timedelta_argument", "wider"]

# Whether a window is one of the events' own times or of their arrival.
By = Literal["event", "arrival"]
Rows = Sequence[Sequence[Any]]
# How long the first slice is: what follows depends on how much is in it.
_FIRST_STEP = DAY
# Clocks of clients are wrong in both directions, and events wait in them until they are online again.
AHEAD = timedelta(days=1)
_FIRST, _LAST = aware(datetime.min), aware(datetime.max)


@dataclass
class ReadCounts:
    """What was read so far.

    Attributes:
        rows: Rows that the service delivered.
        events: Rows that were handed on: without copies.
        duplicates: Copies of events, told by their `eventId` in a user's session.
        without_id: Rows without an `eventId`, whose copies only the engine can tell.
        sampled: Rows that stand for more than one event.
        represented: How many events all rows stand for, by their item counts.
        unreadable: Column -> values that were none of its type, and became nulls.
        queries: Slices asked for.
        cut: Slices that were asked for again in two halves, because the answer was not whole.
        start: The first instant of the window.
        end: The first instant after it.
        done_until: The first instant that has not been read yet.
    """

    rows: int = 0
    events: int = 0
    duplicates: int = 0
    without_id: int = 0
    sampled: int = 0
    represented: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)
    queries: int = 0
    cut: int = 0
    start: Union[datetime, None] = None
    end: Union[datetime, None] = None
    done_until: Union[datetime, None] = None


OnProgress = Callable[[ReadCounts], object]


def closed_window(start: Instant, end: Instant) -> Slice:
    """The window, which needs both ends.

    Raises:
        OptionError: If an end is missing or cannot be read, or if nothing lies between them.
    """
    first, after = instant_argument("start", start), instant_argument("end", end)
    # NaT, which pandas has for no time, is a datetime that gives no number.
    if not isinstance(first, int) or not isinstance(after, int):
        raise OptionError(f"The window is from {start!r} to {end!r}, but both ends are needed.")
    if first >= after:
        raise OptionError(
            f"The window from {start} to {end} is empty. Its end is not part of it: for January 15 pass "
            "'2026-01-15' and '2026-01-16'."
        )
    window = Slice(first, after)
    try:
        wider(window, timedelta())
    except OverflowError as error:
        raise OptionError(
            f"The window is from {start} to {end}, but times between the years 1 and 9999 are needed."
        ) from error
    return window


def timedelta_argument(option: str, value: timedelta) -> timedelta:
    """The value of an option that is a length of time.

    Raises:
        OptionError: If it is none, or negative.
    """
    if isinstance(value, timedelta) and value >= timedelta(0):
        return value
    raise OptionError(f"{option} is {value!r}, but a datetime.timedelta that is not negative is needed.")


def wider(part: Slice, lookback: timedelta) -> tuple[datetime, datetime]:
    """The times that events may have which arrived within a slice."""
    first, after = part.first, part.after
    return first - min(lookback, first - _FIRST), after + min(AHEAD, _LAST - after)


def stream(
    columns: Sequence[str],
    window: Slice,
    fetch: Callable[[Slice], Rows],
    *,
    deduplicate: bool,
    on_progress: OnProgress | None,
) -> pa.RecordBatchReader:
    """A reader of the rows of a window, which asks for a slice when it is pulled.

    Args:
        columns: The engine's columns, in the order of the rows' values.
        window: The window.
        fetch: Gets the rows of a slice, or raises `TooMuchError`.
        deduplicate: Whether to leave out rows whose `eventId` came before in the user's session.
        on_progress: Called after each slice.
    """
    schema = input_schema(columns)
    counts = ReadCounts(start=window.first, end=window.after, done_until=window.first)
    return pa.RecordBatchReader.from_batches(
        schema, _batches(schema, window, fetch, counts, deduplicate, on_progress)
    )


def _batches(
    schema: pa.Schema,
    window: Slice,
    fetch: Callable[[Slice], Rows],
    counts: ReadCounts,
    deduplicate: bool,
    on_progress: OnProgress | None,
) -> Iterator[pa.RecordBatch]:
    seen: set[bytes] = set()

    def ask(part: Slice) -> Rows:
        counts.queries += 1
        return fetch(part)

    def cut() -> None:
        counts.cut += 1

    def unreadable(column: str) -> None:
        counts.unreadable[column] = counts.unreadable.get(column, 0) + 1

    for part, rows in in_slices(window, ask, len, step=_FIRST_STEP, on_cut=cut):
        batch = as_batch(rows, schema, unreadable)
        kept = _without_copies(batch, seen, counts) if deduplicate else batch
        _count(batch, kept, counts)
        counts.done_until = part.after
        if kept.num_rows:
            yield kept
        if on_progress:
            on_progress(counts)


def _without_copies(batch: pa.RecordBatch, seen: set[bytes], counts: ReadCounts) -> pa.RecordBatch:
    """The rows whose event id was not there before in that session; those without an id all stay."""
    names = batch.schema.names
    if EVENT_ID not in names:
        return batch
    # Some players number the events of each session from 1.
    key = [name for name in (EVENT_ID, "userId", "sessionId") if name in names]
    keep = []
    for event_id, *session in zip(*(batch.column(names.index(name)).to_pylist() for name in key)):
        if event_id is None:
            keep.append(True)
            continue
        # A digest is smaller than the texts.
        identity = blake2b(repr((event_id, session)).encode(), digest_size=16).digest()
        keep.append(identity not in seen)
        seen.add(identity)
    if all(keep):
        return batch
    counts.duplicates += len(keep) - sum(keep)
    return batch.filter(pa.array(keep))


def _count(batch: pa.RecordBatch, kept: pa.RecordBatch, counts: ReadCounts) -> None:
    counts.rows += batch.num_rows
    counts.events += kept.num_rows
    names = batch.schema.names
    if EVENT_ID in names:
        counts.without_id += kept.column(names.index(EVENT_ID)).null_count
    else:
        counts.without_id += kept.num_rows
    if ITEM_COUNT not in names:
        counts.represented += kept.num_rows
        return
    # A row without a count stands for itself.
    for number in kept.column(names.index(ITEM_COUNT)).to_pylist():
        counts.represented += 1 if number is None else number
        counts.sampled += number is not None and number > 1
