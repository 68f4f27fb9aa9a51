"""The page that `files.py` writes, and the stored run that all of it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from agreement import Sums, comparison, disagreements
from peers_rules import LEFT_OUT_SECTION
from reported import GENERATED, LOAD, conditions, mebibytes, seconds, spread, table, times

# What each variant is called in the page, in the order of its tables.
VARIANTS = {
    "watchspan": "watchspan",
    "clickhouse": "ClickHouse",
    "duckdb": "DuckDB",
    "polars": "Polars, streaming engine",
    "watchspan-in-memory": "watchspan, from memory to memory",
}
_THREADS = "threads of each engine"
_CACHES = ("cold", "warm")
# What is measured: each variant, with files that the system holds in memory and with such that it does not.
CASES = [
    (name, cache) for name in VARIANTS for cache in (("",) if name == "watchspan-in-memory" else _CACHES)
]

_INTRODUCTION = f"""\
<!-- Written by `python benches/files.py`: do not edit. -->

# From file to file

The job as it is run: from Parquet files with events to a Parquet file with the engagement table, with
watchspan (`watchspan aggregate FOLDER --videos FILE --output FILE`) and as queries for ClickHouse, as `chdb`
runs it in a process (`benches/peers_clickhouse.py`), DuckDB (`benches/peers_duckdb.py`) and Polars
(`benches/peers_polars.py`, its streaming engine). What they take from memory to memory is in
[benchmarks.md](benchmarks.md); watchspan's own time for that is here too, as measured in the same run.

{GENERATED}
Every measurement is a fresh process, one at a time. The clock starts after libraries are imported and
databases opened, and stops when the file is closed. Watchspan waits until the system has put it onto the
disk, so that a machine that stops does not lose it; the others do not. All write Parquet that is compressed
by Snappy.

* *cold*: just before the clock started, the system was asked to let go of what it held of the files
  (`posix_fadvise` with `DONTNEED`). On a virtual machine the host may still hold them. How much came from the
  disk is in the tables.
* *warm*: the process has read the files once, so the system holds them in memory.

Figures are medians over all rounds. Processor seconds are those of all threads. Memory is the peak of the
process's resident memory while the clock ran, with Python, libraries and all; from memory to memory, with the
events as well. DuckDB and ClickHouse have their own default limits of memory, four fifths and nine tenths of
the machine's; watchspan's is a quarter, unless a limit is named, and four fifths from memory to memory.
"""


@dataclass
class Measured:
    """What was measured of one variant.

    Attributes:
        variant: Which of `VARIANTS`.
        cache: Whether the files were in the system's memory; empty if it reads none.
        figures: Of each process `wall` and `cpu` seconds, and `peak` memory and what was `read` from the disk
            and `written`, in bytes, each of these only where it can be told.
        failure: Why it did not finish, if it did not.
    """

    variant: str
    cache: str
    figures: dict[str, list[float]] = field(default_factory=dict)
    failure: str = ""

    @property
    def name(self) -> str:
        """What it is called in the page."""
        return f"{VARIANTS[self.variant]}{', ' * bool(self.cache)}{self.cache}"

    def add(self, figures: Mapping[str, float | None]) -> None:
        """Notes what one process told."""
        for name, value in figures.items():
            if value is not None:
                self.figures.setdefault(name, []).append(value)

    def typical(self, figure: str) -> float | None:
        """The median of a figure; None if there is none."""
        values = self.figures.get(figure)
        return median(values) if values and not self.failure else None


@dataclass
class Size:
    """What was measured with one number of events.

    Attributes:
        rows: The number of events.
        files: How many files they are in.
        bytes: How large these are together.
        memory_limit: The limit that watchspan was given; empty if none.
        measured: What was measured.
        sums: What the columns of each variant's table add up to.
    """

    rows: int
    files: int
    bytes: int
    memory_limit: str
    measured: list[Measured]
    sums: dict[str, Sums] = field(default_factory=dict)

    def of(self, variant: str, cache: str) -> Measured | None:
        """What was measured of a variant, if it was."""
        found = (one for one in self.measured if (one.variant, one.cache) == (variant, cache))
        return next(found, None)

    def ratio(self, measured: Measured, figure: str) -> float | None:
        """How many times as much it takes as watchspan with its files held or not held alike."""
        own = self.of("watchspan", measured.cache or "warm")
        value, base = measured.typical(figure), own and own.typical(figure)
        return None if value is None or not base else value / base

    def own_sums(self) -> Sums:
        """Watchspan's sums."""
        return self.sums.get("watchspan", {})

    def other_sums(self) -> dict[str, Sums]:
        """All other sums, by what the variants are called in the page."""
        others = (name for name in VARIANTS if name in self.sums and name != "watchspan")
        return {VARIANTS[name]: self.sums[name] for name in others}


