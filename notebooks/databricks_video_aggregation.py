# Databricks notebook source
# MAGIC %md
# MAGIC # Video engagement, for `%run`
# MAGIC
# MAGIC Notebooks that begin with `%run ./databricks_video_aggregation` go on to work:
# MAGIC `VideoEngagementAggregator` has the same calls, and `main()` is there. Calls that are made otherwise
# MAGIC now warn, and say how. Nothing is read or written here. What the numbers
# MAGIC mean now, and which of them changed and why, is in `docs/migration.md`.
# MAGIC
# MAGIC The package `watchspan` has to be installed on the compute; `docs/databricks.md` says how.

# COMMAND ----------

from watchspan import Rules, Scoring
from watchspan.spark import VideoEngagementAggregator, aggregate_events, engagement_rows, session_rows
from watchspan.spark.old_script import main

# What a notebook that runs this one gets.
__all__ = [
    "Rules",
    "Scoring",
    "VideoEngagementAggregator",
    "aggregate_events",
    "engagement_rows",
    "main",
    "session_rows",
]
