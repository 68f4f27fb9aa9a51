"""Measures watchspan beside Polars and DuckDB: seconds, ratios, and the memory that each needs.

    python benches/compare.py --sizes 1M,10M --rounds 5 --write docs/benchmarks.md

All do the same job on the same generated events (`generated_events.py`): the engagement table. Every
measurement is a process of its own (`compare_process.py`), one at a time; in each round all variants take
their turn, and every round begins with another one. The results of the engines are added up and compared, and
the run fails if they do not agree. The queries are in `peers_polars.py` and `peers_duckdb.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import generated_events
import pyarrow.parquet as pq
from compare_report import VARIANTS, Measured, Size, environment, markdown
from reported import command, counts, parser


def main() -> int:
    """Runs the benchmark; 1 if the results do not agree."""
    options = _options()
    about = environment(options.threads)
    sizes = []
    with tempfile.TemporaryDirectory() as scratch:
        for rows in options.sizes:
            size = _measure_size(options, Path(options.data or scratch), Path(scratch), rows)
            sizes.append(size)
            for sentence in size.disagreements():
                print(sentence, file=sys.stderr)
    if not all(size.agrees() for size in sizes):
        print("The engines did not do the same job, so nothing was written.", file=sys.stderr)
        return 1
    plot = Path(options.write).with_suffix(".svg").name if options.write else ""
    text = markdown(command("benches/compare.py"), about, options.rounds, options.warm, sizes, plot)
    print(text)
    if options.write:
        _write(Path(options.write), text, sizes)
    return 0


def _options() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--sizes", type=counts, default="1M,10M", help="numbers of events, as in 100k,1M")
    options.add_argument("--rounds", type=int, default=5, help="processes per variant and size")
    options.add_argument("--warm", type=int, default=2, help="calls in each process after the first")
    options.add_argument("--threads", type=int, default=_cores(), help="threads of each engine; all cores")
    options.add_argument("--variants", type=_variants, default=list(VARIANTS), help="some of the variants")
    options.add_argument("--data", metavar="FOLDER", help="where to keep generated events for the next time")
    return options.parse_args()


def _variants(text: str) -> list[str]:
    chosen = text.split(",")
    unknown = [name for name in chosen if name not in VARIANTS]
    if unknown or "watchspan" not in chosen:
        raise argparse.ArgumentTypeError(f"watchspan and any of {', '.join(VARIANTS)}, not {text}")
    return chosen


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _measure_size(options: argparse.Namespace, folder: Path, scratch: Path, rows: int) -> Size:
    events, videos = _input(folder, rows)
    names = options.variants
    size = Size(rows, {name: Measured() for name in names})
    for turn in range(options.rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            measured = size.measured[name]
            # What did not finish once is not tried again: it would take the longest of all.
            if measured.failure:
                continue
            places = ["--events", str(events), "--videos", str(videos), "--scratch", str(scratch)]
            amounts = ["--threads", str(options.threads), "--warm", str(options.warm)]
            _measure(name, [*places, *amounts, *(["--sums"] if turn == 0 else [])], measured)
            told = measured.failure or f"{measured.cold[-1]:.3f} s"
            _progress(f"{rows:,} events, round {turn + 1}: {name} {told}")
    return size


def _input(folder: Path, rows: int) -> tuple[Path, Path]:
    """The events and the videos, generated if they are not kept from another time."""
    events, videos = folder / f"events-{rows}", folder / "videos.parquet"
    if not events.exists():
        _progress(f"generating {rows:,} events")
        unfinished = folder / f"events-{rows}-unfinished"
        generated_events.write_events(unfinished, rows)
        unfinished.rename(events)
    pq.write_table(generated_events.videos(), videos)
    return events, videos


def _measure(name: str, arguments: list[str], measured: Measured) -> None:
    program = str(Path(__file__).with_name("compare_process.py"))
    done = subprocess.run(
        [sys.executable, program, name, *arguments], check=False, capture_output=True, text=True
    )
    if done.returncode:
        measured.failure = _failure(done)
        return
    told = json.loads(done.stdout)
    measured.cold.append(told["cold"])
    measured.warm += told["warm"]
    if told["memory"] is not None:
        measured.memory.append(told["memory"])
    measured.sums = told["sums"] or measured.sums


def _failure(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode == -signal.SIGKILL:
        return "was killed, as the system does when memory runs out"
    lines = done.stderr.strip().splitlines()
    return f"failed: {lines[-1]}" if lines else f"failed with {done.returncode}"


def _write(page: Path, text: str, sizes: list[Size]) -> None:
    from compare_plot import draw

    page.write_text(text, encoding="utf-8")
    draw(sizes, page.with_suffix(".svg"))


def _progress(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
