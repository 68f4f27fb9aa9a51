"""Delta tables without a JVM: what callers see of updates, rescores and deletions."""

import json
import re
import shutil
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pytest

import watchspan as ws
from support.delta_tables import SCHEMA, VIDEOS, Place, rows, without
from support.events import PETER, START

pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")

from deltalake import DeltaTable, write_deltalake

from watchspan import delta, refresh
from watchspan.delta.engine import DeltaEngine
from watchspan.refresh import Given
from watchspan.refresh.windows import window


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 1, 16, tzinfo=timezone.utc)
OVER_MIDNIGHT = [(-60, "play", 0), (-10, "heartbeat", 50), (20, "heartbeat", 80), (40, "pause", 100)]


def test_the_worked_example_over_days_and_midnight(place):
    place.arrive(rows("peter", "v1", "s1", PETER))
    place.arrive(rows("ann", "v1", "s2", OVER_MIDNIGHT, start=MIDNIGHT))
    first = place.update("2026-01-15", "2026-01-16", videos=VIDEOS)
    assert (first.scopes, first.sessions_written, first.sessions_deleted, first.pairs) == (2, 2, 0, 2)
    # A window's events are taken in, the rest of the session over midnight on its own day.
    assert place.kept()[0]["totalWatchTime"] == 50
    second = place.update("2026-01-16", "2026-01-17", videos=VIDEOS)
    assert (second.scopes, second.sessions_written, second.pairs) == (1, 1, 1)
    place.check(videos=VIDEOS)
    peter = next(row for row in place.kept() if row["userId"] == "peter")
    assert (peter["totalWatchTime"], peter["engagementScore"], peter["videoTitle"]) == (130, 28.33, "Intro")


def test_only_rewritten_rows_get_a_new_time(place):
    place.arrive(rows("peter", "v1", "s1", PETER), rows("ann", "v1", "s2", PETER, start=START + DAY))
    place.update(videos=VIDEOS)
    before = {row["userId"]: row for row in place.read()}
    place.update("2026-01-16", "2026-01-17", videos=VIDEOS)
    after = {row["userId"]: row for row in place.read()}
    assert after["peter"] == before["peter"]
    assert after["ann"].pop("processedAt") > before["ann"].pop("processedAt")
    assert after["ann"] == before["ann"]


def test_a_late_event_waits_for_its_day_or_not_at_all(place):
    place.arrive(rows("peter", "v1", "s1", PETER[:3]))
    place.update("2026-01-15", "2026-01-16")
    place.arrive(rows("peter", "v1", "s1", PETER[3:], arrived=START + 2 * DAY))
    assert place.update("2026-01-17", "2026-01-18").scopes == 0
    assert place.kept()[0]["totalWatchTime"] == 30
    assert place.update("2026-01-17", "2026-01-18", changed_by="ingestedAt").scopes == 1
    assert place.kept()[0]["totalWatchTime"] == 130
    place.check()


def test_a_late_event_joins_two_sessions_and_one_id_disappears(place):
    columns = {"sessionId": None}
    place.arrive(rows("ann", "v1", "x", [(0, "play", 0), (60, "pause", 60)]))
    place.arrive(rows("ann", "v2", "x", [(3000, "play", 0), (3060, "pause", 60)]))
    assert place.update(columns=columns).sessions_written == 2
    late = rows("ann", "v3", "x", [(1500, "play", 0), (1560, "pause", 60)], arrived=START + DAY)
    place.arrive(late)
    done = place.update("2026-01-16", "2026-01-17", changed_by="ingestedAt", columns=columns)
    assert (done.sessions_written, done.sessions_deleted) == (3, 1)
    assert {row["sessionId"] for row in place.kept("_sessions")} == {"2026-01-15T10:00:00.000000Z"}
    place.check(columns=columns)


