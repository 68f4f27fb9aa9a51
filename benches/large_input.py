"""Measures the command line on more events than memory is to hold: seconds, and the peak of the process.

    python benches/large_input.py --events 100M --memory-limit 2GB --write docs/large_input.md

The events are Parquet files (`generated_events.py`). `watchspan aggregate` runs twice, with that limit and
with one in which everything fits, and the tables that it writes are compared row by row.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import generated_events
import pyarrow as pa
import pyarrow.parquet as pq
from reported import command, conditions, parser, progress, publish, table

_INTRODUCTION = """\
<!-- Written by `python benches/large_input.py`: do not edit. -->

# A large input in bounded memory

`watchspan aggregate FOLDER --videos FILE --memory-limit LIMIT -o FILE`, from Parquet files to a Parquet file.
Memory is the peak of the whole process's resident memory, with Python and pyarrow in it. Where processor
seconds are more than seconds, reading, grouping and writing went on side by side.
"""


@dataclass
class Run:
    """One run of the command."""

    limit: str
    seconds: float
    cpu_seconds: float
    peak: int
    left: int


def main() -> int:
    """Runs from the command line; 1 if the tables differ."""
    options, about = _options(), conditions()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        folder, videos = generated_events.kept(Path(options.data or scratch), options.events)
        files = [Path(scratch) / name for name in ("bounded.parquet", "whole.parquet")]
        limits = (options.memory_limit, options.whole_limit)
        runs = [_run(folder, videos, limit, file) for limit, file in zip(limits, files)]
        rows = pq.ParquetFile(files[0]).metadata.num_rows
        if not _same(*files):
            print("The tables are not the same, so nothing was written.", file=sys.stderr)
            return 1
        size = sum(file.stat().st_size for file in folder.iterdir())
    text = _markdown(options, about, runs, rows, size)
    publish(text, options.write)
    return 0


def _options() -> argparse.Namespace:
    options = parser(__doc__, events="100M")
    options.add_argument("--memory-limit", default="2GB", help="the limit to measure")
    options.add_argument("--whole-limit", default="64GB", help="one that is never reached, for comparison")
    options.add_argument("--scratch", metavar="FOLDER", help="where to write the tables")
    return options.parse_args()


def _run(folder: Path, videos: Path, limit: str, file: Path) -> Run:
    spilled = file.with_suffix(".spilled")
    spilled.mkdir()
    program = [str(Path(sys.executable).with_name("watchspan")), "aggregate", str(folder)]
    program += ["--videos", str(videos), "--memory-limit", limit, "--quiet", "--output", str(file)]
    start = time.perf_counter()
    process = subprocess.Popen(program, env={**os.environ, "TMPDIR": str(spilled)})
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"`{' '.join(program)}` failed with {os.waitstatus_to_exitcode(status)}.")
    # Linux counts the peak in KiB.
    run = Run(
        limit, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, len(list(spilled.iterdir()))
    )
    progress(str(run))
    return run


def _same(one: Path, other: Path) -> bool:
    """Whether two tables have the same rows in the same order, without holding either."""
    return all(a.equals(b) for a, b in zip(_pieces(one), _pieces(other), strict=True))


def _pieces(file: Path, rows: int = 100_000) -> Iterator[pa.RecordBatch]:
    """A table's rows, so many at a time however its row groups are cut."""
    left = pa.Table.from_batches([], pq.read_schema(file))
    for batch in pq.ParquetFile(file).iter_batches(batch_size=rows):
        left = pa.concat_tables([left, pa.Table.from_batches([batch])]).combine_chunks()
        while left.num_rows >= rows:
            yield left.slice(0, rows).combine_chunks()
            left = left.slice(rows)
    yield left.combine_chunks()


def _markdown(
    options: argparse.Namespace, about: dict[str, str], runs: list[Run], rows: int, size: int
) -> str:
    import watchspan

    head = ("limit", "seconds", "processor seconds", "million events per second", "peak memory (MiB)")
    figures = [
        (
            run.limit,
            f"{run.seconds:.0f}",
            f"{run.cpu_seconds:.0f}",
            f"{options.events / run.seconds / 1e6:.2f}",
            f"{run.peak / 2**20:,.0f}",
        )
        for run in runs
    ]
    left = sum(run.left for run in runs)
    said = (
        f"{options.events:,} events in {size / 2**20:,.0f} MiB of Parquet gave {rows:,} rows. Both runs "
        f"wrote the same table, row by row, and left {left or 'no'} temporary files.\n"
    )
    about = {**about, "watchspan": watchspan.__version__, "pyarrow": pa.__version__}
    parts = [_INTRODUCTION, table(head, figures), said, "## The run\n"]
    parts += [f"`{command('benches/large_input.py')}`\n", table(("what", "value"), about.items())]
    return "\n".join(parts)


if __name__ == "__main__":
    raise SystemExit(main())
