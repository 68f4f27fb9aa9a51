"""What processes use: Spark's, watched from outside, and one's own. Only Linux tells such things.

Also how a program measures in processes of their own.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

_PROC = Path("/proc")
_INTERVAL = 0.05
# How much of an error pages tell.
_TOLD = 300


class WorkerMemory:
    """While it is entered, samples the resident memory of the processes with a tag in their environment.

    Memory that processes share (libraries, what a worker has from the daemon it was forked from) counts in
    each of them.

    Attributes:
        total: The most that all of them had together, in bytes; None where it cannot be told.
        largest: The most that one of them had.
    """

    def __init__(self, variable: str, value: str) -> None:
        self.total: int | None = 0 if _PROC.is_dir() else None
        self.largest: int | None = self.total
        self._mark = f"{variable}={value}".encode()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> WorkerMemory:
        if self.total is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self.total is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_INTERVAL):
            sizes = [resident(process) for process in self._tagged()]
            self.total = max(self.total or 0, sum(sizes))
            self.largest = max(self.largest or 0, *sizes, 0)

    def _tagged(self) -> list[Path]:
        return [process for process in _PROC.glob("[0-9]*") if self._mark in _environment(process)]


def resident(process: Path) -> int:
    """The memory of a process in bytes; 0 if it is gone."""
    try:
        return int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def cpu_seconds() -> float | None:
    """The processor time that this process and all it started have used so far; None where it is not told.

    It depends much less than the clock on what else runs on the machine.
    """
    if not _PROC.is_dir():
        return None
    parents, ticks = {}, {}
    for process in _PROC.glob("[0-9]*"):
        fields = _status(process)
        if fields:
            parents[int(process.name)] = int(fields[1])
            # Its own, and that of its children which have ended.
            ticks[int(process.name)] = sum(map(int, fields[11:15]))
    own = (spent for process, spent in ticks.items() if _descends(process, parents))
    return sum(own) / os.sysconf("SC_CLK_TCK")


def _descends(process: int, parents: dict[int, int]) -> bool:
    while process and process != os.getpid():
        process = parents.get(process, 0)
    return bool(process)


def _status(process: Path) -> list[str]:
    """The numbers after the process's name, which may hold spaces."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def settle() -> None:
    """Gives back what only loading needed: memory that is kept free would hide what the job needs."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError, TypeError):  # where there is no glibc
        ctypes.CDLL(None).malloc_trim(0)


def forget_peak() -> bool:
    """Makes `VmHWM` the most that is in use from here on; whether that worked, as it does on Linux."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return False
    return True


def own_memory(name: str) -> int:
    """A figure of the kernel about this process's memory, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def read_from_disk() -> int | None:
    """How many bytes this process had the disk read so far; None where it is not told."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes:"))


def be_killed_first() -> None:
    """If memory runs out, this process is what the kernel is to end."""
    with suppress(OSError):  # where there is no Linux
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")


def told_by(program: Path, arguments: list[str], timeout: float | None = None) -> tuple[dict[str, Any], str]:
    """What a measurement in its own process printed as JSON; or else why it did not finish."""
    try:
        done = subprocess.run(
            [sys.executable, str(program), *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        return {}, f"was ended after {timeout:,.0f} seconds"
    if done.returncode:
        return {}, _failure(done)
    # Before it libraries may have said something.
    return dict(json.loads(done.stdout.splitlines()[-1])), ""


def _failure(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode == -signal.SIGKILL:
        return "was killed, as the system does when memory runs out"
    if done.returncode == -signal.SIGTERM:
        return "was ended by hand"
    lines = done.stderr.strip().splitlines()
    return f"failed: {lines[-1][:_TOLD]}" if lines else f"failed with {done.returncode}"
