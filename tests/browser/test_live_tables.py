"""What the live page reads and says, without a browser: its figures are those of the functions, exactly."""

from __future__ import annotations

import shutil
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake
from streamlit.testing.v1 import AppTest

import watchspan as ws
from support.live_tables import HOSTILE, VIDEOS, Tables, events, plain
from watchspan import sample
from watchspan.errors import MissingColumnError, OptionError, SourceError
from watchspan.live import serve
from watchspan.live.kept import Kept
from watchspan.live.one_video import one_video
from watchspan.live.sums import audience, figures
from watchspan.report_page.words import DASH


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Tables:
    found = Tables(tmp_path_factory.mktemp("live"))
    found.arrive(events(20, 60))
    found.update()
    return found


@pytest.fixture(scope="module")
def sampled(tmp_path_factory) -> Tables:
    """Rows with every flag, estimated durations and missing titles."""
    found = Tables(tmp_path_factory.mktemp("sample"))
    sessions = ws.sessions(sample.events(60_000, seed=3))
    write_deltalake(found.table, ws.engagement(sessions, videos=sample.videos(3)))
    write_deltalake(found.table + "_sessions", sessions)
    return found


def seen(tables: Tables) -> tuple[Kept, Any]:
    kept = Kept(tables.table)
    return kept, kept.standing()


@pytest.mark.parametrize("name", ["tables", "sampled"])
def test_figures_are_those_of_the_functions_to_the_last_digit(name: str, request) -> None:
    tables = request.getfixturevalue(name)
    kept, now = seen(tables)
    found, rows = figures(kept, now.engagement), tables.rows()
    assert found.totals.equals(ws.video_totals(rows))
    assert found.newest == pc.max(rows["lastWatchDate"].cast(pa.int64())).as_py()
    summary = ws.summarize(rows)
    for figure, value in found.summary.items():
        if figure == "watch_time_seconds":
            assert value["median"] == pytest.approx(summary[figure]["median"], rel=1e-12)
        elif figure == "watch_time_hours":
            assert value == pytest.approx(summary[figure], rel=1e-12)
        else:
            assert value == summary[figure], figure
    assert sum(found.scores.values()) == rows["engagementScore"].drop_null().length()


@pytest.mark.parametrize("name", ["tables", "sampled"])
def test_users_are_those_of_the_functions(name: str, request) -> None:
    tables = request.getfixturevalue(name)
    kept, now = seen(tables)
    found, sessions = audience(kept, now.engagement, now.sessions), tables.rows("_sessions")
    assert found.cohorts.equals(ws.cohorts(sessions))
    assert found.users == len(pc.unique(tables.rows()["userId"]))
    videos = VIDEOS if name == "tables" else sample.videos(3)
    kinds = pc.value_counts(ws.segments(sessions, videos=videos)["segment"]).to_pylist()
    assert found.segments == {each["values"]: each["counts"] for each in kinds}
    assert len(found.segments) > 1 or name == "tables"
    alone = audience(kept, now.engagement, None)
    kinds = pc.value_counts(ws.segments(tables.rows())["segment"]).to_pylist()
    assert (alone.cohorts, alone.segments) == (None, {each["values"]: each["counts"] for each in kinds})


def test_one_video_has_the_curves_that_all_rows_give_it(sampled: Tables) -> None:
    kept, now = seen(sampled)
    rows = sampled.rows()
    newest = figures(kept, now.engagement).newest
    for video in ("welcome", ws.video_totals(rows)["videoId"][5].as_py()):
        found = one_video(kept, now.engagement, video, newest)
        for made, of_all in (
            (found.retention, ws.retention(rows, buckets=100)),
            (found.moments, ws.moments(rows)),
            (found.left, ws.completion_curve(rows, mature_days=0)),
            (found.completion, ws.completion_curve(rows)),
        ):
            assert made.to_pylist() == of_all.filter(pc.equal(of_all["videoId"], video)).to_pylist()
        assert found.retention.num_rows


def test_kept_tables_are_read_by_path_and_as_they_are(tables: Tables, tmp_path) -> None:
    sessions = DeltaTable(tables.table + "_sessions")
    assert ws.segments(sessions, videos=VIDEOS).equals(ws.segments(tables.rows("_sessions"), videos=VIDEOS))
    assert ws.video_totals(tables.table).equals(ws.video_totals(tables.rows()))
    ws.write_report(tables.table, tmp_path / "report.html", sessions=tables.table + "_sessions", top=2)
    assert "Video engagement" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_it_reads_the_rows_of_that_video_alone(sampled: Tables) -> None:
    kept, now = seen(sampled)
    found = kept.rows_of("welcome", now.engagement, ["videoId", "userId"], ["replayedIntervals", "nothing"])
    assert found.column_names == ["videoId", "userId", "replayedIntervals"]
    assert set(found["videoId"].to_pylist()) == {"welcome"}
    assert kept.rows_of("it's nothing", now.engagement, ["videoId"], []).num_rows == 0


