"""The queries about one question each, on small stories whose answers are computed by hand.

A line of a story: seconds after 10:00 on 2026-01-15, user, video, session, event, position, other values. An
event whose position is - tells none.
Each story holds what a simpler query gets wrong: a second user right behind the first, overlaps, ties.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Dict, List, Sequence

import watchspan as ws
from support.insights import Row, tables
from support.kusto import Kusto
from watchspan import kql

START = dt.datetime(2026, 1, 15, 10)
VIDEOS = {"videoId": ["v1"], "duration": [100.0], "title": ["One"]}
DAY = 86_400


def at(seconds: float) -> str:
    return (START + dt.timedelta(seconds=seconds)).isoformat(timespec="microseconds") + "0Z"


def events(story: str) -> List[Row]:
    rows = []
    for line in story.strip().splitlines():
        time, user, video, session, name, position, *more = line.split()
        row: Row = {
            "timestamp": 1_768_471_200_000_000 + int(float(time) * 1_000_000),
            "userId": user,
            "videoId": video,
            "sessionId": session,
            "eventName": name,
            "currentTime": None if position == "-" else float(position),
        }
        rows.append({**row, **dict(pair.split("=") for pair in more)})
    rows.reverse()  # the order of rows says nothing
    return rows


def check(kusto: Kusto, name: str, story: str, expected: Sequence[Sequence[Any]], **options: Any) -> None:
    """The query's rows are these, in this order."""
    found = kusto.run(kql.query(name, **options), tables(events(story)))
    columns = [column for column, _ in found.columns]
    assert [dict(zip(columns, row)) for row in expected] == [_rounded(row) for row in found.records]


def _rounded(row: Dict[str, Any]) -> Dict[str, Any]:
    return {key: round(value, 9) if isinstance(value, float) else value for key, value in row.items()}


def test_watch_time(kusto: Kusto) -> None:
    """160 seconds in two sessions, of which 120 are different ones; a pause is no watch time."""
    story = """
        0 ann v1 s1 play 0
        100 ann v1 s1 pause 100
        110 ann v1 s1 resume 100
        130 ann v1 s1 ended 120
        600 ann v1 s2 play 10
        640 ann v1 s2 pause 50
        700 ann v0 s2 play 0
        705 ann v0 s2 pause 5
        0 bob v1 s1 play 0
        10 bob v1 s1 pause 10"""
    rows = [
        ["ann", "v0", 1, 5, 5, 0, 5, 0, at(700), at(705)],
        ["ann", "v1", 2, 160, 120, 40, 160, 0, at(0), at(640)],
        ["bob", "v1", 1, 10, 10, 0, 10, 0, at(0), at(10)],
    ]
    check(kusto, "watch_time", story, rows)


def test_incomplete_sessions(kusto: Kusto) -> None:
    story = """
        0 ann v1 s1 play 0
        100 ann v1 s1 ended 100
        200 ann v1 s2 play 0
        230 ann v1 s2 heartbeat 30
        1000 ann v1 s3 play 0
        1020 ann v1 s3 close 20
        2000 ann v1 s4 play 0
        2040 ann v1 s4 pause 40
        3000 ann v1 s5 play 0
        3060 ann v1 s5 ended 60
        4000 ann v1 s6 play 0
        4050 ann v1 s6 close -
        5000 ann v1 s7 play 0
        5100 ann v1 s7 ended -
        240 ann v2 s2 play 0
        245 ann v2 s2 close 5
        9 bob v2 s8 pause 1
        9 bob v2 s7 pause 1"""
    rows = [
        # The next video in that session bounds what may have been watched.
        ["ann", "v1", "s2", at(200), at(230), "nothing", 30, 100, 30, 10],
        ["ann", "v1", "s3", at(1000), at(1020), "close", 20, 100, 20, 0],
        ["ann", "v1", "s4", at(2000), at(2040), "pause", 40, 100, 40, 0],
        ["ann", "v1", "s5", at(3000), at(3060), "end", 60, 100, 60, 0],
        # It likely got that far, but nothing shows it; s7 likely got to the end.
        ["ann", "v1", "s6", at(4000), at(4050), "close", 50, 100, 0, 0],
        ["ann", "v2", "s2", at(240), at(245), "close", 5, 5, 5, 0],
        ["bob", "v2", "s7", at(9), at(9), "pause", 1, 5, 0, 0],
        ["bob", "v2", "s8", at(9), at(9), "pause", 1, 5, 0, 0],
    ]
    check(kusto, "incomplete_sessions", story, rows, videos=VIDEOS)


