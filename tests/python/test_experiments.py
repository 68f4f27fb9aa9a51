"""Comparing groups: by hand, against a second opinion, and the laws that hold for all."""

from __future__ import annotations

import dataclasses
import math
import pickle
import random
from typing import Any, Callable

import pyarrow as pa
import pytest

pytest.importorskip("scipy", reason="the extra experiments is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import watchspan as ws
from support.experiment_rows import experiment, random_users, rows_of, second_opinion
from support.insight_rows import other_ways, sample_events, sample_rows
from watchspan import sample
from watchspan.experiments import DEFAULT
from watchspan.insight.tables import names, schema

WATCHED = ws.Metric("watched", "totalWatchTime")
PER_SESSION = ws.Metric("perSession", "totalWatchTime", "sessionCount")
BOTH = (WATCHED, PER_SESSION)


def only(found: ws.Comparison) -> dict[str, Any]:
    (row,) = found.table.to_pylist()
    return row


def groups_of(**users: str) -> dict[str, list[str]]:
    """`groups_of(a="x y")`: the users x and y are in group a."""
    pairs = [(user, group) for group, named in users.items() for user in named.split()]
    return {"userId": [user for user, _ in pairs], "group": [group for _, group in pairs]}


def halves() -> pa.Table:
    """Two groups of the sample's users, with some who watched nothing."""
    users = [*sorted(set(sample_rows()["userId"].to_pylist())), "nobody", "neither"]
    return pa.table({"userId": users, "group": [("control", "new")[n % 2] for n in range(len(users))]})


def test_a_mean_by_hand() -> None:
    # Two users a group, both of variance 50, so that Welch has 2 degrees of freedom, whose t is closed.
    rows = {"userId": ["b", "c", "d", "other"], "totalWatchTime": [10.0, 20.0, 30.0, 999.0]}
    found = ws.compare(rows, groups_of(control="a b", new="c d"), metrics=[WATCHED])
    row, error, t975, t80 = only(found), math.sqrt(50), 4.302652729911275, 1.0606601717798212
    assert (row["metric"], row["group"], row["control"]) == ("watched", "new", "control")
    assert (row["users"], row["usersControl"], row["controlValue"], row["value"]) == (2, 2, 5.0, 25.0)
    assert (row["difference"], row["relative"], row["varianceReduction"]) == (20.0, 4.0, None)
    assert row["differenceLow"] == pytest.approx(20 - t975 * error)
    assert row["differenceHigh"] == pytest.approx(20 + t975 * error)
    assert row["pValue"] == row["pValueAdjusted"] == pytest.approx(1 - 2 * math.sqrt(2) / math.sqrt(10))
    assert row["isSignificant"] is False
    assert row["smallestEffect"] == pytest.approx((t975 + t80) * error / 5)
    # On the scale of logarithms: variances 50 / 5² and 50 / 25², each over two users.
    parts = (50 / 25 / 2, 50 / 625 / 2)
    half = stats.t.ppf(0.975, sum(parts) ** 2 / sum(part**2 for part in parts)) * math.sqrt(sum(parts))
    assert row["relativeLow"] == pytest.approx(5 * math.exp(-half) - 1)
    assert row["relativeHigh"] == pytest.approx(5 * math.exp(half) - 1)
    assert found.left_out == {"users_in_two_groups": 0, "rows_of_others": 1}
    assert found.sample_ratio == ws.experiments.outcome.SampleRatio(
        {"control": 2, "new": 2}, {"control": 0.5, "new": 0.5}, 1.0
    )


def test_every_built_in_metric_by_hand() -> None:
    rows = {
        "userId": ["a", "a", "b", "c", "c", "c"],
        "videoId": ["v", "w", "v", "v", "w", "x"],
        "totalWatchTime": [30.0, 0.5, 10.0, 60.0, 20.0, 0.0],
        "sessionCount": [1, 2, 1, 3, 1, 1],
        "isCompletedAtLeastOnce": [True, False, False, True, True, False],
        "videoDuration": [60.0, 100.0, 60.0, 60.0, None, 100.0],
        "totalUniqueSecondsWatched": [30.0, 0.5, 10.0, 60.0, 20.0, None],
        "engagementScore": [50.0, 1.0, 20.0, 100.0, None, 0.0],
    }
    found = ws.compare(rows, groups_of(old="a b", young="c d"), control="old")
    values = {row["metric"]: (row["controlValue"], row["value"]) for row in found.table.to_pylist()}
    assert values == {
        "watchTimePerUser": (20.25, 40.0),
        "activeUsers": (1.0, 0.5),
        "videosPerUser": (1.5, 1.5),
        "sessionsPerUser": (2.0, 2.5),
        "completionRate": (pytest.approx(1 / 3), pytest.approx(2 / 3)),
        "coverage": (pytest.approx(40.5 / 220), 1.0),
        "scorePerVideo": (pytest.approx(71 / 3), 50.0),
    }
    assert list(values) == [metric.name for metric in DEFAULT]


def test_values_are_those_of_the_totals() -> None:
    rows = sample_rows()
    groups = halves()
    found = ws.compare(rows, groups)
    mine = {row["metric"]: row for row in found.table.to_pylist()}
    group_of = dict(zip(*(groups[name].to_pylist() for name in ("userId", "group"))))
    for group, of in (("control", "controlValue"), ("new", "value")):
        users = [user for user, name in group_of.items() if name == group]
        theirs = rows.filter(pa.compute.is_in(rows["userId"], value_set=pa.array(users)))
        totals = ws.user_totals(theirs)
        assert mine["watchTimePerUser"][of] == pytest.approx(
            3600 * pa.compute.sum(totals["watchHours"]).as_py() / len(users)
        )
        assert mine["activeUsers"][of] == pytest.approx(totals.num_rows / len(users))
        assert mine["videosPerUser"][of] == pytest.approx(theirs.num_rows / len(users))
        one = ws.video_totals(theirs.set_column(1, "videoId", pa.array(["v"] * theirs.num_rows)))
        for metric, total in (
            ("completionRate", "completionRate"), ("coverage", "coverage"), ("scorePerVideo", "averageScore"),
        ):  # fmt: skip
            assert mine[metric][of] == pytest.approx(one[total][0].as_py())


@pytest.mark.parametrize("is_adjusted", [False, True])
@pytest.mark.parametrize("metric", BOTH)
@given(seed=st.integers(0, 10**6), counts=st.tuples(st.integers(3, 60), st.integers(3, 60)))
@settings(max_examples=25, deadline=None)
def test_a_second_opinion(metric: ws.Metric, is_adjusted: bool, seed: int, counts: tuple[int, int]) -> None:
    control, new = random_users(seed, counts[0]), random_users(seed + 1, counts[1], 1.2)
    rows, before, groups = experiment({"control": control, "new": new})
    row = only(ws.compare(rows, groups, before=before if is_adjusted else None, metrics=[metric]))
    told = second_opinion(control, new, metric is PER_SESSION, is_adjusted)
    assert row["controlValue"] == pytest.approx(told["controlValue"], rel=1e-9)
    assert row["value"] == pytest.approx(told["value"], rel=1e-9)
    t = stats.t(told["freedom"])
    difference = told["value"] - told["controlValue"]
    assert row["pValue"] == pytest.approx(2 * t.sf(abs(difference) / told["error"]), rel=1e-7, abs=1e-12)
    half = t.ppf(0.975) * told["error"]
    assert row["differenceLow"] == pytest.approx(difference - half, rel=1e-7, abs=1e-9)
    plain = second_opinion(control, new, metric is PER_SESSION, False)["error"]
    if is_adjusted:
        assert row["varianceReduction"] == pytest.approx(1 - (told["error"] / plain) ** 2, abs=1e-9)
    else:
        assert row["varianceReduction"] is None


def test_a_mean_is_what_scipy_says() -> None:
    control, new = random_users(1, 80), random_users(2, 120, 1.3)
    rows, _, groups = experiment({"control": control, "new": new})
    row = only(ws.compare(rows, groups, metrics=[WATCHED], confidence=0.9))
    test = stats.ttest_ind([u[0] for u in new], [u[0] for u in control], equal_var=False)
    assert row["pValue"] == pytest.approx(test.pvalue, rel=1e-9)


def test_what_users_did_before_is_taken_out() -> None:
    control, new = random_users(3, 400), random_users(4, 400)
    rows, before, groups = experiment({"control": control, "new": new})
    for metric in (WATCHED, PER_SESSION):
        plain = only(ws.compare(rows, groups, metrics=[metric]))
        adjusted = only(ws.compare(rows, groups, before=before, metrics=[metric]))
        wide = [row["differenceHigh"] - row["differenceLow"] for row in (plain, adjusted)]
        # Nearly, as the degrees of freedom differ too.
        assert (wide[1] / wide[0]) ** 2 == pytest.approx(1 - adjusted["varianceReduction"], rel=1e-2)
        assert 0 < adjusted["varianceReduction"] < 1
    # A time before in which nobody did anything, or all the same, says nothing.
    silent = rows_of([(0.0, 0.0)] * len(control), "control")
    for metric in (WATCHED, PER_SESSION):
        plain, told = (only(ws.compare(rows, groups, metrics=[metric], before=b)) for b in (None, silent))
        reduction = told.pop("varianceReduction")
        assert reduction == (0.0 if metric is WATCHED else None)
        assert told == {name: value for name, value in plain.items() if name != "varianceReduction"}


def test_holm_is_over_metrics_and_groups() -> None:
    groups = {name: random_users(number, 150, 1 + number) for number, name in enumerate("abc")}
    rows, _, assigned = experiment(groups)
    found = ws.compare(rows, assigned, metrics=BOTH).table.to_pylist()
    assert [(r["metric"], r["group"], r["control"]) for r in found] == [
        ("watched", "b", "a"), ("watched", "c", "a"), ("perSession", "b", "a"), ("perSession", "c", "a"),
    ]  # fmt: skip
    order = sorted(found, key=lambda row: row["pValue"])
    largest = 0.0
    for rank, row in enumerate(order):
        largest = max(largest, min(1.0, (4 - rank) * row["pValue"]))
        assert row["pValueAdjusted"] == pytest.approx(largest)
        assert row["isSignificant"] == (row["pValueAdjusted"] <= 0.05)
    assert {row["isSignificant"] for row in found} == {True, False}
    alone = only(
        ws.compare(rows, assigned.filter(pa.compute.not_equal(assigned["group"], "b")), metrics=[WATCHED])
    )
    assert alone["pValue"] == found[1]["pValue"], "a group is compared with the control alone"


def test_the_control() -> None:
    rows, _, groups = experiment({name: random_users(5, 10) for name in ("b", "a", "control")})
    assert set(ws.compare(rows, groups, metrics=BOTH).table["control"].to_pylist()) == {"control"}
    named = ws.compare(rows, groups, control="b", metrics=BOTH)
    assert set(named.table["group"].to_pylist()) == {"a", "control"}
    two = groups.filter(pa.compute.not_equal(groups["group"], "control"))
    assert set(ws.compare(rows, two, metrics=BOTH).table["control"].to_pylist()) == {"a"}
    numbers = {"userId": ["b0", "b1", "a0", "a1"], "group": [False, False, True, True]}
    assert set(ws.compare(rows, numbers, control=True, metrics=BOTH).table["group"].to_pylist()) == {"false"}  # type: ignore[arg-type]
    with pytest.raises(ws.errors.DataError, match="control is 'd', but groups has 'a', 'b', 'control'"):
        ws.compare(rows, groups, control="d", metrics=BOTH)


def test_sizes_that_no_chance_makes() -> None:
    rows, _, groups = experiment({"control": random_users(6, 1100), "new": random_users(7, 900, 3.0)})
    found = ws.compare(rows, groups, metrics=BOTH)
    assert found.sample_ratio.p_value == pytest.approx(stats.chisquare([1100, 900]).pvalue)
    assert found.sample_ratio.is_mismatch
    assert set(found.table["isSignificant"].to_pylist()) == {None}
    assert min(found.table["pValue"].to_pylist()) < 1e-4
    assert "'control' 55.0% instead of 50.0%" in found.warnings[0]
    meant = ws.compare(rows, groups, shares={"control": 55, "new": 45}, metrics=BOTH)
    assert meant.sample_ratio.p_value == 1.0
    assert not meant.sample_ratio.is_mismatch
    assert meant.warnings == ()
    assert True in meant.table["isSignificant"].to_pylist()
    three = {"userId": list(range(30)), "group": ["a"] * 15 + ["b"] * 10 + ["c"] * 5}
    ratio = ws.compare(ws.aggregate([]), three, shares={"a": 2, "b": 1, "c": 1}).sample_ratio
    assert ratio.p_value == pytest.approx(stats.chisquare([15, 10, 5], [15, 7.5, 7.5]).pvalue)


def test_nothing_varies() -> None:
    rows = {"userId": list("abcd"), "totalWatchTime": [0.1] * 4, "sessionCount": [3, 3, 1, 1]}
    found = ws.compare(rows, groups_of(x="a b", y="c d"), metrics=BOTH).table.to_pylist()
    for row in found:
        undefined = (
            "pValue",
            "pValueAdjusted",
            "isSignificant",
            "differenceLow",
            "relativeHigh",
            "smallestEffect",
        )
        assert [row[name] for name in undefined] == [None] * 6
    assert [row["difference"] for row in found] == pytest.approx([0.0, 0.1 - 0.1 / 3])
    nothing = ws.compare(ws.aggregate([]), groups_of(x="a b", y="c d")).table.to_pylist()
    assert [row["value"] for row in nothing] == [0.0] * 4 + [None] * 3
    assert [row["relative"] for row in nothing] == [None] * 7
    one = {"userId": ["a", "b"], "totalWatchTime": [1.0, 2.0]}
    row = only(ws.compare(one, groups_of(x="a b", y="c d"), metrics=[WATCHED]))
    assert (row["relative"], row["relativeLow"], row["relativeHigh"]) == (-1.0, None, None)
    assert 0 < row["pValue"] < 1
    # Thirds are no exact numbers: what is left of rounding them is no variance.
    rows = {"userId": list("abcd"), "totalWatchTime": [0.1, 0.7, 0.3, 1.1], "sessionCount": [3, 21, 9, 33]}
    assert only(ws.compare(rows, groups_of(x="a b", y="c d"), metrics=[PER_SESSION]))["pValue"] is None


def test_users_in_two_groups_are_left_out_and_counted() -> None:
    control, new = random_users(8, 120), random_users(9, 120)
    rows, before, groups = experiment({"control": control, "new": new})
    twice = pa.table({"userId": ["control0", "new1", "new1"], "group": ["new", "control", "new"]})
    found = ws.compare(rows, pa.concat_tables([groups, twice]), before=before, metrics=BOTH)
    others = ~pa.compute.is_in(groups["userId"], value_set=pa.array(["control0", "new1"])).to_numpy()
    expected = ws.compare(rows, groups.filter(pa.array(others)), before=before, metrics=BOTH)
    assert found.table.equals(expected.table)
    assert found.left_out == {"users_in_two_groups": 2, "rows_of_others": 4}
    assert "2 users are in two groups" in found.warnings[0]
    assert expected.left_out == {"users_in_two_groups": 0, "rows_of_others": 4}
    assert expected.warnings == ()
    again = ws.compare(rows, pa.concat_tables([groups, groups]), before=before, metrics=BOTH)
    assert again.table.equals(ws.compare(rows, groups, before=before, metrics=BOTH).table)
    assert again.left_out["users_in_two_groups"] == 0


def test_what_to_mind() -> None:
    rows, _, groups = experiment({"a": random_users(1, 99), "b": random_users(2, 100)})
    few = ws.compare(rows, groups, metrics=BOTH).warnings
    assert len(few) == 1
    assert "Fewer than 100 users are in 'a' 99:" in few[0]
    rows, before, groups = experiment({"a": random_users(1, 100), "b": random_users(2, 100)})
    assert ws.compare(rows, groups, before=before, metrics=BOTH).warnings == ()
    (same,) = ws.compare(rows, groups, before=rows, metrics=BOTH).warnings
    assert "is before the same rows?" in same
    strangers = groups.set_column(0, "userId", pa.array([f"x{n}" for n in range(200)]))
    told = ws.compare(rows, strangers, before=before, metrics=BOTH).warnings
    assert [text.split(" is of")[0] for text in told] == [
        "Not one of the 200 rows of rows", "Not one of the 200 rows of before",
    ]  # fmt: skip


def sessions_and_groups() -> tuple[pa.Table, pa.Table]:
    sessions = ws.sessions(sample_events())
    users = sorted(set(sessions["userId"].to_pylist()))
    rng = random.Random(1)
    times = [f"2026-01-{rng.randint(5, 25):02}T{rng.randint(0, 23):02}:00:00Z" for _ in users]
    named = [rng.choice(["control", "new"]) for _ in users]
    return sessions, pa.table({"userId": users, "group": named, "exposedAt": times})


def test_exposure_tells_what_counts_and_what_was_before() -> None:
    sessions, groups = sessions_and_groups()
    since = dict(zip(groups["userId"].to_pylist(), groups["exposedAt"].to_pylist()))
    after, early = [], []
    for user, start in zip(sessions["userId"].to_pylist(), sessions["sessionStart"].to_pylist()):
        days = (start - ws.instants.parsed(since[user])).total_seconds() / 86400
        after.append(days >= 0)
        early.append(-10 <= days < 0)
    assert min(sum(after), sum(early)) > 5
    plain = groups.drop(["exposedAt"])
    expected = ws.compare(
        ws.engagement(sessions.filter(pa.array(after)), videos=sample.videos(3)), plain,
        before=ws.engagement(sessions.filter(pa.array(early)), videos=sample.videos(3)),
    )  # fmt: skip
    found = ws.compare(sessions, groups, before_days=10, videos=sample.videos(3))
    assert found.table.equals(expected.table)
    assert found.left_out == {"users_in_two_groups": 0, "rows_of_others": 0}
    assert None not in found.table["varianceReduction"].to_pylist()[::2]
    without = ws.compare(sessions, groups, before_days=0, videos=sample.videos(3))
    assert set(without.table["varianceReduction"].to_pylist()) == {None}
    later = groups.set_column(2, "exposedAt", pa.array(["2026-02-20"] * groups.num_rows))
    both = pa.concat_tables([groups, later])
    assert ws.compare(sessions, both, before_days=10, videos=sample.videos(3)).table.equals(found.table)


def as_kind(kind: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    return lambda column: column.cast(kind)


TIMES: dict[str, Callable[[pa.Array], Any]] = {
    "with a zone": as_kind(pa.timestamp("us", "UTC")),
    "elsewhere": lambda times: times.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", "Asia/Tokyo")),
    "without a zone": lambda times: times.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us")),
    "seconds": lambda times: times.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("s", "UTC")),
    "nanoseconds": lambda times: times.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("ns")),
    "text with an offset": lambda times: pa.array([t.as_py().replace("Z", "+00:00") for t in times]),
    "text without": lambda times: pa.array([t.as_py().replace("Z", "").replace("T", " ") for t in times]),
    "dictionary": lambda times: times.dictionary_encode(),
}


