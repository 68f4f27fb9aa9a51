"""What comes in need not be what it says: what can be noticed is an error of ours, and nothing dies."""

from __future__ import annotations

import ctypes as ct
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Optional

import pyarrow as pa
import pytest

import watchspan as ws
from watchspan import _core, errors

POINTER = ct.c_void_p


class Schema(ct.Structure):
    _fields_ = (
        ("format", ct.c_char_p), ("name", ct.c_char_p), ("metadata", POINTER), ("flags", ct.c_int64),
        ("n_children", ct.c_int64), ("children", POINTER), ("dictionary", POINTER), ("release", POINTER),
        ("private_data", POINTER),
    )  # fmt: skip


class Array(ct.Structure):
    _fields_ = (
        ("length", ct.c_int64), ("null_count", ct.c_int64), ("offset", ct.c_int64), ("n_buffers", ct.c_int64),
        ("n_children", ct.c_int64), ("buffers", POINTER), ("children", POINTER), ("dictionary", POINTER),
        ("release", POINTER), ("private_data", POINTER),
    )  # fmt: skip


class Stream(ct.Structure):
    _fields_ = tuple((name, POINTER) for name in ("schema", "next", "last_error", "release", "private_data"))


_pointer = ct.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = POINTER, (ct.py_object, ct.c_char_p)
_capsule = ct.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = ct.py_object, (POINTER, ct.c_char_p, POINTER)
CALLBACK = ct.CFUNCTYPE(ct.c_int, POINTER, POINTER)
MESSAGE = ct.CFUNCTYPE(POINTER, POINTER)

pytestmark = pytest.mark.skipif(
    not hasattr(pa.RecordBatch, "__arrow_c_array__"), reason="pyarrow before 14 has no capsules"
)


class Changed:
    """A record batch whose structs are changed before they are handed over."""

    def __init__(self, batch: pa.RecordBatch, change: Callable[[Any, Any], None]) -> None:
        self.batch, self.change = batch, change

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        capsules = self.batch.__arrow_c_array__()
        schema, array = (
            _taken(Schema, capsules[0], b"arrow_schema"),
            _taken(Array, capsules[1], b"arrow_array"),
        )
        self.change(schema, array)
        self.kept = schema, array
        return (
            _capsule(ct.addressof(schema), b"arrow_schema", None),
            _capsule(ct.addressof(array), b"arrow_array", None),
        )


RELEASE = ct.CFUNCTYPE(None, POINTER)(lambda struct: None)


def _taken(kind: Any, capsule: Any, name: bytes) -> Any:
    """A copy of a capsule's struct that is never freed: its maker would stumble over what is changed."""
    there = kind.from_address(_pointer(capsule, name))
    copy = kind.from_buffer_copy(there)
    there.release, copy.release = None, ct.cast(RELEASE, POINTER)
    return copy


def child(struct: Any, index: int) -> Any:
    return type(struct).from_address(POINTER.from_address(struct.children + 8 * index).value or 0)


Change = Callable[[Schema, Array], None]


def array(name: str, value: Any, column: Optional[int] = None) -> Change:
    """Sets a field of the array, or of one of its columns."""
    return lambda _, root: setattr(root if column is None else child(root, column), name, value)


def schema(name: str, value: Any, column: Optional[int] = None) -> Change:
    """The same of the schema."""
    return lambda root, _: setattr(root if column is None else child(root, column), name, value)


def null_at(address: int) -> None:
    POINTER.from_address(address).value = None


LIES: dict[str, tuple[Change, str]] = {
    "an array that is released": (array("release", None), "released"),
    "a column that is released": (array("release", None, 1), "released"),
    "a schema that is released": (schema("release", None), "released"),
    "a negative length": (array("length", -1), "the length -1"),
    "a negative length of a column": (array("length", -5, 0), "length -5"),
    "a column that is shorter": (array("length", 3, 2), "3 rows stands"),
    "a negative offset": (array("offset", -1, 1), "the offset -1"),
    "more nulls than there are": (array("null_count", 3, 1), "claims 3"),
    "a negative number of buffers": (array("n_buffers", -2, 1), "-2 buffers"),
    "no place of buffers": (array("buffers", None, 1), "where its buffers"),
    "a buffer that is null": (lambda _, root: null_at(child(root, 1).buffers + 8), "lacks a buffer"),
    "no place of columns": (array("children", None), "parts"),
    "fewer columns": (array("n_children", 2), "2 parts instead of 6"),
    "a column that is null": (lambda _, root: null_at(root.children), "parts"),
    "no type": (schema("format", None), "by nothing"),
    "a type that is no text": (schema("format", b"\xff", 0), "xff"),
    "a type without its part": (schema("format", b"+l", 0), "0 parts"),
    "a name that is no text": (schema("name", b"\xff", 0), "not UTF-8"),
    "columns that are nowhere": (schema("children", None), "where they are"),
    "a negative number of columns": (schema("n_children", -1), "-1 parts"),
    "a single column": (schema("format", b"u"), "parts instead of 0"),
}


