"""A table that may be larger than memory: the first batches stay there, the others go to a temporary file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any, Callable

import pyarrow as pa

from watchspan.arguments import memory_argument
from watchspan.errors import SourceError


class Overflow:
    """Batches in the order in which they are added. To be used in a `with` statement, which ends the file.

    The file has no name (on Windows: it is deleted when it is closed), so nothing is left of it however the
    process ends.

    Args:
        bound: How many bytes stay in memory; None: all.

    Attributes:
        schema: The schema; its metadata are those of the table, and are set by whoever knows them.
        num_rows: How many rows there are.
    """

    def __init__(self, bound: int | None) -> None:
        self.schema: pa.Schema = pa.schema([])
        self.num_rows = 0
        self._bound = bound
        self._bytes = 0
        self._batches: list[pa.RecordBatch] = []
        self._file: IO[bytes] | None = None
        self._writer: Any = None

    @classmethod
    def of(cls, memory_limit: int | str | None) -> Overflow:
        """For the rows of work with this bound on memory: half is the events', a quarter theirs."""
        limit = memory_argument(memory_limit)
        return cls(None if limit is None else limit // 4)

    def __enter__(self) -> Overflow:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def sink(self) -> Callable[[pa.RecordBatch], None]:
        """What takes the batches as they are made."""
        return self.add

    def finish(self, schema: pa.Schema) -> None:
        """Notes the schema, whose metadata are known when all is made."""
        self.schema = schema

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes in a batch.

        Raises:
            SourceError: If the temporary file does not fit.
        """
        try:
            self._add(batch)
        except OSError as error:
            raise SourceError(
                f"The rows of the result do not fit into a temporary file in {tempfile.gettempdir()}: "
                f"{error.strerror or error}. Free some room, set TMPDIR, or raise the limit on memory."
            ) from error

    def _add(self, batch: pa.RecordBatch) -> None:
        self.num_rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._file is None and self._bound is not None and self._bytes > self._bound:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed on exit
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._writer = pa.ipc.new_stream(self._file, batch.schema, options=options)
        if self._writer is None:
            self._batches.append(batch)
        else:
            self._writer.write_batch(batch)

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """All batches; nothing can be added after the first call."""
        yield from self._batches
        if self._file is None:
            return
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._file.seek(0)
        yield from pa.ipc.open_stream(self._file)

    def head(self, rows: int) -> pa.Table:
        """The first rows, or all if there are fewer."""
        found: list[pa.RecordBatch] = []
        for batch in self.to_batches():
            found.append(batch)
            if sum(batch.num_rows for batch in found) >= rows:
                break
        return pa.Table.from_batches(found, self.schema if not found else found[0].schema).slice(0, rows)
