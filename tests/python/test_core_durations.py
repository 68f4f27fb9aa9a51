"""How long videos are, as other engines ask the core: by how far anybody got, or of parts of the events."""

from dataclasses import replace

import pyarrow as pa
import pytest

import watchspan as ws
from support.core_calls import batches, furthest, random_events

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


# Parts of the events, with what is known of all videos.


@pytest.mark.parametrize("seed", range(60))
def test_users_by_themselves_make_the_whole_with_what_is_known_of_all_videos(seed):
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
    never = replace(rules, estimate_duration=False)
    assert ws.aggregate(events, videos=given, rules=never).equals(expected)
    assert ws.engagement(ws.sessions(events, rules=rules), videos=given, rules=rules).equals(expected)
    users = events["userId"].to_pylist()
    alone = [
        ws.aggregate(events.filter(pa.array([own == user for own in users])), videos=given, rules=never)
        for user in sorted({user for user in users if user})
    ]
    parts = [part.replace_schema_metadata() for part in alone]
    assert pa.concat_tables(parts).combine_chunks() == expected.replace_schema_metadata().combine_chunks()
