"""What the compiler learns from how the core is used: the Makefile runs it on a build that counts.

The main job in the layouts in which events come, and beside it, less often, what else the core does.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import generated_events
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

import watchspan
from watchspan.cli.app import app

EVENTS = 500_000


def main() -> None:
    """Runs from the command line."""
    with tempfile.TemporaryDirectory() as folder:
        generated_events.write_events(Path(folder, "events"), EVENTS)
        events = ds.dataset(Path(folder, "events")).to_table()
        _in_memory(events)
        _from_file_to_file(Path(folder), events)


def _in_memory(events: pa.Table) -> None:
    videos = generated_events.videos()
    for _ in range(3):
        watchspan.aggregate(events, videos=videos)
    for other in (generated_events.coded(events), _wide(events)):
        watchspan.aggregate(other, videos=videos)
    watchspan.aggregate(events.drop_columns(["sessionId"]), videos=videos)
    watchspan.aggregate(events, videos=videos, memory_limit="20MB")
    sessions = watchspan.sessions(events)
    watchspan.engagement(sessions, videos=videos)
    watchspan.retention(sessions, videos=videos)


def _from_file_to_file(folder: Path, events: pa.Table) -> None:
    """Reading and writing, too: what did not run while it was counted is compiled to be small, not fast."""
    videos, lines, output = folder / "videos.parquet", folder / "events.jsonl", folder / "output.parquet"
    pq.write_table(generated_events.videos(), videos)
    rows = events.slice(0, EVENTS // 10).to_pylist()
    lines.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows), encoding="utf-8")
    for words in (
        ["aggregate", folder / "events", "--videos", videos],
        ["aggregate", folder / "events", "--videos", videos],
        ["aggregate", folder / "events", "--videos", videos, "--memory-limit", "20MB"],
        ["aggregate", lines, "--videos", videos],
        ["sessions", folder / "events"],
    ):
        app.main([*map(str, words), "--quiet", "--output", str(output)], standalone_mode=False)


def _wide(events: pa.Table) -> pa.Table:
    """The same with optional columns."""
    rows = len(events)
    return events.append_column("sequence", pa.array(range(rows), pa.int64())).append_column(
        "playbackRate", pa.array([1.0] * rows)
    )


if __name__ == "__main__":
    main()
