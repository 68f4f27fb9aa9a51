"""What reports say of the run that they come from."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

# What pages say of the events that they are about.
GENERATED = """\
Events are generated (`benches/generated_events.py`): user ids of 12 characters, session ids of 36, about 7
events per user and video, 2.5% of the videos without a duration and as many not listed.
"""

LOAD = "load before the run"

_UNITS = {"k": 1_000, "M": 1_000_000}


def parser(
    description: str | None, *, rounds: int | None = None, data: bool = True, **amounts: str
) -> argparse.ArgumentParser:
    """A parser of options for a program that can write its page.

    Args:
        description: What the program does.
        rounds: How often it measures each thing, by default; None if it measures once.
        data: Whether it can keep the events that it generates.
        **amounts: The default of `events`, one number of events, or of `sizes`, several of them.
    """
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--write", metavar="FILE", help="where to write the page")
    if data:
        made.add_argument("--data", metavar="FOLDER", help="where to keep generated events for the next time")
    for name, default in amounts.items():
        read, example = (counts, "100k,1M") if name == "sizes" else (count, "5M")
        made.add_argument(f"--{name}", type=read, default=default, help=f"how many events, as in {example}")
    if rounds is not None:
        made.add_argument("--rounds", type=int, default=rounds, help="how often each is measured")
    return made


def chosen(known: Iterable[str]) -> Callable[[str], list[str]]:
    """What reads an option with names of variants: some of those that are known, with watchspan."""

    def names(text: str) -> list[str]:
        found = text.split(",")
        if "watchspan" not in found or not set(found) <= set(known):
            raise argparse.ArgumentTypeError(f"watchspan and any of {', '.join(known)}, not {text}")
        return found

    return names


def publish(text: str, page: str | None) -> None:
    """Shows the page, and writes it to the file `page` if there is one."""
    print(text)
    if page:
        Path(page).write_text(text, encoding="utf-8")


def progress(text: str) -> None:
    """Says how far the program is, beside what it prints."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count(text: str) -> int:
    """A number of events, as in 500k or 2M."""
    return int(text.rstrip("kM")) * _UNITS.get(text[-1], 1)


def counts(text: str) -> list[int]:
    """Numbers of events, as in 1M,10M."""
    return [count(size) for size in text.split(",")]


def conditions() -> dict[str, str]:
    """What figures depend on; to be asked for before the run."""
    return {
        "processor": f"{cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} on {platform.machine()}",
        "Python": platform.python_version(),
        LOAD: f"{os.getloadavg()[0]:.1f}",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


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


def seconds(value: float | None) -> str:
    """Seconds as tables show them."""
    return "-" if value is None else f"{value:.3f}"


def times(value: float | None) -> str:
    """A ratio as tables show it."""
    return "-" if value is None else f"{value:.2f}"


def mebibytes(value: float | None) -> str:
    """An amount of memory as tables show it."""
    return "-" if value is None else f"{value / 2**20:,.0f}"


def spread(values: Sequence[float]) -> str:
    """From the least to the most."""
    return f"{min(values):.3f} to {max(values):.3f}" if values else "-"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
