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
from datetime import datetime
from fnmatch import fnmatch
from itertools import chain
from typing import Any, Callable

import pyarrow as pa

from watchspan import _core
from watchspan.errors import ColumnTypeError, MissingColumnError, OptionError, SourceError, VocabularyError

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
_TEXT_FORMATS = frozenset({"csv", "json"})
# Rows per batch of a file scan: large enough to make a batch's fixed costs vanish, small beside a row group.
_SCAN_ROWS = 131_072
# How much of a JSON lines file is looked at to learn which columns it has.
_SAMPLE_BYTES = 1 << 20
# How much of it is parsed at a time.
_JSON_BLOCK_BYTES = 1 << 24
_NUMBERS = frozenset({"currentTime", "playbackRate", "seekFrom", "duration"})


@dataclass(frozen=True)
class Wanted:
    """The columns that a computation uses.

    Attributes:
        table: What the table holds: `events` or `videos`.
        columns: Default name -> the names that the column may have in the user's table, the first found
            counts.
        required: Default names of the columns that must be there.
    """

    table: str
    columns: dict[str, tuple[str, ...]]
    required: frozenset[str]

    def find(self, names: Iterable[str]) -> dict[str, str]:
        """Which of these names are wanted: name in the table -> default name, in the core's order."""
        there = set(names)
        chosen = (
            (default, next((n for n in own if n in there), None)) for default, own in self.columns.items()
        )
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


def column_mapping(columns: Mapping[str, str | None] | None) -> dict[str, str | None] | None:
    """The argument `columns` as the core takes it.

    Raises:
        OptionError: If it is not a mapping of names to names.
    """
    if columns is None:
        return None
    accepted = "a mapping from default column names to the names in your table (or None) is needed"
    if not isinstance(columns, Mapping):
        raise OptionError(f"columns is {columns!r}, but {accepted}.")
    for name, own in columns.items():
        if not isinstance(name, str) or not isinstance(own, (str, type(None))):
            raise OptionError(f"columns maps {name!r} to {own!r}, but {accepted}.")
    return dict(columns)


def vocabulary_argument(vocabulary: str | Mapping[str, str] | None) -> str | dict[str, str] | None:
    """The argument `vocabulary` as the core takes it.

    Raises:
        VocabularyError: If it is neither a name nor a mapping of text to text.
    """
    if vocabulary is None or isinstance(vocabulary, str):
        return vocabulary
    accepted = "the name of a preset, or a mapping from event names to kinds, is needed"
    if not isinstance(vocabulary, Mapping):
        raise VocabularyError(f"vocabulary is {vocabulary!r}, but {accepted}.")
    for name, kind in vocabulary.items():
        if not isinstance(name, str) or not isinstance(kind, str):
            raise VocabularyError(f"vocabulary maps {name!r} to {kind!r}, but {accepted}.")
    return dict(vocabulary)


def _in_spark_task() -> bool:
    # Spark fills the cores with tasks already. Whoever runs inside a task has imported pyspark.
    context = getattr(sys.modules.get("pyspark"), "TaskContext", None)
    return context is not None and context.get() is not None


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
    for fits, convert in _CONVERSIONS:
        if fits(source):
            return convert(source, want, table)
    raise SourceError(
        f"Cannot read {table} from an object of type {_type_name(source)}: pass an Arrow table (pyarrow, "
        "polars, pandas, DuckDB, any object with __arrow_c_stream__), a pyarrow dataset, an iterator of "
        "record batches, or the path of Parquet, CSV, JSON lines or Arrow files."
    )


def read_table(source: Any) -> pa.Table:
    """A table of rows that watchspan made, as a pyarrow table with all its columns."""
    taken = read(source, None)
    if isinstance(taken, pa.Table):
        return taken
    if _has_arrow(taken):
        return pa.table(taken)
    return pa.Table.from_batches(list(taken))


def replayable(source: Any, want: Wanted) -> Callable[[], Iterator[pa.RecordBatch]]:
    """A function that gives the source's batches, from the first one again with each call.

    Files and datasets are read again; of everything else the batches are kept, with the wanted columns only.
    """
    taken = read(source, want)
    if _are_paths(source) or _is_dataset(source):
        # The reader that was opened to find mistakes early is the first one.
        opened = [taken]
        return lambda: opened.pop() if opened else read(source, want)
    if _has_arrow(taken):
        whole = taken if isinstance(taken, (pa.Table, pa.RecordBatch)) else pa.table(taken)
        batches = _batches_of(whole)
    else:
        batches = list(taken)
    slim = [_select(batch, want) for batch in batches]
    return lambda: iter(slim)