@pytest.mark.parametrize("form", TIMES)
def test_times_of_exposure(form: str) -> None:
    sessions, groups = sessions_and_groups()
    times = TIMES[form](groups["exposedAt"].combine_chunks())
    found = ws.compare(sessions, groups.set_column(2, "exposedAt", times))
    assert found.table.equals(ws.compare(sessions, groups).table)


def test_a_date_is_its_midnight() -> None:
    sessions, groups = sessions_and_groups()
    days = pa.array([time[:10] for time in groups["exposedAt"].to_pylist()])
    found = ws.compare(
        sessions, groups.set_column(2, "exposedAt", days.cast(pa.timestamp("s")).cast(pa.date32()))
    )
    assert found.table.equals(ws.compare(sessions, groups.set_column(2, "exposedAt", days)).table)


def test_session_rows_are_as_good_as_engagement_rows() -> None:
    rules = ws.Rules(completion_threshold=0.5)
    sessions = ws.sessions(sample_events(), rules=rules)
    groups = halves()
    rows = ws.engagement(sessions, videos=sample.videos(3), rules=rules)
    found = ws.compare(sessions, groups, videos=sample.videos(3))
    assert found.table.equals(ws.compare(rows, groups).table)
    other = ws.Rules(completion_threshold=0.99)
    stricter = ws.compare(sessions, groups, videos=sample.videos(3), rules=other)
    assert not stricter.table.equals(found.table)
    mixed = ws.compare(rows, groups, before=sessions, videos=sample.videos(3))
    assert mixed.table.equals(ws.compare(rows, groups, before=rows).table)


