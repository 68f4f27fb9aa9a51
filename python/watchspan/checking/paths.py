"""What is at a path, of many rows at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import _core
from watchspan.columns import EVENTS, core_place

# What the core needs of a table to find a column in it, though nobody asks.
_REQUIRED = {name: core_place(value="0") for name, column in EVENTS.items() if column.required}


def texts_at(batch: pa.RecordBatch, paths: Sequence[str]) -> pa.Array:
    """The values of a table at the first of the paths that has one, as text."""
    flat = _core.flat(batch, "events", {**_REQUIRED, "userId": list(paths)})
    found = flat.column(flat.schema.names.index("userId"))
    found = found.dictionary_decode() if isinstance(found, pa.DictionaryArray) else found
    return found.cast(pa.string())


def texts_of_lines(block: bytes, paths: Sequence[str], names: Sequence[str] = ()) -> pa.Array:
    """The same of lines of JSON, of whose paths those among `names` are keys as they are."""
    read = _core.json_lines(block, list(paths), list(names))
    return pc.coalesce(*read.columns[: len(paths)])


def texts_of_dicts(records: Sequence[Mapping[str, Any]], paths: Sequence[str]) -> pa.Array:
    """The same of dicts."""
    lines = "\n".join(json.dumps(record, default=str) for record in records)
    return texts_of_lines(lines.encode(), paths, list(dict.fromkeys(chain.from_iterable(records))))