def test_a_longer_estimate_reaches_every_viewer(place):
    place.arrive(rows("ann", "v1", "s1", [(0, "play", 0), (60, "pause", 60)]))
    place.update()
    assert place.kept()[0]["watchPercentage"] == 100
    place.arrive(rows("bob", "v1", "s2", [(0, "play", 0), (120, "pause", 120)], start=START + DAY))
    done = place.update("2026-01-16", "2026-01-17")
    assert (done.sessions_written, done.pairs) == (1, 2)
    assert place.kept()[0]["watchPercentage"] == 50
    place.check()


def test_a_corrected_catalogue_reaches_every_viewer_if_it_is_compared(place):
    place.arrive(rows("peter", "v1", "s1", PETER), rows("ann", "v2", "s2", PETER))
    place.update(videos=VIDEOS)
    corrected = {"videoId": ["v1", "v2"], "duration": [200.0, 400.0], "title": ["", "Two"]}
    nothing = ("2026-03-01", "2026-03-02")
    assert place.update(*nothing, videos=corrected, check_videos=False).pairs == 0
    assert place.update(*nothing, videos=corrected).pairs == 2
    place.check(videos=corrected)
    # A catalogue with gaps, repeats and nonsense says what it says, and nothing has moved any more.
    untidy = {
        "videoId": ["v1", "v1", "v2", None, "", "v3"],
        "duration": [float("nan"), -1.0, 400.0, 1.0, 2.0, float("inf")],
        "title": ["", None, "Two", "x", "y", None],
    }
    assert place.update(*nothing, videos=untidy).pairs == 1
    assert place.update(*nothing, videos=untidy).pairs == 0
    place.check(videos=untidy)


def test_durations_that_the_catalogue_calls_estimates(place):
    place.arrive(rows("peter", "v1", "s1", PETER), rows("ann", "v2", "s2", PETER))
    guessed = {
        "videoId": ["v1", "v2"],
        "duration": [300.0, 200.0],
        "durationSource": ["estimated", "manifest"],
    }
    place.update(videos=guessed)
    place.check(videos=guessed)
    assert [row["durationSource"] for row in place.kept()] == ["metadata", "estimated"]
    nothing = ("2026-03-01", "2026-03-02")
    sure = {**guessed, "durationSource": [None, None]}
    assert place.update(*nothing, videos=sure).pairs == 1
    place.check(videos=sure)
    assert place.update(*nothing, videos=guessed).pairs == 1
    # Without it there is another estimate: how far the viewers got.
    without = {name: values[1:] for name, values in guessed.items()}
    assert place.update(*nothing, videos=without).pairs == 1
    assert place.update(*nothing, videos=without).pairs == 0
    place.check(videos=without)


def test_nothing_shrinks_silently(place, caplog):
    place.arrive(rows("peter", "v1", "s1", PETER), rows("ann", "v1", "s2", PETER[:2]))
    place.update(videos=VIDEOS)
    before = place.kept()
    DeltaTable(place.raw).delete("currentTime > 100")
    place.arrive(rows("ann", "v1", "s2", PETER[2:4]))
    done = place.update(videos=VIDEOS)
    assert done.shrunk == 1
    assert done.shrunk_examples == [refresh.ShrunkScope("peter", "s1", 6, 3)]
    assert "fewer raw events" in caplog.text
    after = {row["userId"]: row for row in place.kept()}
    assert after["peter"] == before[1]
    assert after["ann"]["totalWatchTime"] == 120
    assert place.update(videos=VIDEOS, allow_shrink=True).shrunk == 0
    assert {row["userId"]: row["eventCount"] for row in place.kept()} == {"ann": 4, "peter": 3}