def schema_metadata(source: Any) -> dict[bytes, bytes]:
    """The metadata of a source's schema; empty where it has none or cannot say."""
    if _are_paths(source):
        form, paths, filesystem = _find_files(source)
        typed = form not in _TEXT_FORMATS
        return dict((_open_typed(paths, filesystem, form, None).schema.metadata if typed else None) or {})
    if isinstance(source, (list, tuple)) and source:
        source = source[0]
    schema = getattr(source, "schema", None)
    return dict(schema.metadata or {}) if isinstance(schema, pa.Schema) else {}


def _are_paths(source: Any) -> bool:
    items = source if isinstance(source, (list, tuple)) else [source]
    return bool(items) and all(isinstance(item, (str, os.PathLike)) for item in items)


def _is_from(library: str, attribute: str) -> Callable[[Any], bool]:
    """Recognises objects of a library without importing it."""
    return lambda source: type(source).__module__.split(".")[0] == library and hasattr(source, attribute)


def _is_list_of_dicts(source: Any) -> bool:
    return isinstance(source, Sequence) and bool(source) and isinstance(source[0], Mapping)


def _has_arrow(source: Any) -> bool:
    return hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")


def _is_dataset(source: Any) -> bool:
    return hasattr(source, "scanner") and hasattr(source, "get_fragments")


def _is_iterable(source: Any) -> bool:
    return isinstance(source, Iterable) and not isinstance(source, (str, bytes, bytearray))


