"""What the compiler learns from how the core is used: the Makefile runs it on a build that counts.

The main job in the layouts in which events come, and beside it, less often, what else the core does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import generated_events
import pyarrow as pa
import pyarrow.dataset as ds

import watchspan

EVENTS = 500_000


def main() -> None:
    """Runs from the command line."""
    with tempfile.TemporaryDirectory() as folder:
        generated_events.write_events(Path(folder, "events"), EVENTS)
        events = ds.dataset(Path(folder, "events")).to_table()
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


def _wide(events: pa.Table) -> pa.Table:
    """The same with optional columns."""
    rows = len(events)
    return events.append_column("sequence", pa.array(range(rows), pa.int64())).append_column(
        "playbackRate", pa.array([1.0] * rows)
    )


if __name__ == "__main__":
    main()
