"""The group of all commands, and what becomes of their errors."""

from __future__ import annotations

import re
import sys
from typing import Any

import click
import pyarrow as pa

from watchspan import _core
from watchspan.cli import azure, demo, keeping, kql, reading, tables
from watchspan.errors import MissingDependencyError, OptionError, WatchspanError


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

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("interrupted.") from None
        except (OptionError, MissingDependencyError) as error:
            raise BadUsage(_in_options(str(error))) from error
        except BrokenPipeError:
            # Whoever read our output has seen enough: click ends quietly.
            raise
        except (WatchspanError, pa.ArrowException, OSError) as error:
            raise BadData(_in_options(str(error))) from error


def _in_options(message: str) -> str:
    """A message of the Python functions in the words of the command line."""
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
      watchspan validate events.parquet                   what would be dropped, and why
      watchspan aggregate events.parquet --videos videos.parquet -o engagement.parquet
      watchspan show peter welcome events.parquet         how each event of a viewer was judged

    Exit codes: 0 all is well, 1 the data is bad or cannot be read, 2 the command was not used as it should
    be, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        # A title that the terminal cannot show must not end the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


for _command in (
    *tables.COMMANDS,
    *reading.COMMANDS,
    *keeping.COMMANDS,
    *azure.COMMANDS,
    *kql.COMMANDS,
    demo.demo,
):
    app.add_command(_command)
