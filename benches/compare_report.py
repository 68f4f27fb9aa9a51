"""The page that `compare.py` writes: all of it comes from the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median

from agreement import Sums, comparison, disagreements
from peers_rules import LEFT_OUT_SECTION
from reported import GENERATED, conditions, mebibytes, seconds, spread, table, times

# What each variant is called in the page, in the order of its tables.
VARIANTS = {
    "watchspan": "watchspan",
    "watchspan-1-thread": "watchspan, one thread",
    "polars": "Polars, streaming engine",
    "polars-in-memory": "Polars, in-memory engine",
    "duckdb": "DuckDB",
    "clickhouse": "ClickHouse",
    "polars-group-by": "bare Polars `group_by`",
    "duckdb-group-by": "bare DuckDB `GROUP BY`",
    "clickhouse-group-by": "bare ClickHouse `GROUP BY`",
}
# Those that do the whole job on all threads.
ENGINES = ("watchspan", "polars", "polars-in-memory", "duckdb", "clickhouse")
_INTRODUCTION = f"""\
<!-- Written by `python benches/compare.py`: do not edit. -->

# Benchmarks

The whole job on one machine, from events in memory to the engagement table in memory, with watchspan and as
queries for Polars (`benches/peers_polars.py`), DuckDB (`benches/peers_duckdb.py`) and ClickHouse, as `chdb`
runs it in a process (`benches/peers_clickhouse.py`). From file to file has a page of its own:
[files_benchmarks.md](files_benchmarks.md); so has Spark: [spark_benchmarks.md](spark_benchmarks.md).

{GENERATED}
Every measurement is a fresh process, one at a time. It first loads the events into the form that the engine
itself keeps in memory, with plain text columns: a pyarrow table for watchspan, a DataFrame for Polars, a
table of an in-memory database for DuckDB, one of the engine `Memory` for ClickHouse. None of this is timed,
so nobody pays for a conversion. Then it runs the job:

* *cold* is the first call in the process,
* *warm* are the calls after it in the same process.

Seconds and memory are medians over all rounds. Memory is the peak of the process's resident memory during
the cold call, less what was resident after loading. The result stays in the engine's own form: an Arrow
table, a DataFrame, a table of the database. DuckDB and ClickHouse may put what their memory limits do not
hold into files. DuckDB's is four fifths of the machine's memory, ClickHouse's nine tenths; watchspan is given
four fifths as its `memory_limit` in place of its own default, a quarter.

The bare `group_by` only counts the events per user, video and session. It is no version of the job, but the
least that a query engine does to bring the events of a session together.
"""


@dataclass
class Measured:
    """What was measured of one variant.

    Attributes:
        cold: Seconds of the first call in each process.
        warm: Seconds of all later calls.
        memory: Bytes that each first call needed at its peak; empty where it cannot be told.
        sums: What the columns of the result add up to; empty if it is no engagement table.
        failure: Why it did not finish, if it did not.
    """

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    sums: Sums = field(default_factory=dict)
    failure: str = ""

    def typical(self, figure: str) -> float | None:
        """The median of `cold`, `warm` or `memory`; None if there is none."""
        values = getattr(self, figure)
        return median(values) if values and not self.failure else None


@dataclass
class Size:
    """What was measured with one number of events."""

    rows: int
    measured: dict[str, Measured]

    def ratio(self, of: str, to: str = "watchspan", figure: str = "cold") -> float | None:
        """How many times as much one variant takes as another; None if one was not measured."""
        both = [self.measured[name].typical(figure) if name in self.measured else None for name in (of, to)]
        return None if both[0] is None or not both[1] else both[0] / both[1]

    def peers(self) -> dict[str, Sums]:
        """The sums that are held against watchspan's, by what the variants are called."""
        return {
            VARIANTS[name]: measured.sums
            for name, measured in self.measured.items()
            if measured.sums and name != "watchspan"
        }

    def disagreements(self) -> Iterator[str]:
        """A sentence for each sum that should be the same and is not."""
        own = self.measured["watchspan"]
        if own.sums:
            yield from disagreements(own.sums, self.peers(), self.rows)
        else:
            yield f"With {self.rows:,} events watchspan {own.failure}."

    def agrees(self) -> bool:
        """Whether all sums agree that all define alike."""
        return not any(self.disagreements())


def environment(threads: int) -> dict[str, str]:
    """What the figures depend on; to be asked for before the run."""
    packages = ("watchspan", "polars", "duckdb", "chdb", "pyarrow")
    versions = {name: version(name) for name in packages}
    return {**conditions(), "threads of each engine": str(threads), **versions}


def markdown(
    command: str, about: dict[str, str], rounds: int, warm: int, sizes: Sequence[Size], plot: str
) -> str:
    """The page; `plot` is the plot's file name, empty if there is none."""
    parts = [_INTRODUCTION, _summary(sizes)]
    if plot:
        parts.append(f"![Seconds of each engine by number of events]({plot})\n")
    parts += [_section(size) for size in sizes]
    parts += [
        LEFT_OUT_SECTION,
        "## The run\n",
        f"`{command}`: {rounds} processes of each variant, {1 + warm} calls in each.\n",
    ]
    parts += [table(("what", "value"), about.items())]
    return "\n".join(parts)


def _summary(sizes: Sequence[Size]) -> str:
    peers = [name for name in ENGINES if name != "watchspan"]
    rows = [
        (
            f"{size.rows:,}",
            _nanoseconds(size, "watchspan"),
            *(times(size.ratio(name)) for name in peers),
            times(size.ratio("watchspan", "polars-group-by")),
            times(size.ratio("watchspan-1-thread")),
        )
        for size in sizes
    ]
    head = (
        *("events", "watchspan, ns per event"),
        *(f"{VARIANTS[name]} / watchspan" for name in peers),
        *("watchspan / bare Polars `group_by`", "watchspan, one thread / all threads"),
    )
    return "Cold calls in short, as ratios of seconds:\n\n" + table(head, rows)


def _section(size: Size) -> str:
    head = (
        *("variant", "cold (s)", "warm (s)", "cold, times watchspan", "warm, times watchspan"),
        *(
            "ns per event, cold",
            "peak memory (MiB)",
            "memory, times watchspan",
            "cold, fastest to slowest (s)",
        ),
    )
    rows = [_row(size, name) for name in VARIANTS if name in size.measured]
    failures = [
        f"* {VARIANTS[name]} {measured.failure}.\n"
        for name, measured in size.measured.items()
        if measured.failure
    ]
    parts = [
        f"## {size.rows:,} events\n",
        table(head, rows),
        *failures,
        comparison(size.measured["watchspan"].sums, size.peers()),
    ]
    return "\n".join(parts)


def _row(size: Size, name: str) -> tuple[str, ...]:
    measured = size.measured[name]
    return (
        VARIANTS[name],
        "did not finish" if measured.failure else seconds(measured.typical("cold")),
        seconds(measured.typical("warm")),
        times(size.ratio(name)),
        times(size.ratio(name, figure="warm")),
        _nanoseconds(size, name),
        mebibytes(measured.typical("memory")),
        times(size.ratio(name, figure="memory")),
        spread(measured.cold),
    )


def _nanoseconds(size: Size, name: str) -> str:
    seconds = size.measured[name].typical("cold")
    return "-" if seconds is None else f"{seconds / size.rows * 1e9:.0f}"
