"""Measures watchspan on inputs that are hard for an engine that groups, beside the usual one.

    python benches/worst_cases.py --events 5M --rounds 3 --write docs/worst_cases.md

Every measurement is a process of its own, one at a time, and the inputs take turns. All are made from the
same generated events (`generated_events.py`).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import generated_events
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from processes import be_killed_first, forget_peak, own_memory, settle
from reported import command, conditions, cores, parser, progress, publish, table


def _constant(*names: str) -> Callable[[pa.Table], pa.Table]:
    def change(events: pa.Table) -> pa.Table:
        for name in names:
            column = pa.repeat(f"the only {name}", events.num_rows)
            events = events.set_column(events.column_names.index(name), name, column)
        return events

    return change


def _own_user(events: pa.Table) -> pa.Table:
    numbers = pc.cast(pa.array(range(events.num_rows)), pa.string())
    users = pc.utf8_lpad(numbers, 12, "0")
    return events.set_column(events.column_names.index("userId"), "userId", users)


def _sorted(order: str) -> Callable[[pa.Table], pa.Table]:
    return lambda events: events.sort_by([(name, order) for name in (*generated_events.KEYS, "timestamp")])


# What the page calls an input, and how it comes from the usual one.
CASES: dict[str, Callable[[pa.Table], pa.Table]] = {
    "as collected": lambda events: events,
    "sorted by user, video, session and time": _sorted("ascending"),
    "sorted the other way round": _sorted("descending"),
    "keys as dictionaries": generated_events.coded,
    "one video for everybody": _constant("videoId"),
    "one user with all events": _constant("userId"),
    "one session with all events": _constant(*generated_events.KEYS),
    "a user for each event": _own_user,
}

_INTRODUCTION = """\
<!-- Written by `python benches/worst_cases.py`: do not edit. -->

# Worst cases

How long `watchspan.aggregate` takes on inputs that are hard for an engine that groups, beside the same number
of events as a collector would have received them. Each measurement is the first call in a process of its own;
seconds are medians. Memory is the most that the process had in use during the call, beyond what it had
before. A single user's events are one thread's work, so with one user or one session more threads do not help
there.
"""


def main() -> int:
    """Runs from the command line."""
    options, about = _options(), conditions()
    if options.case is not None:
        print(json.dumps(_measure(options)))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder, _ = generated_events.kept(Path(options.data or scratch), options.events)
        found: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
        for _ in range(options.rounds):
            for case, measured in found.items():
                measured.append(_in_a_process(case, folder, options))
                progress(f"{case}: {measured[-1]['seconds']:.2f} s")
    text = _markdown(options, about, found)
    publish(text, options.write)
    return 0


def _options() -> argparse.Namespace:
    options = parser(__doc__, events="5M", rounds=3)
    options.add_argument("--threads", type=int, default=cores(), help="all cores")
    options.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    return options.parse_args()


def _in_a_process(case: str, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    arguments = ["--case", case, "--events", str(options.events), "--threads", str(options.threads)]
    program = [sys.executable, __file__, *arguments, "--data", str(folder)]
    return json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)


def _measure(options: argparse.Namespace) -> dict[str, float]:
    import watchspan

    be_killed_first()
    files = sorted(Path(options.data).glob("*.parquet"))
    events = CASES[options.case](pa.concat_tables([pq.read_table(file) for file in files]))
    videos = generated_events.videos()
    settle()
    before = own_memory("VmRSS") if forget_peak() else None
    start = time.perf_counter()
    rows = watchspan.aggregate(events, videos=videos, threads=options.threads)
    seconds = time.perf_counter() - start
    used = float("nan") if before is None else max(0, own_memory("VmHWM") - before)
    return {"seconds": seconds, "memory": used, "input": events.nbytes, "rows": rows.num_rows}


def _markdown(
    options: argparse.Namespace, about: dict[str, str], found: dict[str, list[dict[str, float]]]
) -> str:
    import watchspan

    usual = median(each["seconds"] for each in next(iter(found.values())))
    head = ("input", "seconds", "times the first", "each round", "rows", "input (MiB)", "memory (MiB)")
    rows = []
    for case, measured in found.items():
        seconds = median(each["seconds"] for each in measured)
        rows.append(
            (
                case,
                f"{seconds:.2f}",
                f"{seconds / usual:.2f}",
                " ".join(f"{each['seconds']:.2f}" for each in measured),
                f"{measured[0]['rows']:,}",
                f"{measured[0]['input'] / 2**20:,.0f}",
                f"{median(each['memory'] for each in measured) / 2**20:,.0f}",
            )
        )
    about = {**about, "threads": str(options.threads), "watchspan": watchspan.__version__}
    parts = [_INTRODUCTION, f"## {options.events:,} events\n", table(head, rows), "## The run\n"]
    parts += [f"`{command('benches/worst_cases.py')}`\n", table(("what", "value"), about.items())]
    return "\n".join(parts)


if __name__ == "__main__":
    raise SystemExit(main())
