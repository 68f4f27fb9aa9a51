"""One measurement of one variant, in a process of its own: `compare.py` starts it and reads what it prints.

The events are first loaded into the form in which the engine keeps them in memory: a pyarrow table for
watchspan, a DataFrame for Polars, a table in memory for DuckDB and ClickHouse. Then the clock starts.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Literal

import agreement
import pyarrow as pa
import pyarrow.parquet as pq
from agreement import CHECKED
from processes import be_killed_first, forget_peak, own_memory, settle

_KEYS = ("userId", "videoId", "sessionId")


@dataclass
class Job:
    """What is measured.

    Attributes:
        run: The whole job; what it returns is let go of before the next call.
        checked: The columns of its result that are added up; None if it is no engagement table.
        clean: What has to be done between two calls.
    """

    run: Callable[[], Any]
    checked: Callable[[Any], pa.Table] | None = None
    clean: Callable[[], Any] = lambda: None


def main() -> None:
    """Prints what was measured as JSON."""
    options = _options()
    be_killed_first()
    # Polars reads this when it is imported.
    os.environ["POLARS_MAX_THREADS"] = str(options.threads)
    job = VARIANTS[options.variant](options)
    settle()
    before = own_memory("VmRSS") if forget_peak() else None
    cold, result = _timed(job)
    used = None if before is None else max(0, own_memory("VmHWM") - before)
    sums = agreement.sums([job.checked(result)]) if options.sums and job.checked else {}
    # What a call made goes before the clock starts for the next one.
    del result
    warm = []
    for _ in range(options.warm):
        job.clean()
        warm.append(_timed(job)[0])
    print(json.dumps({"cold": cold, "warm": warm, "memory": used, "sums": sums}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument(
        "--scratch", required=True, help="where DuckDB and ClickHouse may put what memory does not hold"
    )
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--warm", type=int, required=True, help="calls after the first")
    parser.add_argument("--sums", action="store_true", help="adds up the first result")
    return parser.parse_args()


def _pieces(options: argparse.Namespace) -> Iterator[pa.Table]:
    # One file after another, so that no engine holds all events in two forms.
    return (pq.read_table(file) for file in sorted(options.events.glob("*.parquet")))


def _watchspan(options: argparse.Namespace) -> Job:
    import watchspan
    from watchspan.arguments import machine_memory

    events, videos = pa.concat_tables(_pieces(options)), pq.read_table(options.videos)
    # As much as DuckDB may take by default, in place of a quarter.
    memory = machine_memory()
    limit = memory and memory * 4 // 5

    def run() -> pa.Table:
        return watchspan.aggregate(events, videos=videos, threads=options.threads, memory_limit=limit)

    return Job(run, lambda table: table.select(CHECKED))


def _watchspan_alone(options: argparse.Namespace) -> Job:
    options.threads = 1
    return _watchspan(options)


def _polars_events(options: argparse.Namespace) -> Any:
    import polars as pl

    frames: list[Any] = [pl.from_arrow(piece) for piece in _pieces(options)]
    return pl.concat(frames, rechunk=False)


def _polars(options: argparse.Namespace, engine: Literal["streaming", "in-memory"] = "streaming") -> Job:
    import peers_polars
    import polars as pl

    events = _polars_events(options)
    videos: Any = pl.from_arrow(pq.read_table(options.videos))
    return Job(
        lambda: peers_polars.aggregate(events, videos, engine),
        lambda frame: frame.select(CHECKED).to_arrow(),
    )


def _polars_in_memory(options: argparse.Namespace) -> Job:
    return _polars(options, "in-memory")


def _polars_group_by(options: argparse.Namespace) -> Job:
    events = _polars_events(options)
    return Job(lambda: events.group_by(_KEYS).len())


def _duckdb_connection(options: argparse.Namespace) -> Any:
    import peers_duckdb

    connection = peers_duckdb.connect(options.scratch, options.threads)
    for piece in _pieces(options):
        peers_duckdb.load(connection, "events", piece)
    peers_duckdb.load(connection, "videos", pq.read_table(options.videos))
    return connection


def _duckdb(options: argparse.Namespace) -> Job:
    import peers_duckdb

    connection = _duckdb_connection(options)
    return Job(
        lambda: peers_duckdb.aggregate(connection),
        lambda _: connection.sql(f"SELECT {', '.join(CHECKED)} FROM engagement").to_arrow_table(),
        lambda: connection.execute("DROP TABLE engagement"),
    )


def _duckdb_group_by(options: argparse.Namespace) -> Job:
    connection = _duckdb_connection(options)
    query = f"SELECT {', '.join(_KEYS)}, count(*) AS rows FROM events GROUP BY ALL"
    return Job(
        lambda: connection.execute(f"CREATE TEMP TABLE counted AS {query}"),
        clean=lambda: connection.execute("DROP TABLE counted"),
    )


def _clickhouse_session(options: argparse.Namespace) -> Any:
    import peers_clickhouse

    session = peers_clickhouse.connect(options.scratch, options.threads)
    peers_clickhouse.load(session, "events", options.events / "*.parquet")
    peers_clickhouse.load(session, "videos", options.videos)
    return session


def _clickhouse(options: argparse.Namespace) -> Job:
    import peers_clickhouse

    session = _clickhouse_session(options)
    return Job(
        lambda: peers_clickhouse.aggregate(session),
        lambda _: peers_clickhouse.rows(session, CHECKED),
        lambda: session.query("DROP TABLE engagement"),
    )


def _clickhouse_group_by(options: argparse.Namespace) -> Job:
    session = _clickhouse_session(options)
    query = f"SELECT {', '.join(_KEYS)}, count() AS rows FROM events GROUP BY ALL"
    return Job(
        lambda: session.query(f"CREATE TABLE counted ENGINE = Memory AS {query}"),
        clean=lambda: session.query("DROP TABLE counted"),
    )


VARIANTS: dict[str, Callable[[argparse.Namespace], Job]] = {
    "watchspan": _watchspan,
    "watchspan-1-thread": _watchspan_alone,
    "polars": _polars,
    "polars-in-memory": _polars_in_memory,
    "duckdb": _duckdb,
    "clickhouse": _clickhouse,
    "polars-group-by": _polars_group_by,
    "duckdb-group-by": _duckdb_group_by,
    "clickhouse-group-by": _clickhouse_group_by,
}


def _timed(job: Job) -> tuple[float, Any]:
    start = time.perf_counter()
    result = job.run()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
