"""How long the live page takes to read a new version of the kept tables, and how much memory.

`python benches/live.py --rows 10000000 --tables DIR` makes the tables in DIR unless they are there, and
prints a line for each part of the page.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

import watchspan as ws
from watchspan import sample
from watchspan.live.kept import Kept
from watchspan.live.one_video import one_video
from watchspan.live.sums import audience, figures

_EVENTS = 4_000_000
# So many times as many videos as the sample has.
_SHELVES = 28
_PARTS = ("figures", "audience", "video")


def main() -> None:
    """Makes the tables and measures each part in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--tables", type=Path, default=Path("target/live-bench"))
    parser.add_argument("--part", choices=_PARTS)
    asked = parser.parse_args()
    if asked.part:
        _measure(asked.part, str(asked.tables / "engagement"))
        return
    if not (asked.tables / "engagement_sessions" / "_delta_log").exists():
        _make(asked.rows, asked.tables)
    for part in _PARTS:
        command = [sys.executable, __file__, "--tables", str(asked.tables), "--part", part]
        subprocess.run(command, check=True)


def _make(rows: int, folder: Path) -> None:
    sessions = ws.sessions(sample.events(_EVENTS))
    engagement = ws.engagement(sessions, videos=sample.videos())
    copies = -(-rows // engagement.num_rows)
    for table, name in ((engagement, "engagement"), (sessions, "engagement_sessions")):
        schema = pa.schema([pa.field(field.name, field.type) for field in table.schema])
        reader = pa.RecordBatchReader.from_batches(schema, _copies(table, schema, copies))
        write_deltalake(folder / name, reader, mode="overwrite")


def _copies(table: pa.Table, schema: pa.Schema, count: int) -> Iterator[pa.RecordBatch]:
    """The rows again and again, of other users and of some other videos."""
    for number in range(count):
        columns = {name: table[name] for name in table.column_names}
        for key, mark in (("userId", number), ("videoId", number % _SHELVES)):
            columns[key] = pc.binary_join_element_wise(columns[key], str(mark), "-")
        yield from pa.table(list(columns.values()), schema=schema).combine_chunks().to_batches()


def _measure(part: str, table: str) -> None:
    kept = Kept(table)
    now = kept.standing()
    if part == "video":
        found = figures(kept, now.engagement)
        most = pc.index(found.totals["viewers"], pc.max(found.totals["viewers"])).as_py()
        video = found.totals["videoId"][most].as_py()
    began, used = time.perf_counter(), time.process_time()
    if part == "figures":
        figures(kept, now.engagement)
    elif part == "audience":
        audience(kept, now.engagement, now.sessions)
    else:
        one_video(kept, now.engagement, video, found.newest or 0)
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{part:10}{wall:8.2f} s{cpu:8.2f} CPU s{peak:8,} MB", flush=True)


if __name__ == "__main__":
    main()
