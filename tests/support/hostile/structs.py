"""Arrow's C structs, built by hand from a table so that any field of any of them can be wrong.

What a consumer cannot notice must not be what it dies of: nobody can know whether a valid pointer leads to as
many bytes as a producer says. So each buffer has room behind it for what small changes reach, and changes
that lie about memory in other ways are left to producers that know their sizes (see `broken`).
"""

from __future__ import annotations

import contextlib
import ctypes as c
import functools
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Optional

import pyarrow as pa

SLACK = 4096
_POINTERS = 64
Path = tuple[Any, ...]


class Schema(c.Structure):
    """ArrowSchema."""


class Array(c.Structure):
    """ArrowArray."""


class Stream(c.Structure):
    """ArrowArrayStream."""


def _releasing(struct: Any) -> Any:
    return c.CFUNCTYPE(None, c.POINTER(struct))


ReleaseSchema, ReleaseArray, ReleaseStream = map(_releasing, (Schema, Array, Stream))
GetSchema = c.CFUNCTYPE(c.c_int, c.POINTER(Stream), c.POINTER(Schema))
GetNext = c.CFUNCTYPE(c.c_int, c.POINTER(Stream), c.POINTER(Array))
GetLastError = c.CFUNCTYPE(c.c_void_p, c.POINTER(Stream))

Schema._fields_ = [
    ("format", c.c_void_p),
    ("name", c.c_void_p),
    ("metadata", c.c_void_p),
    ("flags", c.c_int64),
    ("n_children", c.c_int64),
    ("children", c.c_void_p),
    ("dictionary", c.c_void_p),
    ("release", ReleaseSchema),
    ("private_data", c.c_void_p),
]
Array._fields_ = [
    *((name, c.c_int64) for name in ("length", "null_count", "offset", "n_buffers", "n_children")),
    *((name, c.c_void_p) for name in ("buffers", "children", "dictionary")),
    ("release", ReleaseArray),
    ("private_data", c.c_void_p),
]
Stream._fields_ = [
    ("get_schema", GetSchema),
    ("get_next", GetNext),
    ("get_last_error", GetLastError),
    ("release", ReleaseStream),
    ("private_data", c.c_void_p),
]


@dataclass
class Node:
    """One column, or one part of it: what both of its structs say, and what they say falsely.

    Attributes:
        wrong: Field -> value, of the schema's struct (`s.format`) and of the array's (`a.length`).
    """

    format: bytes
    name: bytes
    flags: int
    metadata: Optional[bytes]
    length: int
    null_count: int
    offset: int
    buffers: list[Optional[bytes]]
    children: list[Node]
    dictionary: Optional[Node]
    wrong: dict[str, Any] = field(default_factory=dict)

    def copy(self) -> Node:
        """A copy that can be changed; buffers are shared until they are replaced."""
        return Node(
            self.format,
            self.name,
            self.flags,
            self.metadata,
            self.length,
            self.null_count,
            self.offset,
            [*self.buffers],
            [child.copy() for child in self.children],
            self.dictionary.copy() if self.dictionary else None,
            {**self.wrong},
        )

    def at(self, path: Path) -> Node:
        """The node at the end of a path of children's numbers, or `d` for a dictionary."""
        node = self
        for step in path:
            found = node.dictionary if step == "d" else node.children[step]
            assert found is not None
            node = found
        return node

    def paths(self, start: Path = ()) -> list[Path]:
        """The paths to this node and to all below it."""
        found = [start]
        for number, child in enumerate(self.children):
            found += child.paths((*start, number))
        if self.dictionary:
            found += self.dictionary.paths((*start, "d"))
        return found


# ------------------------------------------------------------------------------------------ from pyarrow

_WIDTHS = {b"c": 1, b"s": 2, b"i": 4, b"l": 8, b"e": 2, b"f": 4, b"g": 8}


def width(form: bytes) -> Optional[int]:
    """How many bytes a value of that format takes, if all take equally many."""
    if form[:1].lower() in _WIDTHS:
        return _WIDTHS[form[:1].lower()]
    if form.startswith(b"d:"):
        parts = form[2:].split(b",")
        return int(parts[2]) // 8 if len(parts) == 3 else 16
    return 8 if form.startswith(b"ts") else None


