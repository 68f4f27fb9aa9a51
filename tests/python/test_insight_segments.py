"""Segments: each by hand on both sides of its thresholds, their order, and against plain Python."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import pickle
from collections import defaultdict
from typing import Any, Optional

import pyarrow as pa
import pytest

import watchspan as ws
from support.insight_rows import hostile_columns, other_ways, sample_events, sample_rows, with_column
from watchspan import sample
from watchspan.errors import MissingColumnError, OptionError, WatchspanError
from watchspan.insight.thresholds import REST, SEGMENTS, THRESHOLDS

NAMES = [name for name, _ in SEGMENTS]
FLAGS = [f"is{name.title()}" for name in NAMES]
AS_OF = "2026-03-01T00:00:00Z"
# Of somebody to whom no segment applies.
PLAIN: dict[str, Any] = {
    "isCompletedAtLeastOnce": False, "totalForwardSkips": 0, "totalWatchTime": 600.0,
    "totalUniqueSecondsWatched": 600.0, "videoDuration": 1000.0, "firstWatchDate": "2026-01-01T00:00:00",
    "lastWatchDate": "2026-02-20T00:00:00",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    return sample_rows()


@pytest.fixture(scope="module")
def sessions() -> pa.Table:
    return ws.sessions(sample_events())


def user(*videos: dict[str, Any]) -> pa.Table:
    """Engagement rows of one user, one for each video, which say what is not as in `PLAIN`."""
    made = ws.aggregate([
        {"timestamp": "2026-01-01T00:00:00Z", "userId": "u", "videoId": str(n), "eventName": "play",
         "currentTime": 0} for n in range(len(videos))
    ])  # fmt: skip
    for name in PLAIN:
        kind = made.schema.field(name).type
        values = [{**PLAIN, **video}[name] for video in videos]
        if pa.types.is_timestamp(kind):
            values = [dt.datetime.fromisoformat(f"{value}+00:00") for value in values]
        made = with_column(made, name, values, kind)
    return made


def applied(rows: pa.Table, **options: Any) -> tuple[str, set[str]]:
    """A single user's segment, and all that apply."""
    (found,) = ws.segments(rows, **{"as_of": AS_OF, **options}).to_pylist()
    return found["segment"], {name for name, flag in zip(NAMES, FLAGS) if found[flag]}


def test_nothing_applies_to_a_regular_viewer() -> None:
    assert applied(user({})) == ("regular", set())


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("lapsed", [{"lastWatchDate": "2026-02-15T00:00:00"}], [{"lastWatchDate": "2026-02-15T00:00:01"}]),
        ("new", [{"firstWatchDate": "2026-02-22T00:00:01"}], [{"firstWatchDate": "2026-02-22T00:00:00"}]),
        (
            "finisher",
            [{"isCompletedAtLeastOnce": number < 3} for number in range(5)],
            [{"isCompletedAtLeastOnce": number < 2} for number in range(4)],
        ),
        ("finisher", [{"isCompletedAtLeastOnce": True}] * 3, [{"isCompletedAtLeastOnce": True}] * 2),
        ("skipper", [{"totalForwardSkips": 2}], [{"totalForwardSkips": 2, "totalWatchTime": 601.0}]),
        ("skipper", [{"totalForwardSkips": 4}, {}], [{"totalForwardSkips": 3}, {}]),
        (
            "sampler",
            [{"totalUniqueSecondsWatched": 250.0}] * 3,
            [{"totalUniqueSecondsWatched": 250.0}] * 2 + [{"totalUniqueSecondsWatched": 250.1}],
        ),
        ("sampler", [{"totalUniqueSecondsWatched": 0.0}] * 3, [{"totalUniqueSecondsWatched": 0.0}] * 2),
    ],
)
def test_both_sides_of_each_threshold(name: str, inside: Any, outside: Any) -> None:
    assert applied(user(*inside)) == (name, {name})
    assert applied(user(*outside)) == ("regular", set())


def test_the_first_that_applies_is_the_segment() -> None:
    both = {"isCompletedAtLeastOnce": True, "totalUniqueSecondsWatched": 1.0}
    assert applied(user(both, both, both)) == ("finisher", {"finisher", "sampler"})
    long_ago = {**both, "lastWatchDate": "2026-01-02T00:00:00"}
    assert applied(user(*[long_ago] * 3)) == ("lapsed", {"lapsed", "finisher", "sampler"})


def test_what_is_not_known_is_null_and_does_not_apply() -> None:
    unknown = {"videoDuration": None, "totalWatchTime": 0.0, "totalForwardSkips": 3}
    (found,) = ws.segments(user(unknown, unknown, unknown), as_of=AS_OF).to_pylist()
    assert (found["isSkipper"], found["isSampler"], found["isLoyal"]) == (None, None, None)
    assert found["segment"] == "regular"


