"""Structures of the C interface with something wrong in them."""

from __future__ import annotations

import ctypes as c
import functools
import random
from collections.abc import Iterator
from typing import Any, Optional

from laws import Violation, check_result, refused
from structs import (
    Array,
    GetLastError,
    GetNext,
    GetSchema,
    Node,
    Owner,
    Schema,
    Stream,
    capsule,
    fill_array,
    fill_schema,
    node,
    offset_width,
    width,
)
from tables import BATCH_ONLY, KINDS, LAYOUTS, VERBS, batch

Recipe = dict[str, Any]

_LOW, _HIGH = -(2**63), 2**63 - 1
_HUGE = (2**62, _HIGH)
# What C strings can hold: any byte but 0, as Latin-1 so that a recipe is text.
_FORMATS = (
    "", "n", "b", "c", "C", "s", "S", "i", "I", "l", "L", "e", "f", "g", "z", "u", "vz", "vu", "tdD", "tdm", "tts",
    "ttm", "ttu", "ttn", "tDs", "tDu", "tiM", "tiD", "tin", "tss:", "tsm:", "tsu:", "tsn:", "tsu:UTC", "tsu:Nowhere",
    "tsu:\xff\xfe", "tsq:UTC", "ts", "tsu", "d:", "d:1", "d:0,0", "d:-1,2", "d:19,10", "d:38,500", "d:76,2,256",
    "d:9,3,32", "d:18,3,64", "d:19,10,7", "d:99999999999999999999,1", "w:", "w:0", "w:1", "w:100", "w:-1",
    "w:99999999999999999999", "w:2147483648", "+s", "+m", "+w:", "+w:0", "+w:-1", "+w:3", "+us:0,1", "+ud:0", "+ud:",
    "+ud:300,-1", "+r", "+vl", "+vL", "+", "\xff", "ü" * 50, "x" * 100_000, "u:", "uu", "+l", "%s%n",
)  # fmt: skip
_NAMES = (None, "", "\xff\xfe", "userId", "currentTime", "x" * 100_000, "\x1b[2J", "_first", "sessionId")
_METADATA = (
    "\x00\x00\x00\x00",
    "\xff\xff\xff\xff",
    "\x01\x00\x00\x00\xff\xff\xff\xff",
    "\x01\x00\x00\x00\x02\x00\x00\x00\xff\xfe\x01\x00\x00\x00\xff",
    "\x05\x00\x00\x00\x01\x00\x00\x00a\xf0\xff\xff\xff",
    "\x01\x00\x00\x00\x09\x00\x00\x00watchspan\x03\x00\x00\x00[[[",
    "\x01\x00\x00\x00\x09\x00\x00\x00watchspan\x0c\x00\x00\x00{\"rules\": 7}",
    "\x01\x00\x00\x00\x14\x00\x00\x00ARROW:extension:name\x04\x00\x00\x00uuid",
    "\x01\x00\x00\x00\x14\x00\x00\x00ARROW:extension:name\x02\x00\x00\x00\xff\xfe",
)  # fmt: skip
_STREAM_FAULTS = (
    "schema fails", "schema is not filled", "next fails", "next fails without a message", "message is not text",
    "next is null", "schema is null", "last error is null", "release is null", "batch lacks a column",
    "batch has a column more", "batch is no struct", "batch is not filled", "batch is of another table",
)  # fmt: skip
_OBJECT_FAULTS = (
    "no capsule", "nothing", "wrong name", "no name", "swapped", "one of two", "three", "raises", "used twice",
    "schema alone", "another struct",
)  # fmt: skip


class ProducerError(Exception):
    """What a producer raises of its own accord: it passes untouched."""


@functools.cache
def _base(kind: str, layout: int, part: int) -> Node:
    return node(batch(kind, layout, part))


# ---------------------------------------------------------------------------------------------- recipes


def _may_be_huge(form: bytes) -> bool:
    """Whether that many rows of that format are more bytes than there are addresses."""
    return bool(offset_width(form) or form.startswith((b"v", b"+s")) or (width(form) or 0) > 1)