def test_new_events_on_one_video_do_not_hide_a_loss_on_another(place):
    place.arrive(rows("peter", "v1", "s1", PETER), rows("peter", "v2", "s1", PETER, start=START + DAY))
    place.update()
    DeltaTable(place.raw).delete("currentTime > 100 AND \"videoId\" = 'v1'")
    place.arrive(rows("peter", "v3", "s1", PETER, start=START + 2 * DAY))
    before = place.kept("_sessions")
    done = place.update()
    assert (done.shrunk, done.sessions_written) == (1, 0)
    assert done.shrunk_examples == [refresh.ShrunkScope("peter", "s1", 6, 3)]
    assert place.kept("_sessions") == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": ws.Rules(tolerance_seconds=3)}, "tolerance_seconds is 3.0 but.* 5.0. It shapes sessions"),
        ({"rules": ws.Rules(very_short_seconds=3)}, "very_short_seconds is 3.0 but .* Call rescore"),
        ({"scoring": ws.Scoring(coverage=50)}, "Scoring.coverage is 50.0 but .* Call rescore"),
        ({"vocabulary": "html5"}, "vocabulary is 'html5'"),
        ({"columns": {"sessionId": None}}, "were made from events that have one, but these events have no"),
        ({"unique_seconds": False}, "unique_seconds is False"),
        ({"videos": None}, "no table of videos|none is given"),
    ],
)
def test_other_options_are_refused(place, options, message):
    place.arrive(rows("peter", "v1", "s1", PETER))
    place.update(videos=VIDEOS)
    with pytest.raises(ws.errors.OptionError, match=message):
        place.update(**{"videos": VIDEOS, **options})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("rules", {"tolerance_seconds": 3}),
        ("scoring", "additive"),
        ("unique_seconds", 1),
        ("allow_shrink", "yes"),
        ("check_videos", None),
    ],
)
def test_arguments_of_other_kinds_are_refused(place, option, value):
    place.arrive(rows("peter", "v1", "s1", PETER))
    with pytest.raises(ws.errors.OptionError, match=f"{option} is .*, but .* is needed"):
        place.update(**{option: value})
    place.update()
    if option in ("rules", "scoring", "unique_seconds"):
        with pytest.raises(ws.errors.OptionError, match=f"{option} is .*, but .* is needed"):
            delta.rescore(place.table, **{option: value})


def test_options_are_kept_with_the_tables(place):
    rules, scoring = ws.Rules(tolerance_seconds=3, session_timeout_seconds=600), ws.Scoring(coverage=50)
    place.arrive(rows("peter", "v1", "s1", PETER))
    place.update(rules=rules, scoring=scoring)
    place.arrive(rows("ann", "v1", "s2", PETER))
    place.update()
    place.check(rules=rules, scoring=scoring)
    kept = json.loads(DeltaTable(place.table).metadata().configuration["watchspan.settings"])
    assert (kept["rules"]["tolerance_seconds"], kept["scoring"]["coverage"]) == (3, 50)
    assert kept["version"] == ws.__version__


def test_settings_have_no_words_that_spark_hides():
    names = ("url_changed", "refresh Token", "accesskey", "ACCESS.KEYS", "secretoken", "\token", "\\url", "ü")
    settings = Given(vocabulary=dict.fromkeys(names, "play")).new()
    text = settings.to_text()
    assert re.findall(r"(?i)url|secret|password|token|access[.]?key", text) == []
    assert refresh.Settings.from_text(text) == settings


def test_a_rescore_needs_no_events(place):
    place.arrive(rows("peter", "v1", "s1", PETER), rows("ann", "v2", "s2", PETER))
    place.update(videos=VIDEOS)
    DeltaTable(place.raw).delete()
    rules, scoring = ws.Rules(very_short_seconds=500), ws.Scoring.additive()
    assert delta.rescore(place.table, rules=rules, scoring=scoring, videos=VIDEOS).pairs == 2
    place.check(rules=rules, scoring=scoring, videos=VIDEOS)
    with pytest.raises(ws.errors.OptionError, match=r"heartbeat_seconds is 30.0 but .* None"):
        delta.rescore(place.table, rules=ws.Rules(heartbeat_seconds=30), videos=VIDEOS)
    place.arrive(rows("bob", "v2", "s3", PETER))
    place.update("2026-03-01", "2026-03-02", videos=VIDEOS)