# The first that fits a source converts it.
_CONVERSIONS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Wanted | None, str], Any]], ...] = (
    (_are_paths, lambda source, want, _: _read_files(source, want)),
    (_is_dataset, lambda source, want, _: _scan_dataset(source, want)),
    (_is_from("pandas", "columns"), lambda source, want, _: _stream(_from_pandas(source, want))),
    (_is_from("polars", "collect_schema"), lambda source, want, _: _from_polars(source, want)),
    (
        lambda source: isinstance(source, Mapping),
        lambda source, want, _: _stream(_from_columns(source, want)),
    ),
    (_is_list_of_dicts, lambda source, want, _: _stream(_from_dicts(source, want))),
    (lambda source: isinstance(source, (pa.Table, pa.RecordBatch)), lambda source, *_: _stream(source)),
    # Not by its C stream, where an exception of a generator behind it would arrive as mere text.
    (
        lambda source: isinstance(source, pa.lib.RecordBatchReader),
        lambda source, _, table: _checked(source, source.schema, table),
    ),
    (_has_arrow, lambda source, *_: source),
    # The core knows what an iterator that yields nothing amounts to.
    (_is_iterable, lambda source, _, table: _checked(source, None, table)),
)


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A batch without rows: it carries the schema where no row does."""
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def _type_name(source: Any) -> str:
    kind = type(source)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _no_rows(names: Iterable[str]) -> pa.RecordBatch:
    """No rows under these names, among which a needed one is missing: the core says so, and what it found."""
    return empty_batch(pa.schema([(name, pa.null()) for name in names]))


def _stream(table: Any) -> Any:
    """A pyarrow table or batch as it is, or, where pyarrow has no C stream protocol yet, its batches."""
    if _has_arrow(table):
        return table
    return iter(_batches_of(table) or [empty_batch(table.schema)])


def _batches_of(item: Any) -> list[pa.RecordBatch]:
    return [item] if isinstance(item, pa.RecordBatch) else list(item.to_batches())


def _select(batch: pa.RecordBatch, want: Wanted) -> pa.RecordBatch:
    names = list(want.find(batch.schema.names))
    if want.lacks(batch.schema.names) or len(set(batch.schema.names)) < batch.num_columns:
        return batch
    return pa.RecordBatch.from_arrays([batch.column(batch.schema.names.index(n)) for n in names], names=names)


def _checked(source: Iterable[Any], schema: pa.Schema | None, table: str) -> Iterator[pa.RecordBatch]:
    """The batches of an iterable, at least one if it has a schema. Its exceptions pass through untouched."""
    seen = False
    for number, item in enumerate(source):
        if isinstance(item, (pa.RecordBatch, pa.Table)):
            batches = _batches_of(item)
        elif _has_arrow(item):
            batches = pa.table(item).to_batches()
        else:
            raise SourceError(
                f"The iterator of {table} gave an object of type {_type_name(item)} as item {number}: record "
                "batches are needed. A list of rows must be a list of dicts."
            )
        seen = seen or bool(batches)
        yield from batches
    if schema is not None and not seen:
        yield empty_batch(schema)


def _from_polars(frame: Any, want: Wanted | None) -> Any:
    """A polars frame, a lazy one collected, of the wanted columns: not every type has its like in Arrow."""
    names = frame.collect_schema().names()
    if want and not want.lacks(names):
        frame = frame.select(list(want.find(names)))
    return frame.collect() if hasattr(frame, "collect") else frame


def _from_pandas(frame: Any, want: Wanted | None) -> pa.Table | pa.RecordBatch:
    index = [name for name in frame.index.names if name is not None and name not in frame.columns]
    names = [*frame.columns, *index]
    if want:
        if want.lacks(names):
            return _no_rows(map(str, names))
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
            raise SourceError(
                f"Row {number} of the list is of type {_type_name(row)}, but the rows before are dicts."
            )
    names = dict.fromkeys(chain.from_iterable(rows))
    return _from_columns({name: [row.get(name) for row in rows] for name in names}, want)


def _from_columns(columns: Mapping[Any, Any], want: Wanted | None) -> pa.Table | pa.RecordBatch:
    names = list(columns)
    if want and want.lacks(names):
        return _no_rows(map(str, names))
    arrays = {}
    for name in want.find(names) if want else names:
        try:
            values = columns[name]
            arrays[name] = values if isinstance(values, pa.ChunkedArray) else pa.array(values)
        except (TypeError, ValueError, OverflowError) as error:
            raise ColumnTypeError(
                f"Column {name!r} cannot be turned into an Arrow column: {error}"
            ) from error
    try:
        return pa.table(arrays)
    except pa.ArrowInvalid as error:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise SourceError(f"The columns differ in length: {lengths}.") from error


# Files.


def format_of(path: str) -> str:
    """The format that a path's suffix stands for: `parquet`, `csv`, `json` or `ipc`.

    Raises:
        SourceError: If the suffix is none that is known.
    """
    known = [form for suffix, form in _SUFFIXES.items() if path.lower().endswith(suffix)]
    if not known:
        raise SourceError(
            f"The format of {path!r} is unknown: its name must end in one of {', '.join(_SUFFIXES)}."
        )
    return known[0]


def _scan_dataset(dataset: Any, want: Wanted | None) -> Iterator[pa.RecordBatch]:
    """The batches of a pyarrow dataset, of the wanted columns only."""
    from pyarrow import dataset as ds

    names = dataset.schema.names
    if want and want.lacks(names):
        return iter([_no_rows(names)])
    found = list(want.find(names)) if want else names
    schema = pa.schema([dataset.schema.field(name) for name in found], metadata=dataset.schema.metadata)
    # By field, not by name: a name with a dot would be taken for a path into a struct.
    scanner = dataset.scanner(columns={name: ds.field(name) for name in found}, batch_size=_SCAN_ROWS)
    return _scan(scanner, schema)


def _scan(scanner: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    seen = False
    try:
        for batch in scanner.to_batches():
            seen = True
            yield batch
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"Reading stopped: {error}") from error
    if not seen:
        yield empty_batch(schema)


def _read_files(source: Any, want: Wanted | None) -> Iterator[pa.RecordBatch]:
    """The batches of the files behind one path, directory, glob or URI, or a list of them."""
    form, paths, filesystem = _find_files(source)
    try:
        if form not in _TEXT_FORMATS:
            return _scan_dataset(_open_typed(paths, filesystem, form, want), want)
        if want is not None:
            open_text = _open_csv if form == "csv" else _open_json
            return open_text(paths, filesystem, want)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"Cannot read as {_TITLES[form]}: {error}") from error
    raise SourceError(
        f"{paths[0]} is {_TITLES[form]}, which cannot hold the lists of a table of rows: write such tables as "
        "Parquet or Arrow to read them again."
    )


def _find_files(source: Any) -> tuple[str, list[str], Any]:
    """The files behind a source of paths: their format, their paths and their file system."""
    items = [os.fspath(item) for item in (source if isinstance(source, (list, tuple)) else [source])]
    located = [_files(os.fsdecode(item)) for item in items]
    filesystem = located[0][0]
    if any(other != filesystem for other, _ in located):
        raise SourceError("The paths lie in different file systems: read each by itself.")
    paths = list(dict.fromkeys(chain.from_iterable(paths for _, paths in located)))
    formats = {format_of(path): path for path in paths}
    if len(formats) > 1:
        mixed = " and ".join(f"{_TITLES[form]} ({path})" for form, path in formats.items())
        raise SourceError(f"The files are of different formats: {mixed}. Read one format at a time.")
    return next(iter(formats)), paths, filesystem


def _files(path: str) -> tuple[Any, list[str]]:
    """The file system of a path and the files that it stands for."""
    from pyarrow import fs

    is_uri = "://" in path
    try:
        if is_uri:
            fixed = re.split(r"[^/]*[*\[]", path, maxsplit=1)[0]
            filesystem, base = fs.FileSystem.from_uri(fixed)
            places = _remote_glob(filesystem, base, path[len(fixed) :]) if fixed != path else [base]
        else:
            filesystem = fs.LocalFileSystem()
            is_glob = glob.has_magic(path) and not os.path.lexists(path)
            places = sorted(glob.glob(path, recursive=True)) if is_glob else [path]
            places = [os.path.abspath(place) for place in places]
        if not places:
            raise SourceError(f"No file matches {path!r}.")
        return filesystem, [file for place in places for file in _files_at(filesystem, place, path)]
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"Cannot open {path!r}: {error}") from error


def _remote_glob(filesystem: Any, base: str, pattern: str) -> list[str]:
    from pyarrow import fs

    base = base.rstrip("/")
    infos = filesystem.get_file_info(fs.FileSelector(base, recursive=True))
    return sorted(info.path for info in infos if info.is_file and fnmatch(info.path, f"{base}/{pattern}"))


def _files_at(filesystem: Any, place: str, asked: str) -> list[str]:
    from pyarrow import fs

    info = filesystem.get_file_info(place)
    if info.type == fs.FileType.NotFound:
        raise SourceError(f"There is no file or directory {asked!r}.")
    if info.is_file:
        return [place]
    if filesystem.get_file_info(f"{place}/_delta_log").type == fs.FileType.Directory:
        raise SourceError(
            f"{asked!r} is a Delta table, whose directory also holds deleted rows: read it with deltalake, "
            "as in DeltaTable(path).to_pyarrow_dataset(), and pass what that returns."
        )
    infos = filesystem.get_file_info(fs.FileSelector(place, recursive=True))
    # Names that begin with a dot or an underscore are a writer's notes, such as _SUCCESS.
    hidden = re.compile(r"(^|/)[._]")
    found = sorted(
        i.path for i in infos if i.is_file and not hidden.search(i.path[len(place.rstrip("/")) + 1 :])
    )
    if not found:
        raise SourceError(f"The directory {asked!r} holds no files.")
    return found


def _dataset(paths: list[str], filesystem: Any, form: Any, schema: pa.Schema | None = None) -> Any:
    from pyarrow import dataset as ds

    return ds.dataset(paths, filesystem=filesystem, format=form, schema=schema, partitioning="hive")


def _open_typed(paths: list[str], filesystem: Any, form: str, want: Wanted | None) -> Any:
    dataset = _dataset(paths, filesystem, form)
    if len(paths) == 1:
        return dataset
    schemas = {fragment.path: fragment.physical_schema for fragment in dataset.get_fragments()}
    first = next(iter(schemas.values()))
    partitions = [field for field in dataset.schema if field.name not in first.names]
    _refuse_incomplete(schemas, [field.name for field in partitions], want)
    names = dict.fromkeys(chain.from_iterable(schema.names for schema in schemas.values()))
    if want and not want.lacks([*names, *(field.name for field in partitions)]):
        names = dict.fromkeys(name for name in names if name in want.find(names))
    merged = pa.schema([_merged_field(name, schemas) for name in names] + partitions)
    same = all(schema.metadata == first.metadata for schema in schemas.values())
    return dataset.replace_schema(merged.with_metadata(first.metadata if same else None))


def _refuse_incomplete(schemas: Mapping[str, pa.Schema], partitions: list[str], want: Wanted | None) -> None:
    """Refuses files among which one lacks a needed column: its rows would be dropped as if they were bad."""
    lacking = (
        {path: want.lacks([*schema.names, *partitions]) for path, schema in schemas.items()} if want else {}
    )
    if any(lacking.values()) and not all(lacking.values()):
        path, names = next((path, names) for path, names in lacking.items() if names)
        raise MissingColumnError(
            f"The file {path} has no column {names[0]!r}, which other files have; it has "
            f"{', '.join(schemas[path].names)}. Read it by itself, with columns= for its names."
        )


def _merged_field(name: str, schemas: Mapping[str, pa.Schema]) -> pa.Field:
    """One type for a column that files hold with several, as they do when one file's values are all null."""
    types = {schema.field(name).type: path for path, schema in schemas.items() if name in schema.names}
    solid = [kind for kind in types if not pa.types.is_null(kind)]
    if len(solid) <= 1:
        return pa.field(name, (solid or [pa.null()])[0])
    if all(map(pa.types.is_integer, solid)):
        return pa.field(name, pa.int64())
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in solid):
        return pa.field(name, pa.float64())
    if all(map(_is_text, solid)):
        return pa.field(name, pa.string())
    if all(map(pa.types.is_timestamp, solid)):
        return pa.field(name, pa.timestamp("us", "UTC"))
    found = ", ".join(f"{kind} in {types[kind]}" for kind in solid)
    raise ColumnTypeError(f"Column {name!r} is of different types: {found}. Cast it to one type.")


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or (pa.types.is_dictionary(kind) and _is_text(kind.value_type))
    )