SKIPS = """
    0 ann v1 s1 play 0
    30 ann v1 s1 seek 100 seekFrom=30
    40 ann v1 s1 pause 110
    50 ann v1 s1 resume 50
    60 ann v1 s1 pause 60
    70 ann v1 s1 resume 60
    75 ann v1 s1 heartbeat 200
    0 cid v1 s1 play 0
    10 cid v1 s1 pause -
    20 cid v1 s1 resume 90
    60 bob v1 s1 play 0
    70 bob v1 s1 pause 10
    80 bob v1 s1 resume 15
    90 bob v1 s1 pause 25
    95 bob v1 s1 resume 23
    99 bob v1 s1 pause 27
    50 bob v0 s1 pause 20
    55 bob v0 s1 resume 0
    57 bob v0 s1 seek 40 seekFrom=10"""


def test_skips(kusto: Kusto) -> None:
    """bob's first event is no jump from ann's last one; 5 seconds ahead and 2 back are no skips yet.

    Where cid paused is not known.

    On v0 one event shows two skips: the position before the seek was impossible.
    """
    rows = [
        ["ann", "v1", "s1", at(30), 30, 100, 70, "forward"],
        ["ann", "v1", "s1", at(50), 110, 50, -60, "backward"],
        ["ann", "v1", "s1", at(75), 60, 200, 140, "forward"],
        ["bob", "v0", "s1", at(55), 20, 0, -20, "backward"],
        ["bob", "v0", "s1", at(57), 0, 10, 10, "forward"],
        ["bob", "v0", "s1", at(57), 10, 40, 30, "forward"],
    ]
    check(kusto, "skips", SKIPS, rows)
    check(
        kusto, "skips", SKIPS, rows[2:3], rules=ws.Rules(forward_skip_seconds=100, backward_skip_seconds=100)
    )


def test_session_timeouts(kusto: Kusto) -> None:
    """Silence is that of the user, not of a video; after the last event it lasts until anybody's last.

    cid was silent, but watched on.
    """
    story = """
        0 ann v1 s1 play 0
        30 ann v1 s1 pause 30
        40 ann v2 s1 play 0
        50 ann v2 s1 heartbeat 10
        1851 ann v1 s1 resume 30
        1861 ann v1 s1 pause 40
        3661 ann v1 s1 resume 40
        100 bob v1 s1 play 0
        110 bob v1 s1 pause 10
        0 cid v1 s1 play 0
        3600 cid v1 s1 heartbeat 3600"""
    rows = [
        ["ann", "v2", "s1", at(50), 10, True, at(1851), 1801],
        ["bob", "v1", "s1", at(110), 10, False, None, 3551],
    ]
    check(kusto, "session_timeouts", story, rows)
    started = "@2026-01-15T10:{}:{}.000000Z"
    rows = [
        ["ann", "v2", "s1" + started.format("00", "00"), at(50), 10, True, at(1851), 1801],
        ["ann", "v1", "s1" + started.format("30", "51"), at(1861), 40, False, at(3661), 1800],
        ["bob", "v1", "s1" + started.format("01", "40"), at(110), 10, False, None, 3551],
    ]
    check(kusto, "session_timeouts", story, rows, rules=ws.Rules(session_timeout_seconds=1700))


def test_tab_switches(kusto: Kusto) -> None:
    """A pause is no gap, with or without heartbeats, and at double speed 20 seconds of content pass in 10."""
    story = """
        0 ann v1 s1 play 0
        10 ann v1 s1 heartbeat 10
        40 ann v1 s1 heartbeat 12
        50 ann v1 s1 pause 22
        500 ann v1 s1 resume 22
        505 ann v1 s1 pause 27
        600 ann v1 s1 heartbeat 27
        0 bob v0 s1 play 0
        15 bob v0 s1 heartbeat 1
        35 bob v0 s1 heartbeat 2
        40 bob v0 s1 seek 9 seekFrom=3
        99 bob v0 s1 seek 20 seekFrom=10
        0 bob v0 s0 play 0
        15 bob v0 s0 heartbeat 1
        0 bob v1 s1 play 0 playbackRate=2
        20 bob v1 s1 heartbeat 20
        30 bob v1 s1 pause 40
        0 cid v1 s1 play 0
        20 cid v1 s1 rate_change - playbackRate=2
        40 cid v1 s1 pause 30"""
    rows = [
        ["ann", "v1", "s1", at(10), at(40), 10, 30, 2, 28],
        ["bob", "v0", "s0", at(0), at(15), 0, 15, 1, 14],
        ["bob", "v0", "s1", at(0), at(15), 0, 15, 1, 14],
        ["bob", "v0", "s1", at(15), at(35), 1, 20, 1, 19],
        ["bob", "v0", "s1", at(40), at(99), 9, 59, 1, 58],
        ["bob", "v1", "s1", at(0), at(20), 0, 20, 20, 10],
        # 60 seconds of content could have passed; the change of speed tells no position.
        ["cid", "v1", "s1", at(0), at(40), 0, 40, 30, 20],
    ]
    check(kusto, "tab_switches", story, rows)
    longest = [rows[0], rows[4], rows[6]]
    check(kusto, "tab_switches", story, longest, settings={"min_gap_seconds": 20})


