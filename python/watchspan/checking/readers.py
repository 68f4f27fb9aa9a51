"""Sources of every kind as something to sample: tables and datasets of Arrow, lines of JSON, dicts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Optional

import pyarrow as pa

from watchspan import _core, sources
from watchspan.checking.keeping import Keeper
from watchspan.checking.paths import texts_at, texts_of_dicts, texts_of_lines
from watchspan.errors import SourceError
from watchspan.sources import sampled

# From how many places of a table or file records are taken.
_PLACES = 8
_SCAN_ROWS = 131_072
_LINES_BYTES = 1 << 24
_PROBE_BYTES = 1 << 20
_LINE = pa.schema([("line", pa.binary())])
_PLACE = pa.schema([("place", pa.int64())])


class TableEvents:
    """Events in an Arrow table."""

    def __init__(self, table: pa.Table) -> None:
        """Takes the rows of `table`."""
        self.table = table
        self.records = records_of(table)

    def source(self, columns: Any) -> pa.Table:
        """The table: the engine finds its columns."""
        return self.table

    def only(self, rows: list[int]) -> TableEvents:
        """Those of the events."""
        return TableEvents(self.table.take(pa.array(rows, pa.int64())))


class LineEvents:
    """Events in lines of JSON."""

    def __init__(self, lines: list[bytes]) -> None:
        """Takes lines, those without an object too."""
        self.lines = [item for line in lines for item in _items_of_line(line)]
        self.records = [record_of(line) for line in self.lines]

    def source(self, columns: Any) -> pa.Table:
        """The values that `columns` asks for, as a reader of files gives them."""
        names = dict.fromkeys(chain.from_iterable(self.records))
        want = sources.wanted("events", columns)
        batch = _core.json_lines(b"\n".join(self.lines) + b"\n", want.paths(names), list(names))
        return pa.Table.from_batches([batch])

    def only(self, rows: list[int]) -> LineEvents:
        """Those of the events."""
        return LineEvents([self.lines[row] for row in rows])


class DictEvents:
    """Events in a list of dicts."""

    def __init__(self, records: list[Mapping[str, Any]]) -> None:
        """Takes the dicts."""
        self.records = records

    def source(self, columns: Any) -> list[Mapping[str, Any]]:
        """The list itself."""
        return self.records

    def only(self, rows: list[int]) -> DictEvents:
        """Those of the events."""
        return DictEvents([self.records[row] for row in rows])


@lru_cache(maxsize=1)
def _lists() -> frozenset[str]:
    """The lists of which presets say that each item is an event."""
    return frozenset(spec["unnest"] for spec in _core.preset_specs() if spec["unnest"])


def _items(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The record, or one for each item of such a list, in whose place the item stands."""
    for key in _lists() & set(record):
        items = record[key]
        if isinstance(items, list) and items and all(isinstance(item, Mapping) for item in items):
            return [{**record, key: item} for item in items]
    return [record]


def _items_of_line(line: bytes) -> list[bytes]:
    if not any(key.encode() in line for key in _lists()):
        return [line]
    items = _items(record_of(line))
    return [line] if len(items) == 1 else [json.dumps(item).encode() for item in items]


class TableReader:
    """A table in memory."""

    def __init__(self, table: pa.Table) -> None:
        """Takes `table`."""
        self.table = table
        self.total: Optional[int] = table.num_rows

    def probe(self, count: int) -> TableEvents:
        """Rows from everywhere."""
        if self.table.num_rows <= count:
            return TableEvents(self.table)
        step, each = self.table.num_rows // _PLACES, count // _PLACES
        return TableEvents(pa.concat_tables(self.table.slice(n * step, each) for n in range(_PLACES)))

    def of_users(
        self, paths: Sequence[str], users: Sequence[str], roots: Sequence[str], size: int
    ) -> tuple[TableEvents, list[str]]:
        """The rows of those users that fit."""
        table = self.table.select(list(roots))
        keeper = Keeper(users, size, table.schema)
        for batch in table.to_batches(max_chunksize=_SCAN_ROWS):
            keeper.add(batch, texts_at(batch, paths))
        kept = keeper.table()
        return TableEvents(kept), keeper.users


