"""What must hold of any result, whatever it was made from."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

import watchspan as ws
from watchspan.errors import InternalError, WatchspanError

# Stands in memory behind what is handed over, and so must never come out.
MARK = b"LEAKED"


class Violation(AssertionError):
    """A law that does not hold."""


def require(holds: bool, what: str) -> None:
    """Says what does not hold."""
    if not holds:
        raise Violation(what)


def check_result(result: Any) -> None:
    """Whether a result of any verb is sound: valid Arrow data, finite numbers, nothing from foreign memory."""
    if isinstance(result, tuple):  # of the core: batches and their schema, or batch after batch
        result = pa.Table.from_batches(*result[:2])
    if isinstance(result, ws.report.__globals__["ValidationReport"]):
        require(result.read == result.kept + sum(result.dropped.values()), f"the report does not add up: {result}")
        result = result.examples
    if isinstance(result, (pa.Table, pa.RecordBatch)):
        try:
            result.validate(full=True)
        except pa.ArrowInvalid as error:
            raise Violation(f"the result is not valid: {error}") from error
        for name, column in zip(result.schema.names, result.columns):
            check_numbers(name, column)
            require(not holds_mark(column), f"column {name} shows foreign memory")


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
        wrong = [value for value in column.to_pylist() if value is not None and not math.isfinite(value)]
        require(not wrong, f"{name} is {wrong[:3]}")


def holds_mark(column: Any) -> bool:
    """Whether text that nobody handed over stands in a column."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    return any(MARK in value.encode() for chunk in chunks for value in chunk.to_pylist() if value)


def verdict(error: BaseException) -> str:
    """What kind of ending an exception is: a `refusal` is right, everything else a finding."""
    if isinstance(error, InternalError):
        return "internal"
    if isinstance(error, WatchspanError):
        return "refusal" if str(error).strip() else "raw"
    if isinstance(error, Violation):
        return "law"
    return "raw" if isinstance(error, Exception) else "panic"
