# Databricks notebook source
# MAGIC %md
# MAGIC # Analytics
# MAGIC
# MAGIC Questions for the engagement table, in SQL: the top videos, the keenest users, where viewers stop,
# MAGIC how engagement is distributed, and how much of its audience each part of a video keeps. Nothing is
# MAGIC written. Plots need matplotlib, which Databricks ships; without it the tables are shown all the
# MAGIC same.

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("output_table", "aggregated_user_video_engagement", "1 Engagement table")
dbutils.widgets.text("top", "10", "2 How many to list")
dbutils.widgets.text("videos", "", "3 Videos to draw, by comma (empty: the most watched)")
dbutils.widgets.text("curves", "5", "4 How many videos to draw")
dbutils.widgets.text("buckets", "100", "5 Parts of a retention curve")

top = int(dbutils.widgets.get("top"))
spark.table(dbutils.widgets.get("output_table")).createOrReplaceTempView("engagement")

# COMMAND ----------

try:
    import matplotlib.pyplot as plt
except ImportError:
    plt = None
    print("There is no matplotlib here: tables only.")

# COMMAND ----------

# DBTITLE 1,Top videos
top_videos = spark.sql(f"""
    SELECT videoId, max(videoTitle) AS title, count(*) AS viewers,
        sum(totalWatchTime) / 3600 AS watchHours,
        round(100 * avg(CAST(isCompletedAtLeastOnce AS INT)), 1) AS completionRate,
        round(avg(uniqueWatchPercentage), 1) AS watchedOnAverage,
        round(avg(engagementScore), 1) AS averageScore,
        round(100 * sum(rewatchedSeconds) / nullif(sum(totalWatchTime), 0), 1) AS rewatched
    FROM engagement GROUP BY videoId ORDER BY watchHours DESC, videoId LIMIT {top}
""")
display(top_videos)

# COMMAND ----------

# DBTITLE 1,Power users
power_users = spark.sql(f"""
    SELECT userId, count(*) AS videos, sum(sessionCount) AS sessions,
        sum(totalWatchTime) / 3600 AS watchHours, sum(completionCount) AS completions,
        round(avg(engagementScore), 1) AS averageScore, max(lastWatchDate) AS lastSeen
    FROM engagement GROUP BY userId ORDER BY watchHours DESC, userId LIMIT {top}
""")
display(power_users)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Drop-off
# MAGIC
# MAGIC How many of a video's viewers got how far. The furthest position counts, also if something before it
# MAGIC was skipped. Guessed durations (`durationSource` = `estimated`) are left out: somebody always gets
# MAGIC to the end of those.

# COMMAND ----------

drop_off = spark.sql("""
    SELECT tenth * 10 AS percentReached, count_if(completionPercentage >= tenth * 10) AS viewers,
        round(100 * count_if(completionPercentage >= tenth * 10) / count(*), 1) AS share
    FROM engagement LATERAL VIEW explode(sequence(0, 10)) t AS tenth
    WHERE durationSource <> 'estimated' GROUP BY tenth ORDER BY tenth
""")
display(drop_off)

# COMMAND ----------

# DBTITLE 1,Where one video loses most viewers
lost_at = spark.sql(f"""
    SELECT videoId, max(videoTitle) AS title, floor(completionPercentage / 10) * 10 AS percentReached,
        count(*) AS stopped
    FROM engagement
    WHERE durationSource <> 'estimated' AND completionPercentage < 90
    GROUP BY videoId, floor(completionPercentage / 10)
    ORDER BY stopped DESC, videoId, percentReached LIMIT {top}
""")
display(lost_at)

# COMMAND ----------

# DBTITLE 1,Engagement distribution
distribution = spark.sql("""
    SELECT least(floor(engagementScore / 10) * 10, 90) AS scoreFrom, engagementTier AS tier,
        count(*) AS viewings
    FROM engagement WHERE engagementScore IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
""")
display(distribution)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Retention curves
# MAGIC
# MAGIC The share of a video's viewers who watched each part of it, from the intervals that were really
# MAGIC watched. A part that was skipped shows as a dent; one that people go back to stays high.

# COMMAND ----------

from pyspark.sql import functions as F

from watchspan.spark.retention import retention_curves

named = [name.strip() for name in dbutils.widgets.get("videos").split(",") if name.strip()]
most_watched = [row["videoId"] for row in top_videos.limit(int(dbutils.widgets.get("curves"))).collect()]
chosen = spark.table("engagement").where(F.col("videoId").isin(named or most_watched))
retention = retention_curves(chosen, buckets=int(dbutils.widgets.get("buckets"))).orderBy("videoId", "bucket")
display(retention)

# COMMAND ----------

# DBTITLE 1,Plots
if plt is not None:
    curves = {}
    for row in retention.collect():
        curves.setdefault(row["videoTitle"] or str(row["videoId"]), []).append(row)
    bars, reached = distribution.collect(), drop_off.collect()

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(18, 5))
    for title, rows in curves.items():
        left.plot(
            [row["startSeconds"] / 60 for row in rows], [100 * row["retention"] for row in rows], label=title
        )
    left.set(title="Retention", xlabel="minute", ylabel="% of viewers", ylim=(0, 105))
    if curves:
        left.legend(fontsize="small")
    middle.bar([row["percentReached"] for row in reached], [row["share"] for row in reached], width=8)
    middle.set(title="Drop-off, all videos", xlabel="% of the video reached", ylabel="% of viewers")
    for tier in ("High", "Medium", "Low", "Minimal"):
        parts = [row for row in bars if row["tier"] == tier]
        right.bar(
            [row["scoreFrom"] + 5 for row in parts], [row["viewings"] for row in parts], width=9, label=tier
        )
    right.set(title="Engagement scores", xlabel="score", ylabel="users and videos")
    right.legend()
    figure.tight_layout()
    display(figure)
    plt.close(figure)
