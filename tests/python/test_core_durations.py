"""How long videos are, as other engines ask the core: by how far anybody got, or stated with each event."""

import pyarrow as pa
import pytest

import watchspan as ws
from support.core_calls import (
    KNOWN,
    aggregate_joined,
    assert_same,
    batches,
    furthest,
    joined,
    joined_as_told,
    random_events,
    rows,
)
from watchspan import _core

# How far anybody got.


def test_furthest_of_the_example(events):
    nothing = {"reportedSecond": None, "reportedDuration": None, "reportingUsers": 0}
    assert furthest(events) == [
        {"videoId": "v1", "watchedEnd": 290.0, "maxPosition": 290.0, **nothing},
        {"videoId": "v2", "watchedEnd": 20.0, "maxPosition": 20.0, **nothing},
    ]


def test_furthest_counts_the_users_who_report_a_second(events):
    users = events["userId"].to_pylist()
    reported = pa.array([300.25 if user == "ann" else 300.75 for user in users], pa.float64())
    found = [
        row for row in furthest(events.append_column("videoDuration", reported)) if row["videoId"] == "v1"
    ]
    watching = {user for user, video in zip(users, events["videoId"].to_pylist()) if video == "v1"}
    assert {"ann"} < watching
    expected = {"reportedSecond": 300.0, "reportedDuration": 300.75, "reportingUsers": len(watching)}
    assert [{name: row[name] for name in expected} for row in found] == [expected]


def test_users_count_as_often_as_they_are_even_where_some_of_their_sessions_do_not():
    """Two of three users report 101: of one of these the first session is on a video of known length."""
    events = [("ann", "s1", "v3", 101.0), ("ann", "s2", "v3", 250.0), ("bob", "s1", "v1", None)]
    events += [("bob", "s2", "v3", 101.0), *((f"u{number:03}", "s1", "v1", None) for number in range(2000))]
    users, ids, videos, reported = zip(*events)
    table = pa.table(
        {
            "timestamp": pa.array(range(len(events)), pa.timestamp("us", "UTC")),
            "userId": users,
            "videoId": videos,
            "sessionId": ids,
            "eventName": ["play"] * len(events),
            "currentTime": [0.0] * len(events),
            "videoDuration": pa.array(reported, pa.float64()),
        }
    )
    known = {"videoId": ["v1"], "duration": [100.0]}
    whole = ws.aggregate(table, videos=known, threads=1)
    assert {row["videoDuration"] for row in whole.to_pylist() if row["videoId"] == "v3"} == {101.0}
    assert whole.equals(ws.engagement(ws.sessions(table), videos=known))


def told_by(rows):
    """The duration of each video and its source, as the rows of the furthest table tell them."""
    videos = {}
    for row in rows:
        videos.setdefault(row["videoId"], []).append(row)
    return {video: told_of_one(rows) for video, rows in videos.items()}


def told_of_one(rows):
    votes = [
        (row["reportingUsers"], row["reportedSecond"], row["reportedDuration"])
        for row in rows
        if row["reportingUsers"]
    ]
    if votes:
        return max(votes)[2], "reported"
    (row,) = rows
    guess = row["watchedEnd"] or row["maxPosition"] or None
    return guess, None if guess is None else "estimated"


@pytest.mark.parametrize("seed", range(60))
def test_furthest_gives_the_durations_that_aggregate_estimates(seed):
    rng, events, rules = random_events(seed)
    rules = ws.Rules(**{**rules, "estimate_duration": True})
    found = furthest(iter(batches(events, rng)), rules)
    assert [row["videoId"] for row in found] == sorted(row["videoId"] for row in found)
    whole = ws.aggregate(events, rules=rules).to_pylist()
    assert told_by(found) == {row["videoId"]: (row["videoDuration"], row["durationSource"]) for row in whole}


# Events that state their video's duration.


def test_joined_durations_are_those_of_the_videos_table(events, videos):
    known = dict(zip(videos["videoId"].to_pylist(), videos["duration"].to_pylist()))
    assert_same(
        aggregate_joined(joined(events, known, "metadata")),
        ws.aggregate(events, videos=videos.drop(["title"])),
    )