class DatasetReader:
    """A pyarrow dataset, of files or whatever it is made of."""

    def __init__(self, dataset: Any) -> None:
        """Takes `dataset`."""
        self.dataset = dataset
        self.total: Optional[int] = dataset.count_rows()

    def probe(self, count: int) -> TableEvents:
        """Rows from some of its parts."""
        schema = self.dataset.schema
        if self.total is not None and self.total <= count:
            return TableEvents(self.dataset.to_table())
        parts = [part for fragment in self.dataset.get_fragments() for part in _parts(fragment)]
        chosen = parts[:: max(1, len(parts) // _PLACES)][:_PLACES]
        each = max(1, count // len(chosen))
        # Of the schema of all files, whatever the part's own types are.
        return TableEvents(
            pa.concat_tables(part.scanner(schema=schema, batch_size=each).head(each) for part in chosen)
        )

    def of_users(
        self, paths: Sequence[str], users: Sequence[str], roots: Sequence[str], size: int
    ) -> tuple[TableEvents, list[str]]:
        """The rows of those users that fit."""
        from pyarrow import dataset as ds

        columns = {name: ds.field(name) for name in roots}
        schema = pa.schema([self.dataset.schema.field(name) for name in roots])
        keeper = Keeper(users, size, schema)
        for batch in self.dataset.scanner(columns=columns, batch_size=_SCAN_ROWS).to_batches():
            keeper.add(batch, texts_at(batch, paths))
        kept = keeper.table()
        return TableEvents(kept), keeper.users


def _parts(fragment: Any) -> list[Any]:
    """The row groups of a file of Parquet; any other file as it is."""
    return fragment.split_by_row_group() if hasattr(fragment, "split_by_row_group") else [fragment]


class LineReader:
    """Files of JSON."""

    def __init__(self, files: sampled.LineFiles) -> None:
        """Takes `files`."""
        self.files = files
        self.total: Optional[int] = None

    def probe(self, count: int) -> LineEvents:
        """Lines from everywhere; sets how many there are."""
        lines, self.total = self.files.some(count, _PLACES, _PROBE_BYTES)
        return LineEvents(lines)

    def of_users(
        self, paths: Sequence[str], users: Sequence[str], roots: Sequence[str], size: int
    ) -> tuple[LineEvents, list[str]]:
        """The lines of those users that fit."""
        keeper, seen = Keeper(users, size, _LINE), 0
        for block in self.files.blocks(_LINES_BYTES):
            lines = [line for line in block.split(b"\n") if line.strip()]
            texts = texts_of_lines(block, paths)
            seen += len(lines)
            if len(texts) == len(lines):
                batch = pa.RecordBatch.from_arrays([pa.array(lines, pa.binary())], schema=_LINE)
                keeper.add(batch, texts)
        self.total = seen
        kept = keeper.table().column(0).to_pylist()
        return LineEvents(kept), keeper.users


class DictReader:
    """A list of dicts."""

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Takes the dicts."""
        mappings = [record if isinstance(record, Mapping) else {} for record in records]
        self.records = [item for record in mappings for item in _items(record)]
        self.total: Optional[int] = len(self.records)

    def probe(self, count: int) -> DictEvents:
        """Dicts from everywhere."""
        if len(self.records) <= count:
            return DictEvents(self.records)
        step, each = len(self.records) // _PLACES, count // _PLACES
        return DictEvents([row for n in range(_PLACES) for row in self.records[n * step : n * step + each]])

    def of_users(
        self, paths: Sequence[str], users: Sequence[str], roots: Sequence[str], size: int
    ) -> tuple[DictEvents, list[str]]:
        """The dicts of those users that fit."""
        keeper = Keeper(users, size, _PLACE)
        texts = texts_of_dicts(self.records, paths)
        places = pa.array(range(len(self.records)), pa.int64())
        keeper.add(pa.RecordBatch.from_arrays([places], schema=_PLACE), texts)
        rows = keeper.table().column(0).to_pylist()
        return DictEvents([self.records[row] for row in rows]), keeper.users


def reader_of(events: Any) -> Any:
    """What reads a source of any kind.

    Raises:
        SourceError: If it cannot be read.
        ColumnError: If its columns cannot be turned into Arrow columns.
    """
    if sources.are_paths(events) and sources.delta_table(events) is None:
        found = sampled.open_files(events)
        return LineReader(found) if isinstance(found, sampled.LineFiles) else DatasetReader(found)
    if sources.is_dataset(events):
        return DatasetReader(events)
    if sources.is_list_of_dicts(events):
        return DictReader(events)
    taken = sources.read(events, None, "events")
    return TableReader(_table(taken))


def _table(taken: Any) -> pa.Table:
    if isinstance(taken, pa.RecordBatch):
        return pa.Table.from_batches([taken])
    if hasattr(taken, "__arrow_c_stream__") or hasattr(taken, "__arrow_c_array__"):
        return sources.as_table(taken)
    batches = list(taken)
    if not batches:
        raise SourceError("The iterator of events gave no batches: there is nothing to look at.")
    return pa.Table.from_batches(batches)


def records_of(table: pa.Table) -> list[Mapping[str, Any]]:
    """The rows of a table as dicts, without what Python cannot hold."""
    columns = {name: _values(table.column(place)) for place, name in enumerate(table.column_names)}
    return [dict(zip(columns, row)) for row in zip(*columns.values())]


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        # Whatever its unit and zone: Python knows microseconds, and old pyarrow no zones without pytz.
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.timestamp("us"))
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError, KeyError, ImportError, TypeError, pa.ArrowException):
        return [None] * len(column)


def record_of(line: bytes) -> Mapping[str, Any]:
    """The object of a line; an empty one if there is none."""
    start = line.find(b"{")
    try:
        found = json.loads(line[start:]) if start >= 0 else None
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}
