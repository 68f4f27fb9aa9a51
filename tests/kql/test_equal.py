"""sessions.kql and engagement.kql give the engine's rows: on the stories, and on random streams."""

from __future__ import annotations

import os
import random
from typing import Any, Dict, List, Optional

import pyarrow as pa
import pytest

import watchspan as ws
from support.insights import Row, assert_same, tables
from support.kusto import Kusto
from support.oracle import parse_micros
from support.oracle_engagement import ADDITIVE
from support.random_streams import OPTIONAL, any_rules, stream, table
from support.scenarios import FILES, Scenario, arrow_tables, load_scenario
from watchspan import kql

STORIES = [load_scenario(path) for path in FILES]
# `unique_seconds=False` saves time in the engine; the query has no such switch.
STORIES = [story for story in STORIES if story.unique_seconds]
STREAMS = int(os.environ.get("WATCHSPAN_STREAMS", "40"))
SOURCES = ["AppEvents", "customEvents"]


def test_there_are_stories() -> None:
    assert len(STORIES) > 90


def compare(
    kusto: Kusto,
    rows: List[Row],
    events: pa.Table,
    videos: Optional[pa.Table],
    source: str,
    vocabulary: Any = None,
    rules: Optional[ws.Rules] = None,
    scoring: Optional[ws.Scoring] = None,
) -> None:
    """Both queries on the rows against the engine on the events."""
    given: Dict[str, Any] = {"vocabulary": vocabulary, "rules": rules}
    columns = {"sessionId": None} if "sessionId" not in events.column_names else None
    stored = tables(rows, source)
    found = kusto.run(kql.query("sessions", columns=columns, **given), stored)
    assert_same(found.records, ws.sessions(events, **given).to_pylist())
    given.update(scoring=scoring, videos=videos)
    found = kusto.run(kql.query("engagement", columns=columns, **given), stored)
    assert_same(found.records, ws.aggregate(events, **given).to_pylist())


def _with_text_keys(table: Optional[pa.Table]) -> Optional[pa.Table]:
    """The table with keys as the query has them: rows are sorted by text, not by number."""
    for name in ("userId", "videoId", "sessionId"):
        if table is not None and name in table.column_names:
            number = table.column_names.index(name)
            table = table.set_column(number, name, table[name].cast(pa.string()))
    return table


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_story(kusto: Kusto, story: Scenario) -> None:
    events, videos = (_with_text_keys(table) for table in arrow_tables(story))
    rows = [{**row, "timestamp": parse_micros(row["timestamp"])} for row in story.events]
    rules, scoring = ws.Rules(**story.rules), ws.Scoring(**story.scoring)
    source = SOURCES[len(story.name) % 2]
    compare(kusto, rows, events, videos, source, story.vocabulary, rules, scoring)


@pytest.mark.parametrize("seed", range(max(1, STREAMS // 4)))
def test_retention(kusto: Kusto, seed: int) -> None:
    rng = random.Random(f"retention {seed}")
    rows = stream(rng, True, {"videoDuration": OPTIONAL["videoDuration"]})
    videos = pa.table({"videoId": ["v1"], "duration": [rng.choice([90.0, None])], "title": ["One"]})
    # Without a guess the query leaves out what the engine guesses all the same.
    rules = ws.Rules(**{**any_rules(rng), "estimate_duration": True})
    buckets = rng.choice([1, 7, 100])
    text = kql.query("retention", rules=rules, videos=videos, settings={"bucket_count": buckets})
    expected = ws.retention(ws.sessions(table(rows, [*rows[0]]), rules=rules), videos=videos, buckets=buckets)
    assert_same(kusto.run(text, tables(rows)).records, expected.to_pylist())


@pytest.mark.parametrize("seed", range(STREAMS))
def test_stream(kusto: Kusto, seed: int) -> None:
    rng = random.Random(f"kql {seed}")
    has_session = rng.random() < 0.7
    names = rng.sample(sorted(OPTIONAL), rng.choice([0, 1, 2, len(OPTIONAL)]))
    rows = stream(rng, has_session, {name: OPTIONAL[name] for name in names})
    videos = pa.table({"videoId": ["v1", "v2"], "duration": [100.0, None], "title": ["One", None]})
    compare(
        kusto,
        rows,
        table(rows, [*rows[0]]),
        rng.choice([videos, None]),
        rng.choice(SOURCES),
        rules=ws.Rules(**any_rules(rng)),
        scoring=ws.Scoring(**rng.choice([{}, ADDITIVE, {"skips": -1.0, "high": 60.0}])),
    )
