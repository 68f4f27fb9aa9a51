"""Files of every format with bytes that are wrong, missing, or from elsewhere."""

from __future__ import annotations

import contextlib
import decimal
import functools
import gzip
import io
import json
import random
import tempfile
from pathlib import Path
from typing import Any, Callable

import pyarrow as pa
from pyarrow import csv, feather, parquet

import watchspan as ws
from support.hostile.laws import check_result, refused, require
from support.hostile.tables import LAYOUTS, some_keys, table

Recipe = dict[str, Any]


def _arrow(found: pa.Table, target: Any) -> None:
    with pa.ipc.new_file(target, found.schema) as writer:
        writer.write_table(found, max_chunksize=9)


def _json(found: pa.Table, target: Any) -> None:
    rows = [json.dumps(row, default=_plain) for row in found.to_pylist()]
    target.write("\n".join(rows).encode() + b"\n")


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, decimal.Decimal) else str(value)


def _csv(found: pa.Table, target: Any) -> None:
    csv.write_csv(found, target)


def _parquet(**options: Any) -> Callable[[pa.Table, Any], None]:
    return lambda found, target: parquet.write_table(found, target, **options)


# Suffix -> how such a file is written, and what may be in it.
_FORMATS: dict[str, tuple[str, Callable[[pa.Table, Any], None], tuple[str, ...]]] = {
    "parquet": (".parquet", _parquet(), ("events", "videos", "sessions", "engagement")),
    "parquet in pages": (
        ".parquet",
        _parquet(row_group_size=7, data_page_size=64, compression="none", write_statistics=True),
        ("events", "sessions", "engagement"),
    ),
    "parquet, plain": (
        ".parquet",
        _parquet(use_dictionary=False, compression="zstd", data_page_version="2.0"),
        ("events", "videos", "sessions"),
    ),
    "arrow": (".arrow", _arrow, ("events", "videos", "sessions", "engagement")),
    "feather": (
        ".feather",
        lambda found, target: feather.write_feather(found, target, compression="lz4"),
        ("events", "sessions", "engagement"),
    ),
    "csv": (".csv", _csv, ("events", "videos")),
    "csv.gz": (".csv.gz", _csv, ("events",)),
    "jsonl": (".jsonl", _json, ("events", "videos")),
}
_VERBS: dict[str, dict[str, Callable[[Any, int], Any]]] = {
    "events": {
        "aggregate": lambda path, _: ws.aggregate(path, threads=1),
        "sessions": lambda path, _: ws.sessions(path, threads=1),
        "validate": lambda path, _: ws.validate(path, threads=1),
        "explain": lambda path, layout: ws.explain(path, *some_keys(layout), threads=1),
    },
    "videos": {
        "aggregate": lambda path, layout: ws.aggregate(table("events", layout), videos=path, threads=1),
        "retention": lambda path, layout: ws.retention(
            table("sessions", layout), videos=path, threads=1, buckets=3
        ),
    },
    "sessions": {
        "engagement": lambda path, _: ws.engagement(path, threads=1),
        "retention": lambda path, _: ws.retention(path, threads=1, buckets=3),
    },
    "engagement": {
        "retention": lambda path, _: ws.retention(path, threads=1, buckets=3),
        "summarize": lambda path, _: ws.summarize(path),
        "report": lambda path, _: ws.report(path),
    },
}
_COMMANDS: dict[str, tuple[str, ...]] = {
    "events": ("aggregate", "aggregate -o -", "sessions", "validate", "validate --json", "show ann v1"),
    "videos": ("aggregate --videos",),
    "sessions": ("retention",),
    "engagement": ("retention", "summary", "summary --json"),
}


@functools.cache
def _written(form: str, kind: str, layout: int) -> bytes:
    found, sink = table(kind, layout), io.BytesIO()
    found = found if form == "arrow" else _storable(found)
    _FORMATS[form][1](found, sink)
    data = sink.getvalue()
    return gzip.compress(data, mtime=0) if form.endswith(".gz") else data


def _storable(found: pa.Table) -> pa.Table:
    """The table without the types that some formats cannot hold."""
    for place, column in enumerate(found.schema):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if "view" in str(kind):
            kind = pa.string()
        if kind != column.type:
            text = pa.array(found.column(place).to_pylist(), kind)
            found = found.set_column(place, column.name, text)
    return found