@pytest.fixture
def batch(events: pa.Table) -> pa.RecordBatch:
    return events.combine_chunks().to_batches()[0]


@pytest.mark.parametrize("lie", LIES)
def test_structs_that_contradict_themselves_are_told(batch: pa.RecordBatch, lie: str) -> None:
    change, told = LIES[lie]
    for call in (ws.aggregate, ws.sessions, ws.validate, lambda table: ws.aggregate(iter([table]))):
        with pytest.raises(errors.SourceError, match=f"cannot be read.*{told}"):
            call(Changed(batch, change))


def test_codes_that_have_no_value_are_told_by_every_verb(events: pa.Table) -> None:
    rows = ws.sessions(events)
    for name in ("userId", "videoId", "sessionId", "eventName", "currentTime", "timestamp"):
        values = events[name].combine_chunks().slice(0, 2)
        for code in (2, -1, 100):
            codes = pa.array([code] * events.num_rows, pa.int8())
            column = pa.DictionaryArray.from_arrays(codes, values, safe=False)
            broken = events.set_column(events.column_names.index(name), name, column)
            for call in (
                ws.aggregate,
                ws.sessions,
                ws.validate,
                lambda table: ws.explain(table, "ann", "v1"),
            ):
                with pytest.raises(errors.DataError, match=f"{name}.*a dictionary code that has no value"):
                    call(broken)
    for name in ("userId", "watchTime", "eventCount"):
        codes = pa.array([7] * rows.num_rows, pa.int8())
        column = pa.DictionaryArray.from_arrays(codes, rows[name].combine_chunks().slice(0, 2), safe=False)
        with pytest.raises((errors.DataError, errors.ColumnTypeError), match=name):
            ws.engagement(rows.set_column(rows.column_names.index(name), name, column))


def test_an_honest_struct_is_read(batch: pa.RecordBatch, events: pa.Table) -> None:
    assert ws.aggregate(Changed(batch, lambda schema, array: None)).equals(ws.aggregate(events))


def test_no_rows_of_a_batch_are_no_rows(batch: pa.RecordBatch) -> None:
    empty = Changed(batch.slice(3, 0), lambda schema, array: None)
    for call in (ws.aggregate, ws.sessions, lambda rows: _core.batches(rows)[0][0]):
        assert call(empty).num_rows == 0


def test_an_array_can_be_taken_once(batch: pa.RecordBatch) -> None:
    class Once:
        capsules = batch.__arrow_c_array__()

        def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
            return self.capsules

    ws.aggregate(Once())
    for _ in range(3):
        with pytest.raises(errors.SourceError, match="somebody else has taken it"):
            ws.aggregate(Once())


@pytest.mark.parametrize("handed", [None, 1, (1, 2), (None,), "text"])
def test_objects_that_hand_over_something_else_are_told(handed: Any) -> None:
    class Other:
        def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
            return handed

    class OtherStream:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return handed

    for other in (Other(), OtherStream()):
        with pytest.raises(errors.SourceError, match="hands over something else than"):
            ws.aggregate(other)


def stream_of(
    first: Callable[..., int], following: Callable[..., int], error: Optional[Callable[..., int]]
) -> Any:
    """An object with a stream of these callbacks."""
    kept = [
        CALLBACK(first),
        CALLBACK(following),
        MESSAGE(error) if error else None,
        ct.CFUNCTYPE(None, POINTER)(lambda stream: None),
    ]
    raw = Stream(*(ct.cast(each, POINTER) if each else None for each in kept), None)

    class Object:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            self.kept = (kept, raw)
            return _capsule(ct.addressof(raw), b"arrow_array_stream", None)

    return Object()


def test_a_stream_may_fail_without_a_word(batch: pa.RecordBatch) -> None:
    def give(_: int, out: int) -> int:
        batch.schema._export_to_c(out)
        return 0

    for error in (None, lambda _: None):
        with pytest.raises(errors.SourceError, match="stopped with error 5"):
            ws.aggregate(stream_of(lambda *_: 5, lambda *_: 0, error))
        with pytest.raises(errors.SourceError, match="stopped with error 7"):
            ws.aggregate(stream_of(give, lambda *_: 7, error))


