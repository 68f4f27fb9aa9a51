"""What users hand in, as the core takes it; and tables as files.

Nothing here computes anything: a source becomes a stream of record batches that holds the columns in use, and
every way in which that can fail is told in the user's words.
"""

from __future__ import annotations

import glob
import json
import operator
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import chain
from typing import Any, Callable

import pyarrow as pa

from watchspan import _core
from watchspan.errors import ColumnTypeError, MissingColumnError, OptionError, SourceError

_SUFFIXES = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".arrow": "ipc",
    ".feather": "ipc",
}
_TITLES = {"parquet": "Parquet", "csv": "CSV", "json": "JSON lines", "ipc": "Arrow"}
# Rows per batch of a file scan: large enough to make a batch's fixed costs vanish, small beside a row group.
_SCAN_ROWS = 131_072
# How much of a JSON lines file is looked at to learn which columns it has.
_SAMPLE_BYTES = 1 << 20
_NUMBERS = frozenset({"currentTime", "playbackRate", "seekFrom", "duration"})


@dataclass(frozen=True)
class Wanted:
    """The columns that a computation uses.

    Attributes:
        table: What the table holds: `events` or `videos`.
        columns: Default name -> the names that the column may have in the user's table, the first found counts.
        required: Default names of the columns that must be there.
    """

    table: str
    columns: dict[str, tuple[str, ...]]
    required: frozenset[str]

    def find(self, names: Iterable[str]) -> dict[str, str]:
        """Which of these names are wanted: name in the table -> default name, in the order of the definitions."""
        there = set(names)
        chosen = ((default, next((n for n in own if n in there), None)) for default, own in self.columns.items())
        return {name: default for default, name in chosen if name is not None}

    def lacks(self, names: Iterable[str]) -> list[str]:
        """The required columns that are not among these names, as the user would call them."""
        found = set(self.find(names).values())
        return [own[0] for default, own in self.columns.items() if default in self.required - found]


def wanted(table: str, columns: Mapping[str, str | None] | None) -> Wanted:
    """The columns that are used of the events or the videos table under a mapping of names."""
    chosen: dict[str, tuple[str, ...]] = {}
    required = set()
    for spec in _core.input_column_specs():
        default = spec["name"]
        if spec["table"] != table and default != "videoId":
            continue
        name = (columns or {}).get(default, default)
        if name is None:
            continue
        # The videos table may keep the default name of its key although the events table has another one.
        borrowed = spec["table"] != table and name != default
        chosen[default] = (name, default) if borrowed else (name,)
        if spec["required"] or name != default:
            required.add(default)
    return Wanted(table, chosen, frozenset(required))


def thread_count(threads: int | None) -> int | None:
    """The number of threads as the core takes it: None means all cores, but one inside a Spark task.

    Raises:
        OptionError: If it is not an integer of at least 1.
    """
    if threads is None:
        return 1 if _in_spark_task() else None
    return whole_number("threads", threads, "None or an integer of at least 1")


