"""What users hand in, as the core takes it; and tables as files.

Nothing here computes anything: a source becomes a stream of record batches that holds the columns in use, and
every way in which that can fail is told in the user's words.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable

import pyarrow as pa

from watchspan import _core
from watchspan.errors import SourceError
from watchspan.sources.files import delta_table, file_metadata, read_files
from watchspan.sources.formats import format_of
from watchspan.sources.objects import (
    from_columns,
    from_delta,
    from_dicts,
    from_pandas,
    from_polars,
    from_spark,
    type_name,
)
from watchspan.sources.outputs import check_output
from watchspan.sources.overflow import Overflow
from watchspan.sources.parquet import ParquetTable
from watchspan.sources.pickles import disarm
from watchspan.sources.places import refuse_overwriting
from watchspan.sources.records import filled, unnested
from watchspan.sources.scans import scan_dataset
from watchspan.sources.wanted import Wanted, empty_batch, is_nested, wanted
from watchspan.sources.writing import write, write_lines, written

__all__ = [
    "Overflow",
    "ParquetTable",
    "Wanted",
    "are_paths",
    "as_table",
    "check_output",
    "delta_table",
    "empty_batch",
    "format_of",
    "is_dataset",
    "is_list_of_dicts",
    "is_nested",
    "read",
    "read_table",
    "refuse_overwriting",
    "replayable",
    "schema_metadata",
    "wanted",
    "write",
    "write_lines",
    "written",
]

# Here, because everything that reads a table passes here.
disarm()


def read(source: Any, want: Wanted | None, table: str = "rows") -> Any:
    """Turns a source into what the core takes: an object with an Arrow stream, or an iterator of batches.

    Args:
        source: Anything that holds a table; see `watchspan.aggregate`.
        want: The columns that are used; None for all of them.
        table: What the table holds, for messages; `want` says it, where there is one.

    Raises:
        SourceError: If it cannot be read.
        ColumnError: If its columns cannot be turned into Arrow columns.
    """
    table = want.table if want else table
    if want and (want.unnest or want.fill):
        return _events_of(source, want)
    for fits, convert in _CONVERSIONS:
        if fits(source):
            return convert(source, want, table)
    raise SourceError(
        f"Cannot read {table} from an object of type {type_name(source)}: pass an Arrow table (pyarrow, "
        "polars, pandas, DuckDB, any object with __arrow_c_stream__), a pyarrow dataset, a DeltaTable, an "
        "iterator of record batches, or the path of Parquet, CSV, JSON lines or Arrow files, or of a Delta "
        "table."
    )


def _events_of(source: Any, want: Wanted) -> Iterator[pa.RecordBatch]:
    """The events of records that are more, or less, than one: see `Records`."""
    if are_paths(source):
        again = _kept(source, want, read_files)
    else:
        again = _kept(source, wanted(want.table, dict(want.columns or {})), read)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in again():
            yield from unnested(batch, want.unnest) if want.unnest else (batch,)

    return filled(batches, want) if want.fill else batches()


def read_table(source: Any, want: Wanted | None = None) -> pa.Table:
    """A table of rows that watchspan made, as a pyarrow table with all its columns.

    Args:
        source: Anything that holds a table.
        want: Which columns of it must be there. Of files others are not read, and files of text, which give
            text, need it.

    Raises:
        SourceError: If it cannot be read, or is not what it claims: pyarrow's functions would not ask.
    """
    taken = read(source, want)
    table = as_table(taken if _has_arrow(taken) else iter(taken))
    for name, column in zip(table.column_names, table.columns):
        try:
            column.validate(full=True)
        except pa.ArrowException as error:
            raise SourceError(
                f"Column {name!r} of the rows cannot be read: {error}. Write the table anew."
            ) from error
    return table


def as_table(source: Any) -> pa.Table:
    """An object with an Arrow stream or array, or an iterator of batches, as a pyarrow table.

    Raises:
        SourceError: If its structs contradict themselves: pyarrow's own import would believe them.
    """
    if isinstance(source, pa.Table):
        return source
    try:
        batches, schema = _core.batches(source)
    except pa.ArrowException as error:
        raise SourceError(f"The input holds Arrow data that pyarrow cannot read: {error}.") from error
    return pa.Table.from_batches(batches, schema)


def replayable(source: Any, want: Wanted) -> Callable[[], Iterator[pa.RecordBatch]]:
    """A function that gives the source's batches, from the first one again with each call.

    Files and datasets are read again; of everything else the batches are kept, with the wanted columns only.
    """
    return _kept(source, want, read)


def _kept(
    source: Any, want: Wanted, read: Callable[[Any, Wanted], Any]
) -> Callable[[], Iterator[pa.RecordBatch]]:
    taken = read(source, want)
    if are_paths(source) or is_dataset(source):
        # The reader that was opened to find mistakes early is the first one.
        opened = [taken]
        return lambda: iter(opened.pop() if opened else read(source, want))
    batches = _batches_of(as_table(taken)) if _has_arrow(taken) else list(taken)
    slim = [_select(batch, want) for batch in batches]
    return lambda: iter(slim)


def schema_metadata(source: Any) -> dict[bytes, bytes]:
    """The metadata of a source's schema; empty where it has none or cannot say."""
    if are_paths(source):
        return file_metadata(source)
    if isinstance(source, (list, tuple)) and source:
        source = source[0]
    # A lazy frame of polars would look at all that it is made of, and has nothing to tell.
    schema = None if _is_from("polars", "collect_schema")(source) else getattr(source, "schema", None)
    return dict(schema.metadata or {}) if isinstance(schema, pa.Schema) else {}