def test_a_deleted_user_leaves_no_trace(place):
    place.arrive(rows("ann", "v1", "s1", [(0, "play", 0), (60, "pause", 60)]))
    place.arrive(rows("o'neil \\", "v1", "s2", [(0, "play", 0), (120, "pause", 120)]))
    place.update()
    DeltaTable(place.raw).delete("\"userId\" <> 'ann'")
    done = delta.delete_user(place.table, "o'neil \\")
    assert (done.sessions_deleted, done.pairs) == (1, 2)
    assert [row["userId"] for row in place.kept("_sessions")] == ["ann"]
    # The estimated duration was the deleted user's.
    assert [(row["userId"], row["watchPercentage"]) for row in place.kept()] == [("ann", 100)]
    assert delta.delete_user(place.table, "nobody").pairs == 0
    with pytest.raises(ws.errors.OptionError, match="user is 7, but user ids in the tables are string"):
        delta.delete_user(place.table, 7)
    for user in (True, 1.0, None):
        with pytest.raises(ws.errors.OptionError, match=f"user is {user}, but text or an integer is needed"):
            delta.delete_user(place.table, user)


@pytest.mark.parametrize("timeout", [None, 600])
@pytest.mark.parametrize("has_session", [True, False])
def test_integer_keys_and_times_as_text(place, timeout, has_session):
    rules = ws.Rules(session_timeout_seconds=timeout)
    columns = None if has_session else {"sessionId": None}
    for day, (user, events) in enumerate(
        [(10, PETER), (9, PETER), (10, [(900, "play", 0), (960, "end", 60)])]
    ):
        table = rows("", "", "", events)
        for name, value in (("userId", user), ("videoId", 101), ("sessionId", 7)):
            index = SCHEMA.get_field_index(name)
            table = table.set_column(index, name, pa.array([value] * table.num_rows, pa.int32()))
        texts = [time.isoformat() for time in table["timestamp"].to_pylist()]
        arrived = pa.array([MIDNIGHT + day * DAY] * table.num_rows, pa.timestamp("us", "UTC")).cast(
            pa.date32()
        )
        table = table.set_column(0, "timestamp", pa.array(texts)).set_column(6, "ingestedAt", arrived)
        place.arrive(table)
        ends = (MIDNIGHT + day * DAY, MIDNIGHT + (day + 1) * DAY)
        done = place.update(*ends, changed_by="ingestedAt", rules=rules, columns=columns)
        assert done.scopes == 1
    everything = pa.concat_tables(place.arrived)
    expected = ws.aggregate(everything, rules=rules, columns=columns).to_pylist()
    assert sorted(place.kept(), key=lambda row: row["userId"]) == expected
    assert place.update("2026-01-15", "2026-01-16", rules=rules, columns=columns).scopes == 2
    assert sorted(place.kept(), key=lambda row: row["userId"]) == expected
    with pytest.raises(ws.errors.OptionError, match=r"begins or ends at 2026-01-15T12:00.* whole days"):
        place.update("2026-01-15T12:00:00Z", changed_by="ingestedAt", rules=rules, columns=columns)


def test_columns_under_other_names(place):
    names = {"userId": "$uid", "timestamp": "at time", "sessionId": "${raw_events}", "videoId": "Video"}
    table = rows("peter", "v1", "s1", PETER)
    table = table.rename_columns([names.get(name, name) for name in table.column_names])
    place.arrive(table)
    place.update("2026-01-15", "2026-01-16", columns=names, videos={"Video": ["v1"], "duration": [300]})
    place.check(columns=names, videos={"Video": ["v1"], "duration": [300]})


def test_a_table_of_an_older_version_gains_the_new_columns(place):
    place.arrive(rows("peter", "v1", "s1", PETER))
    place.update(videos=VIDEOS)
    without(place.table, "rewatchedSeconds")
    place.arrive(rows("ann", "v1", "s2", PETER, start=START + DAY))
    place.update("2026-01-16", "2026-01-17", videos=VIDEOS)
    assert {row["userId"]: row["rewatchedSeconds"] for row in place.kept()} == {"ann": 10, "peter": None}
    without(place.table, "rewatchedSeconds")
    delta.rescore(place.table, videos=VIDEOS)
    assert {row["userId"]: row["rewatchedSeconds"] for row in place.kept()} == {"ann": 10, "peter": 10}


