# Databricks notebook source
# MAGIC %md
# MAGIC # Streaming
# MAGIC
# MAGIC Keeps the tables current from a stream over the raw table. Each micro-batch only says which users'
# MAGIC sessions changed; these are then made again from the raw table, by the same steps as in the daily
# MAGIC job. So a batch that is replayed after a stop changes nothing, and late events need no watermark.
# MAGIC
# MAGIC `trigger` is `availableNow` (work through what is there, then stop: for scheduled runs, and the one
# MAGIC kind that serverless compute has) or an interval such as `1 minute`, which runs until the notebook
# MAGIC is stopped. One writer at a time: do not run the daily job on the same tables meanwhile.
# MAGIC
# MAGIC A commit that deletes or changes rows of the raw table, such as the deletion of a user, stops the
# MAGIC stream. With `skip_change_commits` it goes on without that commit: run the daily job over the days of
# MAGIC rows that UPDATE or MERGE have changed or added.

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("raw_table", "raw", "1 Raw events")
dbutils.widgets.text("output_table", "aggregated_user_video_engagement", "2 Engagement table")
dbutils.widgets.text("video_metadata_table", "video_metadata", "3 Videos (empty: none)")
dbutils.widgets.text("checkpoint", "/Volumes/main/default/checkpoints/watchspan", "4 Checkpoint folder")
dbutils.widgets.text("trigger", "availableNow", "5 availableNow, or an interval such as 1 minute")
dbutils.widgets.text("columns", "{}", '6 Column names, as JSON: {"userId": "uid"}')
dbutils.widgets.text("vocabulary", "", "7 Vocabulary: preset or JSON (empty: default)")
dbutils.widgets.dropdown("skip_change_commits", "false", ["false", "true"], "8 Skip commits that change rows")

# COMMAND ----------

# DBTITLE 1,Start
import json

from watchspan.spark import VideoEngagementAggregator

output_table = dbutils.widgets.get("output_table")
vocabulary = dbutils.widgets.get("vocabulary")
aggregator = VideoEngagementAggregator(
    spark=spark,
    input_table=dbutils.widgets.get("raw_table"),
    output_table=output_table,
    video_metadata_table=dbutils.widgets.get("video_metadata_table") or None,
    columns=json.loads(dbutils.widgets.get("columns")) or None,
    vocabulary=(json.loads(vocabulary) if vocabulary.startswith("{") else vocabulary) or None,
)
query = aggregator.start_stream(
    dbutils.widgets.get("checkpoint"),
    dbutils.widgets.get("trigger"),
    options={"skipChangeCommits": dbutils.widgets.get("skip_change_commits")},
)

# COMMAND ----------

# MAGIC %md
# MAGIC This cell waits: with `availableNow` until the events that are there are done, else until the stream
# MAGIC is stopped. If a batch failed, its error is raised here.

# COMMAND ----------

query.awaitTermination()

# COMMAND ----------

# DBTITLE 1,What there is now
from pyspark.sql import functions as F

found = (
    spark.table(output_table)
    .agg(
        F.count(F.lit(1)).alias("rows"),
        F.countDistinct("userId").alias("users"),
        F.max("lastWatchDate").cast("string").alias("lastEvent"),
        F.max("processedAt").cast("string").alias("lastWritten"),
    )
    .collect()[0]
    .asDict()
)
print(found)
dbutils.notebook.exit(json.dumps(found))
