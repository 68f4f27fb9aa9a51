"""The command that prints queries in KQL: kql."""

from __future__ import annotations

import json
from typing import Any, Iterable, Optional

import click

import watchspan as ws
from watchspan import sources
from watchspan.cli import options
from watchspan.text import json_visible

__all__ = ["COMMANDS"]


def _settings(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not of the form top_count=10.", ctx, option)
        try:
            settings[name.strip()] = json.loads(value)
        except (ValueError, RecursionError):  # a name, without the quotes that JSON wants
            settings[name.strip()] = value.strip()
    return settings


@click.command(short_help="Print a query for Log Analytics or Data Explorer.")
@click.argument("name", metavar="QUERY", required=False)
@click.option("--list", "listing", is_flag=True, help="Say what queries there are and what each answers.")
@click.option("--events", metavar="TABLE", help="The table of events; AppEvents and customEvents by default.")
@options.videos
@click.option("--videos-table", metavar="TABLE", help="The table of videos, where the events are.")
@click.option(
    "--set", "settings", metavar="NAME=VALUE", multiple=True, callback=_settings,
    help="A setting of the query's own, as in --set top_count=10. Can be repeated.",
)  # fmt: skip
@options.columns
@options.vocabulary
@options.rules
@options.scoring
def kql(
    name: Optional[str], listing: bool, videos: Optional[str], videos_table: Optional[str], **given: Any
) -> None:
    """Print the query QUERY in KQL, with these thresholds and names, to paste into the portal.

    \b
    Examples:
      watchspan kql --list
      watchspan kql engagement --rules heartbeat_seconds=30 --scoring additive --videos videos.csv
      watchspan kql top_videos --set top_count=5 --column userId=uid
    """
    if listing == (name is not None):
        raise click.UsageError("Name one query, or ask for --list.")
    if videos is not None and videos_table:
        raise click.UsageError("--videos and --videos-table exclude each other.")
    if name is None:
        _list()
        return
    table = sources.read_table(videos) if videos is not None else videos_table
    # Text in queries is quoted as in JSON, whose escapes mean the same.
    click.echo(json_visible(ws.kql.query(name, videos=table, **given)), nl=False)


def _list() -> None:
    """The names of all queries and what they answer."""
    names = ws.kql.names()
    width = max(map(len, names))
    for name in names:
        click.echo(f"{name:{width}}  {ws.kql.question(name).asks}")


COMMANDS: Iterable[click.Command] = (kql,)