@pytest.mark.parametrize("seed", range(60))
def test_joined_durations_give_the_same_rows(seed):
    rng, events, rules = random_events(seed)
    rules, unique = ws.Rules(**rules), rng.random() < 0.8
    scoring = rng.choice([ws.Scoring(), ws.Scoring(skips=-1.0, high=60.0)])
    options = {"rules": rules, "scoring": scoring, "unique_seconds": unique}
    expected = ws.aggregate(
        events, videos={"videoId": list(KNOWN), "duration": list(KNOWN.values())}, **options
    )
    stated = joined(events, KNOWN, rng.choice(["metadata", None]))
    assert_same(aggregate_joined(iter(batches(stated, rng)), **options), expected)


@pytest.mark.parametrize("seed", range(60))
def test_joined_estimates_give_the_same_rows(seed):
    rng, events, rules = random_events(seed)
    rules = ws.Rules(**{**rules, "estimate_duration": True})
    told = told_by(furthest(events, rules))
    stated = joined_as_told(events, told)
    expected = ws.aggregate(events, rules=rules)
    assert_same(aggregate_joined(iter(batches(stated, rng)), rules), expected)


@pytest.mark.parametrize("seed", range(20))
def test_a_videos_table_of_estimates_gives_the_same_rows(seed):
    _, events, rules = random_events(seed)
    rules = ws.Rules(**{**rules, "estimate_duration": True})
    told = told_by(furthest(events, rules))
    given = pa.table(
        {
            "videoId": pa.array(list(told), pa.string()),
            "duration": pa.array([seconds for seconds, _ in told.values()], pa.float64()),
            "durationSource": pa.array([source for _, source in told.values()], pa.string()),
        }
    )
    expected = ws.aggregate(events, rules=rules)
    never = ws.Rules(**{**{name: getattr(rules, name) for name in any_names()}, "estimate_duration": False})
    assert ws.aggregate(events, videos=given, rules=never).equals(expected)
    assert ws.engagement(ws.sessions(events, rules=rules), videos=given, rules=rules).equals(expected)


def any_names():
    return [spec["name"] for spec in _core.rule_specs()]


def test_an_unknown_duration_stays_unknown(events):
    stated = joined(events, {"v1": 300.0}, "metadata")
    found = {row["videoId"]: row for row in rows(aggregate_joined(stated))}
    assert found["v1"]["durationSource"] == "metadata"
    assert found["v2"]["videoDuration"] is None
    assert found["v2"]["durationSource"] is None
    assert found["v2"]["dataQualityFlags"][0] == "missing_duration"
    nothing = ws.Rules(estimate_duration=False)
    expected = ws.aggregate(events, videos={"videoId": ["v1"], "duration": [300.0]}, rules=nothing)
    assert_same(aggregate_joined(stated), expected)


def test_columns_of_nothing_but_null(events):
    empty = pa.nulls(len(events))
    stated = events.append_column("_duration", empty).append_column("_durationSource", empty)
    assert_same(aggregate_joined(stated), ws.aggregate(events, rules=ws.Rules(estimate_duration=False)))


def test_integer_videos_and_mapped_names(events):
    codes = pa.array([int(video[1:]) for video in events["videoId"].to_pylist()], pa.int64())
    events = events.set_column(2, "video", codes)
    columns = {"videoId": "video"}
    expected = ws.aggregate(events, videos={"videoId": [1, 2], "duration": [300.0, 40.0]}, columns=columns)
    stated = joined(events.append_column("videoId", codes), {1: 300.0, 2: 40.0}, "metadata").drop(["videoId"])
    assert_same(aggregate_joined(stated, columns=columns), expected)


def test_events_that_contradict_each_other(events):
    stated = joined(events, {"v1": 300.0, "v2": 40.0}, "metadata")
    other = joined(events.slice(3, 1), {"v1": 301.0}, "metadata")
    with pytest.raises(ws.errors.DataError, match=r"v1.*300 s.*301 s"):
        aggregate_joined(iter([*stated.to_batches(), *other.to_batches()]))


def test_the_duration_columns_have_to_be_there(events):
    with pytest.raises(ws.errors.MissingColumnError, match="_duration"):
        aggregate_joined(events)
    with pytest.raises(ws.errors.MissingColumnError, match="_durationSource"):
        aggregate_joined(events.append_column("_duration", pa.array([1.0] * len(events))))
    wrong = joined(events, KNOWN, "metadata").drop(["_duration"])
    with pytest.raises(ws.errors.ColumnTypeError, match="_duration"):
        aggregate_joined(wrong.append_column("_duration", pa.array([True] * len(events))))
