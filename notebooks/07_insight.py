# Databricks notebook source
# MAGIC %md
# MAGIC # Insight
# MAGIC
# MAGIC Where many viewers of a video do the same, told apart from chance; what viewers watch of the videos
# MAGIC that lose most of them, with what is usual for videos as long; who comes back; and what an experiment
# MAGIC changed. Nothing is written, but the table of retention if you name one. Charts need
# MAGIC `pip install "watchspan[plots]"`; without it the tables are shown all the same. What each figure means
# MAGIC is in the package's documentation, under *insight*.

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("output_table", "aggregated_user_video_engagement", "1 Engagement table")
dbutils.widgets.text("sessions_table", "", "2 Session table, for cohorts (empty: none)")
dbutils.widgets.text("confidence", "0.95", "3 How certain the moments of a video are")
dbutils.widgets.text("min_viewers", "100", "4 The fewest viewers of a video with moments")
dbutils.widgets.text("top", "10", "5 How many to list")
dbutils.widgets.text("curves", "3", "6 How many videos to draw")
dbutils.widgets.text("groups_table", "", "7 Groups of an experiment: userId, group (empty: none)")
dbutils.widgets.text("retention_table", "", "8 Table to write the retention of all videos to (empty: none)")

top, curves = int(dbutils.widgets.get("top")), int(dbutils.widgets.get("curves"))
engagement = spark.table(dbutils.widgets.get("output_table"))

# COMMAND ----------

from pyspark.sql import functions as F

from watchspan.spark import moments

found = moments(
    engagement,
    confidence=float(dbutils.widgets.get("confidence")),
    min_viewers=int(dbutils.widgets.get("min_viewers")),
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Where viewers leave
# MAGIC
# MAGIC A *drop* is a part of a video in which more of those who got there leave than in the parts beside it;
# MAGIC `size` says how many more, with its interval. Those that cost most viewers come first.

# COMMAND ----------

lost = F.round(F.col("size") * F.col("viewers")).cast("long")
drops = found.where("kind = 'drop'").withColumn("lostViewers", lost)
display(drops.orderBy(F.desc("lostViewers"), "videoId", "startSeconds").limit(top))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What is passed over, what is watched again
# MAGIC
# MAGIC A *dip* is skipped by more viewers than what is beside it, a *spike* is played more often.

# COMMAND ----------

standing_out = found.where("kind IN ('dip', 'spike')")
display(standing_out.orderBy(F.desc(F.abs("z")), "videoId", "startSeconds").limit(top))

# COMMAND ----------

# DBTITLE 1,Beginnings, ends and the steadiest part of the most watched videos
ends = (
    found.where("kind IN ('intro', 'steady', 'end')")
    .groupBy("videoId", "videoTitle")
    .agg(
        F.expr("max(viewers) AS viewers"),
        *(
            F.expr(f"max(size) FILTER (WHERE kind = '{kind}') AS `{kind}`")
            for kind in ("intro", "steady", "end")
        ),
    )
    .orderBy(F.desc("viewers"), "videoId")
    .limit(top)
)
display(ends)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Curves
# MAGIC
# MAGIC Of the most watched videos: which share of the viewers watched each part, and how often it was played.

# COMMAND ----------

import pyarrow as pa

from watchspan.spark.retention import retention_curves

chosen = [row["videoId"] for row in ends.limit(curves).collect()]
drawn = retention_curves(engagement.where(F.col("videoId").isin(chosen))).orderBy("videoId", "bucket")
display(drawn)

# COMMAND ----------

# DBTITLE 1,Retention of all videos, for the dashboard and whoever asks in SQL
if dbutils.widgets.get("retention_table"):
    writer = retention_curves(engagement).write.mode("overwrite").option("overwriteSchema", "true")
    writer.format("delta").saveAsTable(dbutils.widgets.get("retention_table"))

# COMMAND ----------

# DBTITLE 1,Charts
try:
    from watchspan import plots
except ImportError as error:
    plots = None
    print(error)

if plots is not None and chosen:
    told = found.where(F.col("videoId").isin(chosen)).orderBy("videoId", "kind", "startSeconds")
    curve = pa.Table.from_pylist([row.asDict() for row in drawn.collect()])
    marks = pa.Table.from_pylist([row.asDict() for row in told.collect()])
    for video in chosen:
        displayHTML(plots.html(plots.retention(curve, marks, video=video)))
        displayHTML(plots.html(plots.rewatched(curve, video=video)))

# COMMAND ----------

# MAGIC %md
# MAGIC ## Who comes back
# MAGIC
# MAGIC Users by the Monday of the week of their first session, and how many of them are back in which week
# MAGIC after it: what `watchspan.cohorts` counts, as a query.

# COMMAND ----------

if dbutils.widgets.get("sessions_table"):
    spark.table(dbutils.widgets.get("sessions_table")).createOrReplaceTempView("insight_sessions")
    cohorts = spark.sql("""
        WITH active AS (
            SELECT userId, sum(watchTime) / 3600 AS watchHours,
                CAST(date_trunc('week', to_utc_timestamp(sessionStart, current_timezone())) AS DATE) AS week
            FROM insight_sessions GROUP BY 1, 3
        ), began AS (SELECT userId, min(week) AS cohort FROM active GROUP BY userId),
        sizes AS (SELECT cohort, count(*) AS cohortUsers FROM began GROUP BY cohort)
        SELECT cohort, CAST(datediff(week, cohort) / 7 AS INT) AS period, max(cohortUsers) AS cohortUsers,
            count(*) AS activeUsers, count(*) / max(cohortUsers) AS share, sum(watchHours) AS watchHours
        FROM active JOIN began USING (userId) JOIN sizes USING (cohort)
        GROUP BY 1, 2 ORDER BY 1, 2
    """)
    display(cohorts)

# COMMAND ----------

# MAGIC %md
# MAGIC ## What an experiment changed
# MAGIC
# MAGIC Each group beside the control, users as the unit: everybody in the table of groups counts, with rows
# MAGIC or without. The engagement table is to hold the time of the experiment alone. It needs
# MAGIC `pip install "watchspan[experiments]"`; the documentation says how to run one, under *experiments*.

# COMMAND ----------

import watchspan as ws

if dbutils.widgets.get("groups_table"):
    groups = spark.table(dbutils.widgets.get("groups_table")).select("userId", "group")
    needed = [
        "userId", "videoId", "totalWatchTime", "sessionCount", "isCompletedAtLeastOnce", "videoDuration",
        "totalUniqueSecondsWatched", "engagementScore",
    ]  # fmt: skip
    try:
        compared = ws.compare(engagement.select(*needed), groups)
    except ws.errors.MissingDependencyError as error:
        print(error)
    else:
        print(compared)
        display(compared.table.to_pandas())
        if plots is not None:
            displayHTML(plots.html(plots.comparison(compared)))
