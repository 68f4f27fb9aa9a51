"""The stories and the second opinion agree; both were made from the metric definitions alone."""

import re
from typing import Any, Optional

import pytest

from support.oracle import RULES, Row, micros_text, parse_micros, sessions
from support.oracle_engagement import ADDITIVE, engagement, retention, round2
from support.scenarios import FOLDER, Scenario, assert_rows, load_scenarios

SCENARIOS = load_scenarios()
START = 1_768_471_200_000_000  # 2026-01-15T10:00:00Z

SESSION_COLUMNS = {"watchTime", "watchedIntervals", "forwardSkipCount", "backwardSkipCount", "unobserved"}
ENGAGEMENT_COLUMNS = {
    "totalWatchTime",
    "totalUniqueSecondsWatched",
    "totalForwardSkips",
    "totalBackwardSkips",
    "completionCount",
    "unobservedWatchTime",
    "engagementScore",
    "engagementTier",
    "dataQualityFlags",
}
FLAGS = {
    "missing_duration",
    "estimated_duration",
    "excessive_watch_time",
    "completed_without_sufficient_watch",
    "position_exceeds_duration",
    "implausible_segments",
    "ended_before_duration",
    "very_short_watch",
}
REASONS = {
    "null_key",
    "invalid_timestamp",
    "ignored_event",
    "unknown_event",
    "invalid_position",
    "duplicate",
}


def event(seconds: float, name: str, position: float, **more: Any) -> Row:
    """An event of one user's session, that many seconds after the start."""
    row = {"timestamp": START + round(seconds * 1e6), "userId": "u", "videoId": "v", "sessionId": "s"}
    row.update(eventName=name, currentTime=position, **more)
    return row


def only_session(events: list[Row], rules: Optional[Row] = None) -> Row:
    """The one session row of the events."""
    rows, _ = sessions(events, rules=rules)
    assert len(rows) == 1
    return rows[0]


# ------------------------------------------------------------------------------------------ the stories


def vocabulary_of(scenario: Scenario) -> Optional[dict[str, str]]:
    assert not isinstance(scenario.vocabulary, str), "the oracle knows no presets"
    return scenario.vocabulary


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_story(scenario: Scenario) -> None:
    rows, report = sessions(scenario.events, scenario.has_session, scenario.rules, vocabulary_of(scenario))
    dropped = {reason: count for reason, count in report["dropped"].items() if count}
    assert dropped == scenario.dropped
    assert report["read"] == len(scenario.events)
    assert report["kept"] == len(scenario.events) - sum(dropped.values())
    assert scenario.sessions is not None
    assert scenario.engagement is not None
    assert_rows(rows, scenario.sessions)
    summary = engagement(rows, scenario.videos, scenario.rules, scenario.scoring, scenario.unique_seconds)
    assert_rows(summary, scenario.engagement)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_row_order_never_matters(scenario: Scenario) -> None:
    forward = sessions(scenario.events, scenario.has_session, scenario.rules, vocabulary_of(scenario))
    backward = sessions(scenario.events[::-1], scenario.has_session, scenario.rules, vocabulary_of(scenario))
    assert forward == backward


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_story_is_complete(scenario: Scenario) -> None:
    assert all((scenario.title, scenario.story, scenario.why))
    for row in scenario.sessions or []:
        assert set(row) >= SESSION_COLUMNS
    for row in scenario.engagement or []:
        assert set(row) >= ENGAGEMENT_COLUMNS


def test_stories_are_all_there() -> None:
    assert len(SCENARIOS) >= 36
    files = sorted(path.name for path in FOLDER.glob("[0-9]*.json"))
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+\.json", name) for name in files)
    assert [int(name[:2]) for name in files] == list(range(1, len(SCENARIOS) + 1))
    assert files[0] == "01_worked_example.json"


def test_stories_cover_every_flag_reason_and_rule() -> None:
    rows = [row for scenario in SCENARIOS for row in scenario.engagement or []]
    assert {flag for row in rows for flag in row["dataQualityFlags"]} == FLAGS
    assert {reason for scenario in SCENARIOS for reason in scenario.dropped} == REASONS
    assert {rule for scenario in SCENARIOS for rule in scenario.rules} == set(RULES)
    assert {row["engagementTier"] for row in rows} == {"High", "Medium", "Low", "Minimal", None}


