"""Raw records of sources, line by line, with what no exporter should write in them."""

from __future__ import annotations

import functools
import random
import tempfile
from pathlib import Path
from typing import Any

import watchspan as ws
from support.hostile.laws import check_result, refused, require
from watchspan.presets import described

Recipe = dict[str, Any]

_SAMPLES = Path(__file__).parents[2] / "presets"
_LINES = 24
_VERBS = ("aggregate", "sessions", "validate")
_PIECES = [
    b"\x00", b"\xff\xfe", b"\xc3", b"\r", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"{}",
    b"[" * 3000, b'{"a":' * 3000, b"9" * 400, b"1e999", b"-1e-999", b"-0", b"NaN", b"Infinity", b"0x10",
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u0000"', b'"\\x"', b"\xe2\x80\xa8", b"\xef\xbb\xbf",
    b"\xf4\x90\x80\x80", b'"event":1,', b'"time":null,', b'"":{},', b"true", b"null", b"/*", b"//", b"=cmd()",
    b"9007199254740993", b"-9223372036854775809", b"1_000", b"a" * 70_000,
]  # fmt: skip


@functools.cache
def _lines(name: str) -> list[bytes]:
    return (_SAMPLES / f"{name}.jsonl").read_bytes().splitlines()


@functools.cache
def _names() -> list[str]:
    return sorted(path.stem for path in _SAMPLES.glob("*.jsonl"))


def recipe(seed: int) -> Recipe:
    """Which source, which of its lines, what is wrong with each, and who reads them."""
    rng = random.Random(seed)
    name = rng.choice(_names())
    lines = [rng.randrange(len(_lines(name))) for _ in range(_LINES)]
    edits = [[_edit(rng) for _ in range(rng.choice([0, 1, 1, 2, 4]))] for _ in lines]
    return {"preset": name, "lines": lines, "edits": edits, "verb": rng.choice(_VERBS)}


def _edit(rng: random.Random) -> list[Any]:
    """A change: what is done, where (as a share of the line), and with what."""
    place, roll = round(rng.random(), 4), rng.random()
    if roll < 0.3:
        return ["put", place, rng.randrange(len(_PIECES))]
    if roll < 0.5:
        return ["value", place, rng.randrange(len(_PIECES))]
    if roll < 0.7:
        return ["flip", place, rng.randrange(8)]
    if roll < 0.85:
        return ["drop", place, rng.choice([1, 5, 40])]
    return ["cut", place, 0]


def _edited(line: bytes, edits: list[Any]) -> bytes:
    for what, share, number in edits:
        place = int(share * len(line))
        before, after = line[:place], line[place:]
        if what == "put":
            line = before + _PIECES[number] + after
        elif what == "value":
            # What stands between the next colon and the comma behind it.
            key, colon, value = after.partition(b":")
            line = before + key + colon + _PIECES[number] + value[max(value.find(b","), 0) :]
        elif what == "flip" and after:
            line = before + bytes([after[0] ^ (1 << number)]) + after[1:]
        elif what == "drop":
            line = before + after[number:]
        elif what == "cut":
            line = before
    return line


def run(made: Recipe) -> str:
    """Writes the lines and has them read: each is kept or counted."""
    lines = [
        _edited(_lines(made["preset"])[number], edits) for number, edits in zip(made["lines"], made["edits"])
    ]
    # The first row stays one, so that there are columns to find.
    data = b"\n".join([_lines(made["preset"])[0], *lines])
    rows = [line for line in data.split(b"\n") if line.strip(b" \t\r\x0b\x0c\xef\xbb\xbf")]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "records.jsonl")
        path.write_bytes(data)
        return refused(lambda: _check(made, path, len(rows)))


def _check(made: Recipe, path: Path, rows: int) -> Any:
    if made["verb"] == "validate":
        found = ws.validate(path, preset=made["preset"])
        figures = {"read": found.read, "kept": found.kept, "dropped": found.dropped}
    else:
        table = getattr(ws, made["verb"])(path, preset=made["preset"], threads=1)
        check_result(table)
        figures = ws.report(table)
    read, lost = figures["read"], sum(figures["dropped"].values())
    # A line may hold a list of events.
    is_whole = read >= 0 if described(made["preset"])["unnest"] else read == rows
    require(is_whole, f"{read} rows were read of {rows}")
    require(figures["kept"] + lost == read, f"{figures['kept']} kept and {lost} dropped of {read}")
    return figures
