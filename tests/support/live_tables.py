"""Kept tables that grow, and the live page over them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

import watchspan as ws
from watchspan import delta

FIRST_DAY = 1_767_225_600
# What nobody should obey: as Markdown, as HTML, as a formula, and what turns text around.
HOSTILE = {
    "v0": "![x](http://evil.invalid/x.png) [y](http://evil.invalid) www.evil.invalid a@evil.invalid",
    "v1": "$\\frac{1}{2}$ :sunglasses: :material/thumb_up: :red[red]",
    "v2": "<script>window.broken = 1</script><img src=x onerror='window.broken = 2'><b>bold</b>",
    "v3": '=HYPERLINK("http://evil.invalid","x")',
    "v4": "# مقدمة\n* one\u202eevitcepsrep",
}
VIDEOS = {"videoId": [*HOSTILE, "v5"], "duration": [300.0] * 6, "title": [*HOSTILE.values(), None]}


def events(days: int, viewers: int, first: int = 0) -> pa.Table:
    """Some viewers' events of some days: each watches a part of some videos, some of it again."""
    rows: list[tuple[Any, ...]] = []
    for day in range(first, first + days):
        for viewer in range(viewers):
            start = FIRST_DAY + day * 86_400 + viewer * 60
            for number, video in enumerate((*HOSTILE, "v5")):
                if (viewer + number + day) % 3:
                    continue
                at, end = start + number * 900, 20 + (viewer * 37 + number * 53 + day) % 281 + 0.1
                for second, name, position in (
                    (0, "play", 0.0), (end, "pause", end), (end + 1, "play", 10.0), (end + 11, "pause", 20.0),
                ):  # fmt: skip
                    rows.append((int((at + second) * 1e6), f"secret-user-{viewer}", video, name, position))
    names = ("timestamp", "userId", "videoId", "eventName", "currentTime")
    columns = dict(zip(names, zip(*rows)))
    instants = pa.array(columns.pop("timestamp"), pa.timestamp("us", "UTC"))
    return pa.table({"timestamp": instants, **{name: list(values) for name, values in columns.items()}})


class Tables:
    """A raw table in a folder, and the tables that are kept of it."""

    def __init__(self, folder: Path) -> None:
        self.raw, self.table = str(folder / "raw"), str(folder / "engagement")

    def arrive(self, found: pa.Table) -> None:
        write_deltalake(self.raw, found, mode="append")

    def update(self, **options: Any) -> None:
        delta.update(self.raw, self.table, videos=VIDEOS, **options)

    def rows(self, suffix: str = "") -> pa.Table:
        return plain(pa.table(DeltaTable(self.table + suffix).scan()))

    def totals(self) -> list[dict[str, Any]]:
        return ws.video_totals(self.rows()).to_pylist()

    def version(self) -> int:
        return DeltaTable(self.table).version()


def plain(table: pa.Table) -> pa.Table:
    """A table with plain text: not every kernel of pyarrow takes views of it."""
    columns = [c.cast(pa.string()) if str(c.type) == "string_view" else c for c in table.columns]
    return pa.table(columns, table.column_names)


@contextmanager
def served(table: str, *options: str) -> Any:
    """The address of the page, as the command serves it; its output is in the attribute `said` of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "watchspan",
        "serve",
        table,
        "--port",
        str(port),
        "--every",
        "1",
        *options,
    ]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ.copy()
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", started)
        yield f"http://127.0.0.1:{port}"
        assert started.poll() is None
    finally:
        started.send_signal(signal.SIGINT)
        said, _ = started.communicate(timeout=60)
    assert not re.search("Traceback|Error", said), said


def _wait_for(address: str, started: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            assert started.poll() is None, started.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.1)
