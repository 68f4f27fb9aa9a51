"""The page that `compare.py` writes: all of it comes from the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median

from peers_rules import LEFT_OUT
from reported import RARE_ROWS, conditions, nearly, number, same, table

# What each variant is called in the page, in the order of its tables.
VARIANTS = {
    "watchspan": "watchspan",
    "watchspan-1-thread": "watchspan, one thread",
    "polars": "Polars, streaming engine",
    "polars-in-memory": "Polars, in-memory engine",
    "duckdb": "DuckDB",
    "polars-group-by": "bare Polars `group_by`",
    "duckdb-group-by": "bare DuckDB `GROUP BY`",
}
# Those that do the whole job on all threads.
ENGINES = ("watchspan", "polars", "polars-in-memory", "duckdb")
# Why these may differ nevertheless.
_MAY_DIFFER = {
    "unobservedWatchTime": "the queries bound it by the next event on the same video, not on any",
    "engagementScore": "a sum in another order can round a row's score the other way",
}

_INTRODUCTION = """\
<!-- Written by `python benches/compare.py`: do not edit. -->

# Benchmarks

The whole job on one machine, from events in memory to the engagement table in memory, with watchspan and as
queries for Polars (`benches/peers_polars.py`) and DuckDB (`benches/peers_duckdb.py`). Spark has a page of its
own: [spark_benchmarks.md](spark_benchmarks.md).

Events are generated (`benches/generated_events.py`): user ids of 12 characters, session ids of 36, about 7
events per user and video, 2.5% of the videos without a duration and as many not listed.

Every measurement is a fresh process, one at a time. It first loads the events into the form that the engine
itself keeps in memory, with plain text columns: a pyarrow table for watchspan, a DataFrame for Polars, a
table of an in-memory database for DuckDB. None of this is timed, so Polars and DuckDB do not pay for a
conversion. Then it runs the job:

* *cold* is the first call in the process,
* *warm* are the calls after it in the same process.

Seconds and memory are medians over all rounds. Memory is the peak of the process's resident memory during
the cold call, less what was resident after loading. The result stays in the engine's own form: an Arrow
table, a DataFrame, a table of the database. DuckDB may put what its memory limit does not hold into files.
That limit is four fifths of the machine's memory; watchspan is given the same `memory_limit` in place of its
own default, a quarter.

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
    sums: dict[str, float] = field(default_factory=dict)
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

    def peers(self) -> list[str]:
        """The variants whose sums are held against watchspan's."""
        return [name for name, measured in self.measured.items() if measured.sums and name != "watchspan"]

    def disagreements(self) -> Iterator[str]:
        """A sentence for each sum that should be the same and is not."""
        own = self.measured["watchspan"].sums
        if not own:
            yield f"With {self.rows:,} events watchspan {self.measured['watchspan'].failure}."
            return
        for name in self.peers():
            for column, value in self.measured[name].sums.items():
                if not nearly(column, own[column], value, self.rows) and column not in _MAY_DIFFER:
                    yield (
                        f"With {self.rows:,} events {VARIANTS[name]} does not agree with watchspan on "
                        f"{column}: {number(value)}, not {number(own[column])}."
                    )

    def agrees(self) -> bool:
        """Whether all sums agree that all define alike."""
        return not any(self.disagreements())


def environment(threads: int) -> dict[str, str]:
    """What the figures depend on; to be asked for before the run."""
    packages = ("watchspan", "polars", "duckdb", "pyarrow")
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
    parts += ["## What the queries leave out\n", _LEFT_OUT_LEAD, LEFT_OUT + _UNORDERED]
    parts += ["## The run\n", f"`{command}`: {rounds} processes of each variant, {1 + warm} calls in each.\n"]
    parts += [table(("what", "value"), about.items())]
    return "\n".join(parts)


_LEFT_OUT_LEAD = """\
Both have every column of the table and follow [metrics.md](metrics.md) with the default rules, except for
these, which leave them less to do than watchspan does.
"""
_UNORDERED = """\
* The rows come in no particular order; watchspan's are ordered by user and video.
"""


def _summary(sizes: Sequence[Size]) -> str:
    peers = [name for name in ENGINES if name != "watchspan"]
    rows = [
        (
            f"{size.rows:,}",
            _nanoseconds(size, "watchspan"),
            *(_times(size.ratio(name)) for name in peers),
            _times(size.ratio("watchspan", "polars-group-by")),
            _times(size.ratio("watchspan-1-thread")),
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
    parts = [f"## {size.rows:,} events\n", table(head, rows), *failures, _sums(size)]
    return "\n".join(parts)


def _row(size: Size, name: str) -> tuple[str, ...]:
    measured = size.measured[name]
    memory = measured.typical("memory")
    spread = f"{min(measured.cold):.3f} to {max(measured.cold):.3f}" if measured.cold else "-"
    return (
        VARIANTS[name],
        "did not finish" if measured.failure else _seconds(measured.typical("cold")),
        _seconds(measured.typical("warm")),
        _times(size.ratio(name)),
        _times(size.ratio(name, figure="warm")),
        _nanoseconds(size, name),
        "-" if memory is None else f"{memory / 2**20:,.0f}",
        _times(size.ratio(name, figure="memory")),
        spread,
    )


def _sums(size: Size) -> str:
    own, peers = size.measured["watchspan"].sums, size.peers()
    rows = [
        (
            column if column.endswith("rows") else f"`{column}`",
            number(value),
            *(_difference(value, size.measured[name].sums[column]) for name in peers),
        )
        for column, value in own.items()
    ]
    head = ("sum of", "watchspan", *(VARIANTS[name] for name in peers))
    differing = {
        column
        for column, value in own.items()
        if any(not same(value, size.measured[name].sums[column]) for name in peers)
    }
    reasons = [
        f"* `{column}` differs as {reason}.\n"
        for column, reason in _MAY_DIFFER.items()
        if column in differing
    ]
    if differing - _MAY_DIFFER.keys():
        reasons.append(f"* The other sums that differ do so as {RARE_ROWS}.\n")
    return "\n".join(["Sums over all rows:\n", table(head, rows), *reasons])


def _difference(own: float, other: float) -> str:
    if same(own, other):
        return "agrees"
    return f"{other - own:+,.3f}" + (f" ({(other - own) / own:+.1%})" if own else "")


def _nanoseconds(size: Size, name: str) -> str:
    seconds = size.measured[name].typical("cold")
    return "-" if seconds is None else f"{seconds / size.rows * 1e9:.0f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
