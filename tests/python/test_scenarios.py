"""Every story of ``tests/scenarios`` through the public functions."""

import pytest

import watchspan as ws
from support.scenarios import FOLDER, Scenario, arrow_tables, assert_rows, load_scenario

SCENARIOS = [load_scenario(path) for path in sorted(FOLDER.glob("*.json"))]


def options(story):
    return {"rules": ws.Rules(**story.rules)}, {"scoring": ws.Scoring(**story.scoring)}


def test_there_are_stories():
    assert len(SCENARIOS) >= 40
    assert any(story.name.startswith("v_") for story in SCENARIOS)


@pytest.mark.parametrize("story", SCENARIOS, ids=lambda story: story.name)
def test_story(story: Scenario) -> None:
    events, videos = arrow_tables(story)
    rules, scoring = options(story)
    sessions = ws.sessions(events, vocabulary=story.vocabulary, **rules)
    rows = ws.aggregate(
        events,
        videos=videos,
        vocabulary=story.vocabulary,
        unique_seconds=story.unique_seconds,
        **rules,
        **scoring,
    )
    again = ws.engagement(sessions, videos=videos, unique_seconds=story.unique_seconds, **rules, **scoring)
    assert again.equals(rows, check_metadata=True)
    report = ws.report(rows)
    dropped = {reason: count for reason, count in report["dropped"].items() if count}
    assert dropped == story.dropped
    assert report["kept"] == report["read"] - sum(dropped.values())
    if story.sessions is not None:
        assert_rows(sessions.to_pylist(), story.sessions)
    if story.engagement is not None:
        assert_rows(rows.to_pylist(), story.engagement)


def test_the_worked_example():
    story = next(story for story in SCENARIOS if story.name == "01_worked_example")
    events, videos = arrow_tables(story)
    row = ws.aggregate(events, videos=videos).to_pylist()[0]
    expected = {
        "totalWatchTime": 130,
        "totalUniqueSecondsWatched": 120,
        "maxPositionReached": 120,
        "watchPercentage": 43.33,
        "completionPercentage": 40,
        "uniqueWatchPercentage": 40,
        "sessionCount": 1,
        "totalBackwardSkips": 1,
        "totalForwardSkips": 0,
        "completionCount": 0,
        "engagementScore": 28.33,
        "engagementTier": "Low",
        "dataQualityFlag": "ok",
        "unobservedWatchTime": 0,
    }
    assert_rows([row], [expected])
