"""Watched intervals in: session rows, and what follows from them."""

from __future__ import annotations

import pyarrow as pa
import pytest

import watchspan as ws
from watchspan.errors import MissingColumnError, OptionError

HISTORY = {
    "who": ["ann", "ann", "bob", "bob", None],
    "what": ["v1", "v1", "v1", "v1", "v1"],
    "from": ["0", "00:00:30", "PT1M", "90", "0"],
    "to": [60, 90, 90, 80, 10],
    "speed": [None, 2.0, None, None, None],
}
WHERE = {"userId": "who", "videoId": "what", "start": "from", "end": "to", "playbackRate": "speed"}


def test_intervals_become_sessions_and_everything_else_follows():
    sessions = ws.sessions_of_intervals(HISTORY, columns=WHERE)
    ann, bob = sessions.to_pylist()
    # 60 s, and 60 s at twice the speed, of which 30 s again.
    assert (ann["watchTime"], ann["playTime"], ann["uniqueSecondsWatched"]) == (120.0, 90.0, 90.0)
    assert ann["replayedIntervals"] == [{"start": 30.0, "end": 60.0}]
    assert bob["watchedIntervals"] == [{"start": 60.0, "end": 90.0}]
    figures = ws.report(sessions)
    assert figures["dropped"]["invalid_position"] == 1 and figures["dropped"]["null_key"] == 1
    rows = ws.engagement(sessions, videos={"videoId": ["v1"], "duration": [90]}).to_pylist()
    assert [(row["userId"], row["watchPercentage"], row["completionCount"]) for row in rows] == [
        ("ann", 133.33, 1),
        ("bob", 33.33, 1),
    ]
    curve = ws.retention(sessions, videos={"videoId": ["v1"], "duration": [100]}, buckets=10)
    assert curve["audience"].to_pylist() == [1, 1, 1, 1, 1, 1, 2, 2, 2, 0]
    assert sum(curve["plays"].to_pylist()) * 10 == ann["watchTime"] + bob["watchTime"]


def test_times_cut_sessions_and_tell_retries():
    intervals = {
        "userId": ["ann"] * 4, "videoId": ["v"] * 4, "start": [0, 0, 60, 0], "end": [60, 60, 70, 60],
        "timestamp": [86400, 86400, 87400, 96400],
    }  # fmt: skip
    where = {"timestamp": ws.Column(unit="s")}
    first, later = ws.sessions_of_intervals(intervals, columns=where).to_pylist()
    assert (first["watchTime"], first["eventCount"], later["watchTime"]) == (70.0, 2, 60.0)
    assert first["sessionId"] == "1970-01-02T00:00:00.000000Z"
    assert later["sessionStart"].isoformat() == "1970-01-02T02:46:40+00:00"
    ids = {**intervals, "sessionId": ["a"] * 4}
    (row,) = ws.sessions_of_intervals(ids, columns=where).to_pylist()
    assert (row["sessionId"], row["watchTime"]) == ("a", 130.0)


def test_files_and_paths_are_read(tmp_path):
    path = tmp_path / "played.jsonl"
    path.write_text(
        '{"actor": {"id": "ann"}, "video": "v", "part": ["12.5", "20"]}\nnot json\n'
        '{"actor": {"id": "ann"}, "video": "v", "part": ["20", "30"]}\n'
    )
    where = {"userId": "actor.id", "videoId": "video", "start": "part[0]", "end": "part[1]"}
    table = ws.sessions_of_intervals(path, columns=where)
    assert table["watchedIntervals"].to_pylist() == [[{"start": 12.5, "end": 30.0}]]
    assert ws.report(table)["dropped"]["unreadable"] == 1


def test_what_is_missing_is_said_in_words_of_intervals():
    table = pa.table({"userId": ["ann"], "videoId": ["v"], "begin": [0.0], "end": [1.0]})
    with pytest.raises(MissingColumnError, match='The table of intervals has no column "start"; it has'):
        ws.sessions_of_intervals(table)
    with pytest.raises(OptionError, match="'eventName', which is not a column of intervals"):
        ws.sessions_of_intervals(table, columns={"eventName": "x"})
    assert ws.sessions_of_intervals(table.slice(0, 0), columns={"start": "begin"}).num_rows == 0
