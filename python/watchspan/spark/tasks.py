"""What runs inside Spark's tasks: functions from the batches of one partition to those of its result.

They are passed to `mapInArrow` by reference, so the package must be installed where the tasks run. What they
yield is held to the layout that was declared: Spark itself would match it by position and in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import pyarrow as pa

from watchspan import _core
from watchspan.errors import OptionError, WatchspanError
from watchspan.rules import Rules, Scoring
from watchspan.spark.kinds import VOCABULARY, named
from watchspan.spark.layout import KEYS

COUNTS = "_counts"
# The bounds of time that an event may carry.
FIRST, LAST = "_first", "_last"
# All that is known of videos, which the first event of a partition carries.
KNOWN = "_known"
# 1 in that event, and null in all others.
HEAD = "_head"
# How much of it: it passes through the driver, where Spark's own limit of results is no higher by default.
MOST_BYTES = 2**30
# Of an output batch. Spark copies each into a buffer of its own, on both sides.
_ROWS = 16_384


def aggregate_partition(
    batches: Iterator[pa.RecordBatch],
    *,
    rules: Rules,
    scoring: Scoring,
    unique_seconds: bool,
    declared: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    """Events, the first of which may carry what is known of videos -> engagement rows."""
    taken, figures = _taken(batches), None
    if taken is not None:
        videos, taken = _with_videos(taken)
        # These are some users' events: they cannot tell how far anybody got in a video.
        rules = replace(rules, estimate_duration=False)
        made, _, figures = _core.aggregate(
            map(named, taken), videos, None, VOCABULARY, rules, scoring, unique_seconds, 1
        )
        yield from _declared(made, declared)
    yield from _counted(figures, declared)


def walk_partition(
    batches: Iterator[pa.RecordBatch],
    *,
    rules: Rules,
    declared: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    """Events -> session rows. Of events that carry bounds only those within them count."""
    taken, figures = _taken(batches), None
    if taken is not None:
        made, _, figures = _core.sessions(map(_within, map(named, taken)), None, VOCABULARY, rules, 1)
        yield from _declared(made, declared)
    yield from _counted(figures, declared)


def furthest_partition(
    batches: Iterator[pa.RecordBatch],
    *,
    rules: Rules,
    declared: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    """Events -> how far anybody in this partition got in each video, and which durations players report."""
    taken = _taken(batches)
    if taken is not None:
        made, _ = _core.furthest(map(named, taken), None, VOCABULARY, rules, 1)
        yield from _declared(made, declared)


def engage_partition(
    batches: Iterator[pa.RecordBatch],
    *,
    rules: Rules,
    scoring: Scoring,
    unique_seconds: bool,
    declared: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    """Session rows that carry their videos' durations -> engagement rows."""
    sessions = [_core.from_spark_layout(batch) for batch in batches if batch.num_rows]
    if sessions:
        videos = [_durations(batch) for batch in sessions]
        # Others may have got further than the viewers in this partition: what is unknown here stays so.
        rules = replace(rules, estimate_duration=False)
        made, _ = _core.engagement(iter(sessions), iter(videos), None, rules, scoring, unique_seconds, 1)
        yield from _declared(made, declared)


