"""Tables of Python's, pandas' and polars' own, as Arrow tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

from watchspan import _core
from watchspan.errors import ColumnTypeError, SourceError
from watchspan.sources.parquet import local_files
from watchspan.sources.wanted import Wanted, empty_batch
from watchspan.text import shown

# What pyarrow raises where it cannot convert a value.
_REFUSALS = (TypeError, ValueError, OverflowError, LookupError, RecursionError, pa.ArrowException)
# Values nested deeper than this are no table's: pyarrow would exhaust the stack, and the process would end.
_DEEPEST = 32


def type_name(source: Any) -> str:
    """What to call an object's type in a message."""
    kind = type(source)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def from_polars(frame: Any, want: Wanted | None) -> Any:
    """A polars frame of the wanted columns, a lazy one in parts: not every type has its like in Arrow."""
    if want:
        frame = frame.select(want.find(frame.collect_schema().names()))
    if hasattr(frame, "collect_batches"):
        return _parts(frame)
    return frame.collect() if hasattr(frame, "collect") else frame


def _parts(frame: Any) -> Iterator[Any]:
    """The parts of a lazy frame as it computes them; at least one, which has its columns."""
    rows = 0
    for part in frame.collect_batches():
        rows += part.height
        yield from as_batches(part)
    if not rows:
        yield from as_batches(frame.head(0).collect())


def as_batches(table: Any) -> list[pa.RecordBatch]:
    """An object with an Arrow stream as batches of pyarrow's."""
    batches, schema = _core.batches(table)
    return batches or [empty_batch(schema)]


def from_spark(frame: Any, want: Wanted | None) -> Any:
    """A Spark data frame, collected: its wanted columns alone."""
    if want:
        frame = frame.select(*("`" + name.replace("`", "``") + "`" for name in want.find(frame.columns)))
    return frame.toArrow() if hasattr(frame, "toArrow") else frame.toPandas()


def from_delta(table: Any, want: Wanted | None) -> Any:
    """A Delta table: its files by the core, or by deltalake with deletion vectors, column mapping and all."""
    names = pa.schema(table.schema().to_arrow()).names
    if want is None:
        return table.scan(columns=names)
    used = want.find(names)
    return _plain_delta(table, want, used) or table.scan(columns=used)


def _plain_delta(table: Any, want: Wanted, used: list[str]) -> Any:
    """The files of a Delta table on this machine that hold its rows as they are; None if they do not."""
    paths = table.file_uris()
    # Later readers know deletion vectors and columns under other names.
    if table.protocol().min_reader_version > 1 or not paths or not all(map(os.path.isabs, paths)):
        return None
    files = local_files(paths, want)
    return files if files and set(used) == set(files.names[0]).intersection(used) else None


def from_pandas(frame: Any, want: Wanted | None) -> pa.Table | pa.RecordBatch:
    """A data frame of the wanted columns, of which those of a named index are some."""
    index = [name for name in frame.index.names if name is not None and name not in frame.columns]
    names = [*frame.columns, *index]
    if want:
        found = want.find(names)
        frame = frame[[name for name in frame.columns if name in found]]
        index = [name for name in index if name in found]
    for place, kind in enumerate(frame.dtypes):
        if kind.kind == "O":
            _refuse_deep(frame.columns[place], frame.iloc[:, place])
    try:
        return pa.Table.from_pandas(frame, preserve_index=bool(index))
    except _REFUSALS as error:
        raise ColumnTypeError(f"The data frame cannot be turned into Arrow columns: {error}") from error


def from_dicts(rows: Sequence[Any], want: Wanted | None) -> pa.Table | pa.RecordBatch:
    """A list of dicts, one for each row."""
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise SourceError(
                f"Row {number} of the list is of type {type_name(row)}, but the rows before are dicts."
            )
    names = dict.fromkeys(chain.from_iterable(rows))
    return from_columns({name: [row.get(name) for row in rows] for name in names}, want)


def from_columns(columns: Mapping[Any, Any], want: Wanted | None) -> pa.Table | pa.RecordBatch:
    """A dict of columns."""
    arrays = {}
    for name in want.find(columns) if want else columns:
        values = columns[name]
        _refuse_deep(name, values)
        try:
            arrays[name] = values if isinstance(values, pa.ChunkedArray) else pa.array(values)
        except _REFUSALS as error:
            raise ColumnTypeError(
                f"Column {shown(name)} cannot be turned into an Arrow column: {error}"
            ) from error
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise SourceError(f"The columns differ in length: {found}.")
    try:
        return pa.table(arrays)
    except _REFUSALS as error:
        raise SourceError(f"The columns are no table: {error}") from error


def _refuse_deep(name: Any, values: Any) -> None:
    """Refuses a column of Python objects that are nested without end, or nearly so."""
    is_of_objects = isinstance(values, (list, tuple)) or str(getattr(values, "dtype", None)) == "object"
    if is_of_objects and _is_deep(values, _DEEPEST):
        raise ColumnTypeError(
            f"Column {shown(name)} cannot be turned into an Arrow column: its values hold values that hold "
            f"values, more than {_DEEPEST} deep."
        )


def _is_deep(values: Any, levels: int) -> bool:
    # Most columns hold no such values, and are through after a look at their types.
    if not any(issubclass(kind, (list, tuple, Mapping)) for kind in set(map(type, values))):
        return False
    if levels == 0:
        return True
    nested = (value for value in values if isinstance(value, (list, tuple, Mapping)))
    return any(
        _is_deep(value.values() if isinstance(value, Mapping) else value, levels - 1) for value in nested
    )