@pytest.mark.parametrize("kind", [pa.int64(), pa.int32()])
def test_keys_may_be_integers(tmp_path, kind: pa.DataType) -> None:
    tables, found = Tables(tmp_path), events(2, 9)
    numbers = pc.utf8_slice_codeunits(found["videoId"], 1).cast(kind)
    tables.arrive(found.set_column(found.schema.get_field_index("videoId"), "videoId", numbers))
    ws.delta.update(tables.raw, tables.table)
    kept, now = seen(tables)
    totals = figures(kept, now.engagement).totals
    assert totals.equals(ws.video_totals(tables.rows()))
    assert one_video(kept, now.engagement, totals["videoId"][0].as_py(), 0).retention.num_rows == 100


def test_columns_of_older_tables_may_be_missing_and_differ_in_case(tables: Tables, tmp_path) -> None:
    rows = tables.rows().drop_columns(["replayedIntervals"])
    write_deltalake(tmp_path / "old", rows.rename_columns([name.lower() for name in rows.column_names]))
    kept = Kept(str(tmp_path / "old"))
    now = kept.standing()
    assert now.sessions is None
    found = figures(kept, now.engagement)
    assert found.totals.equals(ws.video_totals(rows))
    assert one_video(kept, now.engagement, "v0", found.newest).retention.num_rows == 100


def _script(table: str) -> None:
    from watchspan.live.kept import Kept
    from watchspan.live.page import show
    from watchspan.live.serving import Asked

    show(Asked(Kept(table), 3600))


def opened(table: str) -> AppTest:
    page = AppTest.from_function(_script, args=(table,), default_timeout=60).run()
    assert not page.exception
    return page


def texts(page: AppTest) -> str:
    return "\n".join(element.value for element in page.text)


def test_the_page_is_in_the_order_of_the_report(tables: Tables) -> None:
    page = opened(tables.table)
    assert [header.value for header in page.header] == [
        "Data quality", "Overview", "Videos", "One video", "Cohorts", "Segments", "Definitions",
    ]  # fmt: skip
    assert f"Version {tables.version()} of the table. Newest event: 2026-01-20" in texts(page)
    metrics = {metric.label: metric.value for metric in page.metric[:7]}
    summary = ws.summarize(tables.rows())
    assert (metrics["Viewers"], metrics["Videos"]) == ("60", "6")
    assert metrics["Hours watched"] == f"{summary['watch_time_hours']:,.1f}"
    assert metrics["Completion rate"] == f"{summary['completion_rate']:.1%}"
    shown = {row["videoTitle"]: row for row in page.dataframe[0].value.to_dict("records")}
    for row in tables.totals():
        cells = shown[ws.text.visible(row["videoTitle"] or row["videoId"])]
        assert all(cells[name] == row[name] for name in cells if name != "videoTitle")
    assert len(shown) == len(HOSTILE) + 1


def test_what_others_wrote_is_never_read_as_markdown(tables: Tables) -> None:
    page = opened(tables.table)
    read = [*page.markdown, *page.header, *page.title, *page.caption, *page.error, *page.success, *page.table]
    told = "\n".join(str(element.value) for element in read)
    assert "evil" not in told and "broken" not in told and "sunglasses" not in told
    assert "secret-user" not in texts(page) + told
    assert HOSTILE["v0"] in page.selectbox[0].options


def test_another_version_is_shown_when_there_is_one(tmp_path) -> None:
    tables = Tables(tmp_path)
    tables.arrive(events(2, 12))
    tables.update()
    page = opened(tables.table)
    before = page.metric[2].value
    tables.arrive(events(2, 12, first=2))
    tables.update()
    page.run()
    assert f"Version {tables.version()} of" in texts(page)
    assert page.metric[2].value == f"{sum(row['sessions'] for row in tables.totals()):,}" != before
    # Another table in the same place, of the same version, is another one.
    for suffix in ("", "_sessions", "_pending"):
        shutil.rmtree(tables.table + suffix)
    tables.arrive(events(1, 3, first=9))
    tables.update()
    page.run()
    assert page.metric[2].value == f"{sum(row['sessions'] for row in tables.totals()):,}"


