"""The command `watchspan`."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from watchspan import _interrupts

__all__ = ["main"]

# Until a command begins its work; see the group's `invoke`.
_interrupts.hold()


def main() -> None:
    """Runs the command with the arguments of the process, and exits."""
    missing = [name for name in ("click", "rich") if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"Error: the command line needs {' and '.join(missing)}: run pip install 'watchspan[cli]'.\n"
        )
        raise SystemExit(2)
    from watchspan.cli.app import app

    try:
        app(prog_name="watchspan")
    finally:
        _interrupts.hold()
