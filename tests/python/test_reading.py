"""How batches are taken from whoever makes them: beside the work on those before."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pyarrow as pa
import pytest

import watchspan

# More rows than are handed to the engine at a time.
ROWS = 600_000
# Far less than the work on so many rows takes, and far more than waiting does.
WORK_SECONDS = 0.02


def _batch(part: int) -> pa.RecordBatch:
    rows = range(ROWS)
    return pa.RecordBatch.from_pydict(
        {
            "userId": [f"user-{row % 30_011}" for row in rows],
            "videoId": pa.array(["v"] * ROWS),
            "eventName": pa.array(["play"] * ROWS),
            "timestamp": pa.array([part * ROWS + row for row in rows], pa.timestamp("s")),
            "currentTime": pa.array([0.0] * ROWS),
        }
    )


def test_batches_are_read_while_those_before_are_worked_on() -> None:
    batches = [_batch(part) for part in range(2)]
    worked = []

    def read() -> Iterator[pa.RecordBatch]:
        yield batches[0]
        # Nothing happens here, so whoever uses the processor meanwhile is at work on the first batch.
        begin, before = time.monotonic(), time.process_time()
        while time.process_time() - before < WORK_SECONDS and time.monotonic() - begin < 5:
            time.sleep(0.25)
        worked.append(time.process_time() - before >= WORK_SECONDS)
        yield batches[1]

    found = watchspan.aggregate(read(), videos=None)
    assert worked == [True]
    assert found.equals(watchspan.aggregate(pa.Table.from_batches(batches)))


@pytest.mark.parametrize("good", [0, 1, 3])
def test_an_error_of_the_producer_arrives_as_it_is(good: int) -> None:
    class OutOfBatchesError(Exception):
        pass

    def read() -> Iterator[pa.RecordBatch]:
        yield from [_batch(0).slice(0, 10)] * good
        raise OutOfBatchesError(good)

    with pytest.raises(OutOfBatchesError, match=str(good)):
        watchspan.aggregate(read())


def test_a_batch_that_cannot_be_read_is_reported_though_the_next_one_is_read_meanwhile() -> None:
    first = _batch(0)
    _, ends, text = first["userId"].buffers()
    ends = ends.to_pybytes()
    swapped = pa.py_buffer(ends[:4] + ends[8:12] + ends[4:8] + ends[12:])
    wrong = pa.Array.from_buffers(pa.string(), ROWS, [None, swapped, text])
    columns = {"userId": wrong, **{name: first[name] for name in first.schema.names[1:]}}
    with pytest.raises(watchspan.errors.DataError, match="offsets of text that are not in order"):
        watchspan.aggregate(iter([pa.RecordBatch.from_pydict(columns), _batch(1)]))