def are_paths(source: Any) -> bool:
    """Whether a source is a path or several."""
    items = source if isinstance(source, (list, tuple)) else [source]
    return bool(items) and all(isinstance(item, (str, os.PathLike)) for item in items)


def _is_from(library: str, attribute: str) -> Callable[[Any], bool]:
    """Recognises objects of a library without importing it."""
    return lambda source: type(source).__module__.split(".")[0] == library and hasattr(source, attribute)


def is_list_of_dicts(source: Any) -> bool:
    """Whether a source is rows of Python's."""
    return isinstance(source, Sequence) and bool(source) and isinstance(source[0], Mapping)


def _has_arrow(source: Any) -> bool:
    return hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")


def is_dataset(source: Any) -> bool:
    """Whether a source is a pyarrow dataset."""
    return hasattr(source, "scanner") and hasattr(source, "get_fragments")


def _is_iterable(source: Any) -> bool:
    return isinstance(source, Iterable) and not isinstance(source, (str, bytes, bytearray))


# The first that fits a source converts it.
_CONVERSIONS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Wanted | None, str], Any]], ...] = (
    (are_paths, lambda source, want, _: read_files(source, want)),
    # What was read before: the core's threads read it, and not whoever iterates.
    (lambda source: isinstance(source, _core.ParquetFiles), lambda source, *_: source),
    (is_dataset, lambda source, want, _: scan_dataset(source, want)),
    (_is_from("pandas", "columns"), lambda source, want, _: _stream(from_pandas(source, want))),
    (_is_from("polars", "collect_schema"), lambda source, want, _: from_polars(source, want)),
    (
        _is_from("pyspark", "mapInArrow"),
        lambda source, want, table: read(from_spark(source, want), want, table),
    ),
    (_is_from("deltalake", "scan"), lambda source, want, _: from_delta(source, want)),
    (
        lambda source: isinstance(source, Mapping),
        lambda source, want, _: _stream(from_columns(source, want)),
    ),
    (is_list_of_dicts, lambda source, want, _: _stream(from_dicts(source, want))),
    (lambda source: isinstance(source, (pa.Table, pa.RecordBatch)), lambda source, *_: _stream(source)),
    # Not by its C stream, where an exception of a generator behind it would arrive as mere text.
    (
        lambda source: isinstance(source, pa.lib.RecordBatchReader),
        lambda source, _, table: _checked(source, source.schema, table),
    ),
    (_has_arrow, lambda source, *_: source),
    # Ibis.
    (
        lambda source: hasattr(source, "to_pyarrow_batches"),
        lambda source, want, table: read(source.to_pyarrow_batches(), want, table),
    ),
    # Datasets of Hugging Face.
    (_is_from("datasets", "with_format"), lambda source, want, table: read(_in_parts(source), want, table)),
    # The core knows what an iterator that yields nothing amounts to.
    (_is_iterable, lambda source, _, table: _checked(source, None, table)),
)


def _in_parts(dataset: Any) -> Iterator[Any]:
    return iter(dataset.with_format("arrow").iter(1 << 16))


def _stream(table: Any) -> Any:
    """A pyarrow table or batch as it is, or, where pyarrow has no C stream protocol yet, its batches."""
    if _has_arrow(table):
        return table
    return iter(_batches_of(table) or [empty_batch(table.schema)])


def _batches_of(item: Any) -> list[pa.RecordBatch]:
    return [item] if isinstance(item, pa.RecordBatch) else list(item.to_batches())


def _select(batch: pa.RecordBatch, want: Wanted) -> pa.RecordBatch:
    names = want.find(batch.schema.names)
    try:
        columns = [batch.column(batch.schema.names.index(name)) for name in names]
        return pa.RecordBatch.from_arrays(columns, names=names)
    except (pa.ArrowException, KeyError) as error:  # a type that pyarrow has no class for is a KeyError
        raise SourceError(f"The input holds Arrow data that pyarrow cannot read: {error}.") from error


def _checked(source: Iterable[Any], schema: pa.Schema | None, table: str) -> Iterator[pa.RecordBatch]:
    """The batches of an iterable, at least one if it has a schema. Its exceptions pass through untouched."""
    seen = False
    for number, item in enumerate(source):
        if isinstance(item, (pa.RecordBatch, pa.Table)):
            batches = _batches_of(item)
        elif _has_arrow(item):
            batches = as_table(item).to_batches()
        else:
            raise SourceError(
                f"The iterator of {table} gave an object of type {type_name(item)} as item {number}: record "
                "batches are needed. A list of rows must be a list of dicts."
            )
        seen = seen or bool(batches)
        yield from batches
    if schema is not None and not seen:
        yield empty_batch(schema)
