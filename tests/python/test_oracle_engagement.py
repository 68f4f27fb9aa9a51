"""The second opinion's engagement and retention, on cases that were worked out by hand."""

from typing import Any, Optional

import pytest

from support.oracle import Row, sessions
from support.oracle_cases import event, in_order, spans
from support.oracle_engagement import ADDITIVE, engagement, retention
from support.scenarios import assert_rows


def watched(user: str, until: float, session: str = "s", **more: Any) -> list[Row]:
    """A user plays from the start until then."""
    keys = {"userId": user, "sessionId": session}
    return [event(0, "play", 0, **keys, **more), event(until, "pause", until, **keys, **more)]


def known(duration: Optional[float]) -> list[Row]:
    """The catalogue."""
    return [{"videoId": "v", "duration": duration}]


def only_row(events: list[Row], duration: Optional[float], unique: bool = True, **rules: Any) -> Row:
    """The one engagement row of the events."""
    rows, _ = sessions(events, rules=rules)
    found = engagement(rows, known(duration), rules, unique_seconds=unique)
    assert len(found) == 1
    return found[0]


# ----------------------------------------------------------------------------------------------- durations


def durations(*stated: tuple[str, str, Optional[float]], videos: Any = None, **rules: Any) -> set[Any]:
    """The duration and its source in all rows, after users' sessions stated these."""
    events = [one for u, s, n in stated for one in watched(u, 10, s, videoDuration=n)]
    rows, _ = sessions(events)
    found = engagement(rows, videos, rules)
    return {(row["videoDuration"], row["durationSource"]) for row in found}


def test_the_whole_second_that_most_users_report_wins() -> None:
    two_to_one = [("ann", "s", 100.2), ("bob", "s", 100.9), ("cid", "s", 250.0)]
    assert durations(*two_to_one) == {(100.9, "reported")}
    # 100.9 and 101 are different seconds, so each has one user, and the larger wins.
    assert durations(("ann", "s", 100.9), ("bob", "s", 101.0)) == {(101, "reported")}
    assert durations(("ann", "s", 100.0), ("bob", "s", 100.999)) == {(100.999, "reported")}


def test_a_user_has_one_vote_for_a_second() -> None:
    often = [("ann", f"s{number}", 250.0) for number in range(5)]
    assert durations(*often, ("bob", "s", 100.0), ("cid", "s", 100.4)) == {(100.4, "reported")}
    assert durations(*often, ("bob", "s", 100.0)) == {(250, "reported")}
    # But may vote for two, in two sessions.
    both = [("ann", "s1", 250.0), ("ann", "s2", 100.0), ("bob", "s", 100.5)]
    assert durations(*both) == {(100.5, "reported")}


def test_a_session_votes_with_its_largest() -> None:
    last = event(20, "play", 10, userId="ann", videoDuration=250)
    events = [*watched("ann", 10, videoDuration=100.0), last]
    rows, _ = sessions(events)
    assert engagement(rows)[0]["videoDuration"] == 250


def test_metadata_comes_first_and_a_guess_last() -> None:
    stated = [("ann", "s", 100.0)]
    assert durations(*stated, videos=known(60)) == {(60, "metadata")}
    assert durations(*stated, videos=known(None)) == {(100, "reported")}
    assert durations(*stated, estimate_duration=False) == {(100, "reported")}
    assert durations(("ann", "s", None)) == {(10, "estimated")}
    assert durations(("ann", "s", 0.0), estimate_duration=False) == {(None, None)}


@pytest.mark.parametrize("source", ["metadata", "reported", "estimated"])
def test_what_a_guess_does_not_do(source: str) -> None:
    """Reported is as good as metadata: it completes by the last interval and is exceeded by positions."""
    events = watched("u", 98, videoDuration=100 if source == "reported" else None)
    events.append(event(200, "close", 106))
    rows, _ = sessions(events)
    row = engagement(rows, known(100 if source == "metadata" else None))[0]
    assert row["durationSource"] == source
    assert row["videoDuration"] == (98 if source == "estimated" else 100)
    flags = ["estimated_duration"] if source == "estimated" else ["position_exceeds_duration"]
    assert row["dataQualityFlags"] == flags
    assert row["completionCount"] == (0 if source == "estimated" else 1)
    assert (row["watchPercentage"], row["engagementScore"]) == (
        (100, 70) if source == "estimated" else (98, 58.8 + 20 + 10)
    )


