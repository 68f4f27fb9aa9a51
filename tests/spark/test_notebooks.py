"""Every notebook runs from end to end, on Spark and Delta, with stand-ins for what Databricks hands it."""

from __future__ import annotations

import json
import re
import runpy
import sys
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import watchspan as ws
from support.spark_rows import settings
from watchspan import sample
from watchspan.spark import VideoEngagementAggregator
from watchspan.spark.quality import Check, with_limits
from watchspan.spark.retention import retention_curves

ROOT = Path(__file__).resolve().parents[2]
ROWS, SEED = 3000, 5
SCHEMA = "quickstart"
ENGAGEMENT = f"{SCHEMA}.aggregated_user_video_engagement"
KEPT = f"{SCHEMA}.engagement"
TABLES = {"raw_table": f"{SCHEMA}.raw", "output_table": KEPT}
VIDEOS = {"video_metadata_table": f"{SCHEMA}.video_metadata"}


class NotebookExitError(Exception):
    """What `dbutils.notebook.exit` raises."""


class Widgets:
    """Widgets with the values that a job gives them, else their defaults."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values, self.made = values, {}

    def text(self, name: str, default: str, label: str) -> None:
        assert isinstance(default, str), "a widget holds text"
        assert label
        self.made[name] = self.values.get(name, default)

    def dropdown(self, name: str, default: str, choices: list[str], label: str) -> None:
        self.text(name, default, label)
        assert {default, self.made[name]} <= set(choices)

    def get(self, name: str) -> str:
        return self.made[name]


class Dbutils:
    """As much of `dbutils` as the notebooks use."""

    def __init__(self, values: dict[str, str]) -> None:
        self.widgets, self.notebook = Widgets(values), self

    def exit(self, value: str) -> None:
        assert isinstance(value, str), "a notebook exits with text"
        raise NotebookExitError(value)


class Run:
    """What became of a notebook: what it showed, its exit value, its names."""

    def __init__(self, spark: SparkSession, name: str, **values: str) -> None:
        self.shown: list[Any] = []
        self.names: dict[str, Any] = {}
        self.exit: Any = None
        dbutils = Dbutils(values)
        given = {"spark": spark, "dbutils": dbutils, "display": self.shown.append}
        given["displayHTML"] = self.shown.append
        try:
            # As on Databricks, a notebook is `__main__`: tasks get its functions by value.
            self.names = runpy.run_path(str(ROOT / "notebooks" / f"{name}.py"), given, "__main__")
        except NotebookExitError as done:
            self.exit = json.loads(str(done))
        assert set(values) <= set(dbutils.widgets.made), "a value was given for no widget"


@pytest.fixture(scope="module")
def quickstart(spark: SparkSession) -> Run:
    return Run(spark, "01_quickstart", schema=SCHEMA, rows=str(ROWS), seed=str(SEED))


def unstamped(rows: DataFrame) -> DataFrame:
    return rows.drop("processedAt")


def assert_same_rows(spark: SparkSession, found: str, expected: str) -> None:
    left, right = unstamped(spark.table(found)), unstamped(spark.table(expected))
    assert left.columns == right.columns
    assert left.exceptAll(right).count() == 0
    assert right.exceptAll(left).count() == 0
    assert right.count() > 50


def as_arrow(rows: DataFrame, like: pa.Schema) -> pa.Table:
    """The rows as a table of the package, in its order."""
    plain = [row.asDict(recursive=True) for row in rows.select(*like.names).collect()]
    for row in plain:
        for name, value in row.items():
            if isinstance(value, datetime):
                row[name] = value.astimezone(timezone.utc)
    return pa.Table.from_pylist(plain, schema=like).sort_by(
        [("userId", "ascending"), ("videoId", "ascending")]
    )


def test_quickstart(spark: SparkSession, quickstart: Run) -> None:
    events = spark.table(f"{SCHEMA}.raw")
    assert events.count() == ROWS
    assert spark.table(f"{SCHEMA}.video_metadata").count() == sample.videos(SEED).num_rows
    expected = ws.aggregate(sample.events(ROWS, seed=SEED), videos=sample.videos(SEED))
    found = as_arrow(spark.table(ENGAGEMENT), expected.schema.remove_metadata())
    assert found.equals(expected.replace_schema_metadata(None))
    (peter,) = spark.table(ENGAGEMENT).where("userId = 'peter'").collect()
    shown = quickstart.shown[1].collect()
    assert shown == [peter]
    assert (peter["totalWatchTime"], peter["totalUniqueSecondsWatched"], peter["engagementScore"]) == (
        130,
        120,
        28.33,
    )
    assert [check.name for check in quickstart.names["checks"] if check.limit is not None] == [
        "dropped",
        "duplicate_keys",
        "negative_watch_time",
    ]


DAILY = {**TABLES, **VIDEOS}


@pytest.fixture(scope="module")
def daily(spark: SparkSession, quickstart: Run) -> Run:
    """The README's one day, then everything."""
    (block,) = re.findall(r"^```py\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    spark.sql(f"USE {SCHEMA}")
    try:
        exec(compile(block, "README.md", "exec"), {"spark": spark})
    finally:
        spark.sql("USE default")
    assert peters_row(spark) == (6, 130)
    return Run(spark, "02_daily_job", **DAILY, start="beginning", end="now")


def peters_row(spark: SparkSession) -> tuple[int, float]:
    (row,) = spark.table(KEPT).where("userId = 'peter'").collect()
    return row["eventCount"], row["totalWatchTime"]


def test_daily_job(spark: SparkSession, daily: Run) -> None:
    done = daily.exit
    assert (done["start_date"], done["end_date"], done["changed_by"]) == (None, None, None)
    sessions = ws.sessions(sample.events(ROWS, seed=SEED))
    assert (done["sessions_written"], done["shrunk"]) == (sessions.num_rows, 0)
    assert_same_rows(spark, KEPT, ENGAGEMENT)
    assert spark.table(f"{KEPT}_sessions").count() == sessions.num_rows
    assert spark.table(f"{KEPT}_pending").count() == 0


@pytest.mark.slow  # the tests of updates have the same without the notebook
def test_daily_job_fails_where_events_are_gone(spark: SparkSession, daily: Run) -> None:
    gone = f"{SCHEMA}.raw_gone"
    left = spark.table(TABLES["raw_table"]).where("NOT (userId <=> 'peter' AND currentTime <=> 110)")
    left.write.format("delta").saveAsTable(gone)
    with pytest.raises(RuntimeError, match="1 users' sessions were left as they are") as failed:
        Run(spark, "02_daily_job", **{**DAILY, "raw_table": gone}, run_date="2026-01-17", days="2")
    assert '"start_date": "2026-01-15", "end_date": "2026-01-17"' in str(failed.value)
    assert peters_row(spark) == (6, 130)


def test_daily_job_takes_yesterday_by_default(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    before = datetime.now(timezone.utc).date()
    with pytest.raises(ws.errors.SourceError, match="'nothing', but there is no such table"):
        Run(spark, "02_daily_job", raw_table="nothing")
    days = map(date.fromisoformat, re.findall(r"\d{4}-\d\d-\d\d", capsys.readouterr().out))
    start, end = days
    assert before <= end <= datetime.now(timezone.utc).date()
    assert (end - start).days == 1


QUIET = {"hours_since_last_event": "", "check_from": "2026-01-01", "check_until": "2027-01-01"}


def test_data_quality(spark: SparkSession, daily: Run) -> None:
    run = Run(spark, "03_data_quality", **TABLES, **QUIET, checks_table=f"{SCHEMA}.checks")
    report = ws.report(ws.aggregate(sample.events(ROWS, seed=SEED)))
    assert run.exit["events_read"] == ROWS == report["read"]
    for reason, number in report["dropped"].items():
        assert run.exit[f"dropped_{reason}"] == pytest.approx(100 * number / ROWS)
    rows = ws.aggregate(sample.events(ROWS, seed=SEED), videos=sample.videos(SEED))
    for flag, number in ws.summarize(rows)["flags"].items():
        if flag != "ok":
            assert run.exit[f"flag_{flag}"] == pytest.approx(100 * number / rows.num_rows)
    assert (run.exit["rows"], run.exit["duplicate_keys"], run.exit["pending_pairs"]) == (rows.num_rows, 0, 0)
    assert 0 <= run.exit["hours_since_refresh"] < 1
    kept = spark.table(f"{SCHEMA}.checks")
    assert kept.count() == len(run.exit) == run.shown[0].count()
    assert kept.where("NOT passed").count() == 0


def test_data_quality_alerts(spark: SparkSession, daily: Run) -> None:
    broken = f"{SCHEMA}.broken"
    rows = spark.table(KEPT)
    peter = rows.where("userId = 'peter'")
    negative = peter.withColumn("totalWatchTime", F.lit(-1.0)).withColumn(
        "processedAt", F.lit(None).cast("timestamp")
    )
    old = rows.withColumn("processedAt", F.col("processedAt") - F.expr("INTERVAL 100 HOURS"))
    old.unionByName(negative).write.format("delta").mode("overwrite").saveAsTable(broken)
    spark.table(f"{KEPT}_sessions").write.format("delta").saveAsTable(f"{broken}_sessions")
    peter.select("userId", "videoId").write.format("delta").saveAsTable(f"{broken}_pending")
    with pytest.raises(RuntimeError) as alert:
        Run(
            spark,
            "03_data_quality",
            raw_table=TABLES["raw_table"],
            output_table=broken,
            check_from=QUIET["check_from"],
            check_until=QUIET["check_until"],
            dropped="0.01",
            more_limits='{"flag_very_short_watch": 0}',
            checks_table=f"{SCHEMA}.alerts",
        )
    told = str(alert.value)
    expected = {
        "dropped",
        "duplicate_keys",
        "flag_very_short_watch",
        "hours_since_last_event",
        "hours_since_refresh",
        "negative_watch_time",
        "pending_pairs",
    }
    assert set(re.findall(r"(\w+): [\d,.]+ ", told)) == expected, told
    # The results are kept before it fails.
    failed = spark.table(f"{SCHEMA}.alerts").where("NOT passed").select("name").collect()
    assert {row["name"] for row in failed} == expected


def test_limits() -> None:
    with pytest.raises(ws.errors.OptionError, match="There is no check 'droped'"):
        with_limits([Check("dropped", 1.0, "%")], {"droped": 1})
    assert not Check("dropped", None, "%", 1.0).passed
    assert Check("dropped", None, "%").passed
    assert Check("dropped", 1.0, "%", 1.0).passed


@pytest.mark.parametrize("plots", [True, False])
def test_analytics(
    spark: SparkSession, quickstart: Run, monkeypatch: pytest.MonkeyPatch, plots: bool
) -> None:
    if plots:
        pytest.importorskip("matplotlib").use("agg")
    else:
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    run = Run(spark, "04_analytics", output_table=ENGAGEMENT, top="3", curves="2", buckets="10")
    assert len(run.shown) == 6 + plots
    rows = ws.aggregate(sample.events(ROWS, seed=SEED), videos=sample.videos(SEED))
    top = [row.asDict() for row in run.shown[0].collect()]
    expected = ws.summarize(rows, top=3)["top_videos"]
    assert [row["videoId"] for row in top] == [video["videoId"] for video in expected]
    assert [row["viewers"] for row in top] == [video["viewers"] for video in expected]
    reached = {row["percentReached"]: row["share"] for row in run.shown[2].collect()}
    assert list(reached) == [10 * tenth for tenth in range(11)]
    assert reached[0] == 100
    assert sorted(reached.values(), reverse=True) == list(reached.values())
    curves = ws.retention(rows, buckets=10).to_pylist()
    chosen = {video["videoId"] for video in expected[:2]}
    assert_curves(run.shown[5], [row for row in curves if row["videoId"] in chosen])


@pytest.mark.parametrize("plots", [True, False])
def test_insight(spark: SparkSession, daily: Run, monkeypatch: pytest.MonkeyPatch, plots: bool) -> None:
    if plots:
        pytest.importorskip("altair")
        pytest.importorskip("scipy")
    else:
        monkeypatch.setitem(sys.modules, "altair", None)
        monkeypatch.setitem(sys.modules, "scipy.special", None)
        for name in ("arms", "statistics"):
            monkeypatch.delitem(sys.modules, f"watchspan.experiments.{name}", raising=False)
            monkeypatch.delattr(ws.experiments, name, raising=False)
        monkeypatch.delattr(ws, "plots", raising=False)
        for name in [name for name in sys.modules if name.startswith("watchspan.plots")]:
            monkeypatch.delitem(sys.modules, name)
    values = {"output_table": KEPT, "sessions_table": f"{KEPT}_sessions", "min_viewers": "10", "curves": "2"}
    users = spark.table(KEPT).select("userId").distinct()
    grouped = users.withColumn("group", F.expr("if(hash(userId) % 2 = 0, 'new', 'old')"))
    values["groups_table"] = f"{SCHEMA}.arms_{plots}"
    grouped.write.format("delta").saveAsTable(values["groups_table"])
    values["retention_table"] = written = f"{KEPT}_retention" if plots else ""
    with settings(spark, {"spark.sql.session.timeZone": "America/New_York"}):
        run = Run(spark, "07_insight", **values, confidence="0.8", top="500")
        drops, standing_out, ends, drawn, *rest = run.shown
        charts = [each for each in rest if isinstance(each, str)]
        cohorts, *changed = [each for each in rest if not isinstance(each, str)]
        shown = [row for frame in (drops, standing_out) for row in frame.collect()]
        counted = [row.asDict() for row in cohorts.collect()]
        first, tables = ends.collect(), [ends, drawn]
    assert len(charts) == (5 if plots else 0)
    assert len(changed) == int(plots)
    assert all("vegaEmbed" in chart for chart in charts)
    rows = as_arrow(spark.table(KEPT), ws.aggregate([]).schema.remove_metadata())
    if plots:
        groups = spark.table(values["groups_table"]).toPandas()
        assert pa.Table.from_pandas(changed[0]).equals(
            pa.Table.from_pandas(ws.compare(rows, groups).table.to_pandas())
        )
    expected = ws.moments(rows, confidence=0.8, min_viewers=10).to_pylist()
    kinds = {"dip", "spike", "drop"}
    assert {(row["videoId"], row["kind"], row["startSeconds"]) for row in shown} == {
        (row["videoId"], row["kind"], row["startSeconds"]) for row in expected if row["kind"] in kinds
    }
    assert len(first) == len({row["videoId"] for row in expected}) > 10
    assert all(table.count() for table in tables)
    sessions = ws.sessions(sample.events(ROWS, seed=SEED))
    weeks = [row for row in ws.cohorts(sessions).to_pylist() if row["activeUsers"]]
    names = ("cohort", "period", "cohortUsers", "activeUsers", "share")
    assert [[row[name] for name in names] for row in counted] == [
        [row[name] for name in names] for row in weeks
    ]
    hours = [row["watchHours"] for row in weeks]
    assert [row["watchHours"] for row in counted] == pytest.approx(hours)
    if plots:
        assert_curves(spark.table(written), ws.retention(rows).to_pylist())
        spark.sql(f"DROP TABLE {written}")


def assert_curves(found: DataFrame, expected: list[dict[str, Any]]) -> None:
    drawn = {(row["videoId"], row["bucket"]): row.asDict() for row in found.collect()}
    assert set(drawn) == {(row["videoId"], row["bucket"]) for row in expected}
    for row in expected:
        same = drawn[row["videoId"], row["bucket"]]
        assert same == {name: pytest.approx(row[name]) for name in same}


def test_retention_is_the_packages_own(spark: SparkSession, quickstart: Run) -> None:
    rows = ws.aggregate(sample.events(ROWS, seed=SEED), videos=sample.videos(SEED))
    spread = spark.table(ENGAGEMENT).repartition(7)
    assert_curves(
        retention_curves(spread, bucket_seconds=45.0), ws.retention(rows, bucket_seconds=45.0).to_pylist()
    )
    whole = retention_curves(spread.where("videoId = 'welcome'").withColumn("videoId", F.lit(7)), buckets=2)
    assert whole.schema["videoId"].dataType.typeName() == "integer"
    assert sorted((row["videoId"], row["bucket"]) for row in whole.collect()) == [(7, 0), (7, 1)]
    with pytest.raises(ws.errors.OptionError, match="buckets is 0"):
        retention_curves(spread, buckets=0)
    with pytest.raises(ws.errors.MissingColumnError, match="watchedIntervals"):
        retention_curves(spread.drop("watchedIntervals"))


def test_streaming(spark: SparkSession, quickstart: Run, tmp_path: Path) -> None:
    raw, output = f"{SCHEMA}.raw_streamed", f"{SCHEMA}.streamed"
    spark.table(TABLES["raw_table"]).write.format("delta").saveAsTable(raw)
    values = {"raw_table": raw, "output_table": output, **VIDEOS, "checkpoint": str(tmp_path / "checkpoint")}
    run = Run(spark, "05_streaming", **values)
    assert_same_rows(spark, output, ENGAGEMENT)
    assert run.exit["rows"] == spark.table(ENGAGEMENT).count()
    if spark.version < "3.4":
        return  # that Delta cannot skip commits
    spark.sql(f"DELETE FROM {raw} WHERE userId = 'peter'")
    with pytest.raises(Exception, match="skipChangeCommits"):
        Run(spark, "05_streaming", **values)
    skipped = Run(spark, "05_streaming", **values, skip_change_commits="true")
    assert skipped.exit["rows"] == run.exit["rows"]


def test_shim(spark: SparkSession) -> None:
    run = Run(spark, "databricks_video_aggregation")
    assert run.names["VideoEngagementAggregator"] is VideoEngagementAggregator
    assert set(run.names["__all__"]) <= set(run.names)
    assert run.shown == []
