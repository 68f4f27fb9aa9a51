"""The command line where its output goes nowhere, and where it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from support.commands import COMMAND
from watchspan import sample, sources


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file of events."""
    made = tmp_path_factory.mktemp("streams")
    sources.write(sample.events(2_000), made / "events.parquet")
    return made


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        ["aggregate", "events.parquet", "-o", "-"],
        ["aggregate", "events.parquet", "--json"],
        ["kql", "--list"],
        ["--version"],
    ],
)
def test_a_full_disk_under_standard_output_is_a_sentence(folder, arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Error: [Errno 28] No space left on device"
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_without_standard_output_that_is_said(folder):
    command = " ".join([*COMMAND, "aggregate", "events.parquet", "-q", "-o", "-", ">&-"])
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: There is no standard output to write to.\n")


def test_rows_on_standard_output_leave_no_file_when_killed(folder, tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    reading, writing = os.pipe()
    command = [*COMMAND, "aggregate", "events.parquet", "-q", "-o", "-"]
    with subprocess.Popen(command, cwd=folder, stdout=writing, env=environment) as process:
        os.close(writing)
        # The pipe is full soon, and the command waits for whoever reads.
        assert os.read(reading, 1)
        time.sleep(0.2)
        assert process.poll() is None
        process.kill()
    os.close(reading)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("program", ["module", "script"])
def test_ctrl_c_at_any_moment_of_the_start_prints_no_traceback(folder, program, tmp_path):
    script = tmp_path / "watchspan"
    script.write_text("import sys\nfrom watchspan.cli import main\nsys.exit(main())\n")
    if program == "module" and sys.version_info < (3, 10):
        pytest.skip("this Python does not tell a package that it is run")
    command = COMMAND if program == "module" else [sys.executable, "-W", "ignore", str(script)]
    # Moments are counted in modules loaded, not in time: Python tells each on standard error.
    command = [command[0], "-X", "importtime", *command[1:], "kql", "--list"]
    whole = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stderr
    ours = whole[whole.index("watchspan._interrupts") :].count("\n")
    assert ours > 20
    for moment in range(0, ours, ours // 6):
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        # What Python does before the package is loaded is not ours.
        for line in process.stderr:
            if line.endswith("watchspan._interrupts\n"):
                break
        for _ in range(moment):
            process.stderr.readline()
        process.send_signal(signal.SIGINT)
        shown = [line for line in process.stderr if not line.startswith("import time:")]
        process.stderr.close()
        assert process.wait(timeout=60) in (0, 130, -signal.SIGINT), (moment, shown)
        assert shown in ([], ["Error: interrupted.\n"]), (moment, shown)


def test_importing_leaves_ctrl_c_alone():
    code = """
        import signal, sys
        sys.argv[0] = "watchspan"
        {first}
        before = signal.getsignal(signal.SIGINT)
        import watchspan
        print(signal.getsignal(signal.SIGINT) is before, watchspan.__version__)
    """
    for first in ("", "signal.signal(signal.SIGINT, signal.SIG_DFL)"):
        program = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code.format(first=first))]
        done = subprocess.run(program, capture_output=True, text=True, check=False)
        assert done.stdout.startswith("True "), done.stderr
