"""Records that are more, or less, than one event: lists of events; what one record says of a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Callable

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import _core
from watchspan.sources.wanted import Wanted

_SESSION = "sessionId"


def unnested(batch: pa.RecordBatch, key: str) -> Iterator[pa.RecordBatch]:
    """The rows of a batch, one for each item of the lists in the column `key`, which stands in their place.

    A row whose list is null is one row. A batch without such lists is as it was.
    """
    names = batch.schema.names
    kind = batch.schema.field(key).type if key in names else pa.null()
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        yield batch
        return
    lists = batch.column(names.index(key))
    none = pc.is_null(lists)
    rows = [
        (pc.list_parent_indices(lists), pc.list_flatten(lists)),
        (pc.indices_nonzero(none), pa.nulls(pc.sum(none).as_py() or 0, kind.value_type)),
    ]
    for parents, items in rows:
        others = (
            items if name == key else column.take(parents) for name, column in zip(names, batch.columns)
        )
        yield pa.RecordBatch.from_arrays(list(others), names=names)


def filled(again: Callable[[], Iterable[pa.RecordBatch]], want: Wanted) -> Iterator[pa.RecordBatch]:
    """The events of a source, under their default names, with what one record of their session says.

    Args:
        again: Gives the source's batches, from the first one again with each call.
        want: What is used of them, and which columns are filled.
    """
    said: dict[str, dict[Any, Any]] = {name: {} for name in want.fill}
    for batch in _flat(again(), want):
        for name, values in said.items():
            _learn(batch, name, values)
    for batch in _flat(again(), want):
        yield _with(batch, said)


def _flat(batches: Iterable[pa.RecordBatch], want: Wanted) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield _core.flat(batch, want.table, want.columns)


def _learn(batch: pa.RecordBatch, name: str, values: dict[Any, Any]) -> None:
    """Notes what `batch` says of its sessions in the column `name`; None where it says several things."""
    if not {name, _SESSION} <= set(batch.schema.names):
        return
    pairs = pa.table([_plain(batch, _SESSION), _plain(batch, name)], [_SESSION, name])
    distinct = pairs.group_by([_SESSION, name]).aggregate([(_SESSION, "count")])
    for session, value in zip(distinct[_SESSION].to_pylist(), distinct[name].to_pylist()):
        if value is not None and value != "" and values.setdefault(session, value) != value:
            values[session] = None


def _with(batch: pa.RecordBatch, said: dict[str, dict[Any, Any]]) -> pa.RecordBatch:
    names = batch.schema.names
    if _SESSION not in names:
        return batch
    sessions = _plain(batch, _SESSION)

    def column(name: str) -> Any:
        own, values = batch.column(names.index(name)), said.get(name)
        if not values:
            return own
        own, keys = _plain(batch, name), pa.array(list(values), sessions.type)
        there = pa.array(list(values.values()), own.type).take(pc.index_in(sessions, value_set=keys))
        return pc.coalesce(own, there)

    return pa.RecordBatch.from_arrays([column(name) for name in names], names=names)


def _plain(batch: pa.RecordBatch, name: str) -> Any:
    """A column without a dictionary."""
    column = batch.column(batch.schema.names.index(name))
    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
