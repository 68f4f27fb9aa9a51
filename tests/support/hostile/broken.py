"""Tables of pyarrow, and Arrow files, that say falsely where their columns lie.

Here it is known how long the memory is, so whatever is said of it can be checked.
"""

from __future__ import annotations

import functools
import io
import random
import struct
import tempfile
from pathlib import Path
from typing import Any, Optional

import pyarrow as pa
from pyarrow import dataset as ds

from support.hostile.ipc import Batch, batches
from support.hostile.laws import check_result, refused, require
from support.hostile.tables import BATCH_ONLY, KINDS, LAYOUTS, VERBS, table

Recipe = dict[str, Any]
_FORMS = (
    "file",
    "path object",
    "table",
    "batches",
    "list",
    "reader",
    "columns",
    "dataset",
    "reader of a file",
)
_HUGE = (2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1)


@functools.cache
def _written(kind: str, layout: int, codec: Optional[str]) -> bytes:
    found = table(kind, layout)
    options = pa.ipc.IpcWriteOptions(compression=codec)
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, found.schema, options=options) as writer:
        for part in found.slice(0, 5).to_batches() + found.slice(5).to_batches():
            writer.write_batch(part)
    return sink.getvalue()


def _change(rng: random.Random, data: bytes, found: Batch) -> Optional[list[Any]]:
    """What is changed of a batch: which number of what, and to which; `body` for the bytes of a buffer."""
    roll = rng.random()
    if roll < 0.1:
        return ["length", 0, _other(rng, data, found.length)]
    if roll < 0.3 and found.nodes:
        number = rng.randrange(2 * len(found.nodes))
        return ["node", number, _other(rng, data, found.nodes[number // 2] + number % 2 * 8)]
    if not found.buffers:
        return None
    number = rng.randrange(2 * len(found.buffers))
    place = found.buffers[number // 2]
    if roll < 0.55:
        return ["buffer", number, _other(rng, data, place + number % 2 * 8)]
    offset, length = struct.unpack_from("<qq", data, place)
    if not length:
        return None
    wide = rng.choice([1, 4, 4, 8])
    inside = rng.choice([0, max(length - wide, 0), wide * rng.randrange(max(length // wide, 1))])
    now = int.from_bytes(data[found.body + offset + inside :][:wide], "little")
    value = rng.choice(
        [0, now + 1, now + 60, 0x7F, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, rng.getrandbits(64), 2**64 - 1]
    )
    return ["body", number // 2, inside, (value % (1 << 8 * wide)).to_bytes(wide, "little").hex()]


def _other(rng: random.Random, data: bytes, place: int) -> int:
    now = struct.unpack_from("<q", data, place)[0]
    value = rng.choice([now + 1, now - 1, now + 8, now + 60, now + 64, now * 2, 0, -1, -(2**63), *_HUGE])
    return max(min(value, 2**63 - 1), -(2**63))


def recipe(seed: int) -> Recipe:
    """What to hand over, to whom, and what is wrong with it."""
    rng = random.Random(seed)
    kind = rng.choices(KINDS, (12, 6, 6, 4, 1, 1))[0]
    verb = rng.choice(sorted(VERBS[kind]))
    one = verb in BATCH_ONLY or "iterator" in verb
    made: Recipe = {
        "kind": kind,
        "layout": rng.randrange(LAYOUTS),
        "verb": verb,
        "form": "batch" if one else "table" if verb.startswith("core.") else rng.choice(_FORMS),
        "codec": rng.choice([None, None, None, "lz4", "zstd"]),
    }
    data = _written(kind, made["layout"], made["codec"])
    parts = list(batches(data))
    made["changes"] = []
    for _ in range(rng.choice([1, 1, 1, 2, 3]) if parts else 0):
        part = rng.randrange(len(parts))
        change = _change(rng, data, parts[part])
        made["changes"] += [[part, *change]] if change else []
    return made


def _bytes(made: Recipe) -> bytes:
    data = bytearray(_written(made["kind"], made["layout"], made["codec"]))
    parts = list(batches(bytes(data)))
    for part, what, number, value, *rest in made["changes"]:
        found = parts[part]
        if what == "body":
            place = found.body + struct.unpack_from("<q", data, found.buffers[number])[0] + value
            text = bytes.fromhex(rest[0])
        else:
            places = {"length": [found.length], "node": found.nodes, "buffer": found.buffers}[what]
            place, text = places[number // 2] + number % 2 * 8, struct.pack("<q", value)
        data[place : place + len(text)] = text
    return bytes(data)


def _handed_over(made: Recipe, data: bytes, found: pa.Table, folder: str) -> Any:
    form = made["form"]
    if form in ("file", "path object", "reader of a file"):
        path = Path(folder, "events.arrow")
        path.write_bytes(data)
        if form == "reader of a file":
            dataset: Any = ds.dataset(str(path), format="ipc")
            return dataset.scanner().to_reader()
        return path if form == "path object" else str(path)
    if form == "columns":
        return {name: found[name] for name in found.schema.names}
    parts = found.to_batches()
    if form == "batch":
        return parts[-1] if parts else found
    made_of: dict[str, Any] = {
        "table": found,
        "batches": iter(parts),
        "list": parts,
        "reader": pa.RecordBatchReader.from_batches(found.schema, parts),
        "dataset": ds.dataset(found),
    }
    return made_of[form]


def _problem(made: Recipe, found: pa.Table) -> Optional[str]:
    """Why pyarrow calls the table invalid, if all its columns are read."""
    if made["kind"] not in ("events", "videos") or made["form"] == "batch":
        return None
    try:
        found.validate(full=True)
    except (pa.ArrowException, ValueError) as error:
        # What is counted anew or looked at as bytes may be said falsely.
        return (
            None
            if any(text in str(error) for text in ("UTF8", "null_count value", "in precision"))
            else str(error)
        )
    return None


def run(made: Recipe) -> str:
    """Hands over what the recipe says, and looks at what comes back."""
    data = _bytes(made)
    try:
        found = pa.ipc.open_file(data).read_all()
    except (pa.ArrowException, OSError, ValueError):
        found = None
    with tempfile.TemporaryDirectory() as folder:
        if found is None:
            made = {**made, "form": "file"}
            if made["verb"] in BATCH_ONLY or made["verb"].startswith("core.") or "iterator" in made["verb"]:
                return "refusal"  # by pyarrow, before we see anything
        problem = _problem(made, found) if found is not None else "it cannot be read"
        verb = VERBS[made["kind"]][made["verb"]]

        def accepted() -> None:
            result = verb(_handed_over(made, data, found, folder), made["layout"])
            require(problem is None, f"accepted, but {problem}")
            check_result(result, made["verb"] in BATCH_ONLY)

        return refused(accepted)
