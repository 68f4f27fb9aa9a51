# Databricks notebook source
# MAGIC %md
# MAGIC # Events from Azure
# MAGIC
# MAGIC Reads the player events of a window from a Log Analytics workspace, aggregates them on the driver
# MAGIC while they come, and writes one engagement row per user and video: to a file in a volume, to a Delta
# MAGIC table at a path, back to Log Analytics, or to Data Explorer. `docs/azure.md` says what the player must
# MAGIC send, which roles are needed, and what of it could not be tried without Azure.
# MAGIC
# MAGIC It needs the extra `azure`: a cell above with
# MAGIC `%pip install "watchspan[azure] @ file:///Volumes/<catalog>/<schema>/<volume>/<the wheel>"`.
# MAGIC
# MAGIC The window is `[start, end)`: `YYYY-MM-DD` (midnight UTC) or a time. Left empty, it is the `days`
# MAGIC before today. A session that the window cuts is cut: for exact tables from day to day, keep the raw
# MAGIC events and run `02_daily_job` on them.

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("workspace_id", "", "01 Workspace id, or resource id of Application Insights")
dbutils.widgets.dropdown("table", "AppEvents", ["AppEvents", "customEvents"], "02 Table")
dbutils.widgets.text("start", "", "03 Start (empty: days before today)")
dbutils.widgets.text("end", "", "04 End, exclusive (empty: today, UTC)")
dbutils.widgets.text("days", "1", "05 Days before today")
dbutils.widgets.dropdown("by", "event", ["event", "arrival"], "06 Window of event times or of arrival")
dbutils.widgets.text("out", "/Volumes/main/default/video/engagement.parquet", "07 Where to write")
dbutils.widgets.text("videos", "", "08 File of videos (empty: none)")
dbutils.widgets.text("columns", "{}", '09 Column names, as JSON: {"videoId": "clip"}')
dbutils.widgets.text("vocabulary", "", "10 Vocabulary: preset or JSON (empty: default)")
dbutils.widgets.text("credential", "ManagedIdentityCredential", "11 Credential of azure-identity")
dbutils.widgets.text("endpoint", "https://api.loganalytics.io", "12 Query service")
dbutils.widgets.dropdown("dry_run", "true", ["true", "false"], "13 Only count")

# COMMAND ----------

# DBTITLE 1,The window and who asks
import json
import os
from dataclasses import asdict
from datetime import datetime, timedelta, timezone

today = datetime.now(timezone.utc).date()
start = dbutils.widgets.get("start") or (today - timedelta(days=int(dbutils.widgets.get("days")))).isoformat()
end = dbutils.widgets.get("end") or today.isoformat()
# A cell above may make a credential of azure-identity, such as one of a secret; else the one named is used.
credential = globals().get("credential")
if credential is None:
    os.environ["AZURE_TOKEN_CREDENTIALS"] = dbutils.widgets.get("credential")
print(f"from {start} to {end}")

# COMMAND ----------

# DBTITLE 1,What there is to read
from watchspan import azure

events = azure.LogAnalytics(
    dbutils.widgets.get("workspace_id"),
    table=dbutils.widgets.get("table"),
    endpoint=dbutils.widgets.get("endpoint"),
    credential=credential,
)
vocabulary = dbutils.widgets.get("vocabulary")
settings = {
    "videos": dbutils.widgets.get("videos") or None,
    "by": dbutils.widgets.get("by"),
    "columns": json.loads(dbutils.widgets.get("columns")) or None,
    "vocabulary": (json.loads(vocabulary) if vocabulary.startswith("{") else vocabulary) or None,
}
out = dbutils.widgets.get("out")
planned = azure.etl(events, out, start, end, credential=credential, dry_run=True, **settings)
print(json.dumps(planned.plan, indent=2, default=str))

# COMMAND ----------

# MAGIC %md
# MAGIC `sampled` above 0 means that Application Insights kept only some of the events: what is computed from
# MAGIC them is an estimate, and its rows say `isSampled`. `needs` is what the target has to have before rows
# MAGIC can be written to it. If all of this is as it should be, run again with `dry_run` = `false`.

# COMMAND ----------

if dbutils.widgets.get("dry_run") == "true":
    dbutils.notebook.exit(json.dumps(asdict(planned), default=str))

# COMMAND ----------

# DBTITLE 1,Read, aggregate, write


def tell(counts):
    """Says how far reading is."""
    print(f"{counts.events:,} events until {counts.done_until:%Y-%m-%d %H:%M:%S}, {counts.queries} queries")


done = azure.etl(events, out, start, end, credential=credential, on_read=tell, **settings)
result = json.dumps(asdict(done), default=str)
print(json.dumps(json.loads(result), indent=2))

# COMMAND ----------

# MAGIC %md
# MAGIC Nothing usable in what was read is a mistake of names, not of viewers.

# COMMAND ----------

if done.report["read"] and not done.report["kept"]:
    raise RuntimeError(
        f"None of the {done.report['read']:,} events could be used: {done.report['dropped']}. Do `columns` "
        "and `vocabulary` say how your player calls things?"
    )

# COMMAND ----------

dbutils.notebook.exit(result)