def _edit(rng: random.Random, data: bytes) -> list[Any]:
    """A change: what is done, where, and with what."""
    size = max(len(data), 1)
    # Half of them where formats keep what they say of themselves.
    place = rng.choice(
        [rng.randrange(size), rng.randrange(min(size, 64)), max(size - 1 - rng.randrange(400), 0)]
    )
    roll = rng.random()
    if roll < 0.35:
        return ["flip", place, rng.randrange(8)]
    if roll < 0.45:
        return ["cut", place]
    if roll < 0.65:
        number = rng.choice([0, 1, 77, 78, 0x7F, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**64 - 1])
        width = rng.choice([1, 2, 4, 8])
        return ["set", place, (number % (1 << 8 * width)).to_bytes(width, "little").hex()]
    if roll < 0.75:
        return ["zero", place, rng.choice([1, 8, 64, 512])]
    if roll < 0.85:
        return ["move", place, rng.randrange(size), rng.choice([1, 8, 64, 300])]
    if roll < 0.9:
        return ["drop", place, rng.choice([1, 8, 64])]
    text = rng.choice(
        [
            "\x00",
            "\xff\xfe",
            "\n",
            '"',
            ",",
            "{",
            "[" * 3000,
            "9" * 400,
            "1e999",
            "nan",
            "\ufeff",
            "null",
            "}\n{",
        ]
    )
    return ["put", place, text.encode("utf-8", "surrogateescape").hex()]


def recipe(seed: int) -> Recipe:
    """Which file, what is wrong with it, and who reads it."""
    rng = random.Random(seed)
    form = rng.choice(sorted(_FORMATS))
    kind = rng.choice(_FORMATS[form][2])
    layout = rng.randrange(LAYOUTS)
    suffix = _FORMATS[form][0]
    if rng.random() < 0.06:
        suffix = rng.choice(
            [".parquet", ".arrow", ".feather", ".csv", ".jsonl", ".json", ".csv.gz", ".gz", ".ipc", ""]
        )
    data = _written(form, kind, layout)
    edits = [_edit(rng, data) for _ in range(rng.choice([1, 1, 1, 2, 3, 5]))]
    if rng.random() < 0.02:
        edits = [["cut", 0]]
    made = {"format": form, "kind": kind, "layout": layout, "suffix": suffix, "edits": edits}
    commands = _COMMANDS[kind]
    if commands and rng.random() < 0.15:
        return {**made, "command": rng.choice(commands)}
    return {**made, "verb": rng.choice(sorted(_VERBS[kind]))}


def _edited(data: bytes, edits: list[Any]) -> bytes:
    for what, place, *rest in edits:
        if what == "flip" and place < len(data):
            data = data[:place] + bytes([data[place] ^ (1 << rest[0])]) + data[place + 1 :]
        elif what == "cut":
            data = data[:place]
        elif what == "zero":
            data = data[:place] + bytes(min(rest[0], max(len(data) - place, 0))) + data[place + rest[0] :]
        elif what == "move":
            data = data[:place] + data[rest[0] : rest[0] + rest[1]] + data[place + rest[1] :]
        elif what == "drop":
            data = data[:place] + data[place + rest[0] :]
        elif what in ("set", "put"):
            text = bytes.fromhex(rest[0])
            data = data[:place] + text + data[place + (len(text) if what == "set" else 0) :]
    return data


def run(made: Recipe) -> str:
    """Writes the file and has it read."""
    data = _edited(_written(made["format"], made["kind"], made["layout"]), made["edits"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table{made['suffix']}")
        path.write_bytes(data)
        if "command" in made:
            return _command(made, path)
        verb = _VERBS[made["kind"]][made["verb"]]
        return refused(lambda: check_result(verb(str(path), made["layout"])))


def _command(made: Recipe, path: Path) -> str:
    """Runs the command line in this process: it exits with a sentence, whatever it is given."""
    from watchspan.cli.app import app

    arguments = [*made["command"].split(), str(path)]
    if made["kind"] == "videos":
        events = path.with_name("events.parquet")
        events.write_bytes(_written("parquet", "events", made["layout"]))
        arguments.append(str(events))
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = app(arguments, prog_name="watchspan", standalone_mode=True)
        except SystemExit as end:
            code = end.code
    told = err.getvalue()
    require("Traceback" not in told, f"a traceback is shown: {told[-300:]}")
    if code in (0, None):
        return "accepted"
    require(code in (1, 2) and bool(told.strip()), f"it ended with {code} and said {told!r}")
    return "refusal"
