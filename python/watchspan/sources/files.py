"""Files as streams of record batches, read lazily and only in the columns needed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any

import pyarrow as pa

from watchspan.columns import ALL
from watchspan.errors import ColumnTypeError, MissingColumnError, SourceError, WatchspanError
from watchspan.sources.formats import format_of
from watchspan.sources.places import files_at, find_places
from watchspan.sources.wanted import Wanted, empty_batch, no_rows
from watchspan.text import shown_path

_TITLES = {"parquet": "Parquet", "csv": "CSV", "json": "JSON lines", "ipc": "Arrow"}
_TEXT_FORMATS = frozenset({"csv", "json"})
# What pyarrow raises over files: not all of it is of its own classes.
_REFUSALS = (pa.ArrowException, OSError, ValueError, TypeError, LookupError, OverflowError, RuntimeError)
# Rows per batch of a file scan: large enough to make a batch's fixed costs vanish, small beside a row group.
_SCAN_ROWS = 65_536
# How many batches and files are read ahead: enough for reading and grouping to go on side by side. By default
# pyarrow reads more than a gigabyte ahead of whoever is slower than it, which no limit on memory knows of.
_AHEAD = {"batch_readahead": 1, "fragment_readahead": 1}
_OLDEST_WITH_AHEAD = 10
# How much of a JSON lines file is looked at to learn which columns it has.
_SAMPLE_BYTES = 1 << 20
# How much of it is parsed at a time.
_JSON_BLOCK_BYTES = 1 << 24


def scan_dataset(dataset: Any, want: Wanted | None) -> Iterator[pa.RecordBatch]:
    """The batches of a pyarrow dataset, of the wanted columns only."""
    from pyarrow import dataset as ds

    names = dataset.schema.names
    if want and want.lacks(names):
        return iter([no_rows(names)])
    found = list(want.find(names)) if want else names
    schema = pa.schema([dataset.schema.field(name) for name in found], metadata=dataset.schema.metadata)
    # By field, not by name: a name with a dot would be taken for a path into a struct.
    columns = {name: ds.field(name) for name in found}
    ahead = _AHEAD if int(pa.__version__.partition(".")[0]) >= _OLDEST_WITH_AHEAD else {}
    scanner = dataset.scanner(columns=columns, batch_size=_SCAN_ROWS, **ahead)
    return _scan(scanner, schema)


def _scan(scanner: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    seen = False
    try:
        for batch in scanner.to_batches():
            seen = True
            yield batch
    except _REFUSALS as error:
        raise SourceError(f"Reading stopped: {error}") from error
    if not seen:
        yield empty_batch(schema)


def read_files(source: Any, want: Wanted | None) -> Iterator[pa.RecordBatch]:
    """The batches of the files behind one path, directory, glob or URI, or a list of them."""
    form, paths, filesystem = _find_files(source)
    with _said_of(form):
        if form not in _TEXT_FORMATS:
            return scan_dataset(_open_typed(paths, filesystem, form, want), want)
        if want is not None:
            return (_open_csv if form == "csv" else _open_json)(paths, filesystem, want)
    raise SourceError(
        f"{paths[0]} is {_TITLES[form]}, which cannot hold the lists of a table of rows: write such tables "
        "as Parquet or Arrow to read them again."
    )


def file_metadata(source: Any) -> dict[bytes, bytes]:
    """The metadata of the schema of files behind paths; empty where there is none, as in text."""
    form, paths, filesystem = _find_files(source)
    if form in _TEXT_FORMATS:
        return {}
    with _said_of(form):
        return dict(_open_typed(paths, filesystem, form, None).schema.metadata or {})


@contextmanager
def _said_of(form: str) -> Iterator[None]:
    """Says what pyarrow has against files as an error of ours."""
    try:
        yield
    except WatchspanError:
        raise
    except _REFUSALS as error:
        raise SourceError(f"Cannot read as {_TITLES[form]}: {error}") from error


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
    try:
        filesystem, places = find_places(path)
        return filesystem, [file for place in places for file in files_at(filesystem, place, path)]
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise SourceError(f"Cannot open {shown_path(path)}: {error}") from error


def _dataset(paths: list[str], filesystem: Any, form: Any, schema: pa.Schema | None = None) -> Any:
    from pyarrow import dataset as ds

    return ds.dataset(paths, filesystem=filesystem, format=form, schema=schema, partitioning="hive")


def _open_typed(paths: list[str], filesystem: Any, form: str, want: Wanted | None) -> Any:
    """A dataset of files that state their types: the fields of all of them, of the types that fit all."""
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
    fields = [field for schema in schemas.values() for field in schema if field.name in names]
    if form == "ipc" and any(field.type != merged.field(field.name).type for field in fields):
        _check_ipc(paths, filesystem)
    same = all(schema.metadata == first.metadata for schema in schemas.values())
    return dataset.replace_schema(merged.with_metadata(first.metadata if same else None))


def _check_ipc(paths: list[str], filesystem: Any) -> None:
    """Refuses Arrow files whose columns are shorter than they say: pyarrow casts before the core is asked."""
    for path in paths:
        with filesystem.open_input_file(path) as file:
            reader = pa.ipc.open_file(file)
            for number in range(reader.num_record_batches):
                reader.get_batch(number).validate(full=True)


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
    column = ALL[default]
    return column.type if column.is_number else pa.string()


def _open_csv(paths: list[str], filesystem: Any, want: Wanted) -> Iterator[pa.RecordBatch]:
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
        return scan_dataset(plain, want)
    types = {name: _text_file_type(default) for name, default in want.find(names).items()}
    convert = csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    schema = pa.schema([*types.items(), *((field.name, field.type) for field in partitions)])
    form = ds.CsvFileFormat(parse_options=parse, convert_options=convert)
    return scan_dataset(_dataset(paths, filesystem, form, schema), want)


def _open_json(paths: list[str], filesystem: Any, want: Wanted) -> Iterator[pa.RecordBatch]:
    rows = [row for path in paths for row in _sample_json(path, filesystem)]
    names = list(dict.fromkeys(chain.from_iterable(rows)))
    if rows and want.lacks(names):
        return iter([no_rows(names)])
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
        except _REFUSALS as error:
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
        except (ValueError, RecursionError) as error:
            raise SourceError(
                f"{path}, line {number} is not JSON ({error}): JSON lines hold one object per line."
            ) from error
        if isinstance(row, dict):
            rows.append(row)
        elif line.strip():
            raise SourceError(
                f"{path}, line {number} is not a JSON object: each line must be one, as in {{...}}."
            )
    return rows
