# Databricks notebook source
# MAGIC %md
# MAGIC # Daily job
# MAGIC
# MAGIC Brings the sessions table and the engagement table up to date with the events of a window, exactly:
# MAGIC after any sequence of runs, repeated or broken off, they equal a full run over all events that have
# MAGIC arrived. Running a window again changes nothing. `docs/incremental.md` says why.
# MAGIC
# MAGIC The window is `[start, end)`: `YYYY-MM-DD` (midnight UTC) or a time. Left empty, it is the `days`
# MAGIC before `run_date`, and that is today (UTC) if empty too: yesterday, by default.
# MAGIC
# MAGIC With `changed_by`, the name of a column that says when an event arrived, the window is on arrival
# MAGIC and late events need no second run. Without it the window is on the time of the events, and an event
# MAGIC that arrives after its day was processed waits until that day is run again (`days` above 1 runs some
# MAGIC days again every day).
# MAGIC
# MAGIC The first run, over everything: `start` = `beginning`, `end` = `now`.

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("raw_table", "raw", "01 Raw events")
dbutils.widgets.text("output_table", "aggregated_user_video_engagement", "02 Engagement table")
dbutils.widgets.text("video_metadata_table", "video_metadata", "03 Videos (empty: none)")
dbutils.widgets.text("start", "", "04 Start (empty: days before run_date)")
dbutils.widgets.text("end", "", "05 End, exclusive (empty: run_date)")
dbutils.widgets.text("run_date", "", "06 Run date (empty: today, UTC)")
dbutils.widgets.text("days", "1", "07 Days before run_date")
dbutils.widgets.text("changed_by", "", "08 Column of arrival (empty: time of the event)")
dbutils.widgets.dropdown("allow_shrink", "false", ["false", "true"], "09 Let numbers shrink")
dbutils.widgets.dropdown("fail_on_shrunk", "true", ["false", "true"], "10 Fail if something would shrink")
dbutils.widgets.text("columns", "{}", '11 Column names, as JSON: {"userId": "uid"}')
dbutils.widgets.text("vocabulary", "", "12 Vocabulary: preset or JSON (empty: default)")
dbutils.widgets.dropdown("retention_table", "false", ["false", "true"], "13 Keep a table of retention too")

# COMMAND ----------

# DBTITLE 1,The window
import json
from dataclasses import asdict
from datetime import date, datetime, timedelta, timezone


def flag(name):
    """Whether a dropdown says true."""
    return dbutils.widgets.get(name) == "true"


run_date = dbutils.widgets.get("run_date")
until = date.fromisoformat(run_date) if run_date else datetime.now(timezone.utc).date()
start = dbutils.widgets.get("start") or (until - timedelta(days=int(dbutils.widgets.get("days")))).isoformat()
end = dbutils.widgets.get("end") or until.isoformat()
window = {
    "start_date": None if start == "beginning" else start,
    "end_date": None if end == "now" else end,
    "changed_by": dbutils.widgets.get("changed_by") or None,
}
print(window)

# COMMAND ----------

# DBTITLE 1,Update
from watchspan.spark import VideoEngagementAggregator

vocabulary = dbutils.widgets.get("vocabulary")
aggregator = VideoEngagementAggregator(
    spark=spark,
    input_table=dbutils.widgets.get("raw_table"),
    output_table=dbutils.widgets.get("output_table"),
    video_metadata_table=dbutils.widgets.get("video_metadata_table") or None,
    columns=json.loads(dbutils.widgets.get("columns")) or None,
    vocabulary=(json.loads(vocabulary) if vocabulary.startswith("{") else vocabulary) or None,
)
refreshed = aggregator.update(
    **window, allow_shrink=flag("allow_shrink"), retention_table=flag("retention_table")
)
result = json.dumps({**window, **asdict(refreshed)}, default=str)
print(result)

# COMMAND ----------

# MAGIC %md
# MAGIC Where fewer raw events were found than the stored rows were made from, because raw data expired or
# MAGIC was deleted, those rows were left as they are. Somebody has to know: if it is meant, run again with
# MAGIC `allow_shrink`.

# COMMAND ----------

if refreshed.shrunk and flag("fail_on_shrunk"):
    raise RuntimeError(
        f"{refreshed.shrunk} users' sessions were left as they are, because their raw events have become "
        "fewer. All others are up to date. If events were deleted on purpose, run this window again with "
        f"allow_shrink = true. The run: {result}"
    )

# COMMAND ----------

dbutils.notebook.exit(result)
