"""What a long run shows while it goes on: rows, rows per second and memory, where somebody is watching."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Iterable, Iterator, Optional, Type

import pyarrow as pa
from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

from watchspan import _core
from watchspan.text import visible

__all__ = ["Progress", "memory_in_use", "peak_memory"]


class Progress:
    """A line on standard error that lives while work goes on; nothing at all if nobody can see it.

    Attributes:
        seconds: How long the work took, once it is over.
    """

    def __init__(self, label: str, *, quiet: bool = False) -> None:
        console = Console(stderr=True)
        watched = not quiet and sys.stderr is not None and sys.stderr.isatty() and console.is_interactive
        columns = (SpinnerColumn("line"), TextColumn("{task.description}", markup=False), _Figures())
        self._bar = RichProgress(*columns, console=console, transient=True, disable=not watched)
        self._task = self._bar.add_task(visible(label), total=None)
        self.seconds = 0.0

    def __enter__(self) -> Progress:
        self._started = time.perf_counter()
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        files = self._bar.tasks[0].fields.get("files")
        if files:
            self._bar.update(self._task, completed=files.rows_read)
        self._bar.stop()
        self.seconds = time.perf_counter() - self._started

    def say(self, label: str) -> None:
        """Says what is being done from here on."""
        self._bar.update(self._task, description=visible(label))

    def count(self, batches: Iterable[pa.RecordBatch], then: str = "computing") -> Iterable[pa.RecordBatch]:
        """The batches as they are, counted while they are pulled; `then` is what happens after them.

        Files that the core reads by itself stay what they are: they tell how far it came.
        """
        if isinstance(batches, _core.ParquetFiles):
            self._bar.update(self._task, files=batches)
            return batches
        return self._counted(batches, then)

    def _counted(self, batches: Iterable[pa.RecordBatch], then: str) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            self._bar.advance(self._task, batch.num_rows)
            yield batch
        self.say(then)


class _Figures(ProgressColumn):
    # Twice a second: figures that flicker cannot be read.
    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        elapsed = task.elapsed or 0.0
        parts = [f"{elapsed:.0f} s"]
        files = task.fields.get("files")
        rows = files.rows_read if files else task.completed
        if rows:
            rate = rows / elapsed if elapsed else 0.0
            parts[:0] = [f"{rows:,.0f} rows", f"{rate:,.0f} rows/s"]
        memory = memory_in_use()
        if memory is not None:
            parts.append(f"{memory / 1e6:,.0f} MB memory")
        return Text(", ".join(parts), style="cyan")


def memory_in_use() -> Optional[int]:
    """Bytes of memory that this process holds, or its peak where only that is told, or None."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return peak_memory()


def peak_memory() -> Optional[int]:
    """The most bytes of memory that this process ever held, or None where nothing tells it."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, everyone else kilobytes.
    return peak if sys.platform == "darwin" else peak * 1024
