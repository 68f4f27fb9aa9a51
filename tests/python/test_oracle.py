"""The stories and the second opinion agree; both were made from the metric definitions alone."""

import re
from typing import Any, Optional

import pytest

from support.oracle import RULES, Row, micros_text, parse_micros, sessions
from support.oracle_cases import START, event, spans, stretches
from support.oracle_engagement import ADDITIVE, engagement, round2
from support.scenarios import FOLDER, Scenario, assert_rows, load_scenarios

SCENARIOS = load_scenarios()

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


# ------------------------------------------------------------------------------------------ the stories


def vocabulary_of(scenario: Scenario) -> Optional[dict[str, str]]:
    assert not isinstance(scenario.vocabulary, str), "the oracle knows no presets"
    return scenario.vocabulary


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_story(scenario: Scenario) -> None:
    rows, report = sessions(
        scenario.events, "sessionId" in scenario.columns, scenario.rules, vocabulary_of(scenario)
    )
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
    forward = sessions(
        scenario.events, "sessionId" in scenario.columns, scenario.rules, vocabulary_of(scenario)
    )
    backward = sessions(
        scenario.events[::-1], "sessionId" in scenario.columns, scenario.rules, vocabulary_of(scenario)
    )
    assert forward == backward


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_story_is_complete(scenario: Scenario) -> None:
    assert all((scenario.title, scenario.story, scenario.why))
    for row in scenario.sessions or []:
        assert set(row) >= SESSION_COLUMNS
    for row in scenario.engagement or []:
        assert set(row) >= ENGAGEMENT_COLUMNS


def test_preset_is_in_a_story() -> None:
    assert ADDITIVE in [scenario.scoring for scenario in SCENARIOS]


def test_stories_are_all_there() -> None:
    assert len(SCENARIOS) >= 36
    files = [f"{scenario.name}.story.json" for scenario in SCENARIOS]
    assert set(files) == {path.name for path in FOLDER.glob("[0-9]*")}
    assert all(re.fullmatch(r"\d{2,3}_[a-z0-9_]+\.story\.json", name) for name in files)
    assert [int(name.partition("_")[0]) for name in files] == list(range(1, len(SCENARIOS) + 1))
    assert files[0] == "01_worked_example.story.json"


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


def test_numbers_that_json_cannot_hold() -> None:
    nan, infinity = float("nan"), float("inf")
    events = [
        event(0, "play", 0, playbackRate=nan),
        event(10, "seek", 100, seekFrom=infinity),
        event(20, "pause", 110, playbackRate=-infinity),
        event(21, "heartbeat", nan),
        event(22, "heartbeat", infinity),
    ]
    rows, report = sessions(events)
    assert report["dropped"]["invalid_position"] == 2
    assert rows[0]["watchedIntervals"] == spans((100, 110))
    assert rows[0]["unobserved"] == stretches((0, 10))
    for duration in (nan, infinity, 0, -1, None):
        videos = [{"videoId": "v", "duration": duration}]
        assert engagement(rows, videos)[0]["durationSource"] == "estimated"


@pytest.mark.parametrize("unknown", [None, float("nan"), float("inf"), -1.0])
def test_only_kinds_that_stop_or_change_the_speed_need_no_position(unknown: Optional[float]) -> None:
    kinds = ["pause", "close", "ended", "rate_change", "play", "resume", "heartbeat", "seek", "seek_start"]
    _, report = sessions([event(number, kind, unknown) for number, kind in enumerate(kinds)])
    assert (report["kept"], report["dropped"]["invalid_position"]) == (4, 5)


def test_unknown_positions_are_the_same_and_come_last() -> None:
    events = [
        event(0, "play", 0),
        event(10, "pause", None),
        event(10, "pause", float("nan")),
        event(10, "pause", -1),
        event(10, "pause", 10),
    ]
    rows, report = sessions(events)
    assert report["dropped"]["duplicate"] == 2
    assert rows[0]["watchedIntervals"] == spans((0, 10))
    assert (rows[0]["unobserved"], rows[0]["pauseCount"]) == ([], 2)


