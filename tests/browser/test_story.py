"""The way from a player page to a decision: each command of docs/story.md runs, on what a browser sent."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

import pyarrow.parquet as pq
from deltalake import DeltaTable

import watchspan as ws
from support.lesson_server import lesson_server
from support.live_tables import served

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STORY = (ROOT / "docs" / "story.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "tracker"
FILES = {
    "/": EXAMPLE / "index.html",
    "/tracker.js": EXAMPLE / "tracker.js",
    "/lesson.webm": HERE / "lesson.webm",
}
VIEWERS = 60


def watched(browser):
    """What the tracker sends of somebody who watches the lesson for some seconds and leaves."""
    with lesson_server(FILES) as server:
        page = browser.new_page()
        page.goto(server.url + "/")
        page.wait_for_function("player.readyState >= 3")
        page.evaluate("player.play()")
        page.wait_for_function("player.currentTime > 3")
        page.close()
        for _ in range(200):
            if any("pagehide" in body for body in server.bodies):
                break
            page = browser.new_page()
            page.close()
        return [json.loads(line) for body in server.bodies for line in body.splitlines()]


def commands():
    """The commands of the page and its one block of Python, in order."""
    for language, block in re.findall(r"^```(sh|python)\n(.*?)^```", STORY, re.DOTALL | re.MULTILINE):
        yield from (
            [("python", block)]
            if language == "python"
            else [("sh", line) for line in block.splitlines() if line.startswith("watchspan ")]
        )


def test_each_step_runs(browser, tmp_path):
    records = watched(browser)
    assert {"play", "pagehide"} <= {record["type"] for record in records}
    with (tmp_path / "events.jsonl").open("w", encoding="utf-8") as lines:
        for viewer in range(VIEWERS):
            for record in records:
                told = {**record, "userId": f"user-{viewer}", "sessionId": f"{record['sessionId']}-{viewer}"}
                lines.write(json.dumps(told) + "\n")
    groups = [f"user-{viewer},{('control', 'treatment')[viewer % 2]}\n" for viewer in range(2 * VIEWERS)]
    (tmp_path / "groups.csv").write_text("userId,group\n" + "".join(groups), encoding="utf-8")
    said = {}
    for language, text in commands():
        name = text.split()[1]
        if name == "serve":
            table = str(tmp_path / shlex.split(text)[2])
            with served(table) as address, urllib.request.urlopen(address, timeout=60) as answer:
                assert answer.status == 200
            said[name] = ""
            continue
        command = ["-c", text] if language == "python" else ["-m", "watchspan", *shlex.split(text)[1:]]
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (text, done.stderr)
        said[name] = done.stdout
    expected = {"check", "aggregate", "update", "serve", "report", "totals", "moments", "compare"}
    assert expected <= set(said)
    assert "preset html5" in said["check"]
    rows = pq.read_table(tmp_path / "engagement.parquet")
    assert ws.report(rows)["read"] == ws.report(rows)["kept"] == VIEWERS * len(records)
    kept = ws.video_totals(DeltaTable(str(tmp_path / "engagement")))
    assert kept.to_pylist() == ws.video_totals(rows).to_pylist()
    assert kept["viewers"].to_pylist() == [VIEWERS]
    assert "watchTimePerUser" in said["compare"] and "treatment" in said["compare"]