def test_page_refreshes(kusto: Kusto) -> None:
    """bob has no session before, although ann's stands right before his."""
    story = """
        0 ann v1 s1 play 0
        40 ann v1 s1 heartbeat 40
        45 ann v1 s2 play 41
        55 ann v1 s2 pause 51
        60 bob v1 s3 play 50
        70 bob v1 s3 pause 60
        0 cid v1 s4 play 0
        30 cid v1 s4 pause 30
        4000 cid v1 s5 play 30
        4005 cid v1 s5 pause 35
        0 dan v1 s6 pause 10
        60 dan v1 s7 pause 75
        60 dan v1 s8 pause 5
        70 dan v0 s8 pause 4
        200 dan v0 s9 pause 7
        0 eve v1 s1 close -
        10 eve v1 s2 play 40"""
    rows = [
        ["ann", "v1", "s2", at(45), 41, "s1", 40, 5, True],
        ["bob", "v1", "s3", at(60), 50, "", None, None, False],
        ["cid", "v1", "s5", at(4000), 30, "s4", 30, 3970, False],
        ["dan", "v0", "s9", at(200), 7, "s8", 4, 130, False],
        ["dan", "v1", "s6", at(0), 10, "", None, None, False],
        # As late, and as far, as it can be.
        ["dan", "v1", "s7", at(60), 75, "s6", 10, 60, True],
        ["dan", "v1", "s8", at(60), 5, "s7", 75, 0, False],
        ["eve", "v1", "s2", at(10), 40, "s1", None, 10, False],
    ]
    check(kusto, "page_refreshes", story, rows)


def test_binge(kusto: Kusto) -> None:
    """A video counts once a day, however often it is watched, and not if it was hardly watched."""
    watched = [(0, "ann", "v1", 20), (100, "ann", "v2", 20), (200, "ann", "v3", 20), (300, "ann", "v4", 9)]
    watched += [(DAY, "ann", "v1", 20), (0, "bob", "v1", 20), (500, "bob", "v1", 20), (900, "bob", "v2", 10)]
    lines = []
    for start, user, video, seconds in watched:
        lines.append(f"{start} {user} {video} s{start} play 0")
        lines.append(f"{start + seconds} {user} {video} s{start} pause {seconds}")
    rows = [
        ["ann", "2026-01-15T00:00:00.0000000Z", 3, 60, True],
        ["ann", "2026-01-16T00:00:00.0000000Z", 1, 20, False],
        ["bob", "2026-01-15T00:00:00.0000000Z", 2, 50, False],
    ]
    check(kusto, "binge", "\n".join(lines), rows)


def test_video_switches(kusto: Kusto) -> None:
    """Going on with the same video is no switch, nor is what another session or user does."""
    story = """
        0 ann v1 s1 play 0
        10 ann v1 s1 pause 10
        15 ann v2 s1 play 5
        25 ann v2 s1 pause 15
        30 ann v2 s1 resume 15
        35 ann v2 s1 pause 20
        60 ann v1 s1 play 10
        100 ann v3 s2 play 0
        70 bob v2 s1 play 0
        80 bob v4 s1 play 0
        80 bob v3 s1 play 0
        90 bob v1 s0 play 0
        95 bob v2 s0 play 0"""
    rows = [
        ["ann", "s1", at(15), "v1", "v2", 5, 15],
        ["ann", "s1", at(60), "v2", "v1", 10, 30],
        ["bob", "s0", at(95), "v1", "v2", 0, 5],
        ["bob", "s1", at(80), "v2", "v3", 0, 10],
        ["bob", "s1", at(80), "v3", "v4", 0, 0],
    ]
    check(kusto, "video_switches", story, rows)


