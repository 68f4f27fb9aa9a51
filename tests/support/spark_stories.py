"""The stories of ``tests/scenarios`` through Spark, many in one run.

Stories with the same options share a run. Each story's users and videos have its name in front, so that
they are none of another's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import Any, Optional

import pyarrow as pa
from pyspark.sql import Observation, SparkSession

import watchspan as ws
from support.scenarios import FILES, Row, Scenario, arrow_table, assert_rows, load_scenario
from support.spark_rows import assert_same_table, collected, data_frame

MARK = "/"
ENGAGEMENT_KEYS = ("userId", "videoId")
SESSION_KEYS = ("userId", "videoId", "sessionStart", "sessionId")


def options(story: Scenario) -> str:
    """What stories must have in common to share a run. Keys that are numbers can have no name in front."""
    numbers = any(isinstance(event.get(key), int) for event in story.events for key in SESSION_KEYS)
    alone = story.name if numbers else None
    tables = [alone, story.columns, story.videos is not None]
    return json.dumps([*tables, story.vocabulary, story.rules, story.scoring, story.unique_seconds])


def story_groups() -> list[list[Scenario]]:
    """All stories, those that share a run together."""
    stories = sorted(map(load_scenario, FILES), key=options)
    return [list(group) for _, group in groupby(stories, key=options)]


def marked(story: Scenario, row: Row) -> Row:
    """A row with the story's name in front of user and video."""
    return _with_keys(row, lambda key: f"{story.name}{MARK}{key}" if key else key)


def own_rows(story: Scenario, rows: list[Row]) -> list[Row]:
    """The rows of one story, as it knows them."""
    front = story.name + MARK
    mine = [row for row in rows if isinstance(row["userId"], int) or row["userId"].startswith(front)]
    return [_with_keys(row, lambda key: key[len(front) :]) for row in mine]


def _with_keys(row: Row, change: Callable[[str], str]) -> Row:
    keys = {name: change(row[name]) for name in ENGAGEMENT_KEYS if isinstance(row.get(name), str)}
    return {**row, **keys}


def tables(stories: list[Scenario]) -> tuple[pa.Table, Optional[pa.Table]]:
    """All events, all videos."""
    events = [marked(story, event) for story in stories for event in story.events]
    videos = [marked(story, video) for story in stories for video in story.videos or ()]
    listed = None if stories[0].videos is None else arrow_table(videos, ["videoId", "duration", "title"])
    return arrow_table(events, stories[0].columns), listed


def assert_stories(session: SparkSession, stories: list[Scenario]) -> None:
    """Spark's rows are those of the embedded engine, and those that were worked out by hand; counts too."""
    from watchspan.spark import aggregate_events, session_rows

    first, (events, videos) = stories[0], tables(stories)
    rules, scoring = ws.Rules(**first.rules), ws.Scoring(**first.scoring)
    shared: dict[str, Any] = {"vocabulary": first.vocabulary, "rules": rules}
    scored = {**shared, "scoring": scoring, "unique_seconds": first.unique_seconds}
    raw = data_frame(session, events)
    listed = None if videos is None else data_frame(session, videos)

    seen = Observation()
    frame = session_rows(raw, observation=seen, **shared)
    sessions, embedded = collected(frame, SESSION_KEYS), ws.sessions(events, **shared)
    assert_same_table(frame, sessions, embedded)
    assert_counts(seen.get, stories, ws.report(embedded))

    seen = Observation()
    frame = aggregate_events(raw, videos=listed, observation=seen, **scored)
    engagement, embedded = collected(frame, ENGAGEMENT_KEYS), ws.aggregate(events, videos=videos, **scored)
    assert_same_table(frame, engagement, embedded)
    assert_counts(seen.get, stories, ws.report(embedded))

    for story in stories:
        if story.sessions is not None:
            assert_rows(own_rows(story, sessions), story.sessions)
        if story.engagement is not None:
            assert_rows(own_rows(story, engagement), story.engagement)


def assert_counts(seen: dict[str, int], stories: list[Scenario], report: dict[str, Any]) -> None:
    """What was read, kept and dropped, as the embedded engine and the stories have it."""
    assert seen == {"read": report["read"], "kept": report["kept"], **report["dropped"]}
    expected = sum((Counter(story.dropped) for story in stories), Counter())
    assert +Counter(report["dropped"]) == expected
