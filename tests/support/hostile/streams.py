"""Valid tables of events that hold values which nobody should send, and the laws that hold all the same."""

from __future__ import annotations

import math
import random
from typing import Any, Callable, Optional

import pyarrow as pa
import pyarrow.compute as pc

import watchspan as ws
from support.hostile.laws import LawError, check_result, refused, require
from support.random_streams import assert_second_opinion
from watchspan.errors import OptionError

Recipe = dict[str, Any]
_START = 1_768_471_200_000_000
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
_NAMES = (
    "play",
    "resume",
    "pause",
    "ended",
    "seek",
    "seek_start",
    "heartbeat",
    "close",
    "rate_change",
    "odd",
    None,
)
_NUMBERS = (0.0, -0.0, 5e-324, 1e-306, 1e-9, 0.1, 1.0, 2**53 + 1.0, 1e15, 1e100, 1e306, 1e307, 1.7e308)
_ODD = (*_NUMBERS, math.nan, math.inf, -math.inf, -1.0, -1e308, None)
_IDS = (
    "",
    "a",
    "b",
    "\x00",
    "\x1b[2J",
    "é",
    "\U0001f600",
    " ",
    "a" * 13,
    "a\x00b",
    "'; --",
    "x" * 5000,
    None,
)
_WHOLE = (0, 1, -1, 2**63 - 1, -(2**63), 2**53, None)
_RULES: dict[str, tuple[Any, ...]] = {
    "tolerance_seconds": (0.0, 5e-324, 1e300),
    "max_segment_seconds": (1e-300, 20.0, 1e300),
    "forward_skip_seconds": (0.0, 1e300),
    "backward_skip_seconds": (0.0, 1e300),
    "session_timeout_seconds": (1e-300, 1e-6, 30.0, 1e300),
    "open_segment_cap_seconds": (0.0, 1e-300, 1e300),
    "heartbeat_seconds": (1e-300, 10.0, 1e300),
    "completion_threshold": (1e-300, 0.5, 1.0),
    "count_unobserved": (True,),
    "excessive_ratio": (1e-300, 1e300),
    "position_slack_seconds": (0.0, 1e300),
    "very_short_seconds": (0.0, 1e300),
    "estimate_duration": (False,),
}
_SCORES = (0.0, -1.0, 1e-300, 1e300, -1e300)
# One of so many is a large one.
_RARE = 4000


def recipe(seed: int) -> Recipe:
    """A stream is its number: what it holds is made from it."""
    return {"seed": seed}