def test_overlapping_playback(kusto: Kusto) -> None:
    """Stretches that a heartbeat splits are one; those that only touch, and other users', do not overlap.

    A change of speed that tells no position ends none.
    """
    story = """
        0 ann v1 s1 play 0
        60 ann v1 s1 pause 60
        30 ann v2 s2 play 0
        40 ann v2 s2 rate_change -
        50 ann v2 s2 heartbeat 20
        80.5 ann v2 s2 pause 50.5
        80.5 ann v3 s1 play 0
        90 ann v3 s1 pause 9.5
        0 bob v1 s1 play 0
        100 bob v1 s1 pause 100
        10 bob v1 s2 play 0
        20 bob v1 s2 pause 10
        10 bob v0 s3 play 0
        15 bob v0 s3 pause 5"""
    rows = [
        ["ann", "v1", "s1", "v2", "s2", at(30), at(60), 30],
        ["bob", "v0", "s3", "v1", "s1", at(10), at(15), 5],
        ["bob", "v0", "s3", "v1", "s2", at(10), at(15), 5],
        ["bob", "v1", "s1", "v1", "s2", at(10), at(20), 10],
    ]
    check(kusto, "overlapping_playback", story, rows)


def test_replays(kusto: Kusto) -> None:
    story = """
        0 ann v1 s1 play 0
        60 ann v1 s1 ended 60
        70 ann v1 s1 play 0
        90 ann v1 s1 pause 20
        0 bob v1 s1 play 0
        10 bob v1 s1 pause 10
        100 bob v1 s2 play 10
        110 bob v1 s2 pause 20
        0 cid v1 s1 play 0
        10 cid v1 s1 pause 10
        20 cid v1 s1 resume 10
        30 cid v1 s1 pause 20
        0 bob v0 s1 ended 60
        10 bob v0 s1 play 0
        10 bob v0 s1 ended 0
        20 bob v0 s1 play 0
        20 bob v0 s1 close 0"""
    # At one instant an end or a close comes before a play, so that bob starts v0 once after its end.
    rows = [
        ["ann", "v1", 1, 1, 0, 20, False],
        ["bob", "v0", 1, 1, 0, 0, False],
        ["bob", "v1", 2, 0, 0, 0, True],
    ]
    check(kusto, "replays", story, rows)


def test_returns_within_hour(kusto: Kusto) -> None:
    """An hour later is within, a second more is not; another user's end is not one's own."""
    story = """
        0 bob v1 s1 play 0
        10 bob v1 s1 pause 10
        3610 bob v1 s2 play 10
        3620 bob v1 s2 pause 20
        7221 bob v1 s3 play 20
        7225 bob v1 s3 pause 24
        7230 cid v1 s4 play 0
        7240 cid v1 s4 pause 10
        7300 cid v2 s5 play 0
        50 ann v2 s1 pause 1
        60 ann v2 s3 pause 2
        60 ann v2 s2 pause 3
        40 ann v1 s1 pause 4
        45 ann v1 s4 pause 5"""
    rows = [
        ["ann", "v1", "s4", "s1", at(40), at(45), 5, 4, 5],
        ["ann", "v2", "s2", "s1", at(50), at(60), 10, 1, 3],
        ["ann", "v2", "s3", "s2", at(60), at(60), 0, 3, 2],
        ["bob", "v1", "s2", "s1", at(10), at(3610), 3600, 10, 10],
    ]
    check(kusto, "returns_within_hour", story, rows)


