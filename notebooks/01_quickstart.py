# Databricks notebook source
# MAGIC %md
# MAGIC # Quickstart
# MAGIC
# MAGIC Makes a month of sample events, turns them into one engagement row per user and video, and checks
# MAGIC the result against a story that can be followed by hand. It writes three tables into a schema of its
# MAGIC own, which can be dropped afterwards.
# MAGIC
# MAGIC If `watchspan` is not installed on the compute yet, add a cell above with
# MAGIC `%pip install /Volumes/<catalog>/<schema>/<volume>/<the wheel>`; `docs/databricks.md` has other ways.

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("schema", "watchspan_quickstart", "1 Schema to write to (may be catalog.schema)")
dbutils.widgets.text("rows", "200000", "2 Number of events")
dbutils.widgets.text("seed", "0", "3 Seed: another one gives another month")

schema = dbutils.widgets.get("schema")
rows, seed = int(dbutils.widgets.get("rows")), int(dbutils.widgets.get("seed"))

# COMMAND ----------

# DBTITLE 1,Sample events
from watchspan import sample


def events(_):
    """Generates the events where the task runs, so that nothing has to go through the driver."""
    yield from sample.generate(rows, seed=seed)


def videos(_):
    """The catalogue that the events are about."""
    yield from sample.videos(seed).to_batches()


def write(generate, columns, table):
    """Writes a generated table; the range has one partition, so that it is generated once."""
    made = spark.range(0, 1, 1, 1).mapInArrow(generate, columns)
    made.write.mode("overwrite").option("overwriteSchema", "true").format("delta").saveAsTable(table)


spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
write(
    events,
    "timestamp timestamp, userId string, videoId string, sessionId string, eventName string, "
    "currentTime double, playbackRate double, seekFrom double, sequence bigint",
    f"{schema}.raw",
)
write(videos, "videoId string, duration double, title string", f"{schema}.video_metadata")
display(spark.table(f"{schema}.raw").limit(20))

# COMMAND ----------

# DBTITLE 1,From events to engagement
from watchspan.spark import VideoEngagementAggregator

aggregator = VideoEngagementAggregator(
    spark=spark,
    input_table=f"{schema}.raw",
    output_table=f"{schema}.aggregated_user_video_engagement",
    video_metadata_table=f"{schema}.video_metadata",
)
result = aggregator.run_aggregation()
aggregator.save_results(result, mode="overwrite")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Peter's row
# MAGIC
# MAGIC Peter watches a 300-second video: play at 0 s, pause at 30 s, resume there, pause at 120 s, resume
# MAGIC at 110 s, pause at 120 s. He watched 30 + 90 + 10 = 130 seconds, of which [0, 120] are different
# MAGIC ones.

# COMMAND ----------

engagement = spark.table(f"{schema}.aggregated_user_video_engagement")
peter = engagement.where("userId = 'peter' AND videoId = 'welcome'")
display(peter)

# COMMAND ----------

expected = {
    "totalWatchTime": 130.0,
    "totalUniqueSecondsWatched": 120.0,
    "maxPositionReached": 120.0,
    "watchPercentage": 43.33,
    "completionPercentage": 40.0,
    "uniqueWatchPercentage": 40.0,
    "sessionCount": 1,
    "totalForwardSkips": 0,
    "totalBackwardSkips": 1,
    "completionCount": 0,
    "engagementScore": 28.33,
    "engagementTier": "Low",
    "unobservedWatchTime": 0.0,
    "dataQualityFlag": "ok",
}
(row,) = peter.select(*expected).collect()
differing = {name: (row[name], value) for name, value in expected.items() if row[name] != value}
assert not differing, f"found and expected differ: {differing}"
print("Peter's row is as it should be.")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Validation
# MAGIC
# MAGIC What was dropped of the events, and why; and what cannot be, such as two rows for one user and
# MAGIC video.

# COMMAND ----------

from watchspan.spark.quality import check_engagement, check_events, with_limits

checks = with_limits(
    check_events(spark.table(f"{schema}.raw")) + check_engagement(engagement),
    {"duplicate_keys": 0, "negative_watch_time": 0, "dropped": 5},
)
for check in checks:
    print("ok     " if check.passed else "FAILED ", check)
assert all(check.passed for check in checks), "a check failed: see above"

# COMMAND ----------

# DBTITLE 1,The figures to look at first
for name, value in aggregator.generate_summary_stats(engagement).items():
    print(f"{name}: {value}")

# COMMAND ----------

# MAGIC %md
# MAGIC Next: `04_analytics` asks this table questions. `02_daily_job` makes tables that it then keeps current
# MAGIC from day to day (give it a new output table), and `03_data_quality` watches over those. To be rid of
# MAGIC what this notebook wrote: `DROP SCHEMA <schema> CASCADE`.
