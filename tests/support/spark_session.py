"""Local Spark with Delta for tests: quick to start, small, and writing nowhere but into one folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from delta import configure_spark_with_delta_pip
from pyspark.sql import SparkSession

CONFIGURATION = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Delta asks for Hadoop's client too, 50 MB that Spark has.
    "spark.jars.excludes": "org.apache.hadoop:hadoop-client-api,org.apache.hadoop:hadoop-client-runtime",
    "spark.sql.session.timeZone": "UTC",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # The data are small, so most of the time goes into starting tasks.
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    # Compiling a plan takes longer than running it over few rows: with this, half of the time is saved.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
LOGGING = """
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c: %m%n%ex{3}
"""


# Warnings that are Spark's own, none of them of this package.
WARNINGS = (
    "ignore:unclosed <socket:ResourceWarning",  # sockets to the JVM are left to the garbage collector
    "ignore:.*distutils.* (is|are) deprecated:DeprecationWarning",  # Spark 3.5 uses it
    "ignore:Failed to set spark.:UserWarning",  # a Connect client says again what its server was started with
)


def pytest_configure(config: pytest.Config) -> None:
    """A hook, for conftest files to import."""
    for warning in WARNINGS:
        config.addinivalue_line("filterwarnings", warning)


def local_session(folder: Path) -> SparkSession:
    """A classic session."""
    return _builder(folder).master("local[2]").getOrCreate()


def connect_session(folder: Path) -> SparkSession:
    """A Spark Connect client and the server that it talks to; Spark 4 and newer."""
    return _builder(folder).remote("local[2]").getOrCreate()


def assert_works(session: SparkSession, folder: Path) -> None:
    """What the tests take for granted: Delta tables, also merged, and Arrow batches through this Python."""
    path, columns = str(folder / "table"), "key bigint, value string"
    session.createDataFrame([(1, "old"), (2, "old")], columns).write.format("delta").save(path)
    session.createDataFrame([(2, "new"), (3, "new")], columns).createOrReplaceTempView("changes")
    session.sql(
        f"MERGE INTO delta.`{path}` t USING changes s ON t.key = s.key "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    merged = session.read.format("delta").load(path)
    assert sorted(map(tuple, merged.collect())) == [(1, "old"), (2, "new"), (3, "new")]

    def python_of_worker(batches):
        for batch in batches:
            names = pa.array([sys.executable] * batch.num_rows)
            yield pa.RecordBatch.from_arrays([batch.column(0), names], ["key", "python"])

    workers = merged.mapInArrow(python_of_worker, "key bigint, python string").collect()
    assert sorted(map(tuple, workers)) == [(key, sys.executable) for key in (1, 2, 3)]


def _builder(folder: Path) -> SparkSession.Builder:
    logging = folder / "log4j2.properties"
    logging.write_text(LOGGING, encoding="utf-8")
    # Workers are started with this Python, not with the first one of the path, which may have no pyarrow.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    java = (
        f"-Dderby.system.home={folder}",
        f"-Dlog4j2.configurationFile={logging}",
        # Most of the time goes into compiling what runs a few times: this compiles faster and optimises less.
        "-XX:TieredStopAtLevel=1",
        # Two cores are soon taken up: this collector starts no threads of its own.
        "-XX:+UseSerialGC",
        # Java would set 48 MB aside for what it compiles; once Delta has filled them, all is interpreted.
        "-XX:ReservedCodeCacheSize=256m",
    )
    configuration = {
        **CONFIGURATION,
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.driver.extraJavaOptions": " ".join(java),
    }
    builder = configure_spark_with_delta_pip(SparkSession.builder.appName("watchspan's tests"))
    for key, value in configuration.items():
        builder = builder.config(key, value)
    return builder