def scopes_partition(
    batches: Iterator[pa.RecordBatch],
    *,
    vocabulary: str | dict[str, str] | None,
    start: int | None,
    end: int | None,
    declared: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    """Events -> who has accepted ones in a window, and from when to when."""
    taken = _taken(batches)
    if taken is not None:
        made, _ = _core.scopes(taken, None, vocabulary, start, end, 1)
        yield from _declared(made, declared)


def within_partition(batches: Iterator[pa.RecordBatch], *, declared: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Events that carry bounds -> those whose time is within them."""
    yield from _declared(map(_within, batches), declared)


def pack_videos(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """What is known of videos -> one row: `_head`, which is 1, and `_known`, which is all of it.

    Args:
        batches: `videoId`, `duration` and `durationSource`, and `title` if it is known, one row per video.
            One row at least; those without a video say nothing.

    Raises:
        OptionError: If it takes more than may reach a task.
    """
    first, stream = next(batches), pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, first.schema) as writer:
        for batch in chain([first], batches):
            writer.write_batch(batch)
            _refuse_much(stream.tell())
    packed = stream.getvalue()
    bounds = pa.array([0, packed.size], pa.int32()).buffers()[1]
    known = pa.Array.from_buffers(pa.binary(), 1, [None, bounds, packed])
    yield pa.RecordBatch.from_arrays([pa.array([1], pa.int32()), known], names=[HEAD, KNOWN])


def _refuse_much(size: int) -> None:
    if size > MOST_BYTES:
        raise OptionError(
            f"The videos table takes more than {MOST_BYTES} bytes, which is what may reach a task: keep "
            "those videos that have events, as with "
            "videos.join(events.select('videoId').distinct(), 'videoId', 'left_semi')."
        )


def _with_videos(
    batches: Iterator[pa.RecordBatch],
) -> tuple[Iterator[pa.RecordBatch] | None, Iterator[pa.RecordBatch]]:
    """What an event carries of videos, the first as a rule, and the events without it."""
    held = []
    for batch in batches:
        held.append(batch)
        if KNOWN not in batch.schema.names:
            return None, chain(held, batches)
        carried = batch.column(batch.schema.names.index(KNOWN)).drop_null()
        if len(carried):
            known = iter(pa.ipc.open_stream(carried[0].as_buffer()))
            return known, map(_without_videos, chain(held, batches))
    # Brought by anything but a broadcast, they would tear users apart: wrong rows are worse than none.
    raise WatchspanError(
        "No event of a Spark task carries the videos, so Spark did not broadcast them as it was told to: "
        "please report this, with the plan of the query."
    )


def _without_videos(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = {name: column for name, column in _columns(batch).items() if name != KNOWN}
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _taken(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch] | None:
    """The batches with rows; None if there is none. Spark calls the function for empty partitions too."""
    batches = (batch for batch in batches if batch.num_rows)
    first = next(batches, None)
    return None if first is None else chain([first], batches)


def _within(batch: pa.RecordBatch) -> pa.RecordBatch:
    return _core.within(batch, None) if FIRST in batch.schema.names else batch


def _durations(sessions: pa.RecordBatch) -> pa.RecordBatch:
    """The videos table that session rows carry along: rows that say the same are no conflict."""
    names = {"videoId": "videoId", "videoDuration": "duration", "durationSource": "durationSource"}
    arrays = [sessions.column(sessions.schema.names.index(name)) for name in names]
    return pa.RecordBatch.from_arrays(arrays, names=list(names.values()))


def _declared(batches: Iterable[pa.RecordBatch], declared: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The core's batches in the declared layout, in slices."""
    for batch in batches:
        whole = _conform(batch, declared)
        for start in range(0, whole.num_rows, _ROWS):
            yield whole.slice(start, _ROWS)


def _conform(batch: pa.RecordBatch, declared: pa.Schema) -> pa.RecordBatch:
    # Lists of pairs are declared as they are or as two lists of numbers: both are looked for.
    columns = {**_columns(batch), **_columns(_core.to_spark_layout(batch))}
    arrays = []
    for field in declared:
        if field.name == COUNTS:
            arrays.append(pa.nulls(batch.num_rows, field.type))
            continue
        array = columns.get(field.name)
        if array is not None and field.name in KEYS and pa.types.is_integer(field.type):
            # Keys come with 64 bits, and were no wider in the events.
            array = array.cast(field.type)
        if array is None or not array.type.equals(field.type):
            found = "is not there" if array is None else f"has the type {array.type}"
            raise WatchspanError(
                f"Column {field.name!r} of the result {found} in a Spark task, but {field.type} was declared "
                f"where the job was planned. The task runs watchspan {_core.version}: install the same "
                "version on the driver and on the executors."
            )
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=declared)


def _columns(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    return dict(zip(batch.schema.names, batch.columns))


def _counted(figures: Mapping[str, Any] | None, declared: pa.Schema) -> Iterator[pa.RecordBatch]:
    """One more row, null but for what was read and dropped, if it was declared."""
    if COUNTS in declared.names:
        counts = [0] * (1 + len(_core.drop_reasons()))
        if figures is not None:
            counts = [figures["read"], *figures["dropped"].values()]
        arrays = [
            pa.array([counts], field.type) if field.name == COUNTS else pa.nulls(1, field.type)
            for field in declared
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=declared)
