# Databricks notebook source
# MAGIC %md
# MAGIC # Data quality: checks and alerts
# MAGIC
# MAGIC Measures what is dropped of the newest events and why, and looks for what cannot be or should be
# MAGIC rare in the tables. Every number is shown; one that is above its limit makes this notebook, and so
# MAGIC the job, fail: let the job send a mail on failure. All checks are done before it fails.
# MAGIC
# MAGIC Limits are the most that a number may be; an empty one is no limit. `more_limits` takes limits for
# MAGIC any other check that the table at the end shows, as JSON: `{"flag_excessive_watch_time": 1,
# MAGIC "dropped_duplicate": 3}`.
# MAGIC
# MAGIC The newest events are chosen by Spark, so the column of their time has to be a timestamp. If yours
# MAGIC is text, name a column of arrival in `changed_by`.

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("raw_table", "raw", "01 Raw events")
dbutils.widgets.text("output_table", "aggregated_user_video_engagement", "02 Engagement table")
dbutils.widgets.text("check_from", "", "03 Events from (empty: days before now)")
dbutils.widgets.text("check_until", "", "04 Events until, exclusive (empty: now)")
dbutils.widgets.text("days", "1", "05 Days before now")
dbutils.widgets.text("changed_by", "", "06 Column of arrival (empty: time of the event)")
dbutils.widgets.text("columns", "{}", '07 Column names, as JSON: {"userId": "uid"}')
dbutils.widgets.text("vocabulary", "", "08 Vocabulary: preset or JSON (empty: default)")
dbutils.widgets.text("checks_table", "", "09 Table to add the results to (empty: none)")
dbutils.widgets.text("dropped", "5", "11 Limit: % of events dropped")
dbutils.widgets.text("dropped_unknown_event", "1", "12 Limit: % of events with an unknown name")
dbutils.widgets.text("null_durations", "5", "13 Limit: % of rows without any duration")
dbutils.widgets.text("flag_estimated_duration", "20", "14 Limit: % of rows with a guessed duration")
dbutils.widgets.text("flag_implausible_segments", "20", "15 Limit: % of rows with implausible segments")
dbutils.widgets.text("negative_watch_time", "0", "16 Limit: rows with a negative watch time")
dbutils.widgets.text("duplicate_keys", "0", "17 Limit: users and videos with two rows")
dbutils.widgets.text("duplicate_session_keys", "0", "18 Limit: sessions with two rows")
dbutils.widgets.text("pending_pairs", "0", "19 Limit: rows that a broken run left to do")
dbutils.widgets.text("hours_since_refresh", "36", "20 Limit: hours since rows were last written")
dbutils.widgets.text("hours_since_last_event", "48", "21 Limit: hours since the newest event in the tables")
dbutils.widgets.text("more_limits", "{}", "22 More limits, as JSON")

import json

LIMITS = (
    "dropped",
    "dropped_unknown_event",
    "null_durations",
    "flag_estimated_duration",
    "flag_implausible_segments",
    "negative_watch_time",
    "duplicate_keys",
    "duplicate_session_keys",
    "pending_pairs",
    "hours_since_refresh",
    "hours_since_last_event",
)
limits = {name: float(dbutils.widgets.get(name)) for name in LIMITS if dbutils.widgets.get(name)}
limits.update(json.loads(dbutils.widgets.get("more_limits")))

# COMMAND ----------

# DBTITLE 1,The newest events
from datetime import datetime, timedelta, timezone

from pyspark.sql import functions as F

columns = json.loads(dbutils.widgets.get("columns"))
vocabulary = dbutils.widgets.get("vocabulary")
now = datetime.now(timezone.utc)
days = timedelta(days=float(dbutils.widgets.get("days")))
start = dbutils.widgets.get("check_from") or (now - days).isoformat()
end = dbutils.widgets.get("check_until") or now.isoformat()
when = F.col(dbutils.widgets.get("changed_by") or columns.get("timestamp", "timestamp"))
newest = spark.table(dbutils.widgets.get("raw_table")).where(
    # An event without a readable time belongs to no day: it is counted with every one.
    when.isNull() | ((when >= F.lit(start).cast("timestamp")) & (when < F.lit(end).cast("timestamp")))
)

# COMMAND ----------

# DBTITLE 1,Checks
from watchspan.spark.quality import Check, check_engagement, check_events, check_keys, with_limits

output_table = dbutils.widgets.get("output_table")
sessions = spark.table(f"{output_table}_sessions")
pending = spark.table(f"{output_table}_pending").distinct().count()
checks = with_limits(
    [
        *check_events(
            newest,
            columns=columns or None,
            vocabulary=(json.loads(vocabulary) if vocabulary.startswith("{") else vocabulary) or None,
        ),
        *check_engagement(spark.table(output_table)),
        check_keys(sessions, "duplicate_session_keys", ("userId", "videoId", "sessionId")),
        Check("pending_pairs", float(pending), "users and videos"),
    ],
    limits,
)

# COMMAND ----------

# DBTITLE 1,Results
results = spark.createDataFrame(
    [(now, output_table, c.name, c.value, c.unit, c.limit, c.passed) for c in checks],
    "checkedAt timestamp, outputTable string, name string, value double, unit string, mostAllowed double, "
    "passed boolean",
)
display(results)
checks_table = dbutils.widgets.get("checks_table")
if checks_table:
    results.write.format("delta").mode("append").saveAsTable(checks_table)

# COMMAND ----------

# DBTITLE 1,Alert
failed = [str(check) for check in checks if not check.passed]
if failed:
    raise RuntimeError(f"{len(failed)} of {len(limits)} limits are exceeded: " + "; ".join(failed))
dbutils.notebook.exit(json.dumps({check.name: check.value for check in checks}))
