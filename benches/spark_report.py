"""The page that `spark.py` writes: all of it comes from the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pyarrow as pa
import pyspark
from agreement import RARE_ROWS, nearly, same
from peers_rules import LEFT_OUT
from pyspark.sql import SparkSession
from reported import conditions, number, table

import watchspan

# Why these may differ nevertheless.
_MAY_DIFFER = {
    "unobservedWatchTime": "it is bounded by the next event on the same video, not on any",
    "engagementScore": "a sum in another order can round a row's score the other way",
}
_AIMS = {("complete", "floor"): 1.3, ("watchspan", "floor"): 1.5}
_AIM_WINDOWS = 2.0
# What the variants without a limit of bytes per Arrow batch are called.
UNMEASURED = "sizes unmeasured"

_INTRODUCTION = """\
<!-- Written by `python benches/spark.py`: do not edit. -->

# Spark benchmarks

The whole aggregation on one machine, in Spark's local mode with two cores, from Parquet into the `noop` sink:

* `scan` only reads the columns.
* `floor` is what no implementation in Python workers can avoid: the same columns, the shuffle by user, and
  `mapInArrow` with a function that takes the batches and does nothing with them.
* `complete` is `watchspan.spark.aggregate_events(events, videos=videos)`, the engagement table, where the
  catalogue has the duration of every video.
* `watchspan` is the same where it lacks some, which are estimated.
* `floor, sizes unmeasured` and `watchspan, sizes unmeasured` are these two with
  `spark.sql.execution.arrow.maxBytesPerBatch` at 2147483647: Spark then does not measure an Arrow batch after
  every row that it adds.
* `hot user` is `watchspan`, where one user has a fifth of all events: one task does it all for them.
* `windows` is the same table in plain PySpark with window functions: `benches/spark_windows.py`.

Events are generated (`benches/generated_events.py`): user ids of 12 characters, session ids of 36, about 7
events per user and video, 2.5% of the videos without a duration and as many not listed. Every variant is
warmed up, then all take turns. Seconds are medians, and include the planning; processor seconds are
those of the JVM, the Python workers and the driver together. Memory is that of the Python workers and their
daemon, without the JVM, at its peak in the first run; pages that processes share count in each.
"""


@dataclass
class Measured:
    """What was measured of one variant."""

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    memory: int | None = None
    largest_worker: int | None = None
    sums: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Seconds of the run in the middle."""
        return median(self.seconds)


@dataclass
class Size:
    """What was measured with one number of events."""

    rows: int
    measured: dict[str, Measured]

    def ratio(self, of: str, to: str) -> float:
        """How many times as long one variant takes as another."""
        return self.measured[of].median / self.measured[to].median

    def differences(self) -> Iterator[tuple[str, Any, Any]]:
        """Each sum of both implementations."""
        own, others = self.measured["watchspan"].sums, self.measured["windows"].sums
        for name, value in own.items():
            yield name, value, others[name]

    def agrees(self) -> bool:
        """Whether all sums agree that both define alike, and those of watchspan with itself."""
        own, again = (self.measured[name].sums for name in ("watchspan", f"watchspan, {UNMEASURED}"))
        return all(nearly(name, value, again[name], self.rows) for name, value in own.items()) and all(
            nearly(name, own, other, self.rows)
            for name, own, other in self.differences()
            if name not in _MAY_DIFFER
        )


def environment(spark: SparkSession) -> dict[str, str]:
    """What the figures depend on; to be asked for before the run."""
    configuration = spark.sparkContext.getConf()
    java = spark.sparkContext._jvm.System.getProperty("java.version")
    return {
        **conditions(),
        "watchspan": watchspan.__version__,
        "pyarrow": pa.__version__,
        "Spark": f"{pyspark.__version__}, Java {java}, {configuration.get('spark.master')}, "
        f"{configuration.get('spark.driver.memory')} of heap, adaptive execution on, "
        f"{configuration.get('spark.sql.shuffle.partitions')} shuffle partitions",
    }


def markdown(command: str, about: dict[str, str], rounds: int, sizes: Sequence[Size]) -> str:
    """The page."""
    parts = [_INTRODUCTION, _summary(sizes)]
    parts += [_section(size) for size in sizes]
    parts += [_left_out(), "## The run\n", f"`{command}`, {rounds} timed run{'s' * (rounds > 1)} each.\n"]
    parts += [table(("what", "value"), about.items())]
    return "\n".join(parts)


def _summary(sizes: Sequence[Size]) -> str:
    rows = [
        (
            f"{size.rows:,}",
            *(f"{size.ratio(*pair):.2f}" for pair in _AIMS),
            f"{size.ratio(f'watchspan, {UNMEASURED}', f'floor, {UNMEASURED}'):.2f}",
            f"{size.ratio('windows', 'watchspan'):.2f}",
        )
        for size in sizes
    ]
    head = (
        "events",
        *(f"{of} / {to} (aim: at most {aim})" for (of, to), aim in _AIMS.items()),
        f"watchspan / floor, {UNMEASURED}",
        f"windows / watchspan (aim: at least {_AIM_WINDOWS:.0f})",
    )
    return table(head, rows)


def _section(size: Size) -> str:
    rows = [
        (
            f"`{name}`",
            f"{measured.median:.2f}",
            " ".join(f"{seconds:.2f}" for seconds in measured.seconds),
            f"{median(measured.cpu_seconds):.2f}" if measured.cpu_seconds else "not measured",
            f"{size.rows / measured.median / 1e6:.2f}",
            f"{size.ratio(name, 'floor'):.2f}",
            _mebibytes(measured.memory),
            _mebibytes(measured.largest_worker),
        )
        for name, measured in size.measured.items()
    ]
    head = (
        *("variant", "seconds", "each round", "processor seconds", "million events per second"),
        *("times the floor", "all workers (MiB)", "largest worker (MiB)"),
    )
    return f"## {size.rows:,} events\n\n{table(head, rows)}\n{_sums(size)}"


def _sums(size: Size) -> str:
    rows = [
        (
            name if name.endswith("rows") else f"`{name}`",
            number(own),
            number(other),
            "agree" if same(own, other) else _difference(name, own, other, size.rows),
        )
        for name, own, other in size.differences()
    ]
    return "Sums over all rows:\n\n" + table(("sum of", "watchspan", "windows", "difference"), rows)


def _difference(name: str, own: Any, other: Any, events: int) -> str:
    share = f" ({(other - own) / own:+.1%})" if own else ""
    chance = RARE_ROWS if nearly(name, own, other, events) else "not expected"
    return f"{number(other - own)}{share}: {_MAY_DIFFER.get(name, chance)}"


def _left_out() -> str:
    return f"## What the window version leaves out\n\n{LEFT_OUT}"


def _mebibytes(size: int | None) -> str:
    return "not measured" if size is None else f"{size / 2**20:.0f}" if size else "none"
