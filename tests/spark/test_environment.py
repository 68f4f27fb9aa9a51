"""The environment is fit for the other tests."""

from pathlib import Path

from pyspark.sql import SparkSession

from support.spark_session import assert_works


def test_delta_tables_are_merged_and_batches_cross(spark: SparkSession, tmp_path: Path) -> None:
    assert_works(spark, tmp_path)