def test_order_types_and_chunks_change_no_digit() -> None:
    rows, before = sample_rows(), ws.aggregate(sample_events(4))
    groups = halves()
    expected = ws.compare(rows, groups, before=before).table
    seen = 0
    for way, changed in other_ways(rows):
        seen += 1
        assert ws.compare(changed, groups, before=before).table.equals(expected), way
    backwards = groups.take(pa.array(range(groups.num_rows)[::-1]))
    for kind in (pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        other = groups.set_column(0, "userId", groups["userId"].combine_chunks().cast(pa.string()))
        other = other.set_column(1, "group", groups["group"].combine_chunks())
        for place, name in enumerate(("userId", "group")):
            column = other[name].combine_chunks()
            made = column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
            other = other.set_column(place, name, made)
        assert ws.compare(rows, other, before=before).table.equals(expected)
    assert ws.compare(rows, backwards, before=before.to_batches(max_chunksize=5)).table.equals(expected)
    assert seen >= 8


def test_names_of_users_change_no_digit() -> None:
    """Numbers are in another order than the same as text."""
    control, new = random_users(10, 70), random_users(11, 60)
    rows, before, groups = experiment({"control": control, "new": new})
    expected = ws.compare(rows, groups, before=before, metrics=BOTH).table
    number = {user: place * 7919 % 1009 for place, user in enumerate(groups["userId"].to_pylist())}

    def numbered(table: pa.Table, kind: pa.DataType) -> pa.Table:
        users = pa.array([number[user] for user in table["userId"].to_pylist()], pa.int64())
        return table.set_column(0, "userId", users.cast(kind))

    for kinds in (
        (pa.int64(), pa.int64()),
        (pa.int32(), pa.int64()),
        (pa.string(), pa.int64()),
        (pa.int64(), pa.string()),
    ):
        found = ws.compare(
            numbered(rows, kinds[0]),
            numbered(groups, kinds[1]),
            before=numbered(before, kinds[1]),
            metrics=BOTH,
        )
        assert found.table.equals(expected), kinds


def test_swapping_the_groups_turns_the_sign() -> None:
    control, new = random_users(12, 90), random_users(13, 110)
    rows, before, groups = experiment({"a": control, "b": new})
    there = ws.compare(rows, groups, before=before, control="a", metrics=BOTH)
    back = ws.compare(rows, groups, before=before, control="b", metrics=BOTH)
    for one, other in zip(there.table.to_pylist(), back.table.to_pylist()):
        assert one["pValue"] == pytest.approx(other["pValue"], rel=1e-9)
        assert one["difference"] == pytest.approx(-other["difference"])
        assert one["differenceLow"] == pytest.approx(-other["differenceHigh"])
        assert 1 + one["relativeLow"] == pytest.approx(1 / (1 + other["relativeHigh"]))
        assert one["varianceReduction"] == pytest.approx(other["varianceReduction"])


def test_more_power_or_confidence_asks_for_more() -> None:
    rows, _, groups = experiment({"a": random_users(1, 200), "b": random_users(2, 200)})

    def with_(**options: float) -> dict[str, Any]:
        return only(ws.compare(rows, groups, metrics=[WATCHED], **options))

    usual = with_()
    assert with_(power=0.9)["smallestEffect"] > usual["smallestEffect"]
    assert with_(confidence=0.99)["smallestEffect"] > usual["smallestEffect"]
    assert with_(confidence=0.99)["differenceLow"] < usual["differenceLow"]
    assert with_(confidence=0.99)["pValue"] == usual["pValue"]


def test_the_result_is_a_table_of_the_list_and_cannot_be_changed() -> None:
    rows, _, groups = experiment({"a": random_users(1, 20), "b": random_users(2, 20)})
    found = ws.compare(rows, groups, metrics=BOTH)
    assert found.table.schema.remove_metadata().equals(schema("comparison", {}))
    assert found.table.column_names == names("comparison")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.warnings = ()  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(found))
    assert again.table.equals(found.table)
    assert str(again) == str(found)
    rows = ws.aggregate(sample_events())
    assert ws.report(ws.compare(rows, halves()).table) == ws.report(rows)


def test_it_prints_what_matters() -> None:
    rows, _, groups = experiment({"control": random_users(3, 300), "new\x1b[31m": random_users(2, 300, 5.0)})
    more = pa.table({"userId": ["control0"], "group": ["new\x1b[31m"]})
    found = ws.compare(
        rows, pa.concat_tables([groups, more]), metrics=[WATCHED, "sessionsPerUser"], confidence=0.9
    )
    text = str(found)
    row = found.table.to_pylist()[0]
    assert "control 299, new\\x1b[31m 300 (p = .967 for the shares that were meant)" in text
    assert "left out  users in two groups 1, rows of others 1" in text
    assert "warning   1 users are in two groups" in text
    assert "90% interval" in text
    change = f"{row['relative']:+.1%}  {row['relativeLow']:+.1%} to {row['relativeHigh']:+.1%}"
    assert change in text
    assert "differs" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines()[-3:])) < 110
