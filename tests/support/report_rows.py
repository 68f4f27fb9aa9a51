"""Rows for pages that are looked at: many viewers, and titles that nobody should obey."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa

import watchspan as ws

FIRST_DAY = 1_767_225_600
HOSTILE = {
    "v0": '</script><script>window.broken = "script"</script>',
    "v1": "<img src=x onerror=\"window.broken='handler'\">",
    "v2": "\u202eevitcepsrep",
    "v3": '=HYPERLINK("http://127.0.0.1","x")',
    "v4": "مقدمة في الجبر",
    "=v5": "{{constructor.constructor('window.broken=1')()}} & <!-- <b>",
}


def viewings(videos: int, viewers: int, seed: int = 1) -> dict[str, list[Any]]:
    """What some viewers watched of each of some videos, five minutes long: most leave on the way."""
    chance = random.Random(seed)
    named = [*HOSTILE, *(f"video-{number:05}" for number in range(len(HOSTILE), videos))][:videos]
    found: dict[str, list[Any]] = {name: [] for name in ("userId", "videoId", "start", "end", "timestamp")}
    for number, video in enumerate(named):
        for viewer in range(viewers):
            end = min(300.0, chance.expovariate(1 / 200.0) + 5)
            # Of one video most leave at the same place.
            if number == 1 and viewer % 2:
                end = 95.0 + viewer % 3
            start = FIRST_DAY + chance.randrange(28 * 86_400)
            for begin, stop, after in ((0.0, end, 0), (end * 0.5, end * 0.6, 400)):
                row = (f"user-{viewer:04}", video, begin, stop, start + after)
                for name, value in zip(found, row):
                    found[name].append(value)
    return found


def pages_rows(
    videos: int = 40, viewers: int = 60, seed: int = 1
) -> tuple[pa.Table, pa.Table, dict[str, list[Any]]]:
    """Session rows, engagement rows, and the table of videos, of which one has no duration."""
    told = viewings(videos, viewers, seed)
    keys = list(dict.fromkeys(told["videoId"]))
    about = {
        "videoId": keys,
        "duration": [None if key == "video-00006" else 300.0 for key in keys],
        "title": [HOSTILE.get(key, f"Lesson {key[6:]}: what it is about") for key in keys],
    }
    instants = pa.array([second * 1_000_000 for second in told["timestamp"]], pa.timestamp("us", "UTC"))
    sessions = ws.sessions_of_intervals(pa.table({**told, "timestamp": instants}))
    return sessions, ws.engagement(sessions, videos=about, rules=ws.Rules(estimate_duration=False)), about
