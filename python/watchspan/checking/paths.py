"""What is at a path, of many rows at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import _core

Steps = Sequence["tuple[str, str, Optional[str]]"]


def steps_of(path: str, names: Sequence[str]) -> Steps:
    """The steps of a path into a table whose columns are `names`: an exact name is one step."""
    return [("field", path, None)] if path in names else _core.path_steps(path)


def texts_at(batch: pa.RecordBatch, paths: Sequence[str]) -> pa.Array:
    """The values at the first of the paths that has one, as text."""
    texts = [_texts(batch, steps_of(path, batch.schema.names)) for path in paths]
    return texts[0] if len(texts) == 1 else pc.coalesce(*texts)


def _texts(batch: pa.RecordBatch, steps: Steps) -> pa.Array:
    array, left = batch.column(batch.schema.names.index(steps[0][1])), list(steps[1:])
    while left and left[0][0] == "field" and pa.types.is_struct(array.type):
        place = array.type.get_field_index(left.pop(0)[1])
        # Not `field`, which knows nothing of the struct's own nulls.
        array = array.flatten()[place]
    if not left:
        kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
        return array.cast(kind).cast(pa.string())
    return pa.array([_as_text(inside(value, left)) for value in array.to_pylist()], pa.string())


def inside(value: Any, steps: Steps) -> Any:
    """What is at the steps within a value as Python has it."""
    for kind, name, word in steps:
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return None
        if kind == "field":
            if isinstance(value, list):  # a map, as Arrow gives it
                value = dict(item for item in value if isinstance(item, tuple))
            value = value.get(name) if isinstance(value, Mapping) else None
        elif kind == "item":
            place = int(name)
            value = value[place] if isinstance(value, list) and len(value) > place else None
        else:
            items = value if isinstance(value, list) else []
            fits = (item for item in items if isinstance(item, Mapping) and str(item.get(name)) == word)
            value = next(fits, None)
    return value


def text_of(record: Mapping[str, Any], paths: Sequence[str]) -> Optional[str]:
    """The value at the first of the paths that has one, as text."""
    for path in paths:
        first, *left = steps_of(path, list(record))
        found = inside(record.get(first[1]), left)
        if found is not None:
            return _as_text(found)
    return None


def _as_text(value: Any) -> Optional[str]:
    return None if value is None or isinstance(value, (Mapping, list)) else str(value)
