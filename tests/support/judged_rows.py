"""Engagement rows that keep all laws: some of random streams, and some with each law broken once."""

import math
import random
import warnings
from functools import cache
from typing import Any

import pyarrow as pa

import watchspan as ws
from support.random_streams import OPTIONAL, any_rules, stream, table
from watchspan import _core
from watchspan.testing import story
from watchspan.testing.laws import laws

# Rewatched in part, of a video whose duration is known; watched once, of one whose duration is not.
EVENTS = """
0:00   play   0
0:30   pause  30
0:35   play   30
2:05   pause  120
2:10   play   110
2:20   pause  120
10:00  play   0    video=other user=ann
10:40  pause  40   video=other user=ann
"""
KIND = {spec["name"]: spec for spec in _core.column_specs("engagement")}
LAWS = laws(KIND.values())
NAN, INFINITE = math.nan, math.inf


def good_rows(**options: Any) -> pa.Table:
    """Two rows, of which the second is `user`'s."""
    return story(EVENTS, duration=300, rules=ws.Rules(estimate_duration=False), **options).engagement


def _flagged(*flags: str) -> dict[str, Any]:
    return {"dataQualityFlags": list(flags), "dataQualityFlag": flags[0] if flags else "ok"}


def _stretches(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    return [{"start": start, "end": end} for start, end in pairs]


def _of_column(name: str) -> list[dict[str, Any]]:
    """What no value of a column may be."""
    spec = KIND[name]
    wrong: list[Any] = [] if spec["nullable"] else [None]
    if spec["type"] == "double":
        wrong += [NAN, INFINITE, -INFINITE] + ([] if name == "engagementScore" else [-1.0])
    elif spec["type"] == "int64":
        wrong.append(-1)
    elif name in ("watchedIntervals", "replayedIntervals"):
        wrong += [
            _stretches((-1, 5)),
            _stretches((5, 5)),
            _stretches((6, 5)),
            _stretches((0, NAN)),
            _stretches((0, INFINITE)),
            _stretches((20, 30), (0, 10)),
        ]
        if name == "watchedIntervals":
            wrong += [_stretches((0, 10), (10, 20)), _stretches((0, 10), (5, 20))]
        else:
            wrong.append(_stretches((0, 10), (0, 5)))
    return [{name: value} for value in wrong]


# Law -> changes of the second of the good rows, each of which breaks it.
BREAKS: dict[str, list[dict[str, Any]]] = {
    **{f"valid_{name}": _of_column(name) for name in KIND if f"valid_{name}" in {law.name for law in LAWS}},
    "one_row_per_key": [{"userId": "ann", "videoId": "other"}],
    "duration_is_positive": [{"videoDuration": 0.0}],
    "source_of_duration": [{"durationSource": "guessed"}, {"durationSource": None}, {"videoDuration": None}],
    "unique_within_duration": [{"totalUniqueSecondsWatched": 300.001}],
    "unique_within_watch_time": [{"totalUniqueSecondsWatched": 130.001}, {"totalWatchTime": 119.0}],
    "position_within_duration": [{"maxPositionReached": 300.001}],
    "unique_follows_intervals": [
        {"totalUniqueSecondsWatched": 120.001},
        {"watchedIntervals": []},
        {"watchedIntervals": _stretches((0, 60), (61, 120))},
    ],
    "rewatched_follows_intervals": [{"rewatchedSeconds": 10.001}, {"totalWatchTime": 131.0}],
    "replayed_follows_rewatched": [{"replayedIntervals": []}, {"replayedIntervals": _stretches((110, 121))}],
    "watch_percentage_follows": [
        {"watchPercentage": 43.34},
        {"watchPercentage": None},
        {"videoDuration": None},
    ],
    "completion_percentage_follows": [{"completionPercentage": 40.02}, {"completionPercentage": None}],
    "unique_percentage_follows": [{"uniqueWatchPercentage": 39.98}, {"uniqueWatchPercentage": None}],
    "has_a_session": [{"sessionCount": 0}],
    "watch_time_per_session_follows": [{"avgWatchTimePerSession": 65.0}],
    "replay_follows": [{"isReplay": True}, {"sessionCount": 2}],
    "completed_follows": [{"isCompletedAtLeastOnce": True}, {"completionCount": 1}],
    "dates_in_order": [{"firstWatchDate": "after"}],
    "tier_follows": [
        {"engagementTier": "Medium"},
        {"engagementTier": None},
        {"engagementScore": 75.0},
        {"engagementScore": 24.99},
        {"engagementScore": None},
        {"engagementTier": "low"},
    ],
    "flag_follows": [
        {"dataQualityFlag": "implausible_segments"},
        {"dataQualityFlags": ["implausible_segments"]},
    ],
    "missing_duration_is_flagged": [_flagged("missing_duration"), {"videoDuration": None}],
    "estimated_duration_is_flagged": [_flagged("estimated_duration"), {"durationSource": "estimated"}],
    "excessive_watch_time_is_flagged": [_flagged("excessive_watch_time"), {"totalWatchTime": 360.001}],
    "completed_without_sufficient_watch_is_flagged": [
        _flagged("completed_without_sufficient_watch"),
        {"completionCount": 1},
    ],
    "implausible_segments_is_flagged": [_flagged("implausible_segments"), {"rejectedSegmentCount": 1}],
    "very_short_watch_is_flagged": [_flagged("very_short_watch"), {"totalWatchTime": 9.9}],
}
CASES = [(law, number) for law, changes in BREAKS.items() for number in range(len(changes))]


def broken_rows(law: str, number: int) -> pa.Table:
    """The good rows with that change, which breaks the law; what they say of themselves stays."""
    table = good_rows()
    changes = dict(BREAKS[law][number])
    if changes.get("firstWatchDate") == "after":
        changes["firstWatchDate"] = table["lastWatchDate"][1].as_py().replace(year=2030)
    for name, value in changes.items():
        field = table.schema.field(name)
        values = [table[name][0].as_py(), value]
        place = table.column_names.index(name)
        table = table.set_column(
            place, pa.field(name, field.type, metadata=field.metadata), pa.array(values, field.type)
        )
    return table


def flags_of(table: pa.Table) -> dict[str, int]:
    """How many rows have which flag."""
    found = [flag for flags in table["dataQualityFlags"].to_pylist() for flag in flags or ()]
    return {name: found.count(name) for name, _ in _core.flag_specs()}


@cache
def every_break() -> pa.Table:
    """All broken rows, and the good ones beside them; users have the case in front of their name."""
    return pa.concat_tables(with_users(broken_rows(law, number), f"{law}.{number}/") for law, number in CASES)


def with_users(rows: pa.Table, front: str) -> pa.Table:
    """The rows with something before the names of users."""
    names = [None if name is None else front + name for name in rows["userId"].to_pylist()]
    # Without what the schema says of nulls: broken rows have some.
    return pa.table(
        {**{name: rows[name] for name in rows.column_names}, "userId": pa.array(names, pa.string())}
    )


def random_options(seed: int) -> dict[str, Any]:
    """Some rules and weights."""
    rng = random.Random(f"options {seed}")
    weights = [ws.Scoring(), ws.Scoring.additive(), ws.Scoring(skips=-1.0, high=60.0)]
    return {"rules": ws.Rules(**any_rules(rng)), "scoring": rng.choice(weights)}


def random_rows(seed: int, options: dict[str, Any]) -> pa.Table:
    """Rows of a random stream."""
    rng = random.Random(seed)
    names = rng.sample(sorted(OPTIONAL), rng.choice([0, 1, 2, len(OPTIONAL)]))
    events = stream(rng, rng.random() < 0.5, {name: OPTIONAL[name] for name in names})
    videos = {"videoId": ["v1"], "duration": [rng.choice([100.0, 100.0, 0.3, None])]}
    unique = rng.random() < 0.8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ws.aggregate(table(events, [*events[0]]), videos=videos, unique_seconds=unique, **options)


@cache
def many_random_rows() -> pa.Table:
    """Rows of many random streams, with default options."""
    parts = (with_users(random_rows(seed, {}), f"{seed}/") for seed in range(40))
    return pa.concat_tables(parts)