def _text_file_type(default: str) -> pa.DataType:
    """The type to read a column of a text file as. Keys and times stay text, so that 007 survives."""
    if default in _NUMBERS:
        return pa.float64()
    return pa.int64() if default == "sequence" else pa.string()


def _open_csv(paths: list[str], filesystem: Any, want: Wanted) -> Any:
    from pyarrow import csv
    from pyarrow import dataset as ds

    # Values with line breaks in columns that are not used must not break the ones that are.
    parse = csv.ParseOptions(newlines_in_values=True)
    plain = _dataset(paths, filesystem, ds.CsvFileFormat(parse_options=parse))
    schemas = {fragment.path: fragment.physical_schema for fragment in plain.get_fragments()}
    partitions = [field for field in plain.schema if field.name not in next(iter(schemas.values())).names]
    _refuse_incomplete(schemas, [field.name for field in partitions], want)
    names = list(dict.fromkeys(chain.from_iterable(schema.names for schema in schemas.values())))
    if want.lacks([*names, *(field.name for field in partitions)]):
        return _scan_dataset(plain, want)
    types = {name: _text_file_type(default) for name, default in want.find(names).items()}
    convert = csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    schema = pa.schema([*types.items(), *((field.name, field.type) for field in partitions)])
    form = ds.CsvFileFormat(parse_options=parse, convert_options=convert)
    return _scan_dataset(_dataset(paths, filesystem, form, schema), want)


