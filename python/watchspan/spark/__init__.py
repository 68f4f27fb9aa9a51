"""The same tables on a Spark cluster: DataFrame in, DataFrame out, from Spark 3.3 on and over Spark Connect.

The package must be installed on the executors too, where its core does the work.
"""

from __future__ import annotations

from importlib.util import find_spec

from watchspan.errors import MissingDependencyError

if find_spec("pyspark") is None:
    raise MissingDependencyError(
        'watchspan.spark needs PySpark: run pip install "watchspan[spark]". Databricks has it.'
    )

from watchspan.spark.aggregator import VideoEngagementAggregator
from watchspan.spark.flat import flat_events
from watchspan.spark.functions import (
    aggregate_events,
    engagement_rows,
    session_rows,
)
from watchspan.spark.key_moments import moments
from watchspan.spark.schemas import engagement_schema, session_schema
from watchspan.spark.udf import engagement_udf

__all__ = [
    "VideoEngagementAggregator",
    "aggregate_events",
    "engagement_rows",
    "engagement_schema",
    "engagement_udf",
    "flat_events",
    "moments",
    "session_rows",
    "session_schema",
]
