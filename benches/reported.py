"""What reports say of the run that they come from."""

from __future__ import annotations

import shlex
import sys


def command(script: str) -> str:
    """The command that runs, without the options that only say where things are."""
    given, arguments = iter(sys.argv[1:]), []
    for argument in given:
        if argument in ("--data", "--write"):
            next(given, None)
        else:
            arguments.append(argument)
    return shlex.join(["python", script, *arguments])
