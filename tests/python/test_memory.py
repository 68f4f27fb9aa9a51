"""A bound on memory changes nothing but where events wait, and temporary files leave no trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchspan as ws
from watchspan import _core, arguments, sample, sources
from watchspan.errors import OptionError, SourceError

ROWS = 60_000
TINY = 1
OPTIONAL = ("playbackRate", "seekFrom", "sequence")


@pytest.fixture(scope="module")
def events() -> pa.Table:
    return sample.generate(ROWS, seed=3).read_all()


@pytest.fixture(scope="module")
def videos() -> pa.Table:
    return sample.videos(3).slice(0, 20)


def pieces(table: pa.Table) -> list[pa.RecordBatch]:
    return table.to_batches(max_chunksize=5_000)


@pytest.mark.parametrize("threads", [1, 2])
def test_tables_are_the_same_from_temporary_files(events: pa.Table, videos: pa.Table, threads: int) -> None:
    for catalogue in (videos, None):
        expected = ws.aggregate(events, videos=catalogue)
        spilled = ws.aggregate(pieces(events), videos=catalogue, threads=threads, memory_limit=TINY)
        assert spilled.equals(expected, check_metadata=True)
    rules = ws.Rules(session_timeout_seconds=600)
    expected = ws.sessions(events, rules=rules)
    assert ws.sessions(pieces(events), rules=rules, memory_limit="2 B").equals(expected, check_metadata=True)


def test_every_layout_is_written(events: pa.Table) -> None:
    plain = events.select([name for name in events.schema.names if name not in OPTIONAL])
    assert plain.num_columns < events.num_columns
    coded = events
    for name in ("userId", "videoId", "sessionId"):
        place = coded.schema.get_field_index(name)
        coded = coded.set_column(place, name, coded[name].dictionary_encode())
    for table, same in ((plain, plain), (coded, events)):
        expected = ws.aggregate(same)
        assert ws.aggregate(pieces(table), memory_limit=TINY).equals(expected, check_metadata=True)


def test_sorted_input_and_a_single_user(events: pa.Table) -> None:
    by_user = events.sort_by([("userId", "ascending")])
    expected = ws.aggregate(events)
    assert ws.aggregate(pieces(by_user), memory_limit=TINY).equals(expected, check_metadata=True)
    alone = by_user.set_column(by_user.schema.get_field_index("userId"), "userId", pa.array(["ann"] * ROWS))
    assert ws.aggregate(pieces(alone), memory_limit=TINY).equals(ws.aggregate(alone), check_metadata=True)


def test_nothing_is_nothing(events: pa.Table) -> None:
    for batches in ([], pieces(events.slice(0, 0))):
        table = ws.aggregate(iter(batches), memory_limit=TINY)
        assert (table.num_rows, ws.report(table)["read"]) == (0, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2GB", 2_000_000_000), ("512MiB", 2**29), (" 1.5 kb ", 1500), ("7", 7), (7, 7), ("1TiB", 2**40)],
)
def test_sizes(text: str | int, expected: int) -> None:
    assert arguments.memory_argument(text) == expected


@pytest.mark.parametrize("text", [0, -1, True, 1.5, "", "GB", "2 apples", "-2GB", "0", "0.1B", "nan"])
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(OptionError, match=r"memory_limit is .* but None, a number of bytes .* is needed"):
        ws.aggregate([], memory_limit=text)  # type: ignore[arg-type]


def test_a_quarter_of_the_machine_by_default() -> None:
    machine = arguments.machine_memory()
    assert machine is not None and machine > 2**26
    assert arguments.memory_argument(None) == machine // 4


def test_a_sink_takes_the_batches_in_order(events: pa.Table) -> None:
    taken: list[pa.RecordBatch] = []
    rules, scoring = ws.Rules(), ws.Scoring()
    arguments = (pieces(events), None, None, None, rules, scoring, True, 2, TINY)
    batches, schema, _ = _core.aggregate(*arguments, taken.append)
    assert batches == [] and len(taken) > 1
    assert pa.Table.from_batches(taken, schema).equals(ws.aggregate(events))

    def refuse(batch: pa.RecordBatch) -> None:
        raise LookupError(batch.num_rows)

    with pytest.raises(LookupError):
        _core.aggregate(*arguments, refuse)


def test_rows_beyond_the_bound_go_to_a_file(events: pa.Table, tmp_path: Path) -> None:
    events = events.drop(["currentTime"])  # it holds NaN, which equals nothing
    for bound in (None, 0, 1_000_000):
        with sources.Overflow(bound) as rows:
            rows.schema = events.schema
            for batch in pieces(events):
                rows.add(batch)
            assert rows.num_rows == ROWS
            assert rows.head(7).equals(events.slice(0, 7))
            assert pa.Table.from_batches(rows.to_batches()).equals(events)
            sources.write(rows, tmp_path / "rows.parquet")
        assert pq.read_table(tmp_path / "rows.parquet").equals(events)
    with sources.Overflow(0) as rows:
        rows.schema = events.schema
        assert (rows.head(3).num_rows, list(rows.to_batches())) == (0, [])


COMMAND = [sys.executable, "-m", "watchspan", "aggregate", "--memory-limit"]


def test_the_command_writes_what_the_api_returns(events: pa.Table, tmp_path: Path) -> None:
    pq.write_table(events, tmp_path / "events.parquet", row_group_size=10_000)
    expected = ws.aggregate(events)
    for form in ("parquet", "arrow"):
        target = tmp_path / f"rows.{form}"
        done = subprocess.run(
            [*COMMAND, "1kB", str(tmp_path / "events.parquet"), "-o", str(target)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        written = pq.read_table(target) if form == "parquet" else pa.ipc.open_file(target).read_all()
        assert written.equals(expected)
        assert written.schema.metadata == expected.schema.metadata


def _open_files(process: int) -> list[str]:
    found = []
    for link in Path(f"/proc/{process}/fd").iterdir():
        try:
            found.append(os.readlink(link))
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are seen in /proc")
@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_of_a_run_that_is_stopped(tmp_path: Path, way: signal.Signals) -> None:
    # Batches without end: the run can only end by being stopped.
    script = (
        "import itertools, watchspan as ws\n"
        "from watchspan import sample\n"
        "batches = sample.generate(50_000, seed=1).read_all().to_batches(max_chunksize=5_000)\n"
        "ws.aggregate(itertools.cycle(batches), memory_limit=1)\n"
    )
    folder = tmp_path / "temporary"
    folder.mkdir()
    run = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(folder)}, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not any(str(folder) in name for name in _open_files(run.pid)):
        assert run.poll() is None and time.monotonic() < deadline, "no temporary file was seen"
        time.sleep(0.01)
    assert list(folder.iterdir()) == []
    run.send_signal(way)
    _, text = run.communicate(timeout=60)
    assert run.returncode != 0
    assert way == signal.SIGKILL or b"KeyboardInterrupt" in text
    assert list(folder.iterdir()) == []


def test_temporary_files_that_cannot_be_made(events: pa.Table, tmp_path: Path) -> None:
    script = (
        "import sys, watchspan as ws, pyarrow.parquet as pq\n"
        "ws.aggregate(pq.read_table(sys.argv[1]).to_batches(max_chunksize=5_000), memory_limit=1)\n"
    )
    pq.write_table(events, tmp_path / "events.parquet")
    missing = str(tmp_path / "missing")
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "events.parquet")],
        env={**os.environ, "TMPDIR": missing}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "SourceError: The events need more than memory_limit allows" in done.stderr
    assert missing in done.stderr and "set TMPDIR" in done.stderr


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_reported_as_such(events: pa.Table, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    before, tempfile.tempdir = os.environ.get("TMPDIR"), None
    os.environ["TMPDIR"] = str(disk)
    try:
        with pytest.raises(SourceError, match=r"No space left on device.*raise memory_limit"):
            ws.aggregate(pieces(events), memory_limit=TINY)
        assert list(disk.iterdir()) == []
    finally:
        os.environ.pop("TMPDIR")
        if before is not None:
            os.environ["TMPDIR"] = before
        subprocess.run(["umount", str(disk)], check=True)