def _array_change(rng: random.Random, found: Node, calm: bool) -> tuple[str, Any]:
    wild = () if calm or not _may_be_huge(found.format) else _HUGE
    buffers, children = len(found.buffers), len(found.children)
    sizes = (-1, _LOW) if calm else (-1, _LOW, 0, found.length - 1, found.length + 1, found.length + 5, *wild)
    counts = (-2, _LOW, found.length + 1, _HIGH, 3)
    options: dict[str, tuple[Any, ...]] = {
        "a.length": tuple(size for size in sizes if size != found.length),
        "a.offset": (-1, _LOW) if calm else (-1, _LOW, 1, 3, *wild),
        "a.null_count": counts,
        "a.n_buffers": (0, 1, 2, 3, -1, _LOW, buffers + 1, buffers - 1, 60, 2**40 if buffers < 3 else 59),
        "a.n_children": (-1, _LOW, 0, children - 1, children + 1, 2**40),
        "a.no_buffer": ([0], [1], [2], [0, 1, 2, 3]),
        "a.odd_buffer": ([1], [2], [0, 1]),
        "a.buffers_null": (True,),
        "a.children_null": (True,),
        "a.no_child": ([0], [rng.randrange(9)]),
        "a.dictionary_null": (True,),
        "a.release_null": (True,),
    }
    name = rng.choice(sorted(options))
    return name, rng.choice(options[name])


def _schema_change(rng: random.Random, found: Node) -> tuple[str, Any]:
    children = len(found.children)
    # Another width of offsets cannot be noticed before what they point to is read.
    narrow = offset_width(found.format) == 4
    formats = [
        form
        for form in _FORMATS
        if not (found.format.startswith(b"v") and offset_width(form.encode("latin-1", "replace")))
        and (narrow or form not in ("u", "z", "+l", "+m") or not offset_width(found.format))
    ]
    options: dict[str, tuple[Any, ...]] = {
        "s.format": (None, *formats),
        "s.name": _NAMES,
        "s.metadata": _METADATA,
        "s.flags": (-1, 0, 1, 7, _LOW),
        "s.n_children": (-1, _LOW, 0, children - 1, children + 1, 2**40, _HIGH),
        "s.children_null": (True,),
        "s.no_child": ([0], [rng.randrange(9)]),
        "s.dictionary_null": (True,),
        "s.release_null": (True,),
    }
    name = rng.choice(sorted(options))
    return name, rng.choice(options[name])


