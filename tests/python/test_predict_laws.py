"""What a model knows of a pair: by hand, never of what came later, and the same in any order and form."""

from __future__ import annotations

import datetime as dt
import math
import os
import random
import subprocess
import sys
from typing import Any, Callable

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import watchspan as ws
from support.insight_rows import other_ways, sample_events, sample_rows, with_column
from support.returning import LATER, THEN, as_of, keen_ones
from watchspan import sample

pytest.importorskip("sklearn", reason="scikit-learn is not here")

from hypothesis import given, settings
from hypothesis import strategies as st

from watchspan.predict import CompletionModel, features


def rows_by_hand() -> pa.Table:
    """Ann watched a half in two sittings and began another video later; bob finished, cid looked once."""
    again = [("play", 60), ("pause", 120), ("seek", 30), ("play", 30), ("pause", 60)]
    told = [
        ("ann", "a", "1", "2026-01-01T10:00:00Z", [("play", 0), ("pause", 60)]),
        ("ann", "a", "2", "2026-01-02T10:00:00Z", again),
        ("ann", "b", "3", "2026-01-04T10:00:00Z", [("play", 0), ("pause", 30)]),
        ("bob", "a", "4", "2026-01-03T10:00:00Z", [("play", 0), ("ended", 240)]),
        ("cid", "a", "5", "2026-01-05T10:00:00Z", [("play", 0), ("pause", 180)]),
    ]  # fmt: skip
    events = []
    for user, video, session, start, steps in told:
        at, before = dt.datetime.fromisoformat(start.replace("Z", "+00:00")), steps[0][1]
        for name, position in steps:
            at += dt.timedelta(seconds=max(0, position - before))
            before = position
            events.append({
                "timestamp": at, "userId": user, "videoId": video, "sessionId": session, "eventName": name,
                "currentTime": float(position),
            })  # fmt: skip
    return ws.aggregate(
        events, videos={"videoId": ["a"], "duration": [240]}, rules=ws.Rules(estimate_duration=False)
    )


def test_features_by_hand() -> None:
    rows = rows_by_hand()
    found = features(rows, as_of="2026-01-12T10:00:00Z").to_pylist()
    assert [(row["userId"], row["videoId"]) for row in found] == [("ann", "a"), ("ann", "b"), ("cid", "a")]
    ann, other, cid = found
    assert (ann["reach"], ann["furthest"], ann["coverage"]) == (0.5, 0.5, 0.5)
    assert (ann["minutesLong"], ann["minutesLeft"], ann["minutesWatched"]) == (4.0, 2.0, 2.5)
    assert (ann["sessionCount"], ann["rewatchedShare"], ann["speed"]) == (2.0, 0.2, 1.0)
    assert ann["daysSinceStarted"] == 11.0
    assert ann["daysSinceWatched"] == 10 - 90 / 86_400
    assert ann["backwardSkipsPerMinute"] == 1 / 2.5
    assert ann["forwardSkipsPerMinute"] == 0.0
    assert ann["pausesPerSession"] == 1.5
    # Of four rows, one is completed and one has several sessions; five more like them join the others.
    assert ann["videoViewers"] == 3.0
    assert ann["videoCompletionRate"] == (1 + 5 / 4) / (2 + 5)
    assert ann["videoReturnRate"] == (0 + 5 / 4) / (2 + 5)
    assert cid["videoReturnRate"] == (1 + 5 / 4) / (2 + 5)
    assert (ann["userVideos"], cid["userVideos"]) == (2.0, 1.0)
    assert ann["userCompletionRate"] == (0 + 5 / 4) / (1 + 5)
    assert other["userReturnRate"] == (1 + 5 / 4) / (1 + 5)
    assert cid["userReturnRate"] == 1 / 4, "of nobody but all"
    assert (ann["videosSince"], other["videosSince"]) == (1.0, 0.0)
    assert ann["userDaysSinceSeen"] == other["userDaysSinceSeen"] == 8 - 30 / 86_400
    # Both others got as far as ann, of whom bob finished; as far as cid only bob.
    assert ann["completionCurve"] == (1 + 5 * ann["videoCompletionRate"]) / (2 + 5)
    assert cid["completionCurve"] == (1 + 5 * cid["videoCompletionRate"]) / (1 + 5)
    without = {name for name, value in other.items() if value is None}
    assert without == {"reach", "furthest", "coverage", "minutesLong", "minutesLeft", "completionCurve"}


# The law: what comes later is in no feature.