def visits(*ages: float) -> pa.Table:
    """Session rows of one user who watched half an hour so many days before AS_OF."""
    return ws.sessions_of_intervals([
        {"userId": "u", "videoId": "v", "sessionId": str(age), "start": 0, "end": 1800,
         "timestamp": dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc) - dt.timedelta(days=age)}
        for age in ages
    ])  # fmt: skip


def test_loyal_by_hand() -> None:
    # Weeks end at as_of: [0, 7), [7, 14), [14, 21) and [21, 28) days ago.
    assert applied(visits(50, 20, 13, 6)) == ("loyal", {"loyal"})
    assert applied(visits(50, 21, 14, 7)) == ("loyal", {"loyal"})
    assert applied(visits(50, 28, 14, 7)) == ("regular", set())
    assert applied(visits(50, 6, 5, 4, 3, 2)) == ("regular", set())
    assert applied(visits(50, 28, 14, 7), rules=ws.Segments(loyal_of_weeks=5)) == ("loyal", {"loyal"})
    assert applied(visits(50, 3), rules=ws.Segments(loyal_weeks=1)) == ("loyal", {"loyal"})


def test_sessions_after_as_of_are_not_known() -> None:
    early = ws.segments(visits(20, 3), as_of=dt.date(2026, 2, 20)).to_pylist()[0]
    assert (early["sessions"], early["watchHours"], early["isNew"]) == (1, 0.5, False)
    assert ws.segments(visits(20, 3), as_of="2026-01-01").num_rows == 0
    # Engagement rows are as they are.
    kept = ws.segments(user({}), as_of="2026-01-05").to_pylist()[0]
    assert (kept["segment"], kept["lastSeen"].month) == ("new", 2)


# A second opinion.


def naive(rows: list[dict[str, Any]], as_of: dt.datetime, weeks: Optional[set[int]]) -> list[Optional[bool]]:
    """Which segments apply to the user of these engagement rows, active in these weeks."""
    timed = [r for r in rows if r["videoDuration"] and r["totalUniqueSecondsWatched"] is not None]
    length = math.fsum(r["videoDuration"] for r in timed)
    covered = math.fsum(r["totalUniqueSecondsWatched"] for r in timed)
    watched = math.fsum(r["totalWatchTime"] for r in rows)
    completed = sum(r["isCompletedAtLeastOnce"] for r in rows) / len(rows)
    many = len(rows) >= 3
    return [
        as_of - max(r["lastWatchDate"] for r in rows) >= dt.timedelta(days=14),
        as_of - min(r["firstWatchDate"] for r in rows) < dt.timedelta(days=7),
        many and completed >= 0.6,
        sum(r["totalForwardSkips"] for r in rows) / (watched / 600) >= 2 if watched else None,
        False if not many else covered / length <= 0.25 if length else None,
        None if weeks is None else len(weeks) >= 3,
    ]


def agrees(found: list[dict[str, Any]], expected: dict[str, list[Optional[bool]]]) -> set[str]:
    """Checks each user, and gives the segments that there are."""
    assert [row["userId"] for row in found] == sorted(expected)
    for row in found:
        flags = expected[row["userId"]]
        assert [row[flag] for flag in FLAGS] == flags, row
        assert row["segment"] == next((name for name, flag in zip(NAMES, flags) if flag), "regular")
    return {row["segment"] for row in found}


def grouped(rows: pa.Table) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.to_pylist():
        groups[row["userId"]].append(row)
    return groups


def test_plain_python_says_the_same_of_engagement_rows(rows: pa.Table) -> None:
    as_of = max(rows["lastWatchDate"].to_pylist())
    expected = {name: naive(group, as_of, None) for name, group in grouped(rows).items()}
    assert len(agrees(ws.segments(rows).to_pylist(), expected)) >= 3


def test_plain_python_says_the_same_of_session_rows(sessions: pa.Table) -> None:
    videos, as_of = sample.videos(3), max(sessions["sessionEnd"].to_pylist())
    weeks: dict[str, set[int]] = defaultdict(set)
    for row in sessions.to_pylist():
        week = (as_of - row["sessionStart"]) // dt.timedelta(days=7)
        if week < 4:
            weeks[row["userId"]].add(week)
    engagement = grouped(ws.engagement(sessions, videos=videos))
    expected = {name: naive(group, as_of, weeks[name]) for name, group in engagement.items()}
    found = ws.segments(sessions, videos=videos).to_pylist()
    assert len(agrees(found, expected)) >= 3
    assert {row["isLoyal"] for row in found} == {True, False}