def _data_change(rng: random.Random, found: Node, huge: bool) -> Optional[tuple[int, int, str]]:
    """A place in one of the buffers, and the bytes that stand there instead, as hex."""
    rows = found.length + found.offset
    places = [number for number, data in enumerate(found.buffers) if data]
    if not places or not rows:
        return None
    number = rng.choice(places)
    data, wide = found.buffers[number] or b"", offset_width(found.format)
    if number == 1 and wide:
        row = rng.randrange(rows + 1)
        last = int.from_bytes(data[-wide:], "little", signed=True)
        values = [-1, -(2 ** (8 * wide - 1)), 0, 1, last + 1, last + 60]
        if huge and row + 3 < rows:
            values.append(2 ** (8 * wide - 1) - 1)
        return number, row * wide, rng.choice(values).to_bytes(wide, "little", signed=True).hex()
    if found.format.startswith(b"v") and number == len(found.buffers) - 1:
        value = rng.choice([0, -1, _LOW, 1])
        return (
            number,
            8 * rng.randrange(max(len(data) // 8, 1)),
            value.to_bytes(8, "little", signed=True).hex(),
        )
    if found.format.startswith(b"v") and number == 1:
        row, part = rng.randrange(rows), rng.choice([0, 4, 8, 12])
        value = rng.choice([-1, 13, 2**31 - 1, -(2**31), 1, 7])
        return number, row * 16 + part, value.to_bytes(4, "little", signed=True).hex()
    size = rng.choice([1, 2, 4, 8])
    place = rng.randrange(max(len(data) - size + 1, 1))
    byte = rng.choice([0, 0xFF, 0x7F, 0x80, 1])
    return number, place, bytes([byte] * size).hex()


def recipe(seed: int) -> Recipe:
    """What to hand over, to whom, and what is wrong with it."""
    rng = random.Random(seed)
    kind = rng.choices(KINDS, (24, 8, 8, 4, 1, 1, 1))[0]
    layout = rng.randrange(LAYOUTS)
    made: Recipe = {
        "kind": kind,
        "layout": layout,
        "verb": rng.choice(sorted(VERBS[kind])),
        "form": rng.choice(["array", "stream"]),
        "parts": [rng.randrange(2) for _ in range(rng.choice([1, 1, 2, 3]))],
    }
    if made["verb"] in BATCH_ONLY:
        made |= {"form": "array", "parts": made["parts"][:1]}
    roll = rng.random()
    if roll < 0.06:
        made["object"] = rng.choice(_OBJECT_FAULTS)
        return made
    if roll < 0.16 and made["verb"] not in BATCH_ONLY:
        made |= {"form": "stream", "stream": rng.choice(_STREAM_FAULTS), "at": rng.randrange(2)}
        return made
    if roll < 0.163:
        nesting = rng.choice(["+s", "+l", "dictionary", "+r", "+m"])
        made["nest"] = [rng.randrange(4), nesting, rng.choice([50, 200, 10_000])]
        return made
    if roll < 0.18:
        made |= {
            "form": "array",
            "verb": "aggregate an iterator",
            "kind": "events",
            "layout_2": rng.randrange(LAYOUTS),
        }
    changes = []
    huge = rng.random() < 0.5
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        target = rng.randrange(len(made["parts"])) if made["form"] == "stream" else 0
        found = _base(made["kind"], layout, made["parts"][target])
        path = rng.choice(found.paths()) if rng.random() < 0.8 else ()
        below, side = found.at(path), rng.random()
        if side < 0.35:
            name, value = _schema_change(rng, below)
            changes.append([-1, list(path), name, value])
        elif side < 0.75:
            changes.append([target, list(path), *_array_change(rng, below, huge)])
        else:
            data = _data_change(rng, below, huge)
            if data:
                changes.append([target, list(path), "data", data])
    made["changes"] = changes
    return made


# ------------------------------------------------------------------------------------------- production


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
        nodes = [_base(kind, layout, part) for part in made["parts"]]
        if "nest" in made:
            nodes = [_nested(found, *made["nest"]) for found in nodes]
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
            return _base("videos" if self.made["kind"] == "events" else "events", self.made["layout"], 0)
        if wrong == "batch is no struct":
            return found.children[0]
        found = found.copy()
        if wrong == "batch lacks a column":
            found.children.pop()
        if wrong == "batch has a column more":
            found.children.append(found.children[0].copy())
        return found


def run(made: Recipe) -> str:
    """Hands over what the recipe says, and looks at what comes back."""
    producer = Producer(made)
    source = producer.raw()
    if "layout_2" in made:
        sources = [source, Producer({**made, "layout": made["layout_2"], "changes": []}).raw()]
        source = _Batches(sources)
    ended = _call(made, source)
    # What the frames of an exception held is gone by now.
    faults = producer.owner.faults()
    if faults:
        raise Violation("; ".join(faults))
    return ended


def _call(made: Recipe, source: Any) -> str:
    """Calls a verb and says whether the source was accepted, refused, or raised on its own."""
    verb = VERBS[made["kind"]][made["verb"]]

    def accepted() -> None:
        for _ in range(2 if made.get("object") == "used twice" else 1):
            check_result(verb(source, made["layout"]), made["verb"] in BATCH_ONLY)

    try:
        return refused(accepted)
    except ProducerError:
        return "passed"


class _Batches:
    """An iterable of batches, or of other objects with the C interface."""

    def __init__(self, sources: list[Any]) -> None:
        self.sources = sources

    def __iter__(self) -> Iterator[Any]:
        return iter(self.sources)
