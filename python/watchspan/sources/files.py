"""Files of every format as streams of record batches."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import pyarrow as pa

from watchspan.errors import MissingDependencyError, SourceError, WatchspanError
from watchspan.sources.delimited import read_csv
from watchspan.sources.formats import TEXT_FORMATS, TITLES, format_of
from watchspan.sources.lines import read_json
from watchspan.sources.objects import from_delta
from watchspan.sources.parquet import core_files
from watchspan.sources.places import files_at, find_places, locate
from watchspan.sources.scans import REFUSALS, open_typed, scan_dataset
from watchspan.sources.wanted import Wanted
from watchspan.text import shown_path

# What lies in the folder of a Delta table.
_DELTA_LOG = "_delta_log"
_LOG = logging.getLogger("watchspan")


def read_files(source: Any, want: Wanted | None) -> Any:
    """A stream or the batches of the files behind one path, directory, glob or URI, or a list of them."""
    table = delta_table(source)
    if table is not None:
        return from_delta(table, want)
    form, paths, filesystem = find_files(source)
    with said_of(form):
        if form not in TEXT_FORMATS:
            files = core_files(paths, filesystem, want) if form == "parquet" and want else None
            return files or scan_dataset(open_typed(paths, filesystem, form, want), want)
        if want is not None:
            return (read_csv if form == "csv" else read_json)(paths, filesystem, want)
    raise SourceError(
        f"{paths[0]} is {TITLES[form]}, which cannot hold the lists of a table of rows: write such tables "
        "as Parquet or Arrow to read them again."
    )


def file_metadata(source: Any) -> dict[bytes, bytes]:
    """The metadata of the schema of files behind paths; empty where there is none: text, Delta tables."""
    if not isinstance(source, (list, tuple)) and _is_folder(os.fsdecode(os.fspath(source)), _DELTA_LOG):
        return {}
    form, paths, filesystem = find_files(source)
    if form in TEXT_FORMATS:
        return {}
    with said_of(form):
        return dict(open_typed(paths, filesystem, form, None).schema.metadata or {})


@contextmanager
def said_of(form: str) -> Iterator[None]:
    """Says what pyarrow has against files as an error of ours."""
    try:
        yield
    except WatchspanError:
        raise
    except REFUSALS as error:
        raise SourceError(f"Cannot read as {TITLES[form]}: {error}") from error


def find_files(source: Any) -> tuple[str, list[str], Any]:
    """The files behind a source of paths: their format, their paths and their file system."""
    items = [os.fspath(item) for item in (source if isinstance(source, (list, tuple)) else [source])]
    located = [_files(os.fsdecode(item)) for item in items]
    filesystem = located[0][0]
    if any(other != filesystem for other, _ in located):
        raise SourceError("The paths lie in different file systems: read each by itself.")
    paths = list(dict.fromkeys(chain.from_iterable(paths for _, paths in located)))
    formats = {format_of(path): path for path in paths}
    if len(formats) > 1:
        mixed = " and ".join(f"{TITLES[form]} ({path})" for form, path in formats.items())
        raise SourceError(f"The files are of different formats: {mixed}. Read one format at a time.")
    form = next(iter(formats))
    # No line of JSON is no row; all other formats begin with something.
    return form, paths if form == "json" else _with_content(paths, filesystem), filesystem


def delta_table(source: Any) -> Any:
    """The Delta table at a path, if it is that of one: its files alone say nothing of deleted rows."""
    if isinstance(source, (list, tuple)):
        return None
    path = os.fsdecode(os.fspath(source))
    if not _is_folder(path, _DELTA_LOG):
        return None
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        raise MissingDependencyError(
            f'{shown_path(path)} is a Delta table: run pip install "watchspan[delta]", which reads them.'
        ) from error
    try:
        return DeltaTable(path)
    except DeltaError as error:
        raise SourceError(f"{shown_path(path)} is no Delta table that can be read: {error}.") from error


def _is_folder(path: str, name: str) -> bool:
    """Whether a folder of that name lies at a path or URI; False where nobody can say."""
    from pyarrow import fs

    try:
        filesystem, place = locate(path)
        found = filesystem.get_file_info(f"{place.rstrip('/')}/{name}")
    except (*REFUSALS, UnicodeError):
        return False
    return bool(found.type == fs.FileType.Directory)


def _with_content(paths: list[str], filesystem: Any) -> list[str]:
    """Those of the files that hold a byte: writers that were stopped leave others."""
    empty = {info.path for info in filesystem.get_file_info(paths) if info.is_file and info.size == 0}
    for path in empty:
        _LOG.warning("%s is empty (0 bytes), and is passed over.", path)
    left = [path for path in paths if path not in empty]
    if not left:
        raise SourceError(f"{shown_path(paths[0])} is empty: it has 0 bytes, no header and no rows.")
    return left


def _files(path: str) -> tuple[Any, list[str]]:
    """The file system of a path and the files that it stands for."""
    try:
        filesystem, places = find_places(path)
        return filesystem, [file for place in places for file in files_at(filesystem, place, path)]
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise SourceError(f"Cannot open {shown_path(path)}: {error}") from error
