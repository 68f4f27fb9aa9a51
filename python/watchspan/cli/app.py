"""The group of all commands, and what becomes of their errors."""

from __future__ import annotations

import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import pyarrow as pa

from watchspan import _core, _interrupts
from watchspan.cli import (
    azure,
    demo,
    experiments,
    insight,
    keeping,
    kql,
    page,
    predict,
    presets,
    quality,
    reading,
    serving,
    tables,
    views,
)
from watchspan.cli.terminal import say
from watchspan.errors import MissingDependencyError, OptionError, WatchspanError, WatchspanWarning
from watchspan.masking import masked
from watchspan.text import visible

# Asks for the traceback of every error.
_TRACEBACK = "WATCHSPAN_TRACEBACK"


class BadData(click.ClickException):
    """The data cannot be used or read."""

    exit_code = 1


class BadUsage(click.ClickException):
    """An option has a value that is not accepted, or something that it needs is not installed."""

    exit_code = 2


class Interrupted(click.ClickException):
    """Somebody pressed Ctrl-C."""

    exit_code = 130


class App(click.Group):
    """A group whose commands fail with one clear message: exit code 1 is for bad data, 2 for bad usage."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the options of the group itself."""
        with _in_a_sentence():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        with _in_a_sentence(), warnings.catch_warnings():
            warnings.simplefilter("always", WatchspanWarning)
            warnings.showwarning = _say_warning
            _interrupts.release()
            try:
                return super().invoke(ctx)
            finally:
                # What follows is click's, which would have words of its own for Ctrl-C.
                _interrupts.hold()


def _say_warning(message: Any, *_: Any, **__: Any) -> None:
    # Where in the code it arose tells a user of the command nothing.
    say(f"Warning: {message}")


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """Turns whatever goes wrong into one message that a terminal can show, and an exit code."""
    try:
        yield
    except click.ClickException as error:
        text = visible(_one_line(error.format_message()))
        error.format_message = lambda: text  # type: ignore[method-assign]
        raise
    except KeyboardInterrupt:
        raise Interrupted("interrupted.") from None
    except BrokenPipeError:
        # Whoever read our output has seen enough: click ends quietly.
        raise
    except Exception as error:
        if isinstance(error, (click.Abort, click.exceptions.Exit)):
            raise
        if os.environ.get(_TRACEBACK):
            traceback.print_exception(type(error), error, error.__traceback__)
        raise _told(error) from error


def _told(error: Exception) -> click.ClickException:
    """What to say of an error, and with which exit code to end."""
    text = visible(masked(_one_line(_in_options(str(error)))))
    if isinstance(error, (OptionError, MissingDependencyError)):
        return BadUsage(text)
    if isinstance(error, MemoryError):
        return BadData(
            f"there is not enough memory: --memory-limit bounds what is used ({text or 'no details'})."
        )
    if isinstance(error, (WatchspanError, OSError, pa.ArrowException)):
        return BadData(text)
    if isinstance(error, UnicodeError):
        return BadData(f"something is not Unicode text: {text}.")
    return BadData(
        f"this is a fault in watchspan, please report it: {type(error).__name__}: {text} "
        f"({_TRACEBACK}=1 in the environment shows where it is.)"
    )


def _one_line(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text.strip())


def _in_options(message: str) -> str:
    """A message of the Python functions in the words of the command line."""
    message = re.sub(
        r"""columns=\{"(\w+)": Column\((["'])(.+?)\2, unit="(\w+)"\)\}""",
        r"--column '\1=\3' --unit \1=\4",
        message,
    )
    return re.sub(r'columns=\{"(\w+)": "(.+?)"\}', r"--column '\1=\2'", message)


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_core.version, message="%(prog)s %(version)s")
def app() -> None:
    """Turn raw video-player events into one engagement row per user and video.

    Tables are read and written as Parquet, CSV, JSON lines or Arrow files, by their suffix. Input may be a
    path, a directory, a quoted glob or a URI, and more than one of them.

    \b
    Examples:
      watchspan demo                                      a million events, from start to finish
      watchspan check tracking.log                        how to read events of any shape
      watchspan validate events.parquet                   what would be dropped, and why
      watchspan aggregate events.parquet --videos videos.parquet -o engagement.parquet
      watchspan show peter welcome events.parquet         how each event of a viewer was judged
      watchspan presets                                   whose raw records can be read as they are

    Exit codes: 0 all is well, 1 the data is bad or cannot be read, 2 the command was not used as it should
    be, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        # A title that the terminal cannot show must not end the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


for _command in (
    *tables.COMMANDS,
    *insight.COMMANDS,
    *predict.COMMANDS,
    *experiments.COMMANDS,
    *page.COMMANDS,
    *reading.COMMANDS,
    *presets.COMMANDS,
    *quality.COMMANDS,
    *keeping.COMMANDS,
    *serving.COMMANDS,
    *azure.COMMANDS,
    *kql.COMMANDS,
    *views.COMMANDS,
    demo.demo,
):
    app.add_command(_command)
