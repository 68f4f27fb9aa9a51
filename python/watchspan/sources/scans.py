"""Files as datasets, read lazily and only in the columns needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from watchspan.errors import ColumnTypeError, MissingColumnError, SourceError
from watchspan.sources.places import is_local
from watchspan.sources.wanted import Wanted, empty_batch

# What pyarrow raises over files: not all of it is of its own classes.
REFUSALS = (pa.ArrowException, OSError, ValueError, TypeError, LookupError, OverflowError, RuntimeError)
# Rows per batch of a file scan: large enough to make a batch's fixed costs vanish, small beside a row group.
_SCAN_ROWS = 65_536
# How many batches and files are read ahead: enough for reading and grouping to go on side by side. By default
# pyarrow reads more than a gigabyte ahead of whoever is slower than it, which no limit on memory knows of.
_AHEAD = {"batch_readahead": 1, "fragment_readahead": 1}
# From elsewhere more is fetched at once, as each request waits: two million rows, some hundred megabytes.
_AHEAD_ELSEWHERE = {"batch_readahead": 8, "fragment_readahead": 4}
_OLDEST_WITH_AHEAD = 10


def scan_dataset(dataset: Any, want: Wanted | None) -> Iterator[pa.RecordBatch]:
    """The batches of a pyarrow dataset, of the wanted columns only."""
    from pyarrow import dataset as ds

    names = dataset.schema.names
    found = want.find(names) if want else names
    schema = pa.schema([dataset.schema.field(name) for name in found], metadata=dataset.schema.metadata)
    # By field, not by name: a name with a dot would be taken for a path into a struct.
    columns = {name: ds.field(name) for name in found}
    filesystem = getattr(dataset, "filesystem", None)
    ahead = _AHEAD if filesystem is None or is_local(filesystem) else _AHEAD_ELSEWHERE
    if int(pa.__version__.partition(".")[0]) < _OLDEST_WITH_AHEAD:
        ahead = {}
    scanner = dataset.scanner(columns=columns, batch_size=_SCAN_ROWS, **ahead)
    return _scan(scanner, schema)


def _scan(scanner: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    seen = False
    try:
        for batch in scanner.to_batches():
            seen = True
            yield batch
    except REFUSALS as error:
        raise SourceError(f"Reading stopped: {error}") from error
    if not seen:
        yield empty_batch(schema)


def hive(paths: list[str]) -> Any:
    """How folders such as `userId=007` say what their files have in common: as text, however it looks."""
    from pyarrow import dataset as ds

    folders = chain.from_iterable(path.split("/")[:-1] for path in paths)
    names = dict.fromkeys(unquote(folder.partition("=")[0]) for folder in folders if "=" in folder)
    return ds.partitioning(pa.schema([(name, pa.string()) for name in names if name]), flavor="hive")


def open_typed(paths: list[str], filesystem: Any, form: str, want: Wanted | None) -> Any:
    """A dataset of files that state their types: the fields of all of them, of the types that fit all."""
    from pyarrow import dataset as ds

    reads = form
    if form == "parquet" and want and not is_local(filesystem):
        # Text as it stands in the file: what is decoded by pyarrow costs most of the time.
        reads = ds.ParquetFileFormat(dictionary_columns=set(want.nominal()))
    dataset = ds.dataset(paths, filesystem=filesystem, format=reads, partitioning=hive(paths))
    if len(paths) == 1:
        return dataset
    schemas = {fragment.path: fragment.physical_schema for fragment in dataset.get_fragments()}
    first = next(iter(schemas.values()))
    folders = [field for field in dataset.schema if field.name not in first.names]
    refuse_incomplete(schemas, [field.name for field in folders], want)
    names = dict.fromkeys(chain.from_iterable(schema.names for schema in schemas.values()))
    if want:
        used = want.find([*names, *(field.name for field in folders)])
        names = dict.fromkeys(name for name in names if name in used)
    merged = pa.schema([_merged_field(name, schemas) for name in names] + folders)
    fields = [field for schema in schemas.values() for field in schema if field.name in names]
    if form == "ipc" and any(field.type != merged.field(field.name).type for field in fields):
        _check_ipc(paths, filesystem)
    same = all(schema.metadata == first.metadata for schema in schemas.values())
    merged = merged.with_metadata(first.metadata if same else None)
    # Not by `replace_schema`, which asks that the first file's types be the widest.
    return ds.dataset(paths, merged, filesystem=filesystem, format=reads, partitioning=hive(paths))


def _check_ipc(paths: list[str], filesystem: Any) -> None:
    """Refuses Arrow files whose columns are shorter than they say: pyarrow casts before the core is asked."""
    for path in paths:
        with filesystem.open_input_file(path) as file:
            reader = pa.ipc.open_file(file)
            for number in range(reader.num_record_batches):
                reader.get_batch(number).validate(full=True)


def refuse_incomplete(schemas: Mapping[str, pa.Schema], folders: list[str], want: Wanted | None) -> None:
    """Refuses files among which one lacks a column: its rows would be dropped as if they were bad."""
    names = dict.fromkeys(chain(folders, *(schema.names for schema in schemas.values())))
    if want is None or want.lacks(names):
        return
    has_session = {path: _has_session([*schema.names, *folders], want) for path, schema in schemas.items()}
    for path, schema in schemas.items():
        try:
            want.find([*schema.names, *folders])
        except MissingColumnError as error:
            said = str(error).replace("The events table", f"The file {path}", 1)
            raise MissingColumnError(f"{said} Other files have it.") from error
        if any(has_session.values()) and not has_session[path]:
            raise MissingColumnError(
                f"The file {path} has no sessionId, which other files have: its events would be in no "
                'session. Name a column to use where it is missing, as in columns={"sessionId": '
                '["sessionId", "<another>"]}, or leave it out of all files with columns={"sessionId": None}.'
            )


def _has_session(names: list[str], want: Wanted) -> bool:
    return not want.lacks(names) and "sessionId" in want.own(names)


def _merged_field(name: str, schemas: Mapping[str, pa.Schema]) -> pa.Field:
    """One type for a column that files hold with several, as they do when one file's values are all null."""
    types = {schema.field(name).type: path for path, schema in schemas.items() if name in schema.names}
    solid = [kind for kind in types if not pa.types.is_null(kind)]
    if len(solid) <= 1:
        return pa.field(name, (solid or [pa.null()])[0])
    if all(map(pa.types.is_integer, solid)):
        return pa.field(name, pa.int64())
    if all(map(_is_number, solid)):
        return pa.field(name, pa.float64())
    if all(map(_is_text, solid)):
        return pa.field(name, pa.string())
    if all(map(pa.types.is_timestamp, solid)):
        return pa.field(name, pa.timestamp("us", "UTC"))
    found = ", ".join(f"{kind} in {types[kind]}" for kind in solid)
    raise ColumnTypeError(f"Column {name!r} is of different types: {found}. Cast it to one type.")


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or str(kind) == "string_view"
        or (pa.types.is_dictionary(kind) and _is_text(kind.value_type))
    )