@dataclass
class Run:
    """All that was measured.

    Attributes:
        command: The command.
        about: What the figures depend on.
        sizes: What was measured with each number of events.
    """

    command: str
    about: dict[str, str]
    sizes: list[Size] = field(default_factory=list)

    def write(self, file: Path) -> None:
        """Stores the run; the file is at all times a whole one."""
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        unfinished.replace(file)

    @classmethod
    def read(cls, file: Path) -> Run:
        """The run that was stored."""
        told = json.loads(file.read_text(encoding="utf-8"))
        return cls(told["command"], told["about"], [_size(size) for size in told["sizes"]])

    def disagreements(self) -> Iterator[str]:
        """A sentence for each sum that should be the same and is not, and if watchspan did not finish."""
        for size in self.sizes:
            if size.own_sums():
                yield from disagreements(size.own_sums(), size.other_sums(), size.rows)
            for measured in size.measured:
                if measured.failure and measured.variant.startswith("watchspan"):
                    yield f"With {size.rows:,} events {measured.name} {measured.failure}."


def environment(threads: int) -> dict[str, str]:
    """What the figures depend on; to be asked for before the run."""
    packages = ("watchspan", "chdb", "duckdb", "polars", "pyarrow")
    return {**conditions(), _THREADS: str(threads), **{name: version(name) for name in packages}}


def _size(told: dict[str, Any]) -> Size:
    return Size(**{**told, "measured": [Measured(**measured) for measured in told["measured"]]})


def markdown(run: Run) -> str:
    """The page."""
    parts = [
        _INTRODUCTION,
        *_busy(run),
        _summary(run),
        *(_section(size) for size in run.sizes),
        LEFT_OUT_SECTION,
    ]
    rounds = max(len(one.figures.get("wall", ())) for size in run.sizes for one in size.measured)
    parts += ["## The run\n", f"`{run.command}`: {rounds} processes of each at most.\n"]
    parts += [table(("what", "value"), run.about.items())]
    return "\n".join(parts)


def _busy(run: Run) -> Iterator[str]:
    load = float(run.about.get(LOAD, 0))
    if load >= int(run.about.get(_THREADS, 1)):
        yield (
            f"**The machine was busy**: {load:.1f} other processes wanted to run as the run began. Here "
            "processor seconds tell more than seconds do.\n"
        )


def _summary(run: Run) -> str:
    peers = [name for name in VARIANTS if not name.startswith("watchspan")]
    rows = [
        (f"{size.rows:,}", cache, *_shortly(size, "watchspan", cache), *_ratios(size, cache, peers))
        for size in run.sizes
        for cache in _CACHES
    ]
    head = ("events", "files", "watchspan (s)", *(f"{VARIANTS[name]} / watchspan" for name in peers))
    return "In short, as ratios of seconds:\n\n" + table(head, rows)


def _shortly(size: Size, variant: str, cache: str) -> Iterator[str]:
    measured = size.of(variant, cache)
    yield seconds(measured.typical("wall") if measured else None)


def _ratios(size: Size, cache: str, peers: list[str]) -> Iterator[str]:
    for name in peers:
        measured = size.of(name, cache)
        yield times(size.ratio(measured, "wall") if measured else None)


def _section(size: Size) -> str:
    head = (
        *(
            "variant",
            "files",
            "seconds",
            "processor seconds",
            "peak memory (MiB)",
            "seconds, times watchspan",
        ),
        *("processor seconds, times watchspan", "memory, times watchspan", "read from disk (MiB)"),
        *("written (MiB)", "fastest to slowest (s)"),
    )
    said = f"In {size.files} file{'s' * (size.files > 1)} of {mebibytes(size.bytes)} MiB together."
    if size.memory_limit:
        said += f" Watchspan was given `--memory-limit {size.memory_limit}`."
    failures = [f"* {one.name} {one.failure}.\n" for one in size.measured if one.failure]
    rows = [_row(size, measured) for measured in size.measured]
    parts = [f"## {size.rows:,} events\n", f"{said}\n", table(head, rows), *failures]
    return "\n".join([*parts, comparison(size.own_sums(), size.other_sums())])


def _row(size: Size, measured: Measured) -> tuple[str, ...]:
    return (
        VARIANTS[measured.variant],
        measured.cache or "none",
        "did not finish" if measured.failure else seconds(measured.typical("wall")),
        seconds(measured.typical("cpu")),
        mebibytes(measured.typical("peak")),
        *(times(size.ratio(measured, figure)) for figure in ("wall", "cpu", "peak")),
        mebibytes(measured.typical("read")),
        mebibytes(measured.typical("written")),
        spread(measured.figures.get("wall", [])),
    )
