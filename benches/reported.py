"""What reports say of the run that they come from."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

STALE_STARTS = (
    "in a few rows a start still reports the position before a seek, which the queries do not recognise"
)


def same(one: float, other: float) -> bool:
    """Whether two sums agree; those of floats in other orders differ by less."""
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other))


def nearly(column: str, one: float, other: float, events: int) -> bool:
    """Whether two sums over so many generated events differ by no more than stale starts explain.

    In generated events they occur by chance: in one or two rows of ten million events, with about a hundred
    seconds each. They change nothing of what is counted of whole rows, sessions and events.
    """
    if same(one, other) or column in ("rows", "sessionCount", "eventCount"):
        return same(one, other)
    return abs(one - other) <= events / 1e6 * (100 if isinstance(one, float) else 1)


def command(script: str) -> str:
    """The command that runs, without the options that only say where things are."""
    given, arguments = iter(sys.argv[1:]), []
    for argument in given:
        if argument in ("--data", "--scratch", "--write"):
            next(given, None)
        else:
            arguments.append(argument)
    return shlex.join(["python", script, *arguments])


def cpu_model() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def number(value: float) -> str:
    """A sum as tables show it."""
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
