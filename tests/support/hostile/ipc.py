"""Where in an Arrow file or stream the numbers stand that say where its columns lie."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MAGIC = b"ARROW1\0\0"
_DICTIONARY, _BATCH = 2, 3


@dataclass(frozen=True)
class Batch:
    """Positions in the bytes of one batch, or of one dictionary.

    Attributes:
        length: Of its number of rows.
        nodes: Of each column's number of rows; that of its nulls follows.
        buffers: Of each buffer's offset in the body; its length follows.
        body: Where the body begins.
    """

    length: int
    nodes: tuple[int, ...]
    buffers: tuple[int, ...]
    body: int


def _number(data: bytes, form: str, place: int) -> int:
    found: int = struct.unpack_from("<" + form, data, place)[0]
    return found


def _field(data: bytes, table: int, number: int) -> int:
    """Where a table's field stands; 0 if it has none."""
    vtable = table - _number(data, "i", table)
    place = 4 + 2 * number
    found = _number(data, "H", vtable + place) if place < _number(data, "H", vtable) else 0
    return table + found if found else 0


def _follow(data: bytes, place: int) -> int:
    return place + _number(data, "I", place)


def _structs(data: bytes, place: int) -> tuple[int, ...]:
    """Where the structs of a vector stand, of 16 bytes each."""
    if not place:
        return ()
    vector = _follow(data, place)
    return tuple(vector + 4 + 16 * number for number in range(_number(data, "I", vector)))


def batches(data: bytes) -> Iterator[Batch]:
    """The batches and dictionaries of a whole file or stream."""
    place = len(_MAGIC) if data.startswith(_MAGIC) else 0
    while place + 8 <= len(data) and data[place : place + 4] == b"\xff" * 4:
        size = _number(data, "i", place + 4)
        if not size:
            return
        message = place + 8 + _number(data, "I", place + 8)
        body = place + 8 + size
        kind_place = _field(data, message, 1)
        kind = data[kind_place] if kind_place else 0
        header = _follow(data, _field(data, message, 2))
        if kind == _DICTIONARY:
            header = _follow(data, _field(data, header, 1))
        if kind in (_DICTIONARY, _BATCH):
            nodes, buffers = (_structs(data, _field(data, header, number)) for number in (1, 2))
            yield Batch(_field(data, header, 0), nodes, buffers, body)
        length = _field(data, message, 3)
        place = body + (_number(data, "q", length) if length else 0)
