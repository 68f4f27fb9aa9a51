"""The table of retention that is kept with the others: at all times what `ws.retention` of all rows gives."""

from __future__ import annotations

import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import watchspan as ws
from watchspan.errors import OptionError, SourceError

pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")

from deltalake import DeltaTable, write_deltalake

from support.delta_tables import Place, rows
from watchspan import delta
from watchspan.delta.engine import DeltaEngine

VIDEOS = {"videoId": ["v1", "v2"], "duration": [100.0, 50.0], "title": ["One", "Two"]}


def watched(user: str, video: str, last: int, first: int = 0, session: str = "s") -> pa.Table:
    return rows(user, video, f"{session}-{user}", [(0, "play", first), (last - first, "pause", last)])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.arrive(watched("ann", "v1", 60), watched("bob", "v1", 30), watched("ann", "v2", 50, session="t"))
    made.update(videos=VIDEOS, retention_table=True)
    return made


def assert_current(place: Place) -> list[dict[str, Any]]:
    """The table is that of all rows, of which each has a duration; it."""
    whole = pa.table(DeltaTable(place.table).scan()).drop_columns(["processedAt"])
    assert whole["videoDuration"].null_count == 0
    want = ws.retention(whole).to_pylist()
    found = sorted(place.kept("_retention"), key=lambda row: (row["videoId"], row["bucket"]))
    assert found == want
    assert place.read("_pending") == []
    return found


def test_it_is_the_retention_of_all_rows(place: Place) -> None:
    found = assert_current(place)
    assert {(row["videoId"], row["users"]) for row in found} == {("v1", 2), ("v2", 1)}
    v1 = [row["audience"] for row in found if row["videoId"] == "v1"]
    assert v1 == [2.0] * 30 + [1.0] * 30 + [0.0] * 40
    fields = {
        field.name: field.metadata
        for field in pa.schema(DeltaTable(f"{place.table}_retention").schema().to_arrow())
    }
    assert "counted by the share" in str(fields["audience"])
    assert all(row["processedAt"] is not None for row in place.read("_retention"))


def test_only_videos_that_changed_are_written(place: Place) -> None:
    before = {row["videoId"]: row["processedAt"] for row in place.read("_retention")}
    # Once it is there, every run keeps it, whether asked or not.
    late = datetime(2026, 6, 1, tzinfo=timezone.utc)
    place.arrive(
        rows("cid", "v2", "c", [(0, "play", 0), (25, "pause", 25)], arrived=late),
        rows("dan", "v3", "d", [(0, "play", 0), (40, "pause", 40)], arrived=late),
    )
    place.update("2026-06-01", "2026-06-02", changed_by="ingestedAt", videos=VIDEOS)
    found = assert_current(place)
    after = {row["videoId"]: row["processedAt"] for row in place.read("_retention")}
    assert after["v1"] == before["v1"] and after["v2"] > before["v2"]
    # Of the third an estimate is known.
    assert {row["videoDuration"] for row in found if row["videoId"] == "v3"} == {40.0}
    version = DeltaTable(f"{place.table}_retention").version()
    place.update("2027-01-01", videos=VIDEOS)
    assert DeltaTable(f"{place.table}_retention").version() == version


def test_late_events_durations_and_deleted_users(place: Place) -> None:
    place.arrive(rows("bob", "v1", "s-bob", [(31, "play", 30), (61, "pause", 60)]))
    place.update(videos=VIDEOS)
    assert [row["audience"] for row in assert_current(place)][:60] == [2.0] * 60
    # A video that no event is about is as long as the catalogue says by now; another has no duration left.
    longer = {"videoId": ["v1", "v2"], "duration": [200.0, 50.0], "title": ["One", "Other"]}
    place.update("2027-01-01", videos=longer)
    assert {row["videoDuration"] for row in assert_current(place)} == {200.0, 50.0}
    delta.rescore(place.table, scoring=ws.Scoring(coverage=10), videos=longer)
    assert_current(place)
    delta.delete_user(place.table, "ann", videos=longer)
    assert {row["videoId"] for row in assert_current(place)} == {"v1"}