def bytes_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), day=st.integers(5, 25))
def test_what_comes_later_changes_no_feature(seed: int, day: int) -> None:
    """Whatever happens after T: features as of T, and what is learned of them, are of what was before."""
    events, videos = sample_events(), sample.videos(3)
    until = pa.scalar(dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc), events["timestamp"].type)
    is_before = pc.fill_null(pc.less(events["timestamp"], until), False)
    later = events.filter(pc.invert(is_before)).to_pylist()
    chance = random.Random(seed)
    chance.shuffle(later)
    for event in later[: len(later) // 2]:
        event.update(
            currentTime=chance.uniform(0, 9_000), eventName=chance.choice(["video_ended", "video_play"])
        )
    other = pa.concat_tables([events.filter(is_before), pa.Table.from_pylist(later[::2], events.schema)])
    found = []
    for stream in (events, other):
        known = pc.fill_null(pc.less(stream["timestamp"], until), False)
        then = ws.aggregate(stream.filter(known), videos=videos)
        found.append(bytes_of(features(then, as_of=until.as_py())))
    assert found[0] == found[1]
    assert len(found[0]) > 2_000


def test_rows_later_say_nothing_but_what_became_of_pairs() -> None:
    """The same outcomes, and all else of the later rows other: the same model."""
    then, later = (as_of(keen_ones(), until) for until in (THEN, LATER))
    count = later.num_rows
    odd = with_column(later, "videoDuration", [1.0] * count, pa.float64())
    odd = with_column(odd, "totalWatchTime", [9e5] * count, pa.float64())
    odd = with_column(odd, "sessionCount", [77] * count, pa.int64())
    odd = with_column(odd, "watchedIntervals", [None] * count, odd["watchedIntervals"].type)
    models = [CompletionModel().fit(then, rows) for rows in (later, odd)]
    assert models[0].predict(then).equals(models[1].predict(then))
    assert models[0].score() == models[1].score()
    dropped = CompletionModel().fit(
        then, later.select(["userId", "videoId", "isCompletedAtLeastOnce", "lastWatchDate"])
    )
    assert dropped.score() == models[0].score()


# Order, form and threads.


def test_order_and_form_of_rows_change_no_feature() -> None:
    rows = sample_rows()
    expected = features(rows)
    assert expected.num_rows > 50
    for name, other in other_ways(rows):
        assert bytes_of(features(other)) == bytes_of(expected), name


def key_forms() -> dict[str, Callable[[pa.Table], pa.Table]]:
    def keys(change: Callable[[Any], Any]) -> Callable[[pa.Table], pa.Table]:
        def changed(rows: pa.Table) -> pa.Table:
            for name in ("userId", "videoId"):
                rows = with_column(rows, name, change(rows[name]))
            return rows

        return changed

    return {
        "backwards": lambda rows: rows.take(pa.array(range(rows.num_rows - 1, -1, -1))),
        "chunks": lambda rows: pa.concat_tables([rows.slice(at, 50) for at in range(0, rows.num_rows, 50)]),
        "dictionary": keys(lambda column: column.dictionary_encode()),
        "large text": keys(lambda column: column.cast(pa.large_string())),
    }


def test_order_and_form_of_rows_change_no_model() -> None:
    then, later = (as_of(keen_ones(150), until) for until in (THEN, LATER))
    expected = CompletionModel().fit(then, later)
    for name, change in key_forms().items():
        model = CompletionModel().fit(change(then), change(later))
        assert model.score() == expected.score(), name
        assert model.predict(change(later)).equals(expected.predict(later)), name


def test_integer_keys_are_as_good_as_their_text() -> None:
    then, later = (as_of(keen_ones(150), until) for until in (THEN, LATER))

    def numbered(rows: pa.Table, kind: pa.DataType) -> pa.Table:
        for name in ("userId", "videoId"):
            texts = [str(int(key[1:])) for key in rows[name].to_pylist()]
            rows = with_column(rows, name, pa.array(texts).cast(kind))
        return rows

    texts, numbers = (
        CompletionModel().fit(numbered(then, kind), numbered(later, kind))
        for kind in (pa.string(), pa.int64())
    )
    assert texts.score() == numbers.score()
    found = numbers.predict(numbered(later, pa.int64()))
    assert found.schema.field("userId").type == pa.int64()
    keys = [(row["userId"], row["videoId"]) for row in found.to_pylist()]
    assert keys == sorted(keys)
    by_text = {
        (int(row["userId"]), int(row["videoId"])): row["probability"]
        for row in texts.predict(numbered(later, pa.string())).to_pylist()
    }
    assert by_text == {(r["userId"], r["videoId"]): r["probability"] for r in found.to_pylist()}


CODE = """
import hashlib
from support.returning import LATER, THEN, as_of, keen_ones
from watchspan.predict import CompletionModel
then, later = (as_of(keen_ones(150), until) for until in (THEN, LATER))
model = CompletionModel().fit(then, later)
said = model.predict(later)
print(hashlib.sha256(repr(said["probability"].to_pylist()).encode()).hexdigest(), model.score().skill)
"""


def test_threads_and_hash_seeds_change_no_digit() -> None:
    folders = os.pathsep.join(filter(None, sys.path))
    told = set()
    for threads, seed in (("1", "0"), ("3", "1")):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, text=True, check=False,
            env={**environment, "PYTHONHASHSEED": seed, "PYTHONPATH": folders},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told.add(done.stdout)
    assert len(told) == 1
    assert math.isfinite(float(told.pop().split()[1]))
