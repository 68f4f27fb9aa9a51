"""Names, ids, settings and torn tables that are not what anybody expects: right, or told in a sentence."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from support.kept_tables import World, events, watch
from support.spark_rows import data_frame
from watchspan.errors import DataError, OptionError, SourceError, VocabularyError, WatchspanError
from watchspan.refresh import PROPERTY, Settings
from watchspan.refresh.statements import user_is
from watchspan.spark import VideoEngagementAggregator, aggregate_events
from watchspan.spark.engine import SparkEngine
from watchspan.spark.names import literal
from watchspan.table_names import table_name

LITERALS = "spark.sql.parser.escapedStringLiterals"
USERS = [
    "o'neil",
    "\\",
    "\\'",
    "''; --",
    '"',
    "$",
    "${spark.app.name}",
    "a\0b",
    "ü\u202e",
    "{}",
    "\\u0027",
    "%_",
]


@pytest.fixture(params=["true", pytest.param("false", marks=pytest.mark.slow)])
def literals(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[str]:
    spark.conf.set(LITERALS, request.param)
    yield request.param
    spark.conf.unset(LITERALS)


def test_texts_are_found_whatever_the_setting(spark: SparkSession, literals: str) -> None:
    spark.createDataFrame([(user,) for user in [*USERS, "", "ann"]], "userId string").createOrReplaceTempView(
        "ids"
    )
    for user in [*USERS, ""]:
        found = spark.sql(f"SELECT userId FROM ids WHERE {user_is(user, SparkEngine.dialect)}").collect()
        assert [row.userId for row in found] == [user]
    spark.catalog.dropTempView("ids")


def test_users_and_folders_of_any_name(spark: SparkSession, tmp_path: Path, literals: str) -> None:
    place = tmp_path / '${env:HOME} ${spark.app.name} $1 ti`ck it\'s "so" a.b'
    place.mkdir()
    # What the settings hold is quoted in statements, too.
    vocabulary = {"play": "play", "pause": "pause", "it's a \\'$\\u0041 \"x\" ${env:HOME}\n`": "ignore"}
    world = World(spark, place, videos=True, vocabulary=vocabulary)
    world.publish([("v1", 60.0, "One")])
    users = {"\\'", "${env:HOME}", "ann"}
    world.arrive(events(*(row for user in users for row in watch("2026-01-15T10:00:00", user, "v1", "s"))))
    world.update()
    assert world.aggregator.generate_summary_stats()["users"] == len(users)
    assert sorted(path.name for path in tmp_path.iterdir()) == [place.name]
    with literal(spark, world.output):
        settings = SparkEngine(spark, table_name("output_table", world.output)).settings("sessions")
    assert Settings.from_text(str(settings)).vocabulary == vocabulary
    comments = {field.name: field.metadata["comment"] for field in world.table().schema.fields}
    assert comments["totalWatchTime"].startswith("Sum of the sessions' `watchTime`")
    for user in sorted(users)[:2]:
        assert world.aggregator.delete_user(user, check_videos=False).sessions_deleted == 1
    for suffix in ("", "_sessions"):
        assert {row.userId for row in world.table(suffix).collect()} == {"ann"}
    assert spark.conf.get("spark.sql.variable.substitute") == "true"


def test_users_that_nobody_can_be_are_told(spark: SparkSession, tmp_path: Path) -> None:
    output = str(tmp_path / "out")
    spark.sql(
        f"CREATE TABLE delta.`{output}_sessions` (userId INT, videoId STRING, sessionId STRING) USING delta"
    )
    aggregator = VideoEngagementAggregator(spark, None, output)
    for user in (2**31, -(2**31) - 1, 2**200, "7", "\ud800", True, 1.0):
        with pytest.raises(OptionError, match=r"user_id is .*(but|which)"):
            aggregator.delete_user(user)


def test_names_with_backticks() -> None:
    assert table_name("input_table", "`a```.`b``c`.d$e").parts == ("a`", "b`c", "d$e")
    assert table_name("input_table", "`a```").sql == "`a```"


def test_catalog_tables_that_spark_cannot_name_are_told(spark: SparkSession) -> None:
    days = data_frame(spark, events(*watch("2026-01-15T10:00:00", "ann", "v1", "s")))
    for name in ("`we$ird`", "`${env:HOME}`", "`it's`", "no_such_schema.a", "`a``b`.c"):
        with pytest.raises(WatchspanError, match="Spark cannot read or write"):
            VideoEngagementAggregator(spark, days, name).update()
        with pytest.raises(SourceError, match=r"there is no such table|Spark cannot read"):
            VideoEngagementAggregator(spark, name).run_aggregation()


TEARS: dict[str, Callable[[str], Any]] = {
    "the log": lambda folder: shutil.rmtree(f"{folder}/_delta_log"),
    "the first commit": lambda folder: remove(
        folder, f"_delta_log/{0:020}.json", f"_delta_log/.{0:020}.json.crc"
    ),
    "half of a commit": lambda folder: write(folder, "_delta_log/*.json", b'{"add": {"pa'),
    "the rows": lambda folder: remove(folder, *[path.name for path in Path(folder).glob("*.parquet")]),
    "half of the rows": lambda folder: write(folder, "*.parquet", b"PAR1 PAR1"),
}


def remove(folder: str, *names: str) -> None:
    for name in names:
        if os.path.exists(f"{folder}/{name}"):
            os.unlink(f"{folder}/{name}")


def write(folder: str, pattern: str, text: bytes) -> None:
    for path in Path(folder).glob(pattern):
        path.write_bytes(text)
        path.with_name(f".{path.name}.crc").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(spark, tmp_path_factory.mktemp("made"))
    world.arrive(events(*watch("2026-01-15T10:00:00", "ann", "v1", "s")))
    world.update()
    return world


@pytest.mark.parametrize(
    "tear",
    [pytest.param(tear, marks=pytest.mark.slow if tear.startswith("half") else ()) for tear in TEARS],
)
def test_torn_tables_are_told(spark: SparkSession, made: World, tmp_path: Path, tear: str) -> None:
    for number, torn in enumerate(("engagement", "engagement_sessions", "raw")):
        folder = made.copied(tmp_path / str(number)).folder
        TEARS[tear](str(folder / torn))
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
        aggregator = VideoEngagementAggregator(spark, str(folder / "raw"), str(folder / "engagement"))
        for work in (aggregator.update, aggregator.rescore) if torn != "raw" else (aggregator.update,):
            with pytest.raises(SourceError) as caught:
                work()
            message = str(caught.value)
            assert "\n" not in message and "\tat " not in message and len(message) < 1500
            assert (
                "copy" in message
                or "Delta table" in message
                or "estore" in message
                or "no sessions" in message
            )
        after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
        if torn != "raw" and tear != "the rows":
            assert {path: after.get(path) for path in before} == before


def test_a_lost_list_of_pairs_and_tables_of_others(spark: SparkSession, made: World, tmp_path: Path) -> None:
    world = made.copied(tmp_path)
    shutil.rmtree(world.output + "_pending")
    spark.sql(f"CREATE TABLE delta.`{world.output}_pending` (userId STRING, videoId STRING) USING delta")
    with pytest.raises(SourceError, match=r"update\(\) did not make.*TABLE_pending"):
        world.update()
    spark.sql(f"DELETE FROM delta.`{world.output}`")
    shutil.rmtree(world.output + "_pending")
    assert world.update("2030-01-01").pairs == 1
    world.assert_current()


def test_working_tables_of_others_are_not_overwritten(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(spark, tmp_path)
    world.arrive(events(*watch("2026-01-15T10:00:00", "ann", "v1", "s")))
    working = f"delta.`{world.output}_work_scopes`"
    spark.sql(f"CREATE TABLE {working} (mine STRING) USING delta")
    spark.sql(f"INSERT INTO {working} VALUES ('precious')")

    def refuse(frame: DataFrame, *_: object) -> None:
        raise NotImplementedError("[NOT_SUPPORTED_WITH_SERVERLESS] not on this compute")

    with monkeypatch.context() as patch:
        patch.setattr(type(spark.range(1)), "localCheckpoint", refuse)
        with pytest.raises(SourceError, match="work_scopes` has rows that no run of watchspan wrote"):
            world.update()
        assert [row.mine for row in spark.table(working).collect()] == ["precious"]
        spark.sql(f"DELETE FROM {working}")
        world.update()
    world.assert_current()


def test_settings_that_nobody_wrote_are_told(spark: SparkSession, tmp_path: Path) -> None:
    world = World(spark, tmp_path)
    world.arrive(events(*watch("2026-01-15T10:00:00", "ann", "v1", "s")))
    sessions = f"delta.`{world.output}_sessions`"
    spark.sql(f"CREATE TABLE {sessions} (userId STRING, videoId STRING, sessionId STRING) USING delta")
    for text in ("", "7", "[" * 20_000, '{"version": "0.1"', '{"version": 1, "rules": {"x": 1}}'):
        spark.sql(f"ALTER TABLE {sessions} SET TBLPROPERTIES ('{PROPERTY}' = '{text}')")
        for work in (world.update, world.aggregator.rescore, lambda: world.aggregator.delete_user("ann")):
            with pytest.raises(
                DataError, match=r"watchspan.settings is|which version .* does not know"
            ) as caught:
                work()
            assert len(str(caught.value)) < 1500


def test_errors_of_spark_are_told(spark: SparkSession, tmp_path: Path) -> None:
    days = data_frame(spark, events(*watch("2026-01-15T10:00:00", "ann", "v1", "s")))
    output = str(tmp_path / "out")
    with pytest.raises(OptionError, match=r"too large|partitions is"):
        VideoEngagementAggregator(spark, days, output, partitions=2**70).update()
    # An error of the core's in a task keeps its class and its words.
    videos = data_frame(spark, pa.table({"videoId": ["v1", "v1"], "duration": [1.0, 2.0]}))
    whole = VideoEngagementAggregator(spark, days, output, videos)
    with pytest.raises(DataError, match=r"^The videos table .*videoId v1: .* Keep one of them\.$"):
        whole.save_results(whole.run_aggregation())
    with pytest.raises(WatchspanError, match=r"Spark cannot read or write the tables: .*nowhere"):
        VideoEngagementAggregator(spark, days, "nowhere.out").save_results(whole.run_aggregation())
    with pytest.raises(VocabularyError, match="mine"):
        aggregate_events(days, vocabulary="mine")


def test_a_result_of_a_table_that_is_gone_is_told(spark: SparkSession, tmp_path: Path) -> None:
    world = World(spark, tmp_path)
    world.arrive(events(*watch("2026-01-15T10:00:00", "ann", "v1", "s")))
    result = world.aggregator.run_aggregation()
    shutil.rmtree(world.raw)
    with pytest.raises(SourceError, match="Spark cannot read or write the tables"):
        world.aggregator.generate_summary_stats(result)
