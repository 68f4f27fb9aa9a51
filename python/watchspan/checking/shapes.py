"""The leaves of records: every place at which values are, as a path that `columns` takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Optional

from watchspan.checking import values

# Deeper, and more places, than any source of events has.
_DEEPEST = 8
_MOST_LEAVES = 1_000
_MOST_ITEMS = 30
# How many values of a leaf are looked at to tell what they are.
_LOOKS = 400
# The fields by which the elements of a list of keys and values are told apart.
_KEYS = ("key", "name", "schema")
_PLAIN = frozenset((int, float, bool, datetime))
_OPENING = ("{", "[")
_SIMPLE = re.compile(r"[A-Za-z_@$][\w$@-]*")


@dataclass
class Leaf:
    """The values at one path.

    Attributes:
        path: As `columns` takes it.
        names: The keys on the way, the last one last.
        rows: The numbers of the records that have a value there, in order.
        values: Their values, none of which is None.
    """

    path: str
    names: tuple[str, ...]
    rows: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    _read: dict[Any, dict[int, Any]] = field(default_factory=dict, repr=False)

    @property
    def root(self) -> str:
        """The column of the table in which the leaf is."""
        return self.names[0]

    @cached_property
    def looks(self) -> list[Any]:
        """Some of the values, from everywhere."""
        step = max(1, len(self.values) // _LOOKS)
        return self.values[::step]

    @cached_property
    def distinct(self) -> int:
        """How many values there are, the same one once."""
        return len({str(value) for value in self.values})

    def share(self, reads: Any) -> float:
        """Of what share of the values `reads` can make something."""
        if not self.looks:
            return 0.0
        return sum(reads(value) is not None for value in self.looks) / len(self.looks)

    @cached_property
    def numbers(self) -> list[float]:
        """The numbers among the values that were looked at."""
        return [found for found in map(values.number, self.looks) if found is not None]

    @cached_property
    def is_number(self) -> bool:
        """Whether the values are numbers, or text that says numbers."""
        return len(self.numbers) > 0.9 * len(self.looks) > 0

    @cached_property
    def is_instant(self) -> bool:
        """Whether the values are instants, or text that says instants."""
        return self.share(values.instant) > 0.9

    @cached_property
    def instant_unit(self) -> Optional[str]:
        """In which unit the values, if they are numbers, are instants."""
        return values.instant_unit(self.numbers) if self.is_number else None

    @cached_property
    def is_seconds(self) -> bool:
        """Whether the values may be positions or lengths: numbers, clock readings or ISO 8601 durations."""
        return self.share(values.seconds) > 0.9 and not self.is_epoch

    @cached_property
    def is_epoch(self) -> bool:
        """Whether the values are numbers that are instants, several and near each other, as of one year."""
        found = self.numbers
        if self.instant_unit is None or len(set(found)) < 2:
            return False
        return max(found) - min(found) < 0.05 * max(found)

    @cached_property
    def is_written(self) -> bool:
        """Whether the values are clock readings or ISO 8601 durations, which say their unit themselves."""
        return self.share(values.written_seconds) > 0.5

    @cached_property
    def is_key(self) -> bool:
        """Whether the values are text or integers, as ids are."""
        kinds = {type(value) for value in self.looks}
        return bool(kinds) and kinds <= {str, int} and not self.is_instant

    def read(self, reads: Any) -> dict[int, Any]:
        """Number of the record -> what `reads`, a function of a module, makes of its value, if anything."""
        if reads not in self._read:
            made = zip(self.rows, map(reads, self.values))
            self._read[reads] = {row: value for row, value in made if value is not None}
        return self._read[reads]


def leaves(records: Iterable[Mapping[str, Any]]) -> dict[str, Leaf]:
    """The leaves of records by their paths, those on top first."""
    found: dict[str, Leaf] = {}
    todo: list[Any] = []
    for row, record in enumerate(records):
        for name, value in record.items():
            leaf = found.get(name)
            # Most values of flat tables: they need no second look.
            if leaf is not None and (
                type(value) in _PLAIN or (type(value) is str and value[:1] not in _OPENING)
            ):
                leaf.rows.append(row)
                leaf.values.append(value)
            elif value is not None:
                _add(found, todo, row, (str(name),), str(name), value)
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for row, names, path, value in todo:
            for name, step, inner in _steps(value):
                _add(found, below, row, (*names, name), path + step, inner)
        todo = below
    return {path: leaf for path, leaf in found.items() if leaf.values}


def _add(
    found: dict[str, Leaf], below: list[Any], row: int, names: tuple[str, ...], path: str, value: Any
) -> None:
    value = _opened(value)
    if value is None:
        return
    if isinstance(value, (Mapping, list, tuple)):
        if len(below) < 200 * _MOST_LEAVES * _DEEPEST:
            below.append((row, names, path, value))
        return
    leaf = found.get(path)
    if leaf is None:
        if len(found) >= _MOST_LEAVES:
            return
        leaf = found[path] = Leaf(path, names)
    leaf.rows.append(row)
    leaf.values.append(value)


def _opened(value: Any) -> Any:
    """A value, or what is in it if it is text that holds a JSON object or array."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str) and value[:1] in _OPENING and value[-1:] in ("}", "]"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _steps(value: Any) -> Iterable[tuple[str, str, Any]]:
    """What is one step below a value: what it is called, the step as paths write it, and itself."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = str(key)
            if '"' not in name and "\\" not in name:
                yield name, f".{name}" if _SIMPLE.fullmatch(name) else f'["{name}"]', inner
        return
    if not isinstance(value, (list, tuple)) or not value:
        return
    if all(isinstance(item, tuple) and len(item) == 2 for item in value):  # a map, as Arrow gives it
        yield from _steps(dict(value))
        return
    key = _key_field(value)
    if key:
        yield from _elements(value, key)
        return
    yield from ((f"{place}", f"[{place}]", item) for place, item in enumerate(value[:1]))


def _elements(items: Any, key: str) -> Iterable[tuple[str, str, Any]]:
    for item in items[:_MOST_ITEMS]:
        name = str(item[key])
        if '"' in name or "\\" in name:
            continue
        for inner, content in item.items():
            if inner == key or not _SIMPLE.fullmatch(inner):
                continue
            # One name for the element and its value: a parameter is called by its key.
            yield name, f'[{key}="{name}"].{inner}', _single(content)


def _single(content: Any) -> Any:
    """What a struct of one field for each type holds, of which all but one are null."""
    if isinstance(content, Mapping) and content and all("value" in str(name) for name in content):
        return next((inner for inner in content.values() if inner is not None), None)
    return content


def _key_field(items: Any) -> Optional[str]:
    if not all(isinstance(item, Mapping) for item in items):
        return None
    # One field beside the key is its value; else the key is one name of an object among others.
    if not any("value" in inner or "data" in inner for item in items for inner in item):
        return None
    for key in _KEYS:
        names = [item.get(key) for item in items]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return key
    return None