def test_session_rows_of_an_older_version_are_made_again_from_the_events(place):
    place.arrive(rows("peter", "v1", "s1", PETER), rows("ann", "v1", "s2", PETER, start=START + DAY))
    place.update(videos=VIDEOS)
    without(place.table + "_sessions", "playTime")
    message = r"older version of watchspan, without playTime, .*: run update\(\) over all dates once"
    for work in (
        lambda: place.update("2026-01-16", "2026-01-17", videos=VIDEOS),
        lambda: delta.rescore(place.table, videos=VIDEOS),
        lambda: delta.delete_user(place.table, "ann", videos=VIDEOS),
    ):
        with pytest.raises(ws.errors.SourceError, match=message):
            work()
    place.update(videos=VIDEOS)
    place.check(videos=VIDEOS)
    # Where there is no row, nothing is missing.
    DeltaTable(place.table + "_sessions").delete()
    without(place.table + "_sessions", "playTime")
    assert delta.rescore(place.table, videos=VIDEOS).pairs == 2
    assert place.kept() == []


def test_a_lost_engagement_table_is_made_again(place, monkeypatch):
    for user, start in (("peter", START), ("ann", START + DAY), ("bob", START + 2 * DAY)):
        place.arrive(rows(user, "v1", "s1", PETER, start=start))
    place.update(videos=VIDEOS)
    shutil.rmtree(place.table)
    with monkeypatch.context() as patch:
        patch.setattr(DeltaEngine, "merge", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            place.update("2026-01-17", "2026-01-18", videos=VIDEOS)
    assert place.kept() == []
    assert place.update("2026-03-01", "2026-03-02", videos=VIDEOS).pairs == 3
    place.check(videos=VIDEOS)
    shutil.rmtree(place.table)
    assert delta.delete_user(place.table, "bob", videos=VIDEOS).pairs == 3
    place.arrived.pop()
    place.check(videos=VIDEOS)


def test_lost_sessions_are_not_made_up(place):
    place.arrive(rows("peter", "v1", "s1", PETER))
    place.update()
    shutil.rmtree(place.table + "_sessions")
    with pytest.raises(ws.errors.SourceError, match=r"sessions table .* is gone.* Restore"):
        place.update("2026-03-01", "2026-03-02")
    assert len(place.kept()) == 1


@pytest.fixture
def another_job(place, monkeypatch):
    """Lets another update do the same work after the next one has looked at the tables; what it did."""
    merge, others = DeltaEngine.merge, []

    def merge_late(engine, table, source):
        if table == "sessions" and not others:
            others.append("started")
            others.append(delta.update(place.raw, place.table))
        merge(engine, table, source)

    def start():
        monkeypatch.setattr(DeltaEngine, "merge", merge_late)
        return others

    return start


def test_a_conflict_is_tried_again_from_the_start(place, another_job):
    place.arrive(rows("peter", "v1", "s1", PETER))
    place.update()
    place.arrive(rows("peter", "v1", "s1", [(200, "play", 120), (230, "pause", 150)]))
    others = another_job()
    place.update()
    assert others[1].sessions_written == 1
    place.check()


def test_two_first_runs_at_once_write_each_row_once(place, another_job):
    place.arrive(rows("peter", "v1", "s1", PETER), rows("ann", "v1", "s2", PETER))
    place.update("2026-03-01")  # makes empty tables
    others = another_job()
    place.update()
    assert others[1].sessions_written == 2
    place.check()


def test_messages_say_what_is_missing(place, tmp_path):
    with pytest.raises(
        ws.errors.SourceError, match=r"no Delta table at .*raw.*, which should hold the events"
    ):
        place.update()
    place.arrive(rows("peter", "v1", "s1", PETER).drop_columns(["currentTime"]))
    with pytest.raises(ws.errors.MissingColumnError, match=r"currentTime.*it has timestamp, userId"):
        place.update()
    with pytest.raises(ws.errors.SourceError, match="There is no sessions table that update"):
        delta.rescore(place.table)
    other = Place(tmp_path / "other")
    other.arrive(rows("peter", "v1", "s1", PETER))
    with pytest.raises(ws.errors.MissingColumnError, match=r"changed_by is 'arrival'.* ingestedAt"):
        other.update(changed_by="arrival")
    with pytest.raises(ws.errors.OptionError, match="'userId', which is of type string"):
        other.update("2026-01-15", changed_by="userId")
    twice = {"videoId": ["v1", "v1"], "duration": [300.0, 200.0]}
    with pytest.raises(ws.errors.DataError, match="v1"):
        other.update(videos=twice)
    with pytest.raises(ws.errors.DataError, match='"videoId" is int64 in the videos table but string'):
        other.update(videos={"videoId": [1], "duration": [300.0]})
    delta.write(ws.aggregate(other.arrived[0]), other.table + "2")
    with pytest.raises(ws.errors.SourceError, match="exists, but was not made by update"):
        delta.update(other.raw, other.table + "2")


def test_written_results(place):
    ann, peter = (ws.aggregate(rows(user, "v1", "s", PETER), videos=VIDEOS) for user in ("ann", "peter"))
    delta.write(ann, place.table)
    delta.write(peter, place.table, mode="merge")
    delta.write(ws.aggregate(rows("ann", "v1", "s", PETER[:2]), videos=VIDEOS), place.table, mode="merge")
    assert [(row["userId"], row["totalWatchTime"]) for row in place.kept()] == [("ann", 30), ("peter", 130)]
    delta.write(peter, place.table, mode="append")
    assert len(place.kept()) == 3
    with pytest.raises(ws.errors.DataError, match="1 pairs of user and video twice"):
        delta.write(pa.concat_tables([peter, peter]), place.table, mode="merge")
    with pytest.raises(ws.errors.OptionError, match="mode is 'upsert'"):
        delta.write(peter, place.table, mode="upsert")
    with pytest.raises(ws.errors.DataError, match="no column 'userId'"):
        delta.write(pa.table({"a": [1]}), place.table)
    delta.write(peter, place.table, partition_by="engagementTier")
    assert place.kept() == peter.to_pylist()
    assert DeltaTable(place.table).metadata().partition_columns == ["engagementTier"]
    comments = {f.name: f.metadata.get("comment") for f in DeltaTable(place.table).schema().fields}
    assert comments["totalWatchTime"].startswith("Sum of the sessions' `watchTime`")
    place.arrive(rows("peter", "v1", "s1", PETER))
    delta.update(place.raw, place.table + "_kept")
    with pytest.raises(ws.errors.SourceError, match="kept up to date by update"):
        delta.write(peter, place.table + "_kept", mode="append")


@pytest.mark.parametrize("moment", [datetime.min, datetime.max])
@pytest.mark.parametrize("changed_by", [None, "ingestedAt"])
def test_the_first_and_last_moment_that_a_timestamp_can_say(place, moment, changed_by):
    moment = moment.replace(tzinfo=timezone.utc)
    place.arrive(rows("peter", "v1", "s1", PETER))
    place.arrive(rows("peter", "v1", "s1", [(0, "play", 0)], start=moment, arrived=moment))
    assert place.update(moment, changed_by=changed_by).scopes == 1
    place.update(end=moment, changed_by=changed_by)
    place.check()


def test_an_empty_raw_table_makes_empty_tables(place):
    write_deltalake(place.raw, SCHEMA.empty_table())
    assert place.update().scopes == 0
    assert place.kept() == place.kept("_sessions") == []
    assert window() == window(None, None)