def whole_number(option: str, value: Any, accepted: str, least: int = 1) -> int:
    """The value as an int.

    Raises:
        OptionError: If it is not an integer, or less than `least`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise OptionError(f"{option} is {value!r}, but {accepted} is needed.")
    return number


def _in_spark_task() -> bool:
    # Spark fills the cores with tasks already. Whoever runs inside a task has imported pyspark.
    context = getattr(sys.modules.get("pyspark"), "TaskContext", None)
    return context is not None and context.get() is not None


def read(source: Any, want: Wanted | None, table: str = "rows") -> Any:
    """Turns a source into what the core takes: an object with an Arrow stream, or an iterator of record batches.

    Args:
        source: Anything that holds a table; see `watchspan.aggregate`.
        want: The columns that are used; None for all of them.
        table: What the table holds, for messages; `want` says it, where there is one.

    Raises:
        SourceError: If it cannot be read.
        ColumnError: If its columns cannot be turned into Arrow columns.
    """
    table = want.table if want else table
    if is_path(source):
        return _scan_files(source, want)
    if isinstance(source, (list, tuple)) and source and all(is_path(item) for item in source):
        return _scan_files(source, want)
    module = type(source).__module__.partition(".")[0]
    if module == "pandas" and hasattr(source, "columns"):
        return _stream(_from_pandas(source, want))
    if module == "polars" and hasattr(source, "collect"):
        return _collect_lazy(source, want)
    if isinstance(source, Mapping):
        return _stream(_from_columns(source, want))
    if isinstance(source, Sequence) and source and isinstance(source[0], Mapping):
        return _stream(_from_dicts(source, want))
    if isinstance(source, (pa.Table, pa.RecordBatch)):
        return _stream(source)
    if isinstance(source, pa.lib.RecordBatchReader):
        # Not by its C stream, where an exception of a generator behind it would arrive as mere text.
        return _checked(source, lambda: empty_batch(source.schema), table)
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return source
    if hasattr(source, "to_batches") and hasattr(source, "scanner"):
        return _scan_dataset(source, want)
    if isinstance(source, Iterable) and not isinstance(source, (str, bytes, bytearray)):
        return _checked(source, lambda: _no_rows(want), table)
    raise SourceError(
        f"Cannot read {table} from an object of type {_type_name(source)}: pass an Arrow table (pyarrow, polars, "
        "pandas, DuckDB, any object with __arrow_c_stream__), a pyarrow dataset, an iterator of record batches, or "
        "the path of Parquet, CSV, JSON lines or Arrow files."
    )


def read_table(source: Any) -> pa.Table:
    """A table of rows that watchspan made, as a pyarrow table with all its columns."""
    taken = read(source, None)
    if isinstance(taken, pa.Table):
        return taken
    if hasattr(taken, "__arrow_c_stream__") or hasattr(taken, "__arrow_c_array__"):
        return pa.table(taken)
    return pa.Table.from_batches(list(taken))


def replayable(source: Any, want: Wanted) -> Callable[[], Iterator[pa.RecordBatch]]:
    """A function that gives the source's batches, from the first one again with each call.

    Files and datasets are read again; of everything else the batches are kept, with the wanted columns only.
    """
    taken = read(source, want)
    if _is_rereadable(source):
        # The reader that was opened to find mistakes early is the first one.
        opened = [taken]
        return lambda: opened.pop() if opened else read(source, want)
    if hasattr(taken, "__arrow_c_stream__") or hasattr(taken, "__arrow_c_array__"):
        whole = taken if isinstance(taken, (pa.Table, pa.RecordBatch)) else pa.table(taken)
        batches = _batches_of(whole)
    else:
        batches = list(taken)
    slim = [_select(batch, want) for batch in batches] or [_no_rows(want)]
    return lambda: iter(slim)


def schema_metadata(source: Any) -> dict[bytes, bytes]:
    """The metadata of a source's schema; empty where it has none or cannot say."""
    if is_path(source) or (isinstance(source, (list, tuple)) and source and all(is_path(item) for item in source)):
        return dict(_open_files(source, None).schema.metadata or {})
    if isinstance(source, (list, tuple)) and source:
        source = source[0]
    schema = getattr(source, "schema", None)
    return dict(schema.metadata or {}) if isinstance(schema, pa.Schema) else {}


