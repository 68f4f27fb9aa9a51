"""One measurement from Parquet files to a Parquet file, in a process of its own: `files.py` starts it.

Libraries are imported and databases opened before the clock starts. It stops when the file is written and
closed, though the system may not have put it onto the disk yet.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import agreement
import compare_process
import pyarrow as pa
import pyarrow.parquet as pq
from processes import be_killed_first, forget_peak, own_memory, read_from_disk, settle

Job = Callable[[], Any]
_CHUNK = 1 << 22


def main() -> None:
    """Prints what was measured as JSON."""
    options = _options()
    be_killed_first()
    # Polars reads the first one when it is imported; watchspan puts temporary files where the other one says.
    os.environ["POLARS_MAX_THREADS"] = str(options.threads)
    os.environ["TMPDIR"] = tempfile.tempdir = str(options.scratch)
    job = VARIANTS[options.variant](options)
    if options.cache:
        CACHES[options.cache]([*_files(options), options.videos])
    settle()
    print(json.dumps(_measured(job, options)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True, help="for what memory does not hold")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--memory-limit", help="watchspan's; its own default if not given")
    parser.add_argument("--cache", choices=CACHES, help="whether the system holds the files in memory before")
    parser.add_argument("--sums", action="store_true", help="adds up the result")
    return parser.parse_args()


def _files(options: argparse.Namespace) -> list[Path]:
    return sorted(options.events.glob("*.parquet"))


def _forget(files: Iterable[Path]) -> None:
    """Has the system let go of what it holds of files; what was not written to the disk yet it would keep."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _remember(files: Iterable[Path]) -> None:
    """Reads files, which the system then holds in memory."""
    for file in files:
        with file.open("rb", buffering=0) as stream:
            while stream.read(_CHUNK):
                pass


CACHES: dict[str, Callable[[Iterable[Path]], None]] = {"cold": _forget, "warm": _remember}


def _watchspan(options: argparse.Namespace) -> Job:
    from watchspan.cli.app import app

    _import_late_ones()
    words = ["aggregate", str(options.events), "--videos", str(options.videos), "--quiet"]
    words += ["--threads", str(options.threads), "--output", str(options.output)]
    words += ["--memory-limit", options.memory_limit] if options.memory_limit else []
    return lambda: app.main(words, prog_name="watchspan", standalone_mode=False)


def _import_late_ones() -> None:
    # What pyarrow imports when it is first needed. That is pandas with its first list, where it is installed,
    # as it is with chdb; it takes longer than a million events.
    importlib.import_module("pyarrow.dataset")
    pa.array([0])


def _watchspan_in_memory(options: argparse.Namespace) -> Job:
    return compare_process.VARIANTS["watchspan"](options).run


def _polars(options: argparse.Namespace) -> Job:
    import peers_polars
    import polars as pl

    events, videos = pl.scan_parquet(_files(options)), pl.scan_parquet(options.videos)
    return lambda: peers_polars.write(events, videos, options.output)


def _duckdb(options: argparse.Namespace) -> Job:
    import peers_duckdb

    connection = peers_duckdb.connect(options.scratch, options.threads)
    peers_duckdb.over_files(connection, "events", options.events / "*.parquet")
    peers_duckdb.over_files(connection, "videos", options.videos)
    return lambda: peers_duckdb.write(connection, options.output)


def _clickhouse(options: argparse.Namespace) -> Job:
    import peers_clickhouse

    session = peers_clickhouse.connect(options.scratch, options.threads)
    peers_clickhouse.over_files(session, "events", options.events / "*.parquet")
    peers_clickhouse.over_files(session, "videos", options.videos)
    return lambda: peers_clickhouse.write(session, options.output)


VARIANTS: dict[str, Callable[[argparse.Namespace], Job]] = {
    "watchspan": _watchspan,
    "watchspan-in-memory": _watchspan_in_memory,
    "clickhouse": _clickhouse,
    "duckdb": _duckdb,
    "polars": _polars,
}


def _measured(job: Job, options: argparse.Namespace) -> dict[str, Any]:
    watched, read = forget_peak(), read_from_disk()
    wall, cpu = time.perf_counter(), time.process_time()
    result = job()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = own_memory("VmHWM") if watched else None
    figures = {"wall": wall, "cpu": cpu, "peak": peak, "read": _since(read), "written": _size(options.output)}
    return {"figures": figures, "sums": agreement.sums(_pieces(result, options)) if options.sums else {}}


def _since(read: int | None) -> int | None:
    now = read_from_disk()
    return None if now is None or read is None else now - read


def _size(file: Path) -> int | None:
    return file.stat().st_size if file.exists() else None


def _pieces(result: Any, options: argparse.Namespace) -> Iterable[pa.Table | pa.RecordBatch]:
    if isinstance(result, pa.Table):
        return [result.select(agreement.CHECKED)]
    batches: Iterable[pa.RecordBatch] = pq.ParquetFile(options.output).iter_batches(
        columns=list(agreement.CHECKED)
    )
    return batches


if __name__ == "__main__":
    main()
