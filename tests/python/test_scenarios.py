"""Every story of ``tests/scenarios`` by way of its sessions; the plugin of pytest runs them as they are."""

import pytest

import watchspan as ws
from support.scenarios import FILES, FOLDER, Scenario, arrow_tables, assert_rows, load_scenario

SCENARIOS = [load_scenario(path) for path in FILES]


def test_there_are_stories_and_the_plugin_takes_all() -> None:
    assert len(SCENARIOS) >= 40
    assert any(story.name.startswith("v_") for story in SCENARIOS)
    assert sorted(FOLDER.glob("*.json")) == FILES


@pytest.mark.parametrize("story", SCENARIOS, ids=lambda story: story.name)
def test_engagement_of_its_sessions_is_that_of_its_events(story: Scenario) -> None:
    events, videos = arrow_tables(story)
    rules, scored = story.reading["rules"], story.scored
    sessions = ws.sessions(events, **story.reading)
    rows = ws.aggregate(events, videos=videos, **story.reading, **scored)
    again = ws.engagement(sessions, videos=videos, rules=rules, **scored)
    assert again.equals(rows, check_metadata=True)
    report = ws.report(rows)
    dropped = {reason: count for reason, count in report["dropped"].items() if count}
    assert dropped == story.dropped
    assert report["kept"] == report["read"] - sum(dropped.values())


def test_the_worked_example() -> None:
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
