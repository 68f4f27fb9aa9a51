"""What goes to a terminal: nothing in it commands the terminal, or hides what is there."""

from __future__ import annotations

import sys
from typing import IO, Any

import click

from watchspan.masking import masked
from watchspan.text import to_json, visible

__all__ = ["binary_output", "print_json", "say"]


def say(text: str) -> None:
    """Prints a line for whoever is watching, on standard error."""
    click.echo(visible(masked(text)), err=True)


def print_json(value: Any) -> None:
    """Prints figures as JSON on standard output, in ASCII, which every terminal shows."""
    click.echo(to_json(value, ascii_only=True))


def binary_output() -> IO[bytes]:
    """Standard output for bytes.

    Raises:
        OSError: If there is none.
    """
    if sys.stdout is None:
        raise OSError("There is no standard output to write to.")
    return sys.stdout.buffer
