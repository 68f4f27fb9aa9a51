"""The views, the metric view and the queries of the dashboard give what the functions on rows do."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import vl_convert
from pyspark.sql import SparkSession

import watchspan as ws
from support.dashboards import drawn, vega_widgets
from support.spark_rows import settings
from watchspan import plots, sample
from watchspan.plots.positions import RETENTION, steps
from watchspan.views.measures import OF_ANY

TABLE, SEED, PARAMETER = "spark_catalog.insight.engaged", 7, "video"
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def sessions() -> pa.Table:
    return ws.sessions(sample.events(30_000, seed=SEED))


@pytest.fixture(scope="module")
def rows(sessions: pa.Table) -> pa.Table:
    """Of some videos nobody knows the title, of some the duration, of some neither."""
    videos = sample.videos(SEED)
    known = videos.filter(pa.array([place % 4 != 0 for place in range(videos.num_rows)]))
    place = known.schema.get_field_index("duration")
    is_timed = pa.array([place % 3 != 0 for place in range(known.num_rows)])
    duration = pc.if_else(is_timed, known["duration"], pa.scalar(None, known["duration"].type))
    known = known.set_column(place, "duration", duration)
    return ws.engagement(sessions, videos=known, rules=ws.Rules(estimate_duration=False))


@pytest.fixture(scope="module")
def asked(
    spark: SparkSession, rows: pa.Table, sessions: pa.Table, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Rows]:
    """A view, dimension of the metric view, or dataset -> its rows. Days are UTC's wherever Spark is."""
    folder = tmp_path_factory.mktemp("views")
    spark.sql("CREATE SCHEMA insight")
    for name, table in (("engaged", rows), ("engaged_sessions", sessions)):
        pq.write_table(table, folder / f"{name}.parquet", coerce_timestamps="us")
        frame = spark.read.parquet(str(folder / f"{name}.parquet"))
        frame.repartition(2).write.saveAsTable(f"insight.{name}")
    found = {}
    with settings(spark, {"spark.sql.session.timeZone": "Asia/Kolkata", "spark.sql.ansi.enabled": "true"}):
        for name, statement in ws.views.statements(TABLE).items():
            spark.sql(statement)
            found[name.rpartition("engaged_")[2]] = listed(spark, f"SELECT * FROM {name}")
        spark.sql(ws.views.metric_view(TABLE))
        measures = ", ".join(f"MEASURE({name}) AS {name}" for name in OF_ANY)
        for dimension in ("video", "title", "tier", "firstWeek", "flag"):
            sql = f"SELECT {dimension}, {measures} FROM {TABLE}_metrics GROUP BY {dimension}"
            found[f"by {dimension}"] = listed(spark, sql)
        spark.sql("USE insight")
        for dataset in json.loads(ws.views.dashboard("engaged"))["datasets"]:
            found[f"shown {dataset['name']}"] = listed(spark, of_video(dataset, ""))
        spark.sql("USE default")
    return found


def listed(spark: SparkSession, sql: str) -> Rows:
    found: Rows = spark.sql(sql).toArrow().to_pylist()
    return found


def of_video(dataset: dict[str, Any], video: str) -> str:
    """The query of a dataset with a value for its parameter: Delta's parser hands none on to Spark 4.2."""
    sql = "".join(dataset["queryLines"])
    assert (f":{PARAMETER} " in sql) == ("parameters" in dataset)
    return sql.replace(f":{PARAMETER}", f"'{video}'")


def same(found: Rows, want: pa.Table | Rows, *keys: str) -> None:
    """Whether rows are these, in any order, in the columns that they have."""
    names = list(found[0])
    wanted = want.select(names).to_pylist() if isinstance(want, pa.Table) else want

    def ordered(listed: Rows) -> Rows:
        return sorted(listed, key=lambda row: tuple((row[key] is None, row[key]) for key in keys))

    assert len(found) == len(wanted) > 3
    for one, other in zip(ordered(found), ordered(wanted)):
        alike(one, {name: other[name] for name in names})