def _open_json(paths: list[str], filesystem: Any, want: Wanted) -> Any:
    rows = [row for path in paths for row in _sample_json(path, filesystem)]
    names = list(dict.fromkeys(chain.from_iterable(rows)))
    if rows and want.lacks(names):
        return iter([_no_rows(names)])
    types = {}
    for default, own in want.columns.items():
        name = next((name for name in own if name in names), own[0])
        # A session column that is not there is another thing than one that is null.
        if name in names or default != "sessionId":
            types[name] = _json_type(default, [row[name] for row in rows if row.get(name) is not None])
    return _scan_json(paths, filesystem, pa.schema(list(types.items())))


def _scan_json(paths: list[str], filesystem: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    # Not by pyarrow's datasets: those look at all fields to learn their types, and stop at one that has two.
    from pyarrow import json as pajson

    parse = pajson.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    for path in paths:
        try:
            for block in _json_blocks(path, filesystem, _JSON_BLOCK_BYTES):
                # One block of the parser: none of its own borders then cuts a long line.
                options = pajson.ReadOptions(block_size=len(block) + 1)
                yield from pajson.read_json(pa.BufferReader(block), options, parse).to_batches()
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"Cannot read {path} as JSON lines: {error}") from error
    yield empty_batch(schema)


def _json_blocks(path: str, filesystem: Any, size: int) -> Iterator[bytes]:
    """A file in blocks of about so many bytes that end with a line; blank ones are left out."""
    with filesystem.open_input_stream(path) as stream:
        rest = b""
        while True:
            text = stream.read(size)
            whole, newline, tail = text.rpartition(b"\n")
            if text and not newline:
                rest += text
                continue
            block = rest + whole + newline if text else rest
            rest = tail
            if block.strip():
                yield block
            if not text:
                return


