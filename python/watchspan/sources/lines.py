"""Files of JSON: lines of objects, or one array of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import pyarrow as pa

from watchspan import _core
from watchspan.columns import place_of
from watchspan.errors import ColumnTypeError, SourceError
from watchspan.sources.formats import compression_of
from watchspan.sources.wanted import Wanted

# How much of a file is looked at to learn which columns it has.
_SAMPLE_BYTES = 1 << 20
# How much of it is parsed at a time.
_BLOCK_BYTES = 1 << 24
_BOM = b"\xef\xbb\xbf"


def read_json(paths: list[str], filesystem: Any, want: Wanted) -> Iterator[pa.RecordBatch]:
    """The rows of files of JSON: each used value as text, whatever its type, for the core to judge.

    Raises:
        SourceError: If a file cannot be read, or holds no JSON at all.
        MissingColumnError: If no row of the first ones has a needed column.
    """
    rows = list(chain.from_iterable(_sample(path, filesystem) for path in paths))
    names = dict.fromkeys(chain.from_iterable(rows))
    used = want.paths(names) if rows else [name for name in want.nominal() if name != "sessionId"]
    _refuse_numbers(rows, want)
    return _scan(paths, filesystem, used)


def _refuse_numbers(rows: list[dict[str, Any]], want: Wanted) -> None:
    """Refuses instants that are numbers of an unknown unit: as text they would all be dropped."""
    place = (want.columns or {}).get("timestamp", "timestamp")
    for path in [] if isinstance(place, Mapping) and place["unit"] else place_of(place):
        lines = "\n".join(map(json.dumps, rows)).encode()
        values = _core.json_lines(lines, [path]).column(0).drop_null().to_pylist()
        numbers = [value for value in values if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", value)]
        if values and len(numbers) == len(values):
            raise ColumnTypeError(
                f"{path!r} holds numbers such as {numbers[0]}, and a number does not say its unit: say it, "
                f'for milliseconds with columns={{"timestamp": Column({path!r}, unit="ms")}}.'
            )


def _scan(paths: list[str], filesystem: Any, used: list[str]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        for block in blocks(path, filesystem, _BLOCK_BYTES):
            yield _core.json_lines(block, used)
    yield _core.json_lines(b"", used)


def blocks(path: str, filesystem: Any, size: int) -> Iterator[bytes]:
    """A file in blocks of about so many bytes that end with a line."""
    with filesystem.open_input_stream(path, compression=compression_of(path)) as stream:
        text = stream.read(size)
        if text.replace(_BOM, b"", 1).lstrip()[:1] == b"[":
            yield _lines_of_array(path, text + stream.read())
            return
        rest = b""
        while text:
            whole, newline, tail = text.rpartition(b"\n")
            if newline:
                yield rest + whole + newline
                rest = tail
            else:
                rest += text
            text = stream.read(size)
        yield rest


def _lines_of_array(path: str, text: bytes) -> bytes:
    """The objects of an array, each on a line of its own."""
    try:
        items = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{path} begins as an array, but is no JSON ({error}): it holds one array of objects, or one "
            "object a line."
        ) from error
    return b"\n".join(json.dumps(item).encode() for item in items)


def _sample(path: str, filesystem: Any) -> list[dict[str, Any]]:
    """The first rows of a file: they say which columns it has, for want of a header."""
    rows, first = [], ""
    for line in next(blocks(path, filesystem, _SAMPLE_BYTES), b"").splitlines():
        start = line.find(b"{")
        try:
            row = json.loads(line[start:]) if start >= 0 else None
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append(row)
        elif line.strip() and not first:
            first = line[:80].decode(errors="replace")
    if first and not rows:
        raise SourceError(
            f"{path} holds no JSON objects: its first line is {first!r}, but each line must be one, as in "
            "{...}."
        )
    return rows
