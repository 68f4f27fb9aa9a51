"""Measures how fast nested lines of JSON are read, beside DuckDB: seconds and ratios.

    python benches/json_lines.py --events 1M --rounds 5 --write docs/json_lines.md

The lines are like those of Open edX's tracking logs: nested, with a field that holds JSON as text, of which
six values are used. Each reader takes them out as text, into Arrow; `aggregate` computes rows of them, too.
Every measurement is a process of its own, one at a time, and the readers take turns.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from processes import be_killed_first, forget_peak, own_memory, settle
from reported import command, conditions, cores, parser, progress, publish, table

_FIRST = 1_768_471_200
_QUERY = """
    SELECT time, context->>'user_id' AS "userId", name,
           event::JSON->>'id' AS "videoId", event::JSON->>'currentTime' AS "currentTime",
           event::JSON->>'new_time' AS "newTime"
    FROM read_json('{path}', format = 'newline_delimited',
                   columns = {{time: 'VARCHAR', name: 'VARCHAR', context: 'JSON', event: 'VARCHAR'}})
"""


def write_lines(path: Path, rows: int) -> None:
    """Writes so many lines, always the same."""
    rng = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            user, second = rng.randrange(max(rows // 100, 1)), number // 50
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(_FIRST + second))
            event = {"id": f"video{rng.randrange(200)}", "code": "hls", "duration": 600}
            kind = rng.choice(["play_video", "pause_video", "seek_video"])
            event["new_time" if kind == "seek_video" else "currentTime"] = rng.randrange(6000) / 10
            record = {
                "name": kind, "event_type": kind, "event_source": "browser",
                "time": f"{stamp}.{number % 10**6:06}+00:00",
                "username": f"user{user}", "session": f"{user:032x}",
                "context": {"course_id": "course-v1:ExampleX+VID101+2026", "org_id": "ExampleX",
                            "user_id": user, "path": "/event", "course_user_tags": {}, "enterprise_uuid": ""},
                "page": "https://learn.example.org/courses/course-v1:ExampleX+VID101+2026/courseware/w1/",
                "agent": "Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0",
                "ip": "192.0.2.17", "host": "learn.example.org", "event": json.dumps(event),
            }  # fmt: skip
            file.write(json.dumps(record) + "\n")


def _read(path: str) -> int:
    from watchspan import presets, sources

    columns = presets.reading("edx", None, None, None).columns
    return sum(batch.num_rows for batch in sources.read(path, sources.wanted("events", columns)))


def _aggregate(path: str) -> int:
    import watchspan as ws

    return int(ws.report(ws.aggregate(path, preset="edx"))["read"])


def _duckdb(path: str) -> int:
    import duckdb

    duckdb.sql(f"SET threads = {cores()}")
    return int(duckdb.sql(_QUERY.format(path=path)).to_arrow_table().num_rows)


READERS: dict[str, Callable[[str], int]] = {
    "watchspan, six values": _read,
    "DuckDB, six values": _duckdb,
    "watchspan, to engagement": _aggregate,
}


def main() -> int:
    """Runs the benchmark; 1 if somebody read another number of rows."""
    options = parser(__doc__, rounds=5, events="1M")
    options.add_argument("--one", help=argparse.SUPPRESS)
    options.add_argument("--path", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        print(json.dumps(_measure(chosen.one, chosen.path)))
        return 0
    about = conditions()
    found: dict[str, list[Any]] = {name: [] for name in READERS}
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(chosen.data or scratch) / f"lines_{chosen.events}.jsonl"
        if not path.exists():
            write_lines(path, chosen.events)
        for number in range(chosen.rounds):
            for name in READERS:
                progress(f"round {number + 1}: {name}")
                found[name].append(_in_a_process(name, path))
        size = path.stat().st_size
    if any(one["rows"] != chosen.events for measured in found.values() for one in measured):
        print("Somebody read another number of rows, so nothing was written.", file=sys.stderr)
        return 1
    publish(_page(chosen, about, size, found), chosen.write)
    return 0


def _in_a_process(name: str, path: Path) -> dict[str, Any]:
    arguments = [sys.executable, __file__, "--one", name, "--path", str(path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def _measure(name: str, path: str) -> dict[str, Any]:
    be_killed_first()
    READERS[name](path)  # the file is in memory, and the libraries are loaded
    settle()
    forget_peak()
    started = time.perf_counter()
    rows = READERS[name](path)
    return {"rows": rows, "seconds": time.perf_counter() - started, "peak": own_memory("VmHWM")}


def _page(chosen: argparse.Namespace, about: dict[str, str], size: int, found: dict[str, list[Any]]) -> str:
    seconds = {name: median(one["seconds"] for one in measured) for name, measured in found.items()}
    base = seconds["DuckDB, six values"]
    rows = [
        [name, f"{seconds[name]:.2f}", f"{size / seconds[name] / 1e6:,.0f}", f"{base / seconds[name]:.2f}",
         f"{max(one['peak'] for one in measured) / 2**20:,.0f}"]
        for name, measured in found.items()
    ]  # fmt: skip
    return (
        f"# Lines of JSON\n\n{chosen.events:,} nested lines of {size / 1e6:,.0f} MB, read in fresh processes "
        f"on {cores()} cores; medians of {chosen.rounds} rounds, the file in memory. What is measured: "
        "`benches/json_lines.py`.\n\n"
        + table(["reader", "seconds", "MB/s", "times DuckDB's speed", "peak MiB"], rows)
        + f"\n`{command('benches/json_lines.py')}`; "
        + ", ".join(f"{name}: {value}" for name, value in about.items())
        + ".\n"
    )


if __name__ == "__main__":
    sys.exit(main())