def test_one_that_is_asked_for_later_has_all_videos(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.arrive(watched("ann", "v1", 60), watched("ann", "v2", 50, session="t"))
    place.update(videos=VIDEOS)
    assert not DeltaTable.is_deltatable(f"{place.table}_retention")
    place.arrive(watched("bob", "v1", 10))
    place.update("2027-01-01", videos=VIDEOS, retention_table=True)
    assert {row["videoId"] for row in assert_current(place)} == {"v1", "v2"}
    # One that is dropped is not kept, until it is asked for again.
    shutil.rmtree(f"{place.table}_retention")
    place.update(videos=VIDEOS)
    assert not DeltaTable.is_deltatable(f"{place.table}_retention")
    place.update(videos=VIDEOS, retention_table=True)
    assert_current(place)


class StoppedError(Exception):
    """The run was stopped."""


@pytest.mark.parametrize("what", ["first", "events", "catalogue"])
def test_a_run_that_stops_anywhere_is_mended_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    longer = {"videoId": ["v1", "v2"], "duration": [200.0, 50.0], "title": ["One", "Two"]}
    stops, written = 0, DeltaEngine._commit
    while True:
        place = Place(tmp_path / str(stops))
        place.arrive(watched("ann", "v1", 60), watched("ann", "v2", 50, session="t"))
        place.update(videos=VIDEOS, retention_table=what != "first")
        if what == "events":
            place.arrive(watched("bob", "v1", 10), watched("bob", "v3", 10, session="t"))
        start = "2027-01-01" if what == "catalogue" else None
        left = stops

        def commit(self: DeltaEngine, write: Any) -> None:
            nonlocal left
            if left == 0:
                raise StoppedError
            left -= 1
            written(self, write)

        with monkeypatch.context() as patch:
            patch.setattr(DeltaEngine, "_commit", commit)
            try:
                place.update(start, videos=longer, retention_table=True)
                break
            except StoppedError:
                stops += 1
        # The next has no changed events, and does not ask for the table: if it is there, it is right.
        if what == "events":
            place.update(videos=longer)
        place.update("2027-01-01", videos=longer)
        if DeltaTable.is_deltatable(f"{place.table}_retention"):
            assert_current(place)
    assert_current(place)
    assert stops >= 2


def test_lost_tables_are_made_anew(place: Place) -> None:
    shutil.rmtree(place.table)
    place.update("2027-01-01", videos=VIDEOS)
    assert_current(place)
    # Rows of nobody do not outlive a list that is lost.
    first = pa.table(DeltaTable(f"{place.table}_retention").scan()).slice(0, 1)
    gone = first.set_column(first.column_names.index("videoId"), "videoId", pa.array(["gone"]))
    write_deltalake(f"{place.table}_retention", gone, mode="append")
    shutil.rmtree(f"{place.table}_pending")
    place.update("2027-01-01", videos=VIDEOS)
    assert_current(place)


def test_what_is_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.arrive(watched("ann", "v1", 60))
    mine = pa.table({"mine": [1]})
    write_deltalake(f"{place.table}_retention", mine)
    place.update(videos=VIDEOS)
    place.update(videos=VIDEOS)
    assert pa.table(DeltaTable(f"{place.table}_retention").scan()).num_rows == 1
    with pytest.raises(SourceError, match="did not make is where the retention table should be"):
        place.update(videos=VIDEOS, retention_table=True)
    # Nor is a folder of other files in the way of those who want none.
    shutil.rmtree(f"{place.table}_retention")
    (tmp_path / "engagement_retention").mkdir()
    (tmp_path / "engagement_retention" / "notes.txt").write_text("mine")
    place.update(videos=VIDEOS)
    with pytest.raises(SourceError, match=r"notes\.txt"):
        place.update(videos=VIDEOS, retention_table=True)


def test_it_needs_what_was_watched(place: Place, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"unique_seconds is False.*drop TABLE_retention"):
        delta.rescore(place.table, unique_seconds=False, videos=VIDEOS)
    assert_current(place)
    other = Place(tmp_path / "other")
    other.arrive(watched("ann", "v1", 60))
    with pytest.raises(OptionError, match="unique_seconds is False"):
        other.update(unique_seconds=False, retention_table=True)
    assert not DeltaTable.is_deltatable(other.table)
    with pytest.raises(OptionError, match="retention_table is 'yes'"):
        other.update(retention_table="yes")


def test_videos_without_a_duration_have_no_curve(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.arrive(watched("ann", "v1", 60), watched("ann", "v3", 50, session="t"))
    place.update(videos=VIDEOS, rules=ws.Rules(estimate_duration=False), retention_table=True)
    assert {row["videoId"] for row in place.read("_retention")} == {"v1"}
    # It loses its curve with its duration.
    place.update("2027-01-01", videos={"videoId": ["v3"], "duration": [100.0]})
    assert {row["videoId"] for row in place.read("_retention")} == {"v3"}


def test_keys_may_be_integers(tmp_path: Path) -> None:
    place = Place(tmp_path)
    events = watched("ann", "v1", 60)
    number = pa.array([7] * events.num_rows, pa.int32())
    place.arrive(events.set_column(events.column_names.index("videoId"), "videoId", number))
    place.update(retention_table=True)
    assert {row["videoId"] for row in assert_current(place)} == {7}