def offset_width(form: bytes) -> Optional[int]:
    """How many bytes an offset of that format takes, if it has offsets."""
    return {b"u": 4, b"z": 4, b"+l": 4, b"+m": 4, b"U": 8, b"Z": 8, b"+L": 8}.get(form)


def _bytes(address: Optional[int], size: int) -> Optional[bytes]:
    return c.string_at(address, size) if address else None


def _sizes(form: bytes, array: Array, pointers: Any) -> list[int]:
    """How long the buffers are that hold these rows."""
    rows = array.length + array.offset
    sizes = [(rows + 7) // 8]
    if form.startswith(b"v"):
        count = array.n_buffers - 3
        lengths = (c.c_int64 * count).from_address(pointers[array.n_buffers - 1]) if count > 0 else []
        return [*sizes, rows * 16, *lengths, count * 8]
    if offset_width(form):
        wide = offset_width(form) == 8
        sizes.append((rows + 1) * (8 if wide else 4))
        if array.n_buffers == 3:
            last = pointers[1] + sizes[1] - (8 if wide else 4) if pointers[1] else None
            found = (c.c_int64 if wide else c.c_int32).from_address(last).value if last else 0
            sizes.append(found)
    elif form == b"b":
        sizes.append(sizes[0])
    elif width(form):
        sizes.append(rows * (width(form) or 0))
    return sizes


def _read(schema: Schema, array: Array) -> Node:
    form = c.string_at(schema.format)
    pointers = (c.c_void_p * max(array.n_buffers, 1)).from_address(array.buffers) if array.n_buffers else []
    sizes = _sizes(form, array, pointers) if array.n_buffers else []
    children = []
    for number in range(schema.n_children):
        pair = [
            kind.from_address(c.c_void_p.from_address(struct.children + 8 * number).value)
            for kind, struct in ((Schema, schema), (Array, array))
        ]
        children.append(_read(*pair))
    coded = schema.dictionary
    return Node(
        format=form,
        name=c.string_at(schema.name) if schema.name else b"",
        flags=schema.flags,
        metadata=None,
        length=array.length,
        null_count=array.null_count,
        offset=array.offset,
        buffers=[_bytes(pointer, size) for pointer, size in zip(pointers, sizes)],
        children=children,
        dictionary=_read(Schema.from_address(coded), Array.from_address(array.dictionary)) if coded else None,
    )


def node(batch: pa.RecordBatch) -> Node:
    """What a record batch would hand over."""
    schema, array = Schema(), Array()
    batch._export_to_c(c.addressof(array), c.addressof(schema))
    found = _read(schema, array)
    schema.release(c.byref(schema))
    array.release(c.byref(array))
    return found


# ------------------------------------------------------------------------------------------ to capsules

_capsule = c.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = c.py_object, [c.c_void_p, c.c_char_p, c.c_void_p]

# What was handed over stays for some inputs more: a consumer may hold it as long as its result lives.
_kept: deque[Any] = deque(maxlen=200)


@functools.cache
def _library() -> Any:
    """The release callbacks, compiled where the tests run."""
    folder = tempfile.mkdtemp()
    try:
        path = os.path.join(folder, "release.so")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "release.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", path, source], check=True)
        return c.CDLL(path)
    finally:
        shutil.rmtree(folder)


_marks = itertools.count(1)


