"""Producers of Arrow's C structs that hand over what a recipe says."""

from __future__ import annotations

import ctypes as c
import functools
from collections.abc import Iterator
from typing import Any, Optional

from support.hostile.structs import (
    Array,
    GetLastError,
    GetNext,
    GetSchema,
    Node,
    Owner,
    Schema,
    Stream,
    capsule,
    deep,
    fill_array,
    fill_schema,
    node,
)
from support.hostile.tables import batch

Recipe = dict[str, Any]


class ProducerError(Exception):
    """What a producer raises of its own accord: it passes untouched."""


@functools.cache
def base(kind: str, layout: int, part: int) -> Node:
    return node(batch(kind, layout, part))


def _changed(found: Node, changes: list[Any], target: int) -> Node:
    found = found.copy()
    for where, path, name, value in changes:
        if where != target:
            continue
        below = found.at(tuple(path))
        if name == "data":
            number, place, text = value
            data = bytearray(below.buffers[number] or b"")
            data[place : place + len(text) // 2] = bytes.fromhex(text)
            below.buffers[number] = bytes(data)
        else:
            below.wrong[name] = value.encode("latin-1") if isinstance(value, str) else value
    return found


def _nested(found: Node, column: int, nesting: str, depth: int) -> Node:
    """The table with one column inside so many others."""
    found = found.copy()
    column %= len(found.children)
    inner = found.children[column]
    for _ in range(depth):
        buffers: list[Optional[bytes]] = [None]
        form, coded, children = nesting.encode(), None, [inner]
        if nesting in ("+l", "+m"):
            buffers = [
                None,
                b"".join(min(i, inner.length).to_bytes(4, "little") for i in range(inner.length + 1)),
            ]
        elif nesting == "dictionary":
            form, coded, children, buffers = b"c", inner, [], [None, bytes(inner.length)]
        elif nesting == "+r":
            buffers = []
        inner = Node(form, b"x", 2, None, inner.length, 0, 0, buffers, children, coded)
    inner.name = found.children[column].name
    found.children[column] = inner
    return found


class Producer:
    """An object with the C interface that hands over what a recipe says."""

    def __init__(self, made: Recipe) -> None:
        self.made, self.owner = made, Owner()
        kind, layout, changes = made["kind"], made["layout"], made.get("changes", [])
        nodes = [base(kind, layout, part) for part in made["parts"]]
        if "nest" in made:
            nodes = [_nested(found, *made["nest"]) for found in nodes]
        with deep():
            self.schema = _changed(nodes[0], changes, -1)
            self.batches = [_changed(found, changes, number) for number, found in enumerate(nodes)]
        self.calls: list[Any] = []
        self.given: Any = None

    def raw(self) -> Any:
        """The same as something that the verbs take."""
        fault = self.made.get("object")
        kind = type("Table", (), {})
        name = "stream" if self.made["form"] == "stream" else "array"
        if fault == "schema alone":
            name = "schema"
        setattr(kind, f"__arrow_c_{name}__", lambda _, requested_schema=None: self._given(name, fault))
        return kind()

    def _given(self, name: str, fault: Optional[str]) -> Any:
        if fault == "raises":
            raise ProducerError
        if fault in ("no capsule", "nothing"):
            return None if fault == "nothing" else 7
        if fault == "used twice" and self.given is not None:
            return self.given
        self.given = self._stream(fault) if name == "stream" else self._array(fault)
        return self.given[0] if name == "schema" else self.given

    def _name(self, name: bytes, fault: Optional[str]) -> Optional[bytes]:
        return {"wrong name": b"arrow_thing", "no name": None}.get(fault or "", name)

    def _array(self, fault: Optional[str]) -> Any:
        schema, array = Schema(), Array()
        with deep():
            fill_schema(self.owner, self.schema, schema)
            fill_array(self.owner, self.batches[0], array)
        pair = [
            capsule(self.owner, schema, self._name(b"arrow_schema", fault)),
            capsule(self.owner, array, self._name(b"arrow_array", fault)),
        ]
        if fault == "swapped":
            pair.reverse()
        return {"one of two": pair[:1], "three": (*pair, pair[0]), "another struct": pair[0]}.get(
            fault or "", tuple(pair)
        )

    def _stream(self, fault: Optional[str]) -> Any:
        stream, wrong = Stream(), self.made.get("stream")
        self.owner.root("a stream", stream)
        self.owner.parts.append(stream)
        number = iter(range(1 << 30))
        message = self.owner.hold(b"\xff\xfe" if wrong == "message is not text" else b"the producer failed")

        def get_schema(_: Any, out: Any) -> int:
            if wrong == "schema fails":
                return 5
            if wrong != "schema is not filled":
                with deep():
                    fill_schema(self.owner, self.schema, out.contents)
            return 0

        def get_next(_: Any, out: Any) -> int:
            place = next(number)
            if (
                wrong
                and place == self.made.get("at")
                and (wrong.startswith("next fails") or "message" in wrong)
            ):
                return 22
            if place < len(self.batches) and not (
                wrong == "batch is not filled" and place == self.made["at"]
            ):
                with deep():
                    fill_array(self.owner, self._batch(place, wrong), out.contents)
            return 0

        def get_last_error(_: Any) -> Optional[int]:
            return None if wrong == "next fails without a message" else message

        self.calls += [GetSchema(get_schema), GetNext(get_next), GetLastError(get_last_error)]
        stream.get_schema, stream.get_next, stream.get_last_error = self.calls[-3:]
        self.owner.parts.append(self.calls)
        nulls = {"next is null": Stream.get_next, "schema is null": Stream.get_schema}
        nulls |= {"last error is null": Stream.get_last_error, "release is null": Stream.release}
        if wrong in nulls:
            c.memset(c.addressof(stream) + nulls[wrong].offset, 0, 8)
        if wrong == "release is null":
            self.owner.taken(stream)
        if wrong == "last error is null":
            stream.get_schema = self.calls[-3] = GetSchema(lambda *_: 5)
        if fault == "another struct":
            return self._array(None)[1]
        made = capsule(self.owner, stream, self._name(b"arrow_array_stream", fault))
        return (made,) if fault in ("one of two", "three", "swapped") else made

    def _batch(self, place: int, wrong: Optional[str]) -> Node:
        found = self.batches[place]
        if not wrong or place != self.made.get("at"):
            return found
        if wrong == "batch is of another table":
            return base("videos" if self.made["kind"] == "events" else "events", self.made["layout"], 0)
        if wrong == "batch is no struct":
            return found.children[0]
        found = found.copy()
        if wrong == "batch lacks a column":
            found.children.pop()
        if wrong == "batch has a column more":
            found.children.append(found.children[0].copy())
        return found


class Batches:
    """An iterable of batches, or of other objects with the C interface."""

    def __init__(self, sources: list[Any]) -> None:
        self.sources = sources

    def __iter__(self) -> Iterator[Any]:
        return iter(self.sources)
