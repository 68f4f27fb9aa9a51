"""Kept tables without Spark: a folder with a raw table, and the full run that the kept ones must equal."""

from datetime import timedelta

import pyarrow as pa
import pytest

import watchspan as ws
from support.events import START

pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")

from deltalake import DeltaTable, write_deltalake

from watchspan import delta

SCHEMA = pa.schema(
    [
        ("timestamp", pa.timestamp("us", "UTC")),
        ("userId", pa.string()),
        ("videoId", pa.string()),
        ("sessionId", pa.string()),
        ("eventName", pa.string()),
        ("currentTime", pa.float64()),
        ("ingestedAt", pa.timestamp("us", "UTC")),
    ]
)


def rows(user, video, session, events, *, start=START, arrived=None):
    """Events as (seconds from the start, name, position), which arrive a moment later by default."""
    times = [start + timedelta(seconds=seconds) for seconds, _, _ in events]
    columns = [
        times,
        [user] * len(events),
        [video] * len(events),
        [session] * len(events),
        [name for _, name, _ in events],
        [float(position) for _, _, position in events],
        [arrived or time + timedelta(seconds=1) for time in times],
    ]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA)], schema=SCHEMA)


class Place:
    """A folder with a raw table and the tables that are kept."""

    def __init__(self, folder):
        self.raw, self.table = str(folder / "raw"), str(folder / "engagement")
        self.arrived = []

    def arrive(self, *tables):
        for table in tables:
            write_deltalake(self.raw, table, mode="append")
            self.arrived.append(table)

    def update(self, *args, **kwargs):
        return delta.update(self.raw, self.table, *args, **kwargs)

    def read(self, suffix=""):
        table = pa.table(DeltaTable(self.table + suffix).scan())
        return sorted(table.to_pylist(), key=lambda row: [str(value) for value in row.values()][:3])

    def kept(self, suffix=""):
        return [{k: v for k, v in row.items() if k != "processedAt"} for row in self.read(suffix)]

    def check(self, **options):
        """The tables equal a full run over all that arrived."""
        everything = pa.concat_tables(self.arrived)
        walking = {name: options[name] for name in ("rules", "columns") if name in options}
        assert self.kept("_sessions") == ws.sessions(everything, **walking).to_pylist()
        assert self.kept() == ws.aggregate(everything, **options).to_pylist()
        assert self.read("_pending") == []


VIDEOS = {"videoId": ["v1"], "duration": [300.0], "title": ["Intro"]}


def without(path, *columns, settings=None):
    """Makes a table one of a version that had no such columns, and noted down these `settings`."""
    older = pa.table(DeltaTable(path).scan()).drop_columns(list(columns))
    kept = dict(DeltaTable(path).metadata().configuration)
    write_deltalake(path, older, mode="overwrite", schema_mode="overwrite", configuration={})
    if settings is not None:
        kept["watchspan.settings"] = settings
    DeltaTable(path).alter.set_table_properties(kept, raise_if_not_exists=False)
