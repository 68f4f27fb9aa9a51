"""Each finding of `check`: events that give it, and events that do not."""

from __future__ import annotations

import pytest

import watchspan as ws
from watchspan import Column

START = 1_768_471_200  # 2026-01-15T10:00:00Z


def play(user="ann", video="v1", session="s1", start=START, count=12, step=10, speed=1.0, **more):
    """A video that is played, with a heartbeat every `step` seconds, at `speed`."""
    names = ["play", *["heartbeat"] * (count - 2), "pause"]
    return [
        {"timestamp": f"@{start + n * step}", "userId": user, "videoId": video, "sessionId": session,
         "eventName": name, "currentTime": n * step * speed, "playbackRate": speed, **more}
        for n, name in enumerate(names)
    ]  # fmt: skip


def events(*plays, **changes):
    """Rows with real instants; a change is a new value, or a function of the row."""
    from datetime import datetime, timezone

    rows = []
    for row in (row for play in plays for row in play):
        instant = datetime.fromtimestamp(float(row["timestamp"][1:]), timezone.utc)
        made = {**row, "timestamp": instant.isoformat().replace("+00:00", "Z")}
        for name, change in changes.items():
            made[name] = change(made) if callable(change) else change
        rows.append(made)
    return rows


def said(rows, topic, word="", **options):
    """The findings on a topic whose text holds a word."""
    found = ws.check(rows, **options).findings
    return [finding for finding in found if finding.topic == topic and word in finding.text]


CLEAN = [play(f"u{n}", start=START + n * 777, session=f"s{n}", step=10 + n % 3) for n in range(6)]


def test_clean_events_have_no_findings():
    assert ws.check(events(*CLEAN)).findings == []


def test_unit_of_timestamps():
    rows = events(*CLEAN)
    for n, row in enumerate(rows):
        row["timestamp"] = (START + n * 10) * 1000
    (finding,) = said(rows, "unit of timestamps", "milliseconds since 1970")
    assert finding.argument == {"columns": {"timestamp": Column("timestamp", unit="ms")}}
    assert said(events(*CLEAN), "unit of timestamps") == []


def test_timestamps_that_cannot_be_read():
    rows = events(*CLEAN, timestamp=lambda row: f"15/01/2026 {row['timestamp'][11:19]}")
    (finding,) = said(rows, "missing column", "cannot be read")
    assert finding.severity == "error"
    assert "'15/01/2026 10:00:00' in timestamp" in finding.text


@pytest.mark.parametrize(("unit", "factor"), [("ms", 10**3), ("us", 10**6), ("ticks", 10**7)])
def test_unit_of_positions(unit, factor):
    rows = events(*CLEAN, currentTime=lambda row: row["currentTime"] * factor)
    (finding,) = said(rows, "unit of positions", f"move by {factor:,} in a second of play")
    assert finding.argument["columns"]["currentTime"] == Column("currentTime", unit=unit)
    assert said(events(*CLEAN), "unit of positions") == []


def test_unit_of_lengths():
    rows = events(*CLEAN, videoDuration=130_000)
    assert ws.check(rows).columns == {"videoDuration": Column("videoDuration", unit="ms")}
    assert said(rows, "unit of lengths", "130000 are milliseconds")
    assert said(events(*CLEAN, videoDuration=130), "unit of lengths") == []


def test_lengths_of_some_videos_only():
    two = [*CLEAN, play("u9", "v2", "s9")]
    rows = events(*two, videoDuration=lambda row: 130 if row["videoId"] == "v1" else None)
    assert said(rows, "lengths", "1 of 2 videos (v2)")
    assert said(events(*two, videoDuration=130), "lengths") == []
    assert said(events(*two), "lengths") == []


def test_needed_columns_that_are_missing():
    rows = events(*CLEAN)
    without = [{name: value for name, value in row.items() if name != "userId"} for row in rows]
    (finding,) = said(without, "missing column", "Nothing says who the user is (userId)")
    assert finding.severity == "error"
    assert not ws.check(without).is_usable


def test_events_that_are_dropped():
    rows = events(*CLEAN)
    for row in rows[::5]:
        row["videoId"] = None
    assert said(rows, "dropped events", "have no user, video or session")
    rows = events(*CLEAN)
    for row in rows[1::5]:
        row["currentTime"] = -1
    assert said(rows, "dropped events", "have no position of 0 or more")
    rows = events(*CLEAN)
    for row in rows[1::5]:
        row["timestamp"] = "soon"
    assert said(rows, "dropped events", "have no timestamp")


def test_names_in_another_spelling():
    rows = events(*CLEAN, eventName=lambda row: f"VIDEO {row['eventName'].upper()}")
    found = ws.check(rows)
    assert found.vocabulary == {"VIDEO HEARTBEAT": "heartbeat", "VIDEO PLAY": "play", "VIDEO PAUSE": "pause"}
    assert said(rows, "event names", "of the preset default")
    rows = events(*CLEAN, eventName=lambda row: f"player:{row['eventName']}")
    assert ws.check(rows).vocabulary["player:play"] == "play"
    assert said(events(*CLEAN), "event names") == []


