"""Measures the aggregation on local Spark: seconds, ratios, and the memory of the Python workers.

    python benches/spark.py --sizes 1M,10M --write docs/spark_benchmarks.md

Every variant reads the same Parquet files in one session of two cores and writes into Spark's `noop` sink:

* `scan`: nothing but reading the columns,
* `floor`: what no implementation in Python workers can avoid: the columns, the shuffle by user, and
  `mapInArrow` with a function that only takes the batches,
* `complete`: `watchspan.spark.aggregate_events` where the duration of each video is known,
* `watchspan`: the same where 5% of them are not,
* `floor, sizes unmeasured` and `watchspan, sizes unmeasured`: without Spark's limit of bytes per Arrow batch,
* `hot user`: with a fifth of all events given to one user,
* `windows`: the same table in plain PySpark (`spark_windows.py`).

Each is warmed up; its first run also measures its memory and adds up its results. Then all take turns, in
rounds that begin with another one each. The events come from `generated_events.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Callable

import generated_events
import pyarrow as pa
import spark_windows
from processes import WorkerMemory, cpu_seconds
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from reported import command, parser, progress, publish
from spark_report import UNMEASURED, Measured, Size, environment, markdown

from watchspan.spark import aggregate_events

WORKER_TAG = "WATCHSPAN_BENCHMARK"
# At the most that Spark takes, no batch is measured.
_LIMIT = "spark.sql.execution.arrow.maxBytesPerBatch"
_NO_LIMIT = str(2**31 - 1)
Variants = dict[str, Callable[[], DataFrame]]


def main() -> int:
    """Runs the benchmark; 1 if the results do not agree."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        spark = _session(Path(scratch), options)
        about = environment(spark)
        folder = Path(options.data or scratch)
        sizes = []
        for rows in options.sizes:
            # The JVM compiles what runs often, and what it compiled for one size serves the next.
            warm_ups = 1 if sizes else options.warm_ups
            sizes.append(_measure_size(spark, folder, rows, warm_ups, options.rounds))
        text = markdown(command("benches/spark.py"), about, options.rounds, sizes)
        spark.stop()
    publish(text, options.write)
    return 0 if all(size.agrees() for size in sizes) else 1


def _options() -> argparse.Namespace:
    options = parser(__doc__, sizes="1M,10M", rounds=3)
    options.add_argument("--warm-ups", type=int, default=3, help="runs of each before the rounds, first size")
    options.add_argument("--driver-memory", default="5g", help="the heap of the one JVM")
    options.add_argument("--partitions", type=int, default=16, help="spark.sql.shuffle.partitions")
    return options.parse_args()


def _session(scratch: Path, options: argparse.Namespace) -> SparkSession:
    os.environ.update(PYSPARK_PYTHON=sys.executable, PYSPARK_DRIVER_PYTHON=sys.executable)
    configuration = {
        "spark.driver.memory": options.driver_memory,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": str(scratch / "local"),
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(options.partitions),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.appName("benches/spark.py").master("local[2]")
    for key, value in configuration.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _measure_size(spark: SparkSession, folder: Path, rows: int, warm_ups: int, rounds: int) -> Size:
    events, videos = (spark.read.parquet(str(path)) for path in generated_events.kept(folder, rows))
    variants = _variants(events, videos)
    size = Size(rows, {name: Measured() for name in variants})
    for name, variant in variants.items():
        _first_run(spark, name, variant, size)
        for _ in range(warm_ups - 1):
            _run(variant())
        progress(f"{rows:,} events: {name} is warm")
    names = list(variants)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            _tag_workers(spark, name)
            _time(variants[name], size.measured[name])
            progress(f"{rows:,} events, round {turn + 1}: {name} {size.measured[name].seconds[-1]:.2f} s")
    return size


def _variants(events: DataFrame, videos: DataFrame) -> Variants:
    used = events.select(*generated_events.EVENTS_SCHEMA.names)
    a_fifth = F.pmod(F.xxhash64("sessionId"), F.lit(5)) == 0
    skewed = events.withColumn("userId", F.when(a_fifth, "a user of many").otherwise(F.col("userId")))
    lengths = map(float, generated_events.lengths())
    known = list(zip(generated_events.video_ids(), lengths, generated_events.titles()))
    complete = events.sparkSession.createDataFrame(known, "videoId string, duration double, title string")
    floor, watchspan = partial(_floor, used), partial(aggregate_events, events, videos=videos)
    return {
        "scan": lambda: used,
        "floor": floor,
        "complete": partial(aggregate_events, events, videos=complete),
        "watchspan": watchspan,
        f"floor, {UNMEASURED}": floor,
        f"watchspan, {UNMEASURED}": watchspan,
        "hot user": partial(aggregate_events, skewed, videos=videos),
        "windows": partial(spark_windows.aggregate, events, videos),
    }


def _floor(events: DataFrame) -> DataFrame:
    return events.repartition("userId", F.xxhash64("userId")).mapInArrow(_count, "rows bigint")


def _count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield pa.RecordBatch.from_arrays([pa.array([sum(batch.num_rows for batch in batches)])], ["rows"])


def _first_run(spark: SparkSession, name: str, variant: Callable[[], DataFrame], size: Size) -> None:
    tag, measured = _tag_workers(spark, name), size.measured[name]
    frame, sums = variant(), None
    if "totalWatchTime" in frame.columns:
        sums = Observation(name)
        frame = frame.observe(sums, *_sums())
    with WorkerMemory(WORKER_TAG, tag) as memory:
        _run(frame)
    measured.memory, measured.largest_worker = memory.total, memory.largest
    if sums is not None:
        measured.sums = sums.get


def _time(variant: Callable[[], DataFrame], measured: Measured) -> None:
    used, start = cpu_seconds(), time.perf_counter()
    _run(variant())
    measured.seconds.append(time.perf_counter() - start)
    after = cpu_seconds()
    if used is not None and after is not None:
        measured.cpu_seconds.append(after - used)


def _sums() -> list:
    columns = (
        *("totalWatchTime", "totalUniqueSecondsWatched", "totalForwardSkips", "totalBackwardSkips"),
        *("completionCount", "sessionCount", "eventCount", "rewatchedSeconds", "openSegmentCount"),
        *("rejectedSegmentCount", "engagementScore", "totalPlayTime", "unobservedWatchTime"),
    )
    flagged = F.count(F.when(F.col("dataQualityFlag") != "ok", 1))
    return [
        F.count("*").alias("rows"),
        *(F.sum(column).alias(column) for column in columns),
        *(F.sum(F.size(column)).alias(column) for column in ("watchedIntervals", "replayedIntervals")),
        flagged.alias("flagged rows"),
    ]


def _tag_workers(spark: SparkSession, name: str) -> str:
    """Gives the variant Python workers of its own, in which no other leaves memory."""
    tag = f"{name} {os.getpid()}"
    spark.sparkContext.environment[WORKER_TAG] = tag
    _limited(spark, name)
    return tag


def _limited(spark: SparkSession, name: str) -> None:
    """Sets or takes back the limit of bytes per Arrow batch, as the variant wants it."""
    if name.endswith(UNMEASURED):
        spark.conf.set(_LIMIT, _NO_LIMIT)
    else:
        spark.conf.unset(_LIMIT)


def _run(frame: DataFrame) -> None:
    frame.write.format("noop").mode("overwrite").save()


if __name__ == "__main__":
    raise SystemExit(main())