def _json_type(default: str, values: list[Any]) -> pa.DataType:
    """The type to read a JSON column as: where it is a wrong one, that type, so that the core can say so."""
    expected = _text_file_type(default)
    if not values or pa.types.is_int64(expected):
        return expected
    if pa.types.is_floating(expected):
        return pa.string() if any(isinstance(value, str) for value in values) else expected
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return pa.int64()
    return pa.float64() if all(isinstance(value, (int, float)) for value in values) else expected


def _sample_json(path: str, filesystem: Any) -> list[dict[str, Any]]:
    """The first rows of a JSON lines file: they say which columns it has, for want of a header."""
    rows = []
    text = next(_json_blocks(path, filesystem, _SAMPLE_BYTES), b"")
    for number, line in enumerate(text.split(b"\n"), start=1):
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError as error:
            raise SourceError(f"{path}, line {number} is not JSON: {error}") from error
        if isinstance(row, dict):
            rows.append(row)
        elif line.strip():
            raise SourceError(
                f"{path}, line {number} is not a JSON object: each line must be one, as in {{...}}."
            )
    return rows


# Writing.


def write(table: pa.Table, path: str | os.PathLike[str]) -> None:
    """Writes a table as Parquet, CSV, JSON lines or Arrow, by the path's suffix.

    Lists become JSON text in CSV. Directories above the path are made. Whoever reads the path meanwhile sees
    the old file or the new one, never a part: the file is written beside it and renamed when it is complete.

    Args:
        table: The table.
        path: Where to: a path, or an URI that pyarrow knows, such as `s3://bucket/rows.parquet`.

    Raises:
        SourceError: If the suffix is not known, or the path is a directory.
        OSError: If the file system refuses.

    >>> import pyarrow as pa, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(pa.table({"a": [1, None]}), os.path.join(folder, "new", "rows.jsonl"))
    ...     with open(os.path.join(folder, "new", "rows.jsonl")) as lines:
    ...         print(lines.read(), end="")
    {"a": 1}
    {"a": null}
    """
    from pyarrow import fs

    asked = os.fspath(path)
    form = format_of(asked)
    if "://" in asked:
        filesystem, place = fs.FileSystem.from_uri(asked)
    else:
        filesystem, place = fs.LocalFileSystem(), os.path.abspath(asked)
    if filesystem.get_file_info(place).type == fs.FileType.Directory:
        raise SourceError(f"Cannot write {asked!r}: it is a directory.")
    folder, _, name = place.replace(os.sep, "/").rpartition("/")
    filesystem.create_dir(folder, recursive=True)
    # The suffix stays the same: the stream compresses by it.
    partial = f"{folder}/.part-{os.getpid()}-{name}"
    try:
        with filesystem.open_output_stream(partial) as sink:
            _WRITERS[form](table, sink)
        filesystem.move(partial, place)
    except BaseException:
        if filesystem.get_file_info(partial).is_file:
            filesystem.delete_file(partial)
        raise


def _write_parquet(table: pa.Table, sink: Any) -> None:
    from pyarrow import parquet as pq

    pq.write_table(table, sink)


def _write_ipc(table: pa.Table, sink: Any) -> None:
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _write_csv(table: pa.Table, sink: Any) -> None:
    from pyarrow import csv

    schema = pa.schema(
        [(field.name, pa.string() if _is_nested(field.type) else field.type) for field in table.schema]
    )
    with csv.CSVWriter(sink, schema) as writer:
        for batch in table.to_batches(max_chunksize=_SCAN_ROWS):
            columns = [
                _json_column(column) if _is_nested(column.type) else column for column in batch.columns
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind))


def _json_column(column: pa.Array) -> pa.Array:
    texts = [None if value is None else json.dumps(_plain(value)) for value in column.to_pylist()]
    return pa.array(texts, pa.string())


def _write_json(table: pa.Table, sink: Any) -> None:
    for batch in table.to_batches(max_chunksize=_SCAN_ROWS):
        names, columns = batch.schema.names, [column.to_pylist() for column in batch.columns]
        rows = zip(*columns) if columns else ()
        lines = (json.dumps(dict(zip(names, map(_plain, row))), ensure_ascii=False) + "\n" for row in rows)
        sink.write("".join(lines).encode())


def _plain(value: Any) -> Any:
    """The value in JSON's types: instants become RFC 3339 text in UTC."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return value


_WRITERS: dict[str, Callable[[pa.Table, Any], None]] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "json": _write_json,
    "ipc": _write_ipc,
}
