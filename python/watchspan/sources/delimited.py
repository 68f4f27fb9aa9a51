"""Files of cells: CSV, with whatever stands between the cells."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pyarrow as pa

from watchspan.sources.formats import compression_of
from watchspan.sources.scans import hive, refuse_incomplete, scan_dataset
from watchspan.sources.wanted import UNREADABLE, Wanted

_DELIMITERS = ",;\t|"
_HEADER_BYTES = 1 << 16


def read_csv(paths: list[str], filesystem: Any, want: Wanted) -> Iterator[pa.RecordBatch]:
    """The rows of CSV files: each used cell as text, for the core to judge.

    Raises:
        SourceError: If a file cannot be read.
        MissingColumnError: If a needed column is missing.
    """
    ragged = _Ragged()
    return _with_ragged(scan_dataset(open_text(paths, filesystem, want, ragged), want), ragged, want)


def open_text(
    paths: list[str], filesystem: Any, want: Wanted | None = None, ragged: _Ragged | None = None
) -> Any:
    """CSV files as a dataset of text: of the wanted columns, or of all; ragged lines are told to `ragged`."""
    from pyarrow import csv
    from pyarrow import dataset as ds

    # Values with line breaks in columns that are not used must not break the ones that are.
    parse = csv.ParseOptions(
        newlines_in_values=True,
        delimiter=_delimiter(paths[0], filesystem),
        invalid_row_handler=ragged or _Ragged(),
    )
    plain = ds.dataset(
        paths, filesystem=filesystem, format=ds.CsvFileFormat(parse_options=parse), partitioning=hive(paths)
    )
    schemas = {fragment.path: fragment.physical_schema for fragment in plain.get_fragments()}
    folders = [field.name for field in plain.schema if field.name not in next(iter(schemas.values())).names]
    refuse_incomplete(schemas, folders, want)
    names = dict.fromkeys([*chain.from_iterable(schema.names for schema in schemas.values()), *folders])
    schema = pa.schema([(name, pa.string()) for name in (want.find(names) if want else names)])
    convert = csv.ConvertOptions(
        column_types=schema, strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=True
    )
    form = ds.CsvFileFormat(parse_options=parse, convert_options=convert)
    return ds.dataset(paths, schema, filesystem=filesystem, format=form, partitioning=hive(paths))


class _Ragged:
    """Lines that have more or fewer cells than their header: they are passed over, and counted."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, row: Any) -> str:
        # It is called by threads of pyarrow's, which hold the lock of Python meanwhile.
        where = "" if row.number is None else f"line {row.number}, "
        cells = f"{row.actual_columns} cells where the header has {row.expected_columns}"
        self.lines.append(f"{where}{cells}: {str(row.text)[:80]!r}")
        return "skip"

    def __eq__(self, other: object) -> bool:
        # Options that hold it are compared.
        return isinstance(other, _Ragged)

    __hash__ = object.__hash__


def _be_quiet() -> None:
    """Says nothing of ragged lines that are no text: pyarrow cannot show them, and the file is refused."""
    shown = sys.unraisablehook

    def hook(failed: Any) -> None:
        if not isinstance(failed.object, _Ragged):
            shown(failed)

    sys.unraisablehook = hook


_be_quiet()


def _with_ragged(
    batches: Iterator[pa.RecordBatch], ragged: _Ragged, want: Wanted
) -> Iterator[pa.RecordBatch]:
    """The rows, and at the end one that could not be read for each ragged line."""
    schema = None
    # What was read to learn of the columns is read again.
    ragged.lines.clear()
    for batch in batches:
        schema = batch.schema.append(pa.field(UNREADABLE, pa.bool_()))
        yield pa.RecordBatch.from_arrays([*batch.columns, pa.repeat(False, batch.num_rows)], schema=schema)
    if schema is not None and ragged.lines:
        want.unreadable.extend(ragged.lines)
        nothing = [pa.nulls(len(ragged.lines), field.type) for field in schema][:-1]
        yield pa.RecordBatch.from_arrays([*nothing, pa.repeat(True, len(ragged.lines))], schema=schema)


def _delimiter(path: str, filesystem: Any) -> str:
    """What stands between the cells of a header: of those that can, the most frequent one."""
    with filesystem.open_input_stream(path, compression=compression_of(path)) as stream:
        header = stream.read(_HEADER_BYTES).decode(errors="replace").splitlines()[:1]
    # Every second part lies within quotes.
    bare = "".join("".join(header).split('"')[::2])
    return max(_DELIMITERS, key=bare.count)
