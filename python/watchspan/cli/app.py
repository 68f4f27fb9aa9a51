"""The group of all commands, and what becomes of their errors."""

from __future__ import annotations

import sys
from typing import Any

import click
import pyarrow as pa

from watchspan import _core
from watchspan.cli import demo, reading, tables
from watchspan.errors import MissingDependencyError, OptionError, WatchspanError


class Failure(click.ClickException):
    """A message for the user and the exit code to end with."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class App(click.Group):
    """A group whose commands fail with one clear message: exit code 1 is for bad data, 2 for bad usage."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Failure("interrupted.", 130) from None
        except (OptionError, MissingDependencyError) as error:
            raise Failure(str(error), 2) from error
        except BrokenPipeError:
            # Whoever read our output has seen enough: click ends quietly.
            raise
        except (WatchspanError, pa.ArrowException, OSError) as error:
            raise Failure(str(error), 1) from error


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


for _command in (*tables.COMMANDS, *reading.COMMANDS, demo.demo):
    app.add_command(_command)
