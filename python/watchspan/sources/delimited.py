"""Files of cells: CSV, with whatever stands between the cells."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pyarrow as pa

from watchspan.sources.formats import compression_of
from watchspan.sources.scans import hive, refuse_incomplete, scan_dataset
from watchspan.sources.wanted import Wanted

_DELIMITERS = ",;\t|"
_HEADER_BYTES = 1 << 16


def read_csv(paths: list[str], filesystem: Any, want: Wanted) -> Iterator[pa.RecordBatch]:
    """The rows of CSV files: each used cell as text, for the core to judge.

    Raises:
        SourceError: If a file cannot be read.
        MissingColumnError: If a needed column is missing.
    """
    return scan_dataset(open_text(paths, filesystem, want), want)


def open_text(paths: list[str], filesystem: Any, want: Wanted | None = None) -> Any:
    """CSV files as a dataset of the wanted columns, all of text; None: of all columns."""
    from pyarrow import csv
    from pyarrow import dataset as ds

    # Values with line breaks in columns that are not used must not break the ones that are.
    parse = csv.ParseOptions(newlines_in_values=True, delimiter=_delimiter(paths[0], filesystem))
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


def _delimiter(path: str, filesystem: Any) -> str:
    """What stands between the cells of a header: of those that can, the most frequent one."""
    with filesystem.open_input_stream(path, compression=compression_of(path)) as stream:
        header = stream.read(_HEADER_BYTES).decode(errors="replace").splitlines()[:1]
    # Every second part lies within quotes.
    bare = "".join("".join(header).split('"')[::2])
    return max(_DELIMITERS, key=bare.count)
