"""The tracker of examples/tracker in a browser: what it sends gives the row that the page itself measured.

`lesson.webm` is ffmpeg's test picture: 60 seconds, 96 x 54 points, 5 pictures a second, VP8, no sound.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import watchspan as ws
from support.lesson_server import lesson_server

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "tracker"
FILES = {
    "/": EXAMPLE / "index.html",
    "/tracker.js": EXAMPLE / "tracker.js",
    "/lesson.webm": HERE / "lesson.webm",
}
# Knows nothing of the tracker: it looks at the player fifty times a second. A jump is no playback.
MEASURE = """() => {
  const player = document.getElementById("player");
  window.measured = { watched: 0, clock: 0 };
  let position = player.currentTime, at = performance.now();
  setInterval(() => {
    const moved = player.currentTime - position, took = (performance.now() - at) / 1000;
    if (moved > 0 && moved < 1) {
      measured.watched += moved;
      measured.clock += took;
    }
    position = player.currentTime;
    at = performance.now();
  }, 20);
}"""
READ = """() => {
  const played = player.played;
  let unique = 0;
  for (let i = 0; i < played.length; i++) unique += played.end(i) - played.start(i);
  return { ...measured, unique, position: player.currentTime };
}"""
DRAG = """for (const to of [20, 40, 57]) {
  player.currentTime = to;
  await new Promise((go) => setTimeout(go, 100));
}"""
# Positions are told a few times a second, and the player runs on while the page is being closed.
TOLERANCE = 1.0


class Viewer:
    """Somebody at the example's page, and what the page measured until it was closed."""

    def __init__(self, browser, server):
        self.page = browser.new_page()
        self.page.goto(server.url + "/")
        self.page.wait_for_function("player.readyState >= 3")
        self.page.evaluate(MEASURE)

    def do(self, script, then_wait=0.0):
        """Runs `script` with the player at hand, and lets time pass."""
        self.page.evaluate(f"async () => {{ {script}; }}")
        self.page.wait_for_timeout(then_wait * 1000)

    def leave(self):
        """Closes the page in the middle of whatever it does; returns what it measured."""
        measured = self.page.evaluate(READ)
        self.page.close()
        return measured


def received(server, sessions):
    """The records that arrived, once that many sessions have told that they are over."""
    deadline = time.monotonic() + 5
    while True:
        records = [json.loads(line) for body in list(server.bodies) for line in body.splitlines()]
        if len({each["sessionId"] for each in records if each["type"] == "pagehide"}) == sessions:
            return records
        assert time.monotonic() < deadline, f"No close arrived; what did: {records}"
        time.sleep(0.05)


def aggregated(server, tmp_path):
    """The row of all that arrived, read from a file as anybody would."""
    path = tmp_path / "events.jsonl"
    path.write_text("".join(server.bodies), encoding="utf-8")
    rows = ws.aggregate(path, preset="html5", rules=ws.Rules(heartbeat_seconds=11))
    assert ws.report(rows)["read"] == ws.report(rows)["kept"] > 0
    (row,) = rows.to_pylist()
    return row


def test_two_visits_give_the_row_that_the_page_measured(browser, tmp_path):
    with lesson_server(FILES) as server:
        viewer = Viewer(browser, server)
        viewer.do("await player.play()", then_wait=11)
        viewer.do("player.pause()", then_wait=0.5)
        viewer.do("await player.play()", then_wait=1)
        viewer.do("player.currentTime = 30", then_wait=2)
        viewer.do("player.playbackRate = 2", then_wait=3)
        first = viewer.leave()
        records = received(server, sessions=1)
        told = [record["type"] for record in records if record["type"] != "timeupdate"]
        assert told == ["play", "pause", "play", "seeking", "ratechange", "pagehide"]
        assert records[1]["type"] == "timeupdate"
        assert records[1]["currentTime"] == pytest.approx(10, abs=TOLERANCE)
        assert (records[0]["userId"], records[0]["videoId"], records[0]["duration"]) == ("ann", "lesson", 60)
        (seek,) = (record for record in records if record["type"] == "seeking")
        assert seek["currentTime"] == pytest.approx(30, abs=0.1)
        assert seek["seekFrom"] == pytest.approx(12, abs=TOLERANCE)
        # The close is the last word: without it nothing proves what played since the change of speed.
        assert records[-1]["currentTime"] == pytest.approx(first["position"], abs=TOLERANCE)
        assert [json.loads(line)["type"] for line in server.beacons[-1].splitlines()][-1] == "pagehide"

        viewer = Viewer(browser, server)
        viewer.do("await player.play()", then_wait=1)
        # A bar that is dragged: one seek, whatever it passes.
        viewer.do(DRAG)
        viewer.page.wait_for_function("player.ended")
        viewer.do("player.currentTime = 3; await player.play()", then_wait=1.5)
        second = viewer.leave()
        received(server, sessions=2)
        row = aggregated(server, tmp_path)

    watched, clock = (first[each] + second[each] for each in ("watched", "clock"))
    assert watched > 22
    assert row["totalWatchTime"] == pytest.approx(watched, abs=TOLERANCE)
    # The second visit saw 0 to 1 and 3 to 4.5 again.
    assert row["totalUniqueSecondsWatched"] == pytest.approx(first["unique"] + 3, abs=TOLERANCE)
    assert row["totalWatchTime"] / row["totalPlayTime"] == pytest.approx(watched / clock, abs=0.1)
    assert row["unobservedWatchTime"] < TOLERANCE
    assert (row["sessionCount"], row["completionCount"]) == (2, 1)
    assert (row["totalForwardSkips"], row["totalBackwardSkips"]) == (2, 1)
    assert (row["rejectedSegmentCount"], row["openSegmentCount"]) == (0, 0)
    assert (row["videoDuration"], row["durationSource"]) == (60, "reported")


def test_a_page_that_plays_nothing_sends_nothing(browser):
    with lesson_server(FILES) as server:
        viewer = Viewer(browser, server)
        viewer.do("player.playbackRate = 1.5; player.currentTime = 20", then_wait=0.5)
        viewer.leave()
        time.sleep(1)
        assert server.bodies == []


def test_what_a_server_refused_is_sent_again(browser):
    with lesson_server(FILES) as server:
        viewer = Viewer(browser, server)
        viewer.page.route("**/events", lambda route: route.fulfill(status=503))
        viewer.do("await player.play()", then_wait=5.5)
        assert server.bodies == []
        viewer.page.unroute("**/events")
        viewer.leave()
        assert [record["type"] for record in received(server, sessions=1)] == ["play", "pagehide"]


def test_a_viewing_ends_where_the_page_says_so(browser):
    with lesson_server(FILES) as server:
        viewer = Viewer(browser, server)
        # It plays already, as after a change of the video on a page that stays.
        viewer.do("await player.play()")
        viewer.do(
            """const { track } = await import("/tracker.js");
            const about = { url: "/events", userId: "bob", videoId: "next", heartbeatSeconds: 0.5 };
            window.stop = track(player, about)""",
            then_wait=1.5,
        )
        viewer.do("stop(); player.pause()", then_wait=0.5)
        viewer.leave()
        bobs = [record for record in received(server, sessions=2) if record["userId"] == "bob"]
        told = [record["type"] for record in bobs]
        assert told[0] == "play"
        assert told[-1] == "pagehide"
        assert set(told[1:-1]) == {"timeupdate"}
