"""Structures of the C interface with something wrong in them."""

from __future__ import annotations

import random
from typing import Any, Optional

from support.hostile.laws import LawError, check_result, refused
from support.hostile.producers import Batches, Producer, ProducerError, base
from support.hostile.structs import Node, offset_width, width
from support.hostile.tables import BATCH_ONLY, KINDS, LAYOUTS, VERBS

Recipe = dict[str, Any]

_LOW, _HIGH = -(2**63), 2**63 - 1
_HUGE = (2**62, _HIGH)
# What C strings can hold: any byte but 0, as Latin-1 so that a recipe is text.
_FORMATS = (
    "", "n", "b", "c", "C", "s", "S", "i", "I", "l", "L", "e", "f", "g", "z", "u", "vz", "vu", "tdD",
    "tdm", "tts", "ttm", "ttu", "ttn", "tDs", "tDu", "tiM", "tiD", "tin", "tss:", "tsm:", "tsu:", "tsn:",
    "tsu:UTC", "tsu:Nowhere", "tsu:\xff\xfe", "tsq:UTC", "ts", "tsu", "d:", "d:1", "d:0,0", "d:-1,2",
    "d:19,10", "d:38,500", "d:76,2,256", "d:9,3,32", "d:18,3,64", "d:19,10,7", "d:99999999999999999999,1",
    "w:", "w:0", "w:1", "w:100", "w:-1", "w:99999999999999999999", "w:2147483648", "+s", "+m", "+w:",
    "+w:0", "+w:-1", "+w:3", "+us:0,1", "+ud:0", "+ud:", "+ud:300,-1", "+r", "+vl", "+vL", "+", "\xff",
    "ü" * 50, "x" * 100_000, "u:", "uu", "+l", "%s%n",
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
    "schema fails", "schema is not filled", "next fails", "next fails without a message",
    "message is not text", "next is null", "schema is null", "last error is null", "release is null",
    "batch lacks a column", "batch has a column more", "batch is no struct", "batch is not filled",
    "batch is of another table",
)  # fmt: skip
_OBJECT_FAULTS = (
    "no capsule", "nothing", "wrong name", "no name", "swapped", "one of two", "three", "raises",
    "used twice", "schema alone", "another struct",
)  # fmt: skip


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
    kind = rng.choices(KINDS, (24, 8, 8, 4, 1, 1))[0]
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
        found = base(made["kind"], layout, made["parts"][target])
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


def run(made: Recipe) -> str:
    """Hands over what the recipe says, and looks at what comes back."""
    producer = Producer(made)
    source = producer.raw()
    if "layout_2" in made:
        sources = [source, Producer({**made, "layout": made["layout_2"], "changes": []}).raw()]
        source = Batches(sources)
    ended = _call(made, source)
    # What the frames of an exception held is gone by now.
    faults = producer.owner.faults()
    if faults:
        raise LawError("; ".join(faults))
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