def alike(found: dict[str, Any], want: dict[str, Any]) -> None:
    """Whether a row is this one; numbers may differ in their last digits, as sums in any order do."""
    assert list(found) == list(want)
    for name, value in found.items():
        other = want[name]
        is_close = isinstance(value, float) and isinstance(other, (int, float))
        assert value == (pytest.approx(other, rel=1e-9, abs=1e-9) if is_close else other), name


def test_views_equal_the_functions(asked: dict[str, Rows], rows: pa.Table, sessions: pa.Table) -> None:
    same(asked["video_totals"], ws.video_totals(rows), "videoId")
    same(asked["user_totals"], ws.user_totals(rows), "userId")
    same(asked["daily"], ws.daily(sessions), "videoId", "day")
    same(asked["cohorts"], ws.cohorts(sessions), "cohort", "period")
    known = rows.filter(pc.is_valid(rows["videoDuration"]))
    same(asked["retention"], ws.retention(known), "videoId", "bucket")
    assert {name for name in asked if " " not in name} == {
        "video_totals", "user_totals", "daily", "cohorts", "retention",
    }  # fmt: skip
    # The columns are those of the functions, but for hours of days and groups of cohorts.
    for name, table in (("video_totals", ws.video_totals(rows)), ("user_totals", ws.user_totals(rows))):
        assert list(asked[name][0]) == table.column_names
    assert set(ws.daily(sessions).column_names) - set(asked["daily"][0]) == {"hour"}
    assert set(ws.cohorts(sessions).column_names) - set(asked["cohorts"][0]) == {"group"}


def test_the_metric_view_equals_the_functions(asked: dict[str, Rows], rows: pa.Table) -> None:
    of_videos = [{"videoId": row.pop("video"), **row} for row in map(dict, asked["by video"])]
    totals = ws.video_totals(rows)
    common = [name for name in of_videos[0] if name in totals.column_names]
    assert {"viewers", "sessions", "coverage", "rewatchedShare", "reached75"} < set(common)
    same([{name: row[name] for name in common} for row in of_videos], totals, "videoId")
    # By any other dimension it is what the functions give of the rows that have its value.
    columns = {"title": "videoTitle", "tier": "engagementTier", "flag": "dataQualityFlag"}
    for dimension, column in columns.items():
        for row in asked[f"by {dimension}"]:
            value = row.pop(dimension)
            matching = pc.is_null(rows[column]) if value is None else pc.equal(rows[column], value)
            alike(row, figures(rows.filter(matching)))
    weeks = {row["firstWeek"]: row["watchHours"] for row in asked["by firstWeek"]}
    assert all(week.weekday() == 0 for week in weeks)
    assert sum(weeks.values()) == pytest.approx(pc.sum(rows["totalWatchTime"]).as_py() / 3600)


def figures(rows: pa.Table) -> dict[str, Any]:
    """The measures over any rows: the totals of one video, and of one user, that all of them are of."""
    count = rows.num_rows
    users = len(pc.unique(rows["userId"]))
    videos = len(pc.unique(rows["videoId"]))
    for name in ("userId", "videoId"):
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(["one"] * count))
    (video,), (user,) = ws.video_totals(rows).to_pylist(), ws.user_totals(rows).to_pylist()
    found = {**user, **video, "viewers": users, "videos": videos}
    return {name: found[name] for name in OF_ANY}