def test_the_totals_are_those_of_users(rows: pa.Table, sessions: pa.Table) -> None:
    totals = ws.user_totals(rows)
    assert ws.segments(rows).select(totals.column_names).to_pylist() == totals.to_pylist()
    made = ws.user_totals(ws.engagement(sessions, videos=sample.videos(3)))
    found = ws.segments(sessions, videos=sample.videos(3))
    assert found.select(made.column_names).to_pylist() == made.to_pylist()


def test_sessions_keep_the_rules_that_they_were_made_with() -> None:
    rules = ws.Rules(forward_skip_seconds=60, completion_threshold=0.5)
    made = ws.sessions(sample_events(), rules=rules)
    expected = ws.user_totals(ws.engagement(made, rules=rules))
    assert ws.segments(made).select(expected.column_names).to_pylist() == expected.to_pylist()


# Laws.


def test_order_and_form_do_not_matter(rows: pa.Table, sessions: pa.Table) -> None:
    for table in (rows, sessions):
        expected = ws.segments(table)
        assert expected.num_rows > 10
        for name, other in other_ways(table):
            assert ws.segments(other).equals(expected), name


def test_frames_of_polars_do_not_matter(sessions: pa.Table) -> None:
    """Their text is a kind of its own, of which pyarrow cannot take rows; lazy ones are read once."""
    polars = pytest.importorskip("polars", reason="polars is not here")
    frame = polars.from_arrow(sessions)
    for other in (frame, frame.lazy()):
        assert ws.segments(other).equals(ws.segments(sessions))
        as_of = {"as_of": "2026-01-20"}
        assert ws.segments(other, **as_of).equals(ws.segments(sessions, **as_of))


def test_no_rows_and_one_row(rows: pa.Table, sessions: pa.Table) -> None:
    for none, some in ((ws.aggregate([]), rows), (ws.sessions([]), sessions)):
        empty, one = ws.segments(none), ws.segments(some.slice(0, 1))
        assert empty.num_rows == 0
        assert one.num_rows == 1
        assert one.schema.names == empty.schema.names
        assert ws.report(one) == ws.report(some)


# The thresholds.


def test_the_thresholds_are_those_that_are_documented() -> None:
    defaults = dataclasses.asdict(ws.Segments())
    assert {threshold.name: threshold.default for threshold in THRESHOLDS} == defaults
    text = " ".join((ws.Segments.__doc__ or "").split())
    for threshold in THRESHOLDS:
        told = (
            f"{threshold.name}: {threshold.doc} Accepts {threshold.accepted}; default {threshold.default:g}."
        )
        assert told in text
    told = " ".join(doc for _, doc in SEGMENTS)
    assert [threshold.name for threshold in THRESHOLDS if f"`{threshold.name}`" not in told] == []
    assert REST[0] == "regular"


def test_thresholds_are_frozen_and_checked() -> None:
    with pytest.raises(TypeError):
        ws.Segments(14.0)  # type: ignore[call-arg]
    with pytest.raises(dataclasses.FrozenInstanceError):
        ws.Segments().new_days = 3  # type: ignore[misc]
    changed = dataclasses.replace(ws.Segments(), new_days=3)
    assert (changed.new_days, type(changed.new_days)) == (3.0, float)
    assert pickle.loads(pickle.dumps(changed)) == changed != ws.Segments()
    for threshold in THRESHOLDS:
        odd: list[Any] = [math.nan, math.inf, -1, "1", None, True, [1]]
        for value in [*odd, *([1.5] if threshold.accepted == "a number from 0 to 1" else [])]:
            with pytest.raises(OptionError, match=rf"^Segments\.{threshold.name} is .*needed"):
                ws.Segments(**{threshold.name: value})


# What is refused.


def test_bad_options_are_named(rows: pa.Table) -> None:
    with pytest.raises(OptionError, match=r"^rules is .*watchspan\.Segments is needed"):
        ws.segments(rows, rules=ws.Rules())  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=r"^as_of is 'soon'"):
        ws.segments(rows, as_of="soon")
    with pytest.raises(OptionError, match=r"^videos is for session rows"):
        ws.segments(rows, videos=sample.videos(3))


def test_another_table_is_refused(events: pa.Table) -> None:
    with pytest.raises(MissingColumnError, match=r"it has timestamp, .*engagement rows"):
        ws.segments(events)
    with pytest.raises(MissingColumnError, match=r"no column 'sessionEnd'.*session rows"):
        ws.segments(ws.sessions(events).drop(["sessionEnd"]))


def test_whatever_is_in_a_column_is_taken_or_refused(rows: pa.Table, sessions: pa.Table) -> None:
    told = []
    for few in (rows.slice(0, 5), sessions.slice(0, 5)):
        for name in few.column_names:
            for column in hostile_columns(5):
                try:
                    ws.segments(with_column(few, name, column))
                except WatchspanError as error:
                    told.append(str(error))
    assert len(told) > 200
