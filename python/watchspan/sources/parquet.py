"""Parquet files on this machine: the core reads and writes them by itself."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from watchspan import _core
from watchspan.errors import WatchspanError
from watchspan.sources.places import is_local
from watchspan.sources.scans import hive
from watchspan.sources.wanted import Wanted, empty_batch


def core_files(paths: list[str], filesystem: Any, want: Wanted) -> _core.ParquetFiles | None:
    """The wanted columns of Parquet files, to be read by the core; None where pyarrow has to.

    It has to where files are elsewhere, or unlike each other, where their folders' names are values that are
    wanted, and where they hold what the core does not read: it is also what says what is wrong with them.
    """
    return local_files(paths, want) if is_local(filesystem) else None


def local_files(paths: list[str], want: Wanted) -> _core.ParquetFiles | None:
    """The same of files on this machine."""
    folders = hive(paths).schema.names
    try:
        files = _core.ParquetFiles.open(paths)
        used = [want.find([*names, *folders]) for names in files.names]
        if any(other != used[0] for other in used) or set(used[0]) & set(folders):
            return None
        return files.only(want.table, want.columns)
    except WatchspanError:
        return None


class ParquetTable:
    """A Parquet file in the making, which takes the rows of a table as they come.

    Attributes:
        sink: What takes them.
        schema: The table's schema, once its end is written.
        num_rows: How many rows there are, once its end is written.
    """

    def __init__(self, stream: Any) -> None:
        self.sink = _core.ParquetSink(stream)
        self.schema = pa.schema([])
        self.num_rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes in a batch."""
        self.sink.add(iter([batch]))

    def finish(self, schema: pa.Schema) -> None:
        """Writes the end, of a table of this schema with its metadata."""
        self.num_rows, self.schema = self.sink.rows, schema
        self.sink.finish(iter([empty_batch(schema)]))
