"""The command report: a page that says what rows come to."""

from __future__ import annotations

from typing import Any, Iterable, Optional

import click

import watchspan as ws
from watchspan.cli import options
from watchspan.cli.progress import Progress
from watchspan.cli.terminal import say

__all__ = ["COMMANDS"]


@click.command(short_help="Write a page that says what rows come to.")
@click.argument("rows", metavar="ROWS")
@click.option(
    "-o", "--output", "--out", metavar="OUT", required=True, help="Where to write it: a name in .html."
)
@click.option(
    "--sessions", metavar="FILE", help="The sessions of the same events: who comes back, who is loyal."
)
@options.videos
@click.option("--groups", metavar="FILE", help="Who is in which group of an experiment: what it changed.")
@click.option("--title", default="Video engagement", show_default=True, help="What the page is called.")
@click.option("--users", is_flag=True, help="Name users: who watched most, and whose rows have flags.")
@options.quiet
def report(
    rows: str,
    output: str,
    sessions: Optional[str],
    videos: Optional[str],
    groups: Optional[str],
    quiet: bool,
    **said: Any,
) -> None:
    """Write one page that needs no network: how far rows can be trusted, and where videos lose viewers.

    ROWS is a Parquet or Arrow file that `watchspan aggregate` wrote.

    \b
    Examples:
      watchspan report engagement.parquet -o report.html
      watchspan report engagement.parquet --sessions sessions.parquet --title "January" -o report.html
      watchspan report engagement.parquet --groups groups.csv -o report.html
    """
    options.check_output(output, False, rows, sessions, videos, groups)
    with Progress("computing", quiet=quiet) as progress:
        ws.write_report(rows, output, sessions=sessions, videos=videos, groups=groups, **said)
    if not quiet:
        say(f"The report is in {output} after {progress.seconds:.2f} s.")


COMMANDS: Iterable[click.Command] = (report,)