# --------------------------------------------------------------------------------- direct hand cases


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01 00:00:01", 1_000_000),
        ("1970-01-01T01:30:00.5+01:30", 500_000),
        ("1969-12-31T23:59:59.9999999Z", -1),
        ("1970-01-01T00:00:00.0000019Z", 1),
        ("1969-12-31T19:00:00-05:00", 0),
        ("0000-12-31T23:59:59Z", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("2026-02-30T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (2**62, None),
    ],
)
def test_timestamps(text: Any, micros: Optional[int]) -> None:
    assert parse_micros(text) == micros


def test_timestamp_text() -> None:
    assert micros_text(START) == "2026-01-15T10:00:00.000000Z"


def test_halves_round_up() -> None:
    assert [round2(x) for x in (0.125, 0.375, -0.125, 43.333, 2.0)] == [0.13, 0.38, -0.12, 43.33, 2.0]


def test_play_pause_is_one_segment() -> None:
    row = only_session([event(0, "play", 0), event(30, "pause", 30)])
    assert (row["watchTime"], row["playTime"]) == (30, 30)
    assert row["watchedIntervals"] == [{"start": 0, "end": 30}]
    assert (row["openSegmentCount"], row["unobserved"]) == (0, [])


def test_silence_after_play_is_never_watch_time() -> None:
    row = only_session([event(0, "play", 12)])
    assert (row["watchTime"], row["openSegmentCount"]) == (0, 1)
    assert row["unobserved"] == [{"start": 12, "seconds": 300}]


def test_numbers_that_json_cannot_hold() -> None:
    nan, infinity = float("nan"), float("inf")
    events = [
        event(0, "play", 0, playbackRate=nan),
        event(10, "seek", 100, seekFrom=infinity),
        event(20, "pause", 110, playbackRate=-infinity),
        event(21, "pause", nan),
        event(22, "pause", infinity),
    ]
    rows, report = sessions(events)
    assert report["dropped"]["invalid_position"] == 2
    assert rows[0]["watchedIntervals"] == [{"start": 100, "end": 110}]
    assert rows[0]["unobserved"] == [{"start": 0, "seconds": 10}]
    for duration in (nan, infinity, 0, -1, None):
        videos = [{"videoId": "v", "duration": duration}]
        assert engagement(rows, videos)[0]["durationSource"] == "estimated"


def test_two_different_rows_for_a_video_are_an_error() -> None:
    rows, _ = sessions([event(0, "play", 0), event(30, "pause", 30)])
    videos = [{"videoId": "v", "duration": 60}, {"videoId": "v", "duration": 61}]
    with pytest.raises(ValueError, match="'v'"):
        engagement(rows, videos)


def test_preset_by_name_is_the_preset_spelled_out() -> None:
    rows, _ = sessions([event(0, "play", 0), event(120, "pause", 120), event(130, "play", 0)])
    by_name = engagement(rows, scoring="additive")
    assert by_name == engagement(rows, scoring=ADDITIVE)
    assert ADDITIVE in [scenario.scoring for scenario in SCENARIOS]
    assert by_name[0]["engagementScore"] == 5  # 2 minutes + one session worth 5 - one skip worth 2


def test_retention() -> None:
    """Two users of a 100 s video; one saw its first half twice."""
    events = [event(0, "play", 0), event(50, "pause", 50)]
    events += [dict(one, sessionId="again") for one in events]
    events += [dict(event(0, "play", 25), userId="w"), dict(event(50, "pause", 75), userId="w")]
    videos = [{"videoId": "v", "duration": 100}]
    rows, _ = sessions(events)
    four = [
        {"startSeconds": 0, "endSeconds": 25, "audience": 1, "retention": 0.5},
        {"startSeconds": 25, "endSeconds": 50, "audience": 2, "retention": 1},
        {"startSeconds": 50, "endSeconds": 75, "audience": 1, "retention": 0.5},
        {"startSeconds": 75, "endSeconds": 100, "audience": 0, "retention": 0},
    ]
    assert_rows(retention(engagement(rows, videos), buckets=4), four)
    plays = [2, 3, 1, 0]
    assert_rows(retention(rows, videos, 4), [dict(one, plays=n) for one, n in zip(four, plays)])


def test_retention_with_a_shorter_last_bucket() -> None:
    rows, _ = sessions([event(0, "play", 0), event(95, "pause", 95)])
    videos = [{"videoId": "v", "duration": 100}]
    found = retention(engagement(rows, videos), bucket_seconds=60)
    expected = [
        {"startSeconds": 0, "endSeconds": 60, "audience": 1, "retention": 1},
        {"startSeconds": 60, "endSeconds": 100, "audience": 35 / 40, "retention": 35 / 40},
    ]
    assert_rows(found, expected)
    assert retention(rows, rules={"estimate_duration": False}) == []
