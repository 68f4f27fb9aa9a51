"""Folders for what does not fit into memory: nobody else reads them, and nothing of them stays."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from watchspan import scratch

pytest.importorskip("fcntl", reason="Windows has no locks of this kind")

LONG_AGO = time.time() - 3600
# Holds a folder with something in it, says which, and waits to be killed.
HOLD = """
import pathlib, sys, time
from watchspan import scratch
with scratch.folder() as folder:
    (pathlib.Path(folder) / "deep").mkdir()
    (pathlib.Path(folder) / "deep" / "block").write_text("spilled")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def hold(source=HOLD):
    # As what the tests import, from wherever that is.
    path = os.pathsep.join([str(Path(scratch.__file__).parents[1]), *filter(None, [os.getenv("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return process, Path(process.stdout.readline().strip())


def end(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def aged(folder):
    os.utime(folder, (LONG_AGO, LONG_AGO))
    return folder


def test_a_folder_is_private_and_goes_with_its_run(place):
    with scratch.folder() as folder:
        assert Path(folder).parent == place
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        Path(folder, "block").write_text("spilled")
    assert os.listdir(place) == []
    with pytest.raises(ZeroDivisionError), scratch.folder():
        raise ZeroDivisionError
    assert os.listdir(place) == []


def test_the_next_run_clears_what_killed_ones_left_and_nothing_else(place):
    killed, left = hold()
    living, used = hold()
    try:
        aged(left)
        aged(used)
        scratch.sweep()
        assert left.exists() and used.exists()
        end(killed)
        assert (left / "deep" / "block").exists()
        with scratch.folder() as folder:
            assert {path.name for path in place.iterdir()} == {used.name, Path(folder).name}
        assert (used / "deep" / "block").read_text() == "spilled"
    finally:
        end(living)
    # Whoever has made a folder has yet to lock it: it is left alone for a moment.
    os.utime(used)
    scratch.sweep()
    assert used.exists()
    aged(used)
    scratch.sweep()
    assert os.listdir(place) == []


def test_nothing_is_deleted_through_a_link(place, tmp_path_factory):
    precious = tmp_path_factory.mktemp("precious")
    (precious / "file").write_text("precious")
    killed, left = hold()
    end(killed)
    planted = left.with_name(left.name + "x")
    planted.symlink_to(precious)
    (left / "to a folder").symlink_to(precious)
    (left / "deep" / "to a file").symlink_to(precious / "file")
    aged(precious)
    aged(left)
    (place / "watchspan-scratch-file").write_text("somebody's")
    aged(place / "watchspan-scratch-file")
    scratch.sweep()
    assert {path.name for path in place.iterdir()} == {planted.name, "watchspan-scratch-file"}
    assert (precious / "file").read_text() == "precious"


def test_folders_of_others_are_left_alone(place):
    if os.getuid():
        pytest.skip("only root can make them somebody else's")
    killed, left = hold()
    end(killed)
    os.chown(left, 12345, 12345)
    aged(left)
    scratch.sweep()
    assert (left / "deep" / "block").exists()


UPDATE = """
import os, signal, sys
from watchspan.delta.engine import DeltaEngine
engine = DeltaEngine(sys.argv[-1] if len(sys.argv) > 1 else "nowhere")
engine.stage("numbers", "SELECT 1 AS one")
print(engine._sql.execute("SELECT current_setting('temp_directory')").fetchone()[0], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_of_the_tables_leaves_nothing_for_ever(place):
    pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")
    for _ in range(3):
        killed, left = hold(UPDATE)
        end(killed)
        assert left.parent == place
        assert [path.name for path in place.iterdir()] == [left.name]
        aged(left)
    scratch.sweep()
    assert os.listdir(place) == []
