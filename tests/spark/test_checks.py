"""The SQL of `watchspan checks` on Spark finds what it finds on DuckDB, and nothing in good rows."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from pyspark.sql import SparkSession

from support.judged_rows import BREAKS, every_break, flags_of, many_random_rows
from support.spark_rows import data_frame
from watchspan.testing import checks

Found = dict[str, tuple[str, int]]


def on_spark(spark: SparkSession, rows: pa.Table) -> Found:
    data_frame(spark, rows).createOrReplaceTempView("judged")
    found = spark.sql(checks("judged", format="sql")).collect()
    return {row["law"]: (row["criticality"], row["brokenRows"]) for row in found}


def on_duckdb(rows: pa.Table) -> Found:
    connection = duckdb.connect()
    connection.register("judged", rows)
    found = connection.sql(checks("judged", format="sql", dialect="duckdb")).fetchall()
    return {law: (criticality, count) for law, criticality, count, _ in found}


def test_each_broken_law_is_counted_as_on_duckdb(spark: SparkSession) -> None:
    found = on_spark(spark, every_break())
    assert found == on_duckdb(every_break())
    assert len(BREAKS) >= 50
    for law, changes in BREAKS.items():
        criticality, count = found[law]
        assert criticality == "error"
        assert count >= len(changes), law


def test_good_rows_have_their_flags_and_break_nothing(spark: SparkSession) -> None:
    rows = many_random_rows()
    assert rows.num_rows >= 100
    found = on_spark(spark, rows)
    assert {law for law, (criticality, count) in found.items() if criticality == "error" and count} == set()
    flags = {name: count for name, (criticality, count) in found.items() if criticality == "warn"}
    assert flags == {f"flag_{name}": count for name, count in flags_of(rows).items()}
    assert sum(flags.values()) > 0