def is_path(source: Any) -> bool:
    """Whether the source is a path, a glob or an URI."""
    return isinstance(source, (str, os.PathLike))


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A batch without rows: it carries the schema where no row does."""
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def _type_name(source: Any) -> str:
    kind = type(source)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _is_rereadable(source: Any) -> bool:
    items = source if isinstance(source, (list, tuple)) else [source]
    paths = bool(items) and all(is_path(item) for item in items)
    return paths or (hasattr(source, "files") and hasattr(source, "scanner"))


def _no_rows(want: Wanted | None, names: Iterable[str] | None = None) -> pa.RecordBatch:
    """No rows under these names, or the wanted ones. Where a needed name is not among them, the core says so."""
    if names is None:
        specs = _core.column_specs("sessions")
        names = [own[0] for own in want.columns.values()] if want else [spec["name"] for spec in specs]
    return empty_batch(pa.schema([(name, pa.null()) for name in names]))


def _stream(table: Any) -> Any:
    """A pyarrow table or batch as it is, or, where pyarrow has no C stream protocol yet, its batches."""
    if hasattr(table, "__arrow_c_stream__") or hasattr(table, "__arrow_c_array__"):
        return table
    return iter(_batches_of(table) or [empty_batch(table.schema)])


def _batches_of(item: Any) -> list[pa.RecordBatch]:
    return [item] if isinstance(item, pa.RecordBatch) else list(item.to_batches())


def _select(batch: pa.RecordBatch, want: Wanted) -> pa.RecordBatch:
    names = list(want.find(batch.schema.names))
    if want.lacks(batch.schema.names) or len(set(batch.schema.names)) < batch.num_columns:
        return batch
    return pa.RecordBatch.from_arrays([batch.column(batch.schema.names.index(n)) for n in names], names=names)


def _checked(source: Iterable[Any], empty: Callable[[], pa.RecordBatch], table: str) -> Iterator[pa.RecordBatch]:
    """The batches of an iterable. An exception of the iterable passes through untouched."""
    seen = False
    for number, item in enumerate(source):
        if isinstance(item, (pa.RecordBatch, pa.Table)):
            batches = _batches_of(item)
        elif hasattr(item, "__arrow_c_array__") or hasattr(item, "__arrow_c_stream__"):
            batches = pa.table(item).to_batches()
        else:
            raise SourceError(
                f"The iterator of {table} gave an object of type {_type_name(item)} as item {number}: record batches "
                "are needed. A list of rows must be a list of dicts."
            )
        seen = seen or bool(batches)
        yield from batches
    if not seen:
        yield empty()


def _collect_lazy(frame: Any, want: Wanted | None) -> Any:
    names = frame.collect_schema().names()
    if want and not want.lacks(names):
        frame = frame.select(list(want.find(names)))
    return frame.collect()


def _from_pandas(frame: Any, want: Wanted | None) -> pa.Table | pa.RecordBatch:
    index = [name for name in frame.index.names if name is not None and name not in frame.columns]
    names = [*frame.columns, *index]
    if want:
        if want.lacks(names):
            return _no_rows(want, map(str, names))
        found = want.find(names)
        frame = frame[[name for name in frame.columns if name in found]]
        index = [name for name in index if name in found]
    try:
        return pa.Table.from_pandas(frame, preserve_index=bool(index))
    except (TypeError, ValueError) as error:
        raise ColumnTypeError(f"The data frame cannot be turned into Arrow columns: {error}") from error


def _from_dicts(rows: Sequence[Any], want: Wanted | None) -> pa.Table | pa.RecordBatch:
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise SourceError(f"Row {number} of the list is of type {_type_name(row)}, but the rows before are dicts.")
    names = dict.fromkeys(chain.from_iterable(rows))
    return _from_columns({name: [row.get(name) for row in rows] for name in names}, want)


def _from_columns(columns: Mapping[Any, Any], want: Wanted | None) -> pa.Table | pa.RecordBatch:
    names = list(columns)
    if want and want.lacks(names):
        return _no_rows(want, map(str, names))
    arrays = {}
    for name in want.find(names) if want else names:
        try:
            arrays[name] = pa.chunked_array(columns[name]) if _is_chunked(columns[name]) else pa.array(columns[name])
        except (TypeError, ValueError, OverflowError) as error:
            raise ColumnTypeError(f"Column {name!r} cannot be turned into an Arrow column: {error}") from error
    try:
        return pa.table(arrays)
    except pa.ArrowInvalid as error:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise SourceError(f"The columns differ in length: {lengths}.") from error


def _is_chunked(values: Any) -> bool:
    return isinstance(values, pa.ChunkedArray)
