"""Measures watchspan beside ClickHouse, DuckDB and Polars from Parquet files to a Parquet file.

    python benches/files.py --sizes 10M --rounds 3 --write docs/files_benchmarks.md

All make the engagement table of the same generated events (`generated_events.py`), a file per million of
them, which stay for the next time. Every measurement is a process of its own (`files_process.py`), one at a
time; in each round all take their turn, and every round begins with another one. What is measured is stored
at once, beside the events and under the page's name, so a run that was interrupted is not lost: `--stored`
writes the page of what is there. The sums of all tables are compared (`agreement.py`), and no page is written
if they do not agree.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import generated_events
from files_report import CASES, VARIANTS, Measured, Run, Size, environment, markdown
from processes import told_by
from reported import chosen, command, cores, parser, progress, publish

_DATA = Path(__file__).resolve().parents[1] / "target" / "bench-files"
# Where so many events would be more than a small machine holds.
_LARGE = 100_000_000
_SCRATCH = "scratch-"


def main() -> int:
    """Runs the benchmark; 1 if the results do not agree."""
    options = _options()
    options.data.mkdir(parents=True, exist_ok=True)
    # What runs that were ended left.
    for left in options.data.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left)
    stored = options.data / f"{Path(options.write or 'run').stem}.json"
    run = Run.read(stored) if options.stored else _run(options, stored)
    wrong = list(run.disagreements())
    if wrong:
        print("\n".join([*wrong, "So no page was written."]), file=sys.stderr)
        return 1
    publish(markdown(run), options.write)
    return 0


def _options() -> argparse.Namespace:
    options = parser(__doc__, data=False, sizes="10M", rounds=3)
    options.add_argument("--data", type=Path, default=_DATA, metavar="FOLDER", help="for generated events")
    options.add_argument("--stored", action="store_true", help="writes the page of the stored run")
    options.add_argument("--threads", type=int, default=cores(), help="threads of each engine; all cores")
    options.add_argument("--memory-limit", default="2GB", help="watchspan's, from 100M events on")
    options.add_argument("--timeout", type=float, default=3600, help="seconds that a measurement may take")
    options.add_argument("--variants", type=chosen(VARIANTS), default=list(VARIANTS), help="some of them")
    return options.parse_args()


def _run(options: argparse.Namespace, stored: Path) -> Run:
    run = Run(command("benches/files.py"), environment(options.threads))
    for rows in options.sizes:
        events, videos = generated_events.kept(options.data, rows)
        sizes = [file.stat().st_size for file in events.iterdir()]
        limit = options.memory_limit if rows >= _LARGE else ""
        cases = [Measured(*case) for case in CASES if case[0] in options.variants]
        run.sizes.append(Size(rows, len(sizes), sum(sizes), limit, cases))
        _measure_size(options, run, stored, ["--events", str(events), "--videos", str(videos)])
    return run


def _measure_size(options: argparse.Namespace, run: Run, stored: Path, places: list[str]) -> None:
    size = run.sizes[-1]
    for turn in range(options.rounds):
        first = turn % len(size.measured)
        for measured in size.measured[first:] + size.measured[:first]:
            # What did not finish once is not tried again: it would take the longest of all.
            if measured.failure:
                continue
            _measure(options, size, measured, places)
            run.write(stored)
            told = measured.failure or f"{measured.figures['wall'][-1]:.3f} s"
            progress(f"{size.rows:,} events, round {turn + 1}: {measured.name} {told}")


def _measure(options: argparse.Namespace, size: Size, measured: Measured, places: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=options.data, prefix=_SCRATCH) as scratch:
        arguments = [measured.variant, *places, "--scratch", scratch, "--output", f"{scratch}/rows.parquet"]
        arguments += ["--threads", str(options.threads)]
        arguments += ["--cache", measured.cache] if measured.cache else []
        arguments += ["--memory-limit", size.memory_limit] if size.memory_limit else []
        arguments += [] if measured.variant in size.sums else ["--sums"]
        program = Path(__file__).with_name("files_process.py")
        told, measured.failure = told_by(program, arguments, options.timeout)
    if told:
        measured.add(told["figures"])
        size.sums.setdefault(measured.variant, told["sums"])


if __name__ == "__main__":
    raise SystemExit(main())