def test_names_that_nobody_knows():
    names = {"play": "lesson_started", "heartbeat": "still_watching", "pause": "lesson_halt"}
    rows = events(*CLEAN, eventName=lambda row: names[row["eventName"]])
    (finding,) = said(rows, "event names", "No preset knows the event names")
    meanings = {"lesson_started": "play", "still_watching": "heartbeat", "lesson_halt": "pause"}
    assert finding.argument == {"vocabulary": meanings}


def test_some_names_that_are_unknown():
    rows = events(*CLEAN)
    for row in rows[3::6]:
        row["eventName"] = "zoomed"
    assert said(rows, "event names", "unknown: zoomed (12)")


def test_events_without_names():
    rows = [{name: value for name, value in row.items() if name != "eventName"} for row in events(*CLEAN)]
    found = ws.check(rows)
    assert found.columns == {"eventName": Column(value="heartbeat")}
    assert said(rows, "event names", "each event is taken as a heartbeat")


def test_clocks_that_step_back():
    rows = events(*CLEAN, sequence=0)
    for n, row in enumerate(rows):
        row["sequence"] = n % 12
    assert said(rows, "clock") == []
    for at in range(4, len(rows), 6):
        rows[at]["timestamp"], rows[at + 1]["timestamp"] = rows[at + 1]["timestamp"], rows[at]["timestamp"]
    assert said(rows, "clock", "steps back")


def test_stamps_of_arrival():
    rows = events(*CLEAN)
    for n, row in enumerate(rows):
        row["timestamp"] = rows[n - n % 6]["timestamp"]
    assert said(rows, "clock", "have one instant")


def test_heartbeats_at_an_interval():
    regular = [play(f"u{n}", session=f"s{n}") for n in range(3)]
    found = ws.check(events(*regular))
    assert found.findings == []
    assert found.rules == ws.Rules(heartbeat_seconds=11)
    assert "heartbeats come every 10 s (27 of 27 gaps)" in str(found)
    irregular = events(*[play(f"u{n}", session=f"s{n}", step=7 * 3**n, count=6) for n in range(4)])
    assert ws.check(irregular).rules is None


def test_speeds_that_are_never_stated():
    fast = [play(f"u{n}", session=f"s{n}", speed=1.5) for n in range(3)]
    assert said(events(*fast), "speeds") == []
    (finding,) = said(events(*fast, playbackRate=None), "speeds", "mostly at 1.5")
    assert finding.severity == "warning"
    assert said(events(*CLEAN, playbackRate=None), "speeds") == []


def test_skips_that_no_event_tells():
    rows = events(
        *CLEAN, currentTime=lambda row: row["currentTime"] + (900 if row["currentTime"] > 50 else 0)
    )
    assert said(rows, "skips", "only 0 events are seeks")
    told = events(*CLEAN)
    assert said(told, "skips") == []


def test_session_ids_that_live_long():
    rows = events(*[play(start=START + day * 86_400) for day in range(60)])
    (finding,) = said(rows, "sessions", "the longest for 59")
    assert finding.argument == {"rules": {"session_timeout_seconds": 1800}}
    assert ws.check(rows).rules.session_timeout_seconds == 1800
    one_each = events(*[play(start=START + day * 86_400, session=f"s{day}") for day in range(60)])
    assert said(one_each, "sessions") == []


def test_sessions_of_two_players():
    both = [*play(), *({**row, "currentTime": row["currentTime"] + 2_000} for row in play(start=START + 3))]
    assert said(events(both), "sessions", "Two players at once share 1 of 1")
    apart = [play(), play(start=START + 3, session="s2")]
    assert said(events(*apart), "sessions") == []


def test_session_ids_that_are_missing():
    rows = events(*CLEAN)
    for row in rows[::4]:
        row["sessionId"] = None
    (finding,) = said(rows, "sessions", "is missing of 18 events (25%)")
    assert finding.argument == {"columns": {"sessionId": None}}
    found = ws.check(rows)
    assert found.columns == {"sessionId": None}
    assert found.kept == len(rows)
    none = [{name: value for name, value in row.items() if name != "sessionId"} for row in rows]
    assert said(none, "sessions", "Nothing says the session")


def test_session_ids_that_users_share():
    rows = events(*[play(f"u{n}", session=f"s{n % 2}") for n in range(6)])
    assert said(rows, "sessions", "2 of 2 session ids belong to several users")


def test_users_that_are_words():
    rows = events(*CLEAN, play("undefined", session="s9"))
    (finding,) = said(rows, "users", "of the user 'undefined'")
    assert finding.argument == {"columns": {"userId": Column("userId", missing=["undefined"])}}
    found = ws.check(rows)
    assert ws.report(ws.aggregate(rows, **found.arguments))["dropped"]["null_key"] == 12
    assert said(events(*CLEAN, play("underfoot", session="s9")), "users") == []


def test_users_who_never_sleep():
    day = [play("kiosk", f"v{n}", f"s{n}", count=300, step=100) for n in range(4)]
    assert said(events(*day), "users", "more than 24 hours of a day")
    assert said(events(*day[:2]), "users") == []