def test_resume_position(kusto: Kusto) -> None:
    story = """
        0 ann v1 s1 play 0
        100 ann v1 s1 pause 100
        1000 ann v1 s2 play 98
        1012 ann v1 s2 pause 110
        2000 ann v1 s3 play 0
        2005 ann v1 s3 pause 5
        3000 ann v1 s4 play 60
        3002 ann v1 s4 pause 62
        4000 bob v1 s1 play 62
        5000 bob v1 s2 pause 57
        6000 bob v1 s4 pause 5
        6000 bob v1 s3 pause 5
        7000 bob v0 s5 pause 8
        8000 bob v0 s6 pause 8
        0 cid v1 s1 close -
        100 cid v1 s2 play 20
        130 cid v1 s2 close -
        200 cid v1 s3 rate_change -
        201 cid v1 s3 play 50
        210 cid v1 s4 pause -"""
    rows = [
        ["ann", "v1", "s2", at(1000), 100, 98, "resumed"],
        ["ann", "v1", "s3", at(2000), 110, 0, "start"],
        ["ann", "v1", "s4", at(3000), 5, 60, "elsewhere"],
        ["bob", "v0", "s6", at(8000), 8, 8, "resumed"],
        ["bob", "v1", "s2", at(5000), 62, 57, "resumed"],
        ["bob", "v1", "s3", at(6000), 57, 5, "start"],
        ["bob", "v1", "s4", at(6000), 5, 5, "start"],
        ["cid", "v1", "s2", at(100), None, 20, "unknown"],
        ["cid", "v1", "s3", at(200), 50, 50, "resumed"],
        ["cid", "v1", "s4", at(210), 50, None, "unknown"],
    ]
    check(kusto, "resume_position", story, rows)


def test_autoplay(kusto: Kusto) -> None:
    """The first start of a session says what began it."""
    story = """
        0 ann v1 s1 play 0 auto=True
        4 ann v1 s1 pause 4
        10 ann v1 s1 resume 4 auto=False
        11 ann v1 s1 pause 5
        0 bob v1 s2 play 0 auto=False
        30 bob v1 s2 pause 30
        0 cid v1 s3 play 0 auto=true
        60 cid v1 s3 ended 60
        0 bob v0 s4 play 0
        10 bob v0 s4 pause 10
        20 bob v0 s5 play 0
        29 bob v0 s5 pause 9"""
    rows = [["v0", False, 2, 1, 50, 9.5, 0], ["v1", False, 1, 1, 100, 30, 0], ["v1", True, 2, 1, 50, 32.5, 1]]
    settings = {"property_autoplay": "auto"}
    check(kusto, "autoplay", story, rows, settings=settings, videos={"videoId": ["v0"], "duration": [60.0]})


def test_ignored_videos(kusto: Kusto) -> None:
    """Two showings are one user, and a start before the showing does not count."""
    story = """
        100 ann v1 s1 video_shown 0
        110 ann v1 s1 play 0
        0 bob v1 s1 play 0
        100 bob v1 s1 video_impression 0
        100 cid v1 s1 video_shown 0
        200 cid v1 s1 video_shown 0
        100 dan v1 s1 video_shown 0
        110 dan v1 s1 play 0
        200 dan v1 s1 video_shown 0
        0 eve v1 s1 play 0
        100 eve v1 s1 video_shown 0
        150 eve v1 s1 play 0
        100 ann v3 s1 video_shown 0
        100 ann v3 s1 play 0
        100 ann v2 s1 video_shown 0
        100 ann v2 s1 play 0"""
    rows = [["v1", 5, 3, 2, 40], ["v2", 1, 1, 0, 0], ["v3", 1, 1, 0, 0]]
    check(kusto, "ignored_videos", story, rows)
    settings = {"shown_names": ["video_impression"]}
    check(kusto, "ignored_videos", story, [["v1", 1, 0, 1, 100]], settings=settings)


AUDIENCE = """
    0 ann v1 s1 play 0
    100 ann v1 s1 ended 100
    0 bob v1 s1 play 0
    25 bob v1 s1 pause 25"""


def test_video_performance(kusto: Kusto) -> None:
    """bob and ann come back to skip, without watching more; that bob paused elsewhere is a skip too."""
    more = """
        200 ann v1 s1 resume 50
        201 ann v1 s1 close 50
        400 ann v1 s1 resume 60
        401 ann v1 s1 close 60
        300 bob v1 s1 pause 10
        310 bob v1 s1 seek 0
        310 bob v1 s1 seek 20
        0 bob v0 s1 pause 0"""
    rows = [
        ["v0", "", None, 1, 1, 0, 0, None, 0, 0, 0, 0, None],
        ["v1", "One", 100, 2, 2, 125, 62.5, 62.5, 1, 50, 2, 2, (90 + 17.5) / 2],
    ]
    check(kusto, "video_performance", AUDIENCE + more, rows, videos=VIDEOS)


