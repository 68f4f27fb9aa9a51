"""What must hold of any result, whatever it was made from."""

from __future__ import annotations

import math
from typing import Any, Callable

import pyarrow as pa
import pyarrow.compute as pc

from watchspan.errors import InternalError, WatchspanError
from watchspan.report import ValidationReport


class LawError(AssertionError):
    """A law that does not hold."""


def require(holds: bool, what: str) -> None:
    """Says what does not hold."""
    if not holds:
        raise LawError(what)


def check_result(result: Any, passed_on: bool = False) -> None:
    """Whether a result of any verb is sound: valid Arrow data, finite numbers.

    Of what is only passed on, values are the producer's own, and so is what it says of its nulls.
    """
    if isinstance(result, tuple):  # of the core: batches and their schema
        result = pa.Table.from_batches(*result[:2])
    if isinstance(result, ValidationReport):
        require(result.read == result.kept + sum(result.dropped.values()), f"it does not add up: {result}")
        result = result.examples
    if isinstance(result, dict):
        wrong = [
            name for name, value in result.items() if isinstance(value, float) and not math.isfinite(value)
        ]
        require(not wrong, f"of the summary, {wrong} are not finite")
    if not isinstance(result, (pa.Table, pa.RecordBatch)):
        return
    try:
        result.validate(full=True)
    except (pa.ArrowException, ValueError) as error:
        # Columns that are handed on as they are keep what their values should not be.
        values = (
            "null_count value",
            "UTF8",
            "UTF-8",
            "does not fit in precision",
            "within the acceptable range",
        )
        own = passed_on and any(text in str(error) for text in values)
        require(own, f"the result is not valid: {error}")
    for name, column in zip(result.schema.names, [] if passed_on else result.columns):
        check_numbers(name, column)


def check_numbers(name: str, column: Any) -> None:
    """Whether all numbers of a column, and in its lists, are finite."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        for chunk in chunks:
            check_numbers(name, chunk.flatten())
    elif pa.types.is_struct(kind):
        for number, part in enumerate(column.flatten()):
            check_numbers(f"{name}.{kind.field(number).name}", part)
    elif pa.types.is_floating(kind):
        wrong = column.filter(pc.invert(pc.is_finite(column)))
        require(len(wrong) == 0, f"{name} is {wrong.slice(0, 3).to_pylist()}")


def verdict(error: BaseException) -> str:
    """What kind of ending an exception is: a `refusal` is right, everything else a finding."""
    if isinstance(error, InternalError):
        return "internal"
    if isinstance(error, WatchspanError):
        return "refusal" if str(error).strip() else "raw"
    if isinstance(error, LawError):
        return "law"
    return "raw" if isinstance(error, Exception) else "panic"


def refused(call: Callable[[], None]) -> str:
    """Calls something and says whether it was accepted, or refused in words of ours; the rest is raised."""
    try:
        call()
    except InternalError:
        raise
    except WatchspanError as error:
        return verdict(error)
    return "accepted"