def test_a_run_that_was_stopped_is_told(tables: Tables, tmp_path) -> None:
    for suffix in ("", "_sessions", "_pending"):
        shutil.copytree(tables.table + suffix, str(tmp_path / "engagement") + suffix)
    write_deltalake(
        tmp_path / "engagement_pending", pa.table({"userId": ["a"], "videoId": ["v0"]}), mode="append"
    )
    assert "A run goes on, or was stopped" in texts(opened(str(tmp_path / "engagement")))
    assert "A run goes on" not in texts(opened(tables.table))


def test_an_empty_table_says_so(tmp_path) -> None:
    tables = Tables(tmp_path)
    tables.arrive(events(1, 3).slice(0, 0))
    tables.update()
    page = opened(tables.table)
    assert "It has no rows yet." in texts(page) and "No video was watched." in texts(page)
    assert "There are no sessions." in texts(page)
    assert [metric.value for metric in page.metric] == ["0", "0", "0", "0", "0.0", DASH, DASH]


def test_what_is_wrong_with_a_table_is_a_sentence(tables: Tables, tmp_path) -> None:
    page = opened(str(tmp_path / "nowhere"))
    assert page.error[0].value.startswith("The table cannot be shown.")
    assert "There is no Delta table at" in texts(page) and not page.header
    rows = tables.rows()
    names = ["![evil](http://evil.invalid)" if n == "totalWatchTime" else n for n in rows.column_names]
    write_deltalake(tmp_path / "renamed", rows.rename_columns(names))
    page = opened(str(tmp_path / "renamed"))
    assert "The table has no column 'totalWatchTime'; it has userId" in texts(page)
    assert "evil" not in page.error[0].value and not page.header
    at = rows.schema.get_field_index("sessionCount")
    write_deltalake(
        tmp_path / "text", rows.set_column(at, "sessionCount", rows["sessionCount"].cast(pa.string()))
    )
    assert "Column 'sessionCount' is of type string" in texts(opened(str(tmp_path / "text")))
    write_deltalake(tmp_path / "torn", rows)
    for file in (tmp_path / "torn").glob("*.parquet"):
        file.write_bytes(b"no parquet")
    assert "cannot be read" in texts(opened(str(tmp_path / "torn")))


def test_sessions_that_cannot_be_read_leave_the_rest(tables: Tables, tmp_path) -> None:
    write_deltalake(tmp_path / "rows", tables.rows())
    page = opened(str(tmp_path / "rows"))
    assert "of which there is no table beside this one" in texts(page)
    sessions = tables.rows("_sessions")
    write_deltalake(tmp_path / "rows_sessions", sessions.drop_columns(["watchTime"]))
    page = opened(str(tmp_path / "rows"))
    assert "no column 'watchTime'" in texts(page)
    assert [header.value for header in page.header][-1] == "One video"


def test_arguments_are_refused_in_a_sentence(tables: Tables, tmp_path) -> None:
    with pytest.raises(SourceError, match="There is no Delta table at"):
        serve(tmp_path / "nowhere")
    for options, told in (
        ({"port": 0}, "port is 0"), ({"port": 70_000}, "port is 70000"), ({"every": 0.5}, "every is 0.5"),
        ({"host": ""}, "host is ''"), ({"host": "256.1.1.1"}, "Nothing can listen on port 8501"),
    ):  # fmt: skip
        with pytest.raises(OptionError, match=told):
            serve(tables.table, **options)
    kept, now = seen(tables)
    with pytest.raises(MissingColumnError), kept.reading("engagement", now.engagement, ["sessionId"]):
        pass


def test_the_names_of_videos_tell_them_apart(tmp_path) -> None:
    rows = plain(ws.aggregate(events(1, 9), videos={**VIDEOS, "title": ["Same"] * 6}))
    write_deltalake(tmp_path / "same", rows)
    page = opened(str(tmp_path / "same"))
    assert sorted(page.selectbox[0].options) == [f"Same (v{number})" for number in range(6)]
    page.query_params["video"] = "v4"
    fresh = AppTest.from_function(_script, args=(str(tmp_path / "same"),), default_timeout=60)
    fresh.query_params["video"] = "v4"
    assert fresh.run().selectbox[0].value is not None
    assert page.selectbox[0].select("Same (v3)").run().query_params["video"] == "v3"