def test_completion_funnel(kusto: Kusto) -> None:
    """cid skips to 90 of 100 seconds: reached, and not watched."""
    skipper = """
        0 cid v1 s1 play 0
        10 cid v1 s1 seek 90 seekFrom=10
        12 cid v1 s1 pause 92"""
    steps = [(0, 3, 100, 3), (25, 2, 66.67, 3), (50, 1, 33.33, 2), (75, 1, 33.33, 2), (95, 1, 33.33, 1)]
    skipper += "\n0 cid v0 s1 pause 1"  # nothing watched, and its duration a guess
    rows = [["v0", step, 1, int(step == 0), 100 * int(step == 0), 1] for step, *_ in steps]
    rows += [["v1", step, 3, watched, share, reached] for step, watched, share, reached in steps]
    check(kusto, "completion_funnel", AUDIENCE + skipper, rows, videos=VIDEOS)


def test_engagement_over_time(kusto: Kusto) -> None:
    """A session over two days is one of each, and its user one of each."""
    story = f"""
        0 ann v1 s1 play 0
        20 ann v1 s1 pause 20
        30 ann v1 s1 resume 20
        35 ann v1 s1 pause 25
        {DAY} ann v1 s1 resume 20
        {DAY + 10} ann v1 s1 pause 30
        {DAY} bob v1 s1 play 0
        {DAY + 10} bob v1 s1 ended 10
        {DAY + 20} bob v2 s1 play 0
        {DAY + 30} bob v2 s1 ended 10
        {DAY + 30} cid v2 s1 ended 10"""
    rows = [
        ["2026-01-15T00:00:00.0000000Z", 1, 1, 25, 25, 0],
        ["2026-01-16T00:00:00.0000000Z", 3, 4, 30, 10, 3],
    ]
    check(kusto, "engagement_over_time", story, rows)


def test_top_videos(kusto: Kusto) -> None:
    """Most first, and of equals the first by name."""
    story = """
        0 ann v1 s1 play 0
        30 ann v1 s1 pause 30
        0 ann v3 s2 play 0
        50 ann v3 s2 pause 50
        0 bob v2 s1 play 0
        20 bob v2 s1 pause 20
        0 cid v2 s1 play 0
        30 cid v2 s1 pause 30"""
    rows = [[1, "v2", "", 50, 2, 2], [2, "v3", "", 50, 1, 1]]
    check(kusto, "top_videos", story, rows, settings={"top_count": 2})


def test_retention(kusto: Kusto) -> None:
    """Who watches a part in two sessions, or again, is one of its audience, and two of its plays."""
    story = """
        0 ann v1 s1 play 0
        50 ann v1 s1 pause 50
        60 ann v1 s1 resume 40
        70 ann v1 s1 pause 50
        0 bob v1 s1 play 25
        25 bob v1 s1 pause 50
        900 bob v1 s2 play 25
        925 bob v1 s2 pause 50"""
    parts = [(1, 0.5, 1), (2, 1, 3.4), (0, 0, 0), (0, 0, 0)]
    rows = [
        ["v1", "One", 100, 2, number, number * 25, number * 25 + 25, *part]
        for number, part in enumerate(parts)
    ]
    check(kusto, "retention", story, rows, videos=VIDEOS, settings={"bucket_count": 4})


def test_dropped_events(kusto: Kusto) -> None:
    given = tables(
        events("""
        0 ann v1 s1 play 0
        10 ann v1 s1 pause 10
        10 ann v1 s1 pause 10
        10 ann v2 s1 pause 10
        10 bob v1 s1 pause 10
        20 ann v1 s1 click 0
        20 ann v1 s1 seek -1
        20 ann v1 s1 pause -1
        20 ann v1 s1 pause -
        20 ann null s1 pause 1""")
    )
    schema, rows = given["AppEvents"]
    sampled = [[5 if row[1] == "pause" and row[6] == "bob" else one for one in row[4:5]] for row in rows]
    rows = [[*row[:4], *count, *row[5:]] for row, count in zip(rows, sampled)]
    found = kusto.run(kql.query("dropped_events"), {"AppEvents": (schema, rows)}).rows
    reasons = ["invalid_position", "null_key", "unknown_event"]
    assert found == [["kept", 5, 1], ["duplicate", 2, 0], *([reason, 1, 0] for reason in reasons)]


def test_every_query_has_its_story() -> None:
    """Those that equal the engine's tables have theirs in test_equal.py."""
    told = {name for name in kql.names() if f"test_{name}" in globals()}
    assert set(kql.names()) - told == {"engagement", "sessions"}