def test_of_duplicates_the_one_with_the_smaller_duration_is_kept() -> None:
    events = [event(0, "play", 0, videoDuration=n) for n in (None, 101.0, 100.0, 0.0, float("nan"))]
    rows, report = sessions(events)
    assert report["dropped"]["duplicate"] == 4
    assert rows[0]["reportedDuration"] == 100


# ------------------------------------------------------------------------------------- where sessions are cut


def pieces(*events: Row, timeout: float = 100.0, **rules: Any) -> int:
    """Into how many sessions a user's events over all videos are cut."""
    rows, _ = sessions(events, False, {"session_timeout_seconds": timeout, **rules})
    return len({row["sessionId"] for row in rows})


@pytest.mark.parametrize(
    ("seconds", "position", "rules", "count"),
    [
        (100, 0, {}, 1),  # exactly the timeout
        (100.000001, 0, {}, 2),  # d must be above 0
        (250, 150, {}, 1),  # 250 - 150 = 100 s of which nothing is known
        (250, 149.5, {}, 2),  # 100.5 s
        (250, 505, {}, 1),  # 250 * 2 + 5
        (250, 505.5, {}, 2),
        (250, 256, {"max_unstated_speed": 1.0}, 2),
        (250, 255, {"max_unstated_speed": 0.5}, 1),  # 250 * max(1, 0.5) + 5
        (250, 200, {"max_segment_seconds": 200.0}, 1),
        (250, 201, {"max_segment_seconds": 200.0}, 2),
    ],
)
def test_a_gap_that_was_played_through(seconds: float, position: float, rules: Row, count: int) -> None:
    assert pieces(event(0, "play", 0), event(seconds, "pause", position), **rules) == count


def test_what_plays_through_a_gap() -> None:
    assert pieces(event(0, "heartbeat", 0), event(250, "close", 250)) == 1
    assert pieces(event(0, "resume", 0), event(250, "seek_start", 250)) == 1
    assert pieces(event(0, "seek", 0), event(250, "heartbeat", 250)) == 2
    assert pieces(event(0, "pause", 0), event(250, "heartbeat", 250)) == 2
    assert pieces(event(0, "play", 0), event(250, "close", None)) == 2
    # Its own speed counts, but not what an earlier event said of it.
    fast = event(0, "play", 0, playbackRate=3)
    assert pieces(fast, event(250, "pause", 755)) == 1  # 250 * 3 + 5
    assert pieces(fast, event(250, "pause", 755.5)) == 2
    assert pieces(fast, event(1, "heartbeat", 3), event(251, "pause", 753)) == 2  # 750 > 250 * 2 + 5
    assert pieces(event(0, "play", 0, playbackRate=0.5), event(250, "pause", 505)) == 1


def test_another_video_between_is_another_neighbour() -> None:
    first, last = event(0, "play", 0), event(240, "heartbeat", 240)
    assert pieces(first, last) == 1
    assert pieces(first, event(120, "pause", 0, videoId="w"), last) == 3
    # At the same time the smaller videoId comes first.
    assert pieces(first, event(240, "pause", 0, videoId="a"), last) == 2
    assert pieces(first, event(240, "pause", 0, videoId="w"), last) == 1
    assert pieces(event(0, "play", 0, videoId="w"), first, last) == 2
    assert pieces(event(0, "play", 0, videoId="a"), first, last) == 1


def test_a_lecture_without_a_sign_of_life_is_one_session() -> None:
    rows, _ = sessions([event(0, "play", 0), event(3000, "pause", 3000)], False)
    assert [row["sessionId"] for row in rows] == ["2026-01-15T10:00:00.000000Z"]
    assert (rows[0]["watchTime"], rows[0]["playTime"]) == (3000, 3000)


def test_ids_of_pieces() -> None:
    events = [event(0, "play", 0, sessionId=7), event(101, "pause", 0, sessionId=7)]
    rows, _ = sessions(events, rules={"session_timeout_seconds": 100.0})
    ids = ["7@2026-01-15T10:00:00.000000Z", "7@2026-01-15T10:01:41.000000Z"]
    assert [row["sessionId"] for row in rows] == ids
    rows, _ = sessions(events[:1], rules={"session_timeout_seconds": 100.0})
    assert [row["sessionId"] for row in rows] == ids[:1]