def test_two_different_rows_for_a_video_are_an_error() -> None:
    rows, _ = sessions(watched("u", 30))
    with pytest.raises(ValueError, match="'v'"):
        engagement(rows, [*known(60), *known(61)])


# -------------------------------------------------------------------------------------------- completions


@pytest.mark.parametrize(
    ("duration", "slack", "mark"),
    [
        (7200, None, 6840),  # 0.95 * 7200
        (7200, 10.0, 6840),  # 7190 is more
        (7200, 600.0, 6600),  # credits of ten minutes
        (100, 30.0, 80),  # at most a fifth of the video
        (100, 10.0, 90),
        (100, 0.0, 95),
    ],
)
def test_the_mark(duration: float, slack: Optional[float], mark: float) -> None:
    for position, completed in [(mark, True), (mark - 0.5, False)]:
        for last in ("ended", "pause"):
            events = [event(0, "play", 0), event(mark, last, position)]
            row = only_row(events, duration, completion_slack_seconds=slack)
            assert row["isCompletedAtLeastOnce"] is completed
            early = not completed and last == "ended"
            assert ("ended_before_duration" in row["dataQualityFlags"]) is early


def test_loops() -> None:
    """A minute, played to its end five times in one session, and then half of it once more."""
    events = []
    for number in range(5):
        events += [event(70 * number, "play", 0), event(70 * number + 60, "ended", 60)]
    row = only_row(events, 60)
    assert (row["totalWatchTime"], row["completionCount"], row["dataQualityFlags"]) == (300, 5, [])
    assert row["replayedIntervals"] == spans(*[(0, 60)] * 4)
    assert row["rewatchedSeconds"] == 240
    # 330 <= 1.1 * 60 * 5, but not with less; without the ends only the one session counts.
    events += [event(350, "play", 0), event(380, "pause", 30)]
    assert only_row(events, 60, excessive_ratio=1.1)["dataQualityFlags"] == []
    assert only_row(events, 60, excessive_ratio=1.09)["dataQualityFlags"] == ["excessive_watch_time"]
    paused = [dict(one, eventName="pause") if one["eventName"] == "ended" else one for one in events]
    row = only_row(paused, 60)
    assert (row["completionCount"], row["dataQualityFlags"]) == (1, ["excessive_watch_time"])


# --------------------------------------------------------------------------------------------------- flags


def test_a_short_video_seen_whole_is_no_short_watch() -> None:
    assert only_row(watched("u", 8), 8)["dataQualityFlags"] == []
    assert only_row(watched("u", 6), 8)["dataQualityFlags"] == []  # 75 %
    assert only_row(watched("u", 5.75), 8)["dataQualityFlags"] == ["very_short_watch"]
    assert only_row(watched("u", 8), 20)["dataQualityFlags"] == ["very_short_watch"]
    flags = ["missing_duration", "very_short_watch"]
    assert only_row(watched("u", 8), None, estimate_duration=False)["dataQualityFlags"] == flags
    # Without unique seconds what was watched counts, at most all of it.
    assert only_row(watched("u", 6), 8, unique=False)["dataQualityFlags"] == []
    assert only_row(watched("u", 5.75), 8, unique=False)["dataQualityFlags"] == ["very_short_watch"]


# ------------------------------------------------------------------------------------------------- replays


