"""Files whose schema carries a pickle (CVE-2023-47248): old pyarrow opens it, but not while we are here."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchspan as ws

OPENS_PICKLES = tuple(int(part) for part in pa.__version__.split(".")[:3]) < (14, 0, 1)


class MakesFolder:
    """Unpickled, it makes a folder: whoever wrote the file has run something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        import os

        return os.mkdir, (str(self.folder),)


@pytest.fixture(params=["parquet", "arrow"])
def trap(request, tmp_path, events):
    """A file of events with a pickle in what it says of an unused column, and the folder that that makes."""
    ran = tmp_path / "ran"
    metadata = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(MakesFolder(ran), protocol=4),
    }
    extra = pa.field("extra", pa.int64(), metadata=metadata)
    columns = events.to_batches()[0].columns
    schema = events.schema.append(extra)
    batch = pa.RecordBatch.from_arrays([*columns, pa.array(range(events.num_rows))], schema=schema)
    path = tmp_path / f"events.{request.param}"
    if request.param == "parquet":
        pq.write_table(pa.Table.from_batches([batch]), path)
    else:
        with pa.ipc.new_file(str(path), schema) as writer:
            writer.write_batch(batch)
    return path, ran


def run(code: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.skipif(not OPENS_PICKLES, reason="this pyarrow leaves pickles closed by itself")
def test_the_trap_is_one_without_us(trap):
    path, ran = trap
    run("import sys, pyarrow.dataset as ds; ds.dataset(sys.argv[1], format=sys.argv[1].split('.')[-1])", path)
    assert ran.is_dir()


def test_nothing_runs_and_the_events_are_read(trap, events):
    path, ran = trap
    done = run("import sys, watchspan as ws; print(ws.aggregate(sys.argv[1]).num_rows)", path)
    assert (done.stdout.strip(), done.stderr) == (str(ws.aggregate(events).num_rows), "")
    assert not ran.exists()


@pytest.mark.parametrize("function", ["sessions", "validate", "report", "summarize", "video_totals", "daily"])
def test_no_function_opens_it(trap, function):
    path, ran = trap
    run(f"import sys, watchspan as ws; ws.{function}(sys.argv[1])", path)
    run(f"import sys, watchspan as ws; ws.{function}([sys.argv[1], sys.argv[1]])", path)
    assert not ran.exists()


def test_it_stays_closed_for_everything_in_the_process(trap):
    path, ran = trap
    done = run(
        """
        import sys, watchspan, pyarrow as pa, pyarrow.dataset as ds
        table = ds.dataset(sys.argv[1], format=sys.argv[1].split(".")[-1]).to_table()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        again = pa.ipc.open_stream(sink.getvalue()).read_all()
        column = again.column("extra").chunk(0)
        print(again.num_rows, getattr(column, "storage", column)[3])
        """,
        path,
    )
    assert done.stdout.startswith("12 "), done.stderr
    assert not ran.exists()


@pytest.mark.skipif(not OPENS_PICKLES, reason="this pyarrow leaves pickles closed by itself")
def test_who_has_refused_such_files_is_left_alone():
    done = run(
        """
        import pyarrow as pa
        pa._hotfix_installed = True
        pa.unregister_extension_type("arrow.py_extension_type")
        import watchspan
        try:
            pa.unregister_extension_type("arrow.py_extension_type")
        except pa.ArrowException as error:
            print("not there")
        """
    )
    assert done.stdout.strip() == "not there", done.stderr