def _stamps(rng: random.Random, count: int) -> pa.Array:
    clock, found = _START, []
    wild = rng.random() < 0.3
    for _ in range(count):
        clock += rng.choice([0, 0, 1, 1_000_000, 10_000_000, 300_000_000, 4_000_000_000])
        edge = rng.choice([_FIRST, _LAST, _FIRST - 1, _LAST + 1, 2**63 - 1, -(2**63), 0, -1, None])
        found.append(edge if wild and rng.random() < 0.3 else clock)
    unit = rng.choice(["us", "us", "us", "ms", "s", "ns"])
    if unit != "us" and not wild:
        scale = {"ms": 10**3, "s": 10**6, "ns": 1}[unit]
        found = [at // scale * (1000 if unit == "ns" else 1) for at in found]
    return pa.array(found, pa.int64()).cast(pa.timestamp(unit, rng.choice(["UTC", None])))


def _ids(rng: random.Random, count: int, whole: bool) -> list[Any]:
    few = rng.sample(_WHOLE if whole else _IDS, rng.randrange(1, 4))
    return [rng.choice(few) for _ in range(count)]


def _positions(rng: random.Random, count: int) -> list[Optional[float]]:
    odd = rng.choice([0.0, 0.1, 0.5])
    return [rng.choice(_ODD) if rng.random() < odd else float(rng.randrange(0, 130)) for _ in range(count)]


def _events(rng: random.Random, count: int) -> pa.Table:
    whole = rng.random() < 0.2
    kind = pa.int64() if whole else pa.string()
    columns = {
        "timestamp": _stamps(rng, count),
        "userId": pa.array(_ids(rng, count, whole), kind),
        "videoId": pa.array(_ids(rng, count, whole), kind),
        "eventName": pa.array([rng.choice(_NAMES) for _ in range(count)], pa.string()),
        "currentTime": pa.array(_positions(rng, count), pa.float64(), from_pandas=False),
    }
    if rng.random() < 0.5:
        columns["sessionId"] = pa.array(_ids(rng, count, whole), kind)
    for name in ("seekFrom", "playbackRate"):
        if rng.random() < 0.3:
            columns[name] = pa.array(
                [rng.choice(_ODD) for _ in range(count)], pa.float64(), from_pandas=False
            )
    if rng.random() < 0.2:
        columns["sequence"] = pa.array([rng.choice(_WHOLE) for _ in range(count)], pa.int64())
    return pa.table(columns)


def _many(rng: random.Random) -> pa.Table:
    """As many users, videos or sessions as there are 16-bit numbers."""
    count = 65_536
    ids = pa.array([f"id{number}" for number in range(count)])
    same = pa.array(["one"] * count)
    many = rng.choice(["userId", "videoId", "sessionId"])
    names = {name: ids if name == many else same for name in ("userId", "videoId", "sessionId")}
    stamps = pa.array(range(_START, _START + count * 1_000_000, 1_000_000), pa.int64())
    return pa.table(
        {
            "timestamp": stamps.cast(pa.timestamp("us", "UTC")),
            **names,
            "eventName": pa.array(["play", "pause"] * (count // 2)),
            "currentTime": pa.array([float(number % 100) for number in range(count)]),
        }
    )


def _videos(rng: random.Random, events: pa.Table) -> Optional[pa.Table]:
    if rng.random() < 0.3:
        return None
    keys = [key for key in dict.fromkeys(events["videoId"].slice(0, 50).to_pylist()) if key not in ("", None)]
    durations = [rng.choice([*_ODD, 60.0, 100.0]) for _ in keys]
    return pa.table(
        {
            "videoId": pa.array(keys, events["videoId"].type),
            "duration": pa.array(durations, pa.float64(), from_pandas=False),
        }
    )


def _options(rng: random.Random) -> tuple[ws.Rules, ws.Scoring]:
    chosen = rng.sample(sorted(_RULES), rng.choice([0, 0, 1, 2, 4]))
    rules = ws.Rules(**{name: rng.choice(_RULES[name]) for name in chosen})
    weights = {"skips": rng.choice(_SCORES), "sessions": rng.choice(_SCORES)} if rng.random() < 0.1 else {}
    known = ws.Scoring.__dataclass_fields__
    return rules, ws.Scoring(**{name: value for name, value in weights.items() if name in known})


class Laws:
    """One stream, and what must hold of it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.events = _many(rng) if rng.randrange(_RARE) == 0 else _events(rng, rng.randrange(0, 24))
        self.videos = _videos(rng, self.events)
        self.rules, self.scoring = _options(rng)
        self.options: dict[str, Any] = {"rules": self.rules, "scoring": self.scoring, "videos": self.videos}
        if rng.random() < 0.1:
            self.options["unique_seconds"] = False
        self.rows = ws.aggregate(self.events, threads=1, **self.options)

    def possible(self) -> None:
        """Numbers that can be."""
        check_result(self.rows)
        for row in self.rows.to_pylist():
            _check_row(row)
        kept = ws.report(self.rows)["kept"]
        require(
            sum(self.rows["eventCount"].to_pylist()) == kept, "eventCount does not add up to what was kept"
        )

    def sessions(self) -> None:
        """Engagement is a function of sessions."""
        sessions = ws.sessions(self.events, rules=self.rules, threads=1)
        check_result(sessions)
        again = ws.engagement(sessions, threads=1, **self.options)
        require(again.equals(self.rows, check_metadata=True), "engagement(sessions(e)) is not aggregate(e)")

    def order(self) -> None:
        """Row order, batches, threads and the limit on memory change nothing."""
        places = list(range(self.events.num_rows))
        # Of events alike in all that orders them the first is kept, so what else they carry must not differ.
        self.rng.shuffle(places)
        shuffled = self.events.take(pa.array(places, pa.int64()))
        limit = self.rng.choice([None, 1, 1 << 20])
        size = self.rng.choice([1, 3, 100_000]) if len(places) < 100 else 5000
        batches = iter(
            shuffled.to_batches(max_chunksize=size) or [shuffled.schema.empty_table().to_batches()]
        )
        source = batches if places else shuffled
        threads = self.rng.choice([1, 2, 3])
        again = ws.aggregate(source, threads=threads, memory_limit=limit, **self.options)
        require(
            again.equals(self.rows), f"other rows with {threads} threads, batches of {size} and limit {limit}"
        )

    def layouts(self) -> None:
        """How text is laid out changes nothing."""
        kind = self.rng.choice([pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
        events = self.events
        for place, field in enumerate(events.schema):
            if pa.types.is_string(field.type):
                column = events.column(place)
                text = column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
                events = events.set_column(place, field.name, text)
        again = ws.aggregate(events, threads=1, **{**self.options, "videos": self.videos})
        require(again.to_pylist() == self.rows.to_pylist(), f"other rows with {kind}")

    def twice(self) -> None:
        """Events that are repeated change nothing."""
        again = ws.aggregate(pa.concat_tables([self.events, self.events]), threads=1, **self.options)
        require(again.equals(self.rows), "repeated events change something")

    def retention(self) -> None:
        """An audience is a part of the users."""
        buckets = (
            {"buckets": 3} if self.rng.random() < 0.7 else {"bucket_seconds": self.rng.choice([7.0, 1e306])}
        )
        if not self.options.get("unique_seconds", True):
            return
        try:
            curves = ws.retention(self.rows, threads=1, videos=self.videos, **buckets)
        except OptionError:  # more buckets than anybody wants
            require("bucket_seconds" in buckets, "no three buckets")
            return
        check_result(curves)
        for row in curves.slice(0, 500).to_pylist():
            whole = -1e-9 <= row["retention"] <= 1 + 1e-9 and row["startSeconds"] <= row["endSeconds"]
            require(whole and row["audience"] <= row["users"] + 1e-9, f"impossible: {row}")

    def others(self) -> None:
        """The other verbs agree."""
        found = ws.validate(self.events, threads=1)
        check_result(found)
        told = ws.report(self.rows)
        require(
            (found.read, found.dropped) == (told["read"], told["dropped"]), "validate and aggregate differ"
        )
        check_result(ws.summarize(self.rows))
        if self.rows.num_rows:
            row = self.rng.choice(self.rows.slice(0, 9).to_pylist())
            judged = ws.explain(self.events, row["userId"], row["videoId"], rules=self.rules, threads=1)
            # A position that was dropped is shown as it came.
            check_result(judged.filter(pc.is_valid(judged["playing"])))


def _check_row(row: dict[str, Any]) -> None:
    for name, value in row.items():
        if isinstance(value, (int, float)) and name not in ("userId", "videoId", "engagementScore"):
            require(value >= 0 and math.copysign(1, value) > 0, f"{name} is {value}")
    watched, unique = row["totalWatchTime"], row["totalUniqueSecondsWatched"]
    # Beyond 2^53 the ends of intervals are numbers that lie some seconds apart.
    ends = [math.ulp(interval["end"]) for interval in row["watchedIntervals"] or ()]
    slack = 1e-6 + 1e-9 * watched + sum(ends)
    duration = row["videoDuration"]
    if unique is not None:
        require(unique <= watched + slack, f"unique {unique} > watched {watched}")
        require(
            duration is None or unique <= duration * (1 + 1e-9) + 1e-6,
            f"unique {unique} > duration {duration}",
        )
        spans = [(span["start"], span["end"]) for span in row["watchedIntervals"]]
        ordered = all(a[1] < b[0] for a, b in zip(spans, spans[1:]))
        require(ordered and all(start <= end for start, end in spans), f"intervals {spans}")
    require(
        duration is None or row["maxPositionReached"] <= duration, "maxPositionReached is beyond the duration"
    )
    require(row["firstWatchDate"] <= row["lastWatchDate"], "first is after last")
    require(row["isReplay"] == (row["sessionCount"] > 1), "isReplay")


_ALWAYS: tuple[Callable[[Laws], None], ...] = (Laws.possible, Laws.sessions)
_SOMETIMES = (Laws.order, Laws.layouts, Laws.twice, Laws.retention, Laws.others)


def run(made: Recipe) -> str:
    """Makes the stream and looks whether the laws hold; one in twenty is for the second opinion."""
    rng = random.Random(made["seed"])
    if rng.random() < 0.05:
        try:
            assert_second_opinion(1_000_000 + made["seed"])
        except AssertionError as error:
            raise LawError(f"the second opinion differs: {error}") from error
        return "accepted"

    def holds() -> None:
        laws = Laws(rng)
        for law in (*_ALWAYS, *rng.sample(_SOMETIMES, 2)):
            law(laws)

    if refused(holds) == "refusal":
        raise LawError("a valid table is refused")
    return "accepted"
