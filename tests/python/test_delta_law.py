"""The law of the tables: after any sequence of refreshes they equal a full run over all events that arrived.

Streams arrive in random order and pieces, windows are repeated, runs are stopped at any commit, videos gain
and lose their durations on the way.
"""

import os
import random
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pytest

import watchspan as ws
from support.random_streams import OPTIONAL, any_rules, stream, table

pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")

from deltalake import write_deltalake

from watchspan import refresh
from watchspan.delta.engine import DeltaEngine
from watchspan.refresh import Given
from watchspan.refresh.windows import window

STREAMS = int(os.environ.get("WATCHSPAN_STREAMS", "60"))
ARRIVAL = datetime(2026, 2, 1, tzinfo=timezone.utc)
VIDEOS = pa.schema(
    [
        ("videoId", pa.string()),
        ("duration", pa.float64()),
        ("durationSource", pa.string()),
        ("title", pa.string()),
    ]
)


class DiedError(Exception):
    """The process died."""


class Mortal(DeltaEngine):
    """An engine that dies before its n-th commit, and knows whether the sessions were written before."""

    def __init__(self, *args, commits=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.left = commits
        self.sessions_written = False

    def _commit(self, write):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise DiedError
        super()._commit(write)

    def merge(self, table, source):
        super().merge(table, source)
        self.sessions_written = self.sessions_written or table == "sessions"


class World:
    """The raw table, the catalogue, and the tables that are kept."""

    def __init__(self, folder, rng, has_session, rules):
        self.raw, self.output = str(folder / "raw"), str(folder / "engagement")
        self.rng, self.has_session = rng, has_session
        self.rules = ws.Rules(**rules)
        self.days = 0
        self.videos = None
        # Chances of its own, so that a stream is the same with a table of retention and without.
        self.curves = random.Random(f"retention {rng.getstate()[1][:8]}")
        self.wants_curves = self.curves.random() < 0.7

    def arrive(self, events):
        """One batch of events arrives, on a day of its own."""
        arrived = pa.array([ARRIVAL + timedelta(days=self.days)] * events.num_rows, pa.timestamp("us", "UTC"))
        write_deltalake(self.raw, events.append_column("arrivedAt", arrived), mode="append")
        self.days += 1

    def new_catalogue(self):
        """Durations and titles, different every time."""
        rng = self.rng
        rows = [
            {
                "videoId": key,
                "duration": rng.choice([None, 100.0, 60.0]),
                "durationSource": rng.choice([None, "estimated", "metadata", "reported"]),
                "title": rng.choice([None, "A", "B"]),
            }
            for key in rng.sample(["v1", "v2", "v3"], rng.randrange(1, 4))
        ]
        self.videos = pa.Table.from_pylist(rows, VIDEOS)

    def refresh(self, changed, commits=None):
        wanted = self.wants_curves and self.curves.random() < 0.4
        if commits is not None and self.wants_curves:
            commits += self.curves.randrange(0, 5)
        engine = Mortal(self.output, raw=self.raw, videos=self.videos, threads=1, commits=commits)
        given = Given(self.has_session, self.videos is not None, self.rules)
        try:
            return engine, refresh.refresh(engine, given, changed, retention_table=wanted)
        except DiedError:
            return engine, None


def kept(path, order):
    rows = pa.table(DeltaEngine(path)._open("engagement").scan())
    assert rows["processedAt"].null_count == 0
    return sorted(
        rows.drop_columns(["processedAt"]).to_pylist(), key=lambda row: [row[name] for name in order]
    )


def days(first, last=None):
    """The window of these days of arrival."""
    ends = [ARRIVAL + timedelta(days=first), ARRIVAL + timedelta(days=(first if last is None else last) + 1)]
    return window(*ends, "arrivedAt")


def event_window(rng, events):
    """A window on the events' own time that holds a batch, as a backfill would choose it."""
    times = [time for time in events["timestamp"].to_pylist() if time is not None]
    if not times or rng.random() < 0.3:
        return window()
    return window(min(times), max(times) + timedelta(microseconds=1))


@pytest.mark.parametrize("seed", range(STREAMS))
def test_any_sequence_of_refreshes_equals_a_full_run(seed, tmp_path):
    rng = random.Random(f"refresh {seed}")
    has_session = rng.random() < 0.6
    columns = [name for name in ("sequence", "videoDuration") if rng.random() < 0.4]
    rows = stream(rng, has_session, {name: OPTIONAL[name] for name in columns})
    rules = any_rules(rng)
    if rng.random() < 0.3:
        rules["session_timeout_seconds"] = rng.choice([30.0, 1800.0])
    world = World(tmp_path, rng, has_session, rules)
    if rng.random() < 0.7:
        world.new_catalogue()
    by_arrival = rng.random() < 0.6
    columns, pieces, todo = [*rows[0]], [], []
    while rows:
        cut = rng.randrange(1, 12)
        piece, rows = rows[:cut], rows[cut:]
        pieces.append(table(piece, columns))
    for piece in pieces:
        world.arrive(piece)
        if world.videos is not None and rng.random() < 0.3:
            world.new_catalogue()
        changed = days(world.days - 1) if by_arrival else event_window(rng, piece)
        todo.append(changed)
        if rng.random() < 0.3:
            continue  # this batch waits, and is taken in later
        if rng.random() < 0.3:
            todo.append(rng.choice(todo))  # a window once more
        while todo:
            work = todo.pop(rng.randrange(len(todo)))
            engine, done = world.refresh(work, rng.choice([None, None, rng.randrange(0, 9)]))
            if done is None and not engine.sessions_written:
                todo.append(work)
            elif rng.random() < 0.3:
                break
    for work in [*todo, days(0, world.days)] if rng.random() < 0.5 else [*todo, days(world.days + 1)]:
        _, done = world.refresh(work)
        assert done.shrunk == 0

    everything = pa.concat_tables(pieces)
    sessions = ws.sessions(everything, rules=world.rules).to_pylist()
    engagement = ws.aggregate(everything, videos=world.videos, rules=world.rules).to_pylist()
    keys = ["userId", "videoId", "sessionId"]
    assert kept(world.output + "_sessions", keys) == sorted(sessions, key=lambda row: [row[k] for k in keys])
    assert kept(world.output, keys[:2]) == engagement
    assert not pa.table(DeltaEngine(world.output)._open("pending").scan()).num_rows
    if world.wants_curves and DeltaEngine(world.output).exists("retention"):
        known = [row for row in engagement if row["videoDuration"] is not None]
        full = ws.aggregate(everything, videos=world.videos, rules=world.rules)
        curves = ws.retention(pa.Table.from_pylist(known, full.schema)).to_pylist()
        assert kept(world.output + "_retention", ["videoId", "bucket"]) == curves