def test_a_stream_that_fills_nothing_is_told(batch: pa.RecordBatch) -> None:
    with pytest.raises(errors.SourceError, match="its schema is released"):
        ws.aggregate(stream_of(lambda *_: 0, lambda *_: 0, None))


def test_types_of_any_depth_are_refused(batch: pa.RecordBatch) -> None:
    deep = [Schema(b"+s", b"deep", None, 0, 1, None, None, 1, None) for _ in range(10_000)]
    places = [(POINTER * 1)(ct.addressof(schema)) for schema in deep]
    for schema, place in zip(deep, places[1:]):
        schema.children = ct.addressof(place)
    deep[-1].n_children = 0

    def nest(root: Schema, _: Array) -> None:
        POINTER.from_address(root.children).value = ct.addressof(deep[0])

    with pytest.raises(errors.SourceError, match="nested more than 64 deep"):
        # The first column is not released: it is no longer part of anything.
        ws.aggregate(Changed(batch, nest))


# What pyarrow knows the sizes of.

READ = """
import sys
import pyarrow as pa
import watchspan as ws

def read(form):
    try:
        return ws.aggregate(form())["userId"].to_pylist()
    except (ws.errors.WatchspanError, pa.ArrowInvalid, OSError) as error:
        return "refused" if isinstance(error, ws.errors.WatchspanError) or form in BY_US else repr(error)

for path in sys.argv[1:]:
    def opened():
        return pa.ipc.open_file(path)
    def batches():
        return (opened().get_batch(n) for n in range(opened().num_record_batches))
    def table():
        return opened().read_all()
    BY_US = (batches, table)  # errors of what is called here are pyarrow's
    print({str(read(form)) for form in (lambda: path, table, batches)})
"""


@pytest.mark.parametrize("compression", [None, "lz4"])
def test_arrow_data_longer_than_its_buffers_is_refused(
    events: pa.Table, tmp_path: Path, compression: Optional[str]
) -> None:
    table = pa.concat_tables([events] * 7)
    path = tmp_path / "events.arrow"
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as file:
        file.write_table(table.combine_chunks())
    content = path.read_bytes()
    length = struct.pack("<q", table.num_rows)
    places = [place for place in range(len(content)) if content.startswith(length, place)]
    assert len(places) >= table.num_columns
    paths = []
    for place in places:
        for number in (table.num_rows + 1, table.num_rows + 60, -1, 2**62):
            paths.append(tmp_path / f"broken{len(paths)}.arrow")
            paths[-1].write_bytes(content[:place] + struct.pack("<q", number) + content[place + 8 :])
    command = [sys.executable, "-c", READ, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = done.stdout.splitlines()
    # Some numbers are not lengths, or of what is padded: then nothing else changes.
    right = repr({str(ws.aggregate(events)["userId"].to_pylist())})
    assert len(found) == len(paths) and set(found) <= {"{'refused'}", right}
    assert found.count("{'refused'}") >= 3 * table.num_columns


def test_offsets_beyond_the_text_are_refused(events: pa.Table) -> None:
    path = pa.BufferOutputStream()
    with pa.ipc.new_stream(path, events.schema) as file:
        file.write_table(events.combine_chunks())
    content = path.getvalue().to_pybytes()
    users = events["userId"].combine_chunks()
    offsets = users.buffers()[1].to_pybytes()[: 4 * (len(users) + 1)]
    last = struct.unpack("<i", offsets[-4:])[0]
    for number in (last + 60, -5, 1):
        changed = content.replace(offsets, offsets[:-4] + struct.pack("<i", number))
        assert changed != content
        table = pa.ipc.open_stream(changed).read_all()
        forms: tuple[Callable[[], Any], ...] = (
            lambda: table,  # noqa: B023 - it is called here
            lambda: iter(table.to_batches()),  # noqa: B023
            lambda: pa.ipc.open_stream(changed),  # noqa: B023
            lambda: dict(zip(table.column_names, table.columns)),  # noqa: B023
        )
        for form in forms:
            for call in (ws.aggregate, ws.validate, ws.sessions):
                with pytest.raises((errors.SourceError, errors.DataError)):
                    call(form())


def test_any_table_becomes_batches_of_pyarrow(events: pa.Table) -> None:
    polars = pytest.importorskip("polars")
    batches, schema = _core.batches(polars.from_arrow(events))
    assert pa.Table.from_batches(batches, schema).num_rows == events.num_rows
