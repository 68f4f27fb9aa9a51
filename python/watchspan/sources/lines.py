"""Files of JSON: lines of objects, or one array of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
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
# How many lines that are none are remembered of a file, at least, to be shown.
_MOST_SHOWN = 100
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
    # Of what is a key as it is, a dot leads nowhere.
    keys = [path for path in used if path in names]
    return _scan(paths, filesystem, (used, keys), want)


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


def _scan(
    paths: list[str], filesystem: Any, used: tuple[list[str], list[str]], want: Wanted
) -> Iterator[pa.RecordBatch]:
    for path in paths:
        before = 0
        for block in _ahead(blocks(path, filesystem, _BLOCK_BYTES)):
            batch = _core.json_lines(block, *used, want.unnest)
            if len(want.unreadable) < _MOST_SHOWN and batch.column(batch.num_columns - 1).true_count:
                want.unreadable.extend(_unreadable(path, block, before, batch))
            before += block.count(b"\n")
            yield batch
    yield _core.json_lines(b"", *used)


def _unreadable(path: str, block: bytes, before: int, batch: pa.RecordBatch) -> Iterator[str]:
    """Where the lines of a block are that are none, and how they begin; `before` lines are above it."""
    lines = ((number, line) for number, line in enumerate(block.split(b"\n"), before + 1) if line.strip())
    for (number, line), is_unreadable in zip(lines, batch.column(batch.num_columns - 1)):
        if is_unreadable.as_py():
            yield f"{path}, line {number}: {line[:80].decode(errors='replace')!r}"


def _ahead(read: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks, each read while the one before is worked on."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, read, None)
        while (block := coming.result()) is not None:
            coming = reader.submit(next, read, None)
            yield block


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