def test_replays_over_sessions() -> None:
    """The first session saw 0 to 60 twice, the second 30 to 90."""
    events = [event(0, "play", 0), event(60, "seek", 0, seekFrom=60), event(120, "pause", 60)]
    events += [event(200, "play", 30, sessionId="t"), event(260, "pause", 90, sessionId="t")]
    row = only_row(events, 100)
    assert row["watchedIntervals"] == spans((0, 90))
    assert row["replayedIntervals"] == spans((0, 60), (30, 60))
    assert (row["totalWatchTime"], row["rewatchedSeconds"]) == (180, 90)
    assert list(row)[list(row).index("watchedIntervals") + 1] == "replayedIntervals"
    assert only_row(events, 100, unique=False)["replayedIntervals"] is None


def test_what_was_not_observed_is_no_replay() -> None:
    """0 to 30, and again from 0 with a stop that was never seen."""
    events = [event(0, "play", 0), event(30, "pause", 30), event(40, "play", 0)]
    row = only_row(events, 100, count_unobserved=True)
    assert (row["totalWatchTime"], row["unobservedWatchTime"]) == (130, 100)
    assert row["watchedIntervals"] == spans((0, 100))
    assert (row["replayedIntervals"], row["rewatchedSeconds"]) == ([], 30)


# ----------------------------------------------------------------------------------------------- the score


def test_preset_by_name_is_the_preset_spelled_out() -> None:
    rows, _ = sessions([event(0, "play", 0), event(120, "pause", 120), event(130, "play", 0)])
    by_name = engagement(rows, scoring="additive")
    assert by_name == engagement(rows, scoring=ADDITIVE)
    assert by_name[0]["engagementScore"] == 5  # 2 minutes + one session worth 5 - one skip worth 2


# ----------------------------------------------------------------------------------------------- retention


def test_retention() -> None:
    """Two users of a 100 s video; one saw its first half twice."""
    events = watched("u", 50) + watched("u", 50, "again")
    events += [event(0, "play", 25, userId="w"), event(50, "pause", 75, userId="w")]
    rows, _ = sessions(events)
    four = [
        {"startSeconds": 0, "endSeconds": 25, "audience": 1, "retention": 0.5, "plays": 2},
        {"startSeconds": 25, "endSeconds": 50, "audience": 2, "retention": 1, "plays": 3},
        {"startSeconds": 50, "endSeconds": 75, "audience": 1, "retention": 0.5, "plays": 1},
        {"startSeconds": 75, "endSeconds": 100, "audience": 0, "retention": 0, "plays": 0},
    ]
    assert_rows(retention(rows, known(100), 4), four)
    # A user's row has the same plays as that user's sessions.
    assert_rows(retention(engagement(rows, known(100)), buckets=4), four)


def test_plays_count_what_one_session_replayed() -> None:
    """Three times 0 to 20, of which 0 to 10 is the first bucket of six."""
    events = in_order(
        event(0, "play", 0),
        event(20, "seek", 0, seekFrom=20),
        event(40, "seek", 0, seekFrom=20),
        event(60, "pause", 20),
    )
    rows, _ = sessions(events)
    for given in (rows, engagement(rows, known(60))):
        found = retention(given, known(60), buckets=6)
        assert [row["plays"] for row in found] == [3, 3, 0, 0, 0, 0]
        assert [row["audience"] for row in found] == [1, 1, 0, 0, 0, 0]


def test_the_duration_of_retention() -> None:
    rows, _ = sessions(watched("u", 10, videoDuration=50.0))
    for given in (rows, engagement(rows)):
        assert retention(given, buckets=1)[0]["endSeconds"] == 50
        assert retention(given, known(40), buckets=1)[0]["endSeconds"] == 40
    rows, _ = sessions(watched("u", 10))
    assert retention(rows, buckets=1)[0]["endSeconds"] == 10


def test_retention_with_a_shorter_last_bucket() -> None:
    rows, _ = sessions(watched("u", 95))
    found = retention(engagement(rows, known(100)), bucket_seconds=60)
    expected = [
        {"startSeconds": 0, "endSeconds": 60, "audience": 1, "retention": 1},
        {"startSeconds": 60, "endSeconds": 100, "audience": 35 / 40, "retention": 35 / 40},
    ]
    assert_rows(found, expected)
    assert retention(rows, rules={"estimate_duration": False}) == []