def test_what_the_dashboard_shows_of_all_rows(asked: dict[str, Rows], rows: pa.Table) -> None:
    (overview,) = asked["shown overview"]
    alike(overview, figures(rows))
    summary = ws.summarize(rows)
    flags = {row["flag"]: row["rows"] for row in asked["shown flags"]}
    assert flags == {flag: count for flag, count in summary["flags"].items() if count}
    assert {row["flag"]: row["share"] for row in asked["shown flags"]} == pytest.approx(
        {flag: count / rows.num_rows for flag, count in flags.items()}
    )
    (quality,) = asked["shown quality"]
    assert quality["rows"] == rows.num_rows
    assert quality["newestEvent"] == pc.max(rows["lastWatchDate"]).as_py()
    assert quality["unknownShare"] == pytest.approx(rows["videoDuration"].null_count / rows.num_rows)
    assert quality["estimatedShare"] == 0
    assert quality["rejectedSegments"] == pc.sum(rows["rejectedSegmentCount"]).as_py()
    assert quality["openSegments"] == pc.sum(rows["openSegmentCount"]).as_py()
    assert quality["unobservedHours"] == pytest.approx(pc.sum(rows["unobservedWatchTime"]).as_py() / 3600)
    sources = {row["source"]: row["rows"] for row in asked["shown sources"]}
    assert sources["unknown"] == rows["videoDuration"].null_count
    assert sum(sources.values()) == rows.num_rows


def test_what_the_dashboard_shows_in_charts(asked: dict[str, Rows], rows: pa.Table) -> None:
    same(asked["shown scores"], values(plots.scores(rows)), "from")
    same(asked["shown tiers"], values(plots.tiers(rows)), "tier")


def values(chart: Any) -> Rows:
    """The rows that a chart of one table has."""
    spec = chart.to_dict()
    parts = [spec, *spec.get("layer", ())]
    found: Rows = next(part["data"]["values"] for part in parts if "data" in part)
    return found


def test_what_the_dashboard_shows_of_days_and_cohorts(asked: dict[str, Rows], sessions: pa.Table) -> None:
    one = pa.array(["one"] * sessions.num_rows)
    all_videos = sessions.set_column(sessions.column_names.index("videoId"), "videoId", one)
    same(asked["shown days"], ws.daily(all_videos), "day")
    same([{name: row[name] for name in row if name != "who"} for row in asked["shown cohorts"]],
         ws.cohorts(sessions), "cohort", "period")  # fmt: skip
    (names,) = [part["who"] for part in [{"who": {row["who"] for row in asked["shown cohorts"]}}]]
    assert names == {row["who"] for row in values(plots.cohorts(ws.cohorts(sessions)))}


def test_what_the_dashboard_shows_of_a_video(
    spark: SparkSession, asked: dict[str, Rows], rows: pa.Table
) -> None:
    totals = ws.video_totals(rows).to_pylist()
    videos = asked["shown videos"]
    assert len({row[PARAMETER] for row in videos}) == len(totals)
    # Until somebody chooses, it is the most watched.
    (chosen,) = asked["shown chosen"]
    assert chosen == max(videos, key=lambda row: row["watchHours"])
    known = [row for row in videos if row["videoDuration"] is not None and row["videoTitle"] is not None]
    picked = min(known, key=lambda row: row["watchHours"])
    spark.sql("USE insight")
    datasets = {dataset["name"]: dataset for dataset in json.loads(ws.views.dashboard("engaged"))["datasets"]}
    of_one = {
        name: listed(spark, of_video(datasets[name], picked[PARAMETER]))
        for name in ("chosen", "reached", "positions")
    }
    spark.sql("USE default")
    same([*of_one["chosen"], *videos[:3]], [picked, *videos[:3]], "watchHours")
    assert {row["percent"]: row["share"] for row in of_one["reached"]} == {
        percent: picked[f"reached{percent}"] for percent in (25, 50, 75, 100)
    }
    curve = ws.retention(rows.filter(pc.equal(rows["videoId"], picked["videoId"])))
    same(of_one["positions"], steps(curve.select(list(RETENTION)).to_pylist()), "startSeconds")


def test_charts_draw_the_rows_of_their_queries(asked: dict[str, Rows]) -> None:
    widgets = vega_widgets(json.loads(ws.views.dashboard("engaged")))
    assert len(widgets) >= 5
    for widget in widgets:
        found = drawn(widget, asked[f"shown {widget['queries'][0]['query']['datasetName']}"])
        assert found.count("<path") > 3
    assert vl_convert.__version__
