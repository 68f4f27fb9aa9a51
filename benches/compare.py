"""Measures watchspan beside Polars, DuckDB and ClickHouse: seconds, ratios, and the memory that each needs.

    python benches/compare.py --sizes 1M,10M --rounds 5 --write docs/benchmarks.md

All do the same job on the same generated events (`generated_events.py`): the engagement table. Every
measurement is a process of its own (`compare_process.py`), one at a time; in each round all variants take
their turn, and every round begins with another one. The results of the engines are added up and compared
(`agreement.py`), and the run fails if they do not agree. The queries are in `peers_polars.py`,
`peers_duckdb.py` and `peers_clickhouse.py`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import generated_events
from compare_report import VARIANTS, Measured, Size, environment, markdown
from processes import told_by
from reported import chosen, command, cores, parser, progress, publish


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
    publish(text, options.write)
    if options.write:
        from compare_plot import draw

        draw(sizes, Path(options.write).with_suffix(".svg"))
    return 0


def _options() -> argparse.Namespace:
    options = parser(__doc__, sizes="1M,10M", rounds=5)
    options.add_argument("--warm", type=int, default=2, help="calls in each process after the first")
    options.add_argument("--threads", type=int, default=cores(), help="threads of each engine; all cores")
    options.add_argument("--variants", type=chosen(VARIANTS), default=list(VARIANTS), help="some of them")
    return options.parse_args()


def _measure_size(options: argparse.Namespace, folder: Path, scratch: Path, rows: int) -> Size:
    events, videos = generated_events.kept(folder, rows)
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
            progress(f"{rows:,} events, round {turn + 1}: {name} {told}")
    return size


def _measure(name: str, arguments: list[str], measured: Measured) -> None:
    program = Path(__file__).with_name("compare_process.py")
    told, measured.failure = told_by(program, [name, *arguments])
    if measured.failure:
        return
    measured.cold.append(told["cold"])
    measured.warm += told["warm"]
    if told["memory"] is not None:
        measured.memory.append(told["memory"])
    measured.sums = told["sums"] or measured.sums


if __name__ == "__main__":
    raise SystemExit(main())