class Owner:
    """Keeps what structs point to, and knows how often each root is released."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.roots: list[tuple[str, int, Any]] = []
        library = _library()
        self._counts = (c.c_int64 * 65536).in_dll(library, "released")
        self._release = {
            Schema: ReleaseSchema(("release_schema", library)),
            Array: ReleaseArray(("release_array", library)),
            Stream: ReleaseStream(("release_stream", library)),
        }
        _kept.append(self)

    def root(self, what: str, struct: Any) -> None:
        """Makes a struct one that is released by itself, and whose releases are counted."""
        mark = next(_marks) % 65535 + 1
        self._counts[mark] = 0
        self.roots.append((what, mark, struct))
        struct.private_data = mark
        struct.release = self._release[type(struct)]

    def part(self, struct: Any) -> None:
        """Makes a struct one that its parent releases."""
        struct.private_data = None
        struct.release = self._release[type(struct)]

    def taken(self, struct: Any) -> None:
        """Makes a struct one that somebody else took already."""
        self.roots = [root for root in self.roots if root[2] is not struct]
        c.memset(c.addressof(struct) + type(struct).release.offset, 0, 8)

    def hold(self, data: Optional[bytes], slack: int = SLACK) -> Optional[int]:
        """The address of a copy of these bytes, and of zeros behind them."""
        if data is None:
            return None
        held = c.create_string_buffer(data, len(data) + slack)
        self.parts.append(held)
        return c.addressof(held)

    def faults(self) -> list[str]:
        """Roots that were released more than once, or taken and never released."""
        found = []
        for what, mark, struct in self.roots:
            times = self._counts[mark]
            taken = not c.cast(struct.release, c.c_void_p).value
            if times > 1 or (taken and not times):
                found.append(f"{what} was released {times} times")
        return found


def _pointers(owner: Owner, addresses: list[Optional[int]]) -> int:
    """The address of an array of pointers, with null pointers behind them."""
    held = (c.c_void_p * (len(addresses) + _POINTERS))(*addresses)
    owner.parts.append(held)
    return c.addressof(held)


@contextlib.contextmanager
def deep() -> Iterator[None]:
    """Room for structs inside structs inside structs, while they are made."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def fill_schema(owner: Owner, found: Node, struct: Schema, depth: int = 0) -> None:
    """Says in a schema's struct what a node says of itself."""
    wrong = found.wrong
    children = [Schema() for _ in found.children]
    for child, own in zip(found.children, children):
        fill_schema(owner, child, own, depth + 1)
    owner.parts.append(children)
    struct.format = owner.hold(wrong.get("s.format", found.format), slack=1)
    struct.name = owner.hold(wrong.get("s.name", found.name), slack=1)
    struct.metadata = owner.hold(wrong.get("s.metadata", found.metadata))
    struct.flags = wrong.get("s.flags", found.flags)
    struct.n_children = wrong.get("s.n_children", len(children))
    addresses: list[Optional[int]] = [c.addressof(child) for child in children]
    for number in wrong.get("s.no_child", []):
        addresses[number % max(len(addresses), 1) : (number % max(len(addresses), 1)) + 1] = [None]
    struct.children = None if wrong.get("s.children_null") else _pointers(owner, addresses)
    struct.dictionary = None
    if found.dictionary and not wrong.get("s.dictionary_null"):
        coded = Schema()
        owner.parts.append(coded)
        fill_schema(owner, found.dictionary, coded, depth + 1)
        struct.dictionary = c.addressof(coded)
    (owner.part if depth else lambda s: owner.root("a schema", s))(struct)
    if wrong.get("s.release_null"):
        owner.taken(struct)


def fill_array(owner: Owner, found: Node, struct: Array, depth: int = 0) -> None:
    """Says in an array's struct what a node says of itself."""
    wrong = found.wrong
    children = [Array() for _ in found.children]
    for child, own in zip(found.children, children):
        fill_array(owner, child, own, depth + 1)
    owner.parts.append(children)
    for name in ("length", "null_count", "offset"):
        setattr(struct, name, wrong.get(f"a.{name}", getattr(found, name)))
    struct.n_buffers = wrong.get("a.n_buffers", len(found.buffers))
    struct.n_children = wrong.get("a.n_children", len(children))
    addresses = [owner.hold(data) for data in found.buffers]
    for number in wrong.get("a.no_buffer", []):
        addresses[number : number + 1] = [None]
    for number in wrong.get("a.odd_buffer", []):
        addresses[number : number + 1] = [a and a + 1 for a in addresses[number : number + 1]]
    struct.buffers = None if wrong.get("a.buffers_null") else _pointers(owner, addresses)
    below: list[Optional[int]] = [c.addressof(child) for child in children]
    for number in wrong.get("a.no_child", []):
        below[number % max(len(below), 1) : (number % max(len(below), 1)) + 1] = [None]
    struct.children = None if wrong.get("a.children_null") else _pointers(owner, below)
    struct.dictionary = None
    if found.dictionary and not wrong.get("a.dictionary_null"):
        coded = Array()
        owner.parts.append(coded)
        fill_array(owner, found.dictionary, coded, depth + 1)
        struct.dictionary = c.addressof(coded)
    (owner.part if depth else lambda a: owner.root("an array", a))(struct)
    if wrong.get("a.release_null"):
        owner.taken(struct)


def capsule(owner: Owner, struct: Any, name: Optional[bytes]) -> Any:
    """A capsule of a struct."""
    owner.parts.append((struct, name))
    return _capsule(c.addressof(struct), name, None)
