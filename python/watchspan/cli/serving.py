"""The command serve: a page that follows kept tables."""

from __future__ import annotations

from typing import Iterable

import click

from watchspan.cli import keeping, options
from watchspan.cli.terminal import say

__all__ = ["COMMANDS"]


@click.command(short_help="Show kept Delta tables as a page that follows them.")
@click.argument("table", metavar="TABLE")
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=8501,
    show_default=True,
    metavar="N",
    help="Where to listen.",
)
@click.option(
    "--every", type=click.FloatRange(min=1), default=10, show_default=True, metavar="S",
    help="How often to look whether the table changed, in seconds.",
)  # fmt: skip
@click.option(
    "--host", default="127.0.0.1", show_default=True,
    help="The address to listen on. The page has no login: by default only this machine sees it.",
)  # fmt: skip
@keeping.of_storage
@options.quiet
def serve(table: str, port: int, every: float, host: str, storage: tuple[str, ...], quiet: bool) -> None:
    """Serve a page that says what the Delta table TABLE comes to, and shows each update of it.

    TABLE is one that `watchspan update`, Spark or a stream keeps. The page looks every few seconds whether
    there is a new version. Ctrl-C ends it.

    \b
    Examples:
      watchspan serve engagement
      watchspan serve engagement --port 8000 --every 60
    """
    from watchspan import live

    if not quiet:
        say(f"The page is at http://{f'[{host}]' if ':' in host else host}:{port} until Ctrl-C.")
    live.serve(table, port=port, every=every, host=host, storage_options=keeping.pairs(storage))


COMMANDS: Iterable[click.Command] = (serve,)
