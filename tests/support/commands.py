"""The command line: within a process, in one of its own, and on a terminal."""

from __future__ import annotations

import inspect
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

# Before click 8.2, standard error was a part of standard output unless one said so.
SEPARATE = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
RUNNER = CliRunner(**SEPARATE)
COMMAND = [sys.executable, "-W", "ignore", "-m", "watchspan"]


class Terminal:
    """A command whose standard error is a terminal."""

    def __init__(self, folder: Path, *arguments: Any) -> None:
        pty = pytest.importorskip("pty")
        self.screen, terminal = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
        command = [*COMMAND, *map(str, arguments)]
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=terminal, env=environment
        )
        os.close(terminal)
        self.text = ""

    def read_until(self, pattern: str, seconds: float = 60) -> bool:
        """Reads what is shown until the pattern occurs; False if the command ended without it."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, self.text
            if not select.select([self.screen], [], [], 0.2)[0]:
                continue
            try:
                part = os.read(self.screen, 65_536)
            except OSError:  # Linux says so when the other side is closed
                return False
            if not part:
                return False
            self.text += part.decode(errors="replace")
        return True

    def close(self) -> int:
        """Waits for the command and gives its exit code."""
        self.read_until(r"(?!)")
        os.close(self.screen)
        assert self.process.stdout
        self.process.stdout.close()
        return self.process.wait(60)
