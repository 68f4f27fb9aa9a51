"""The commands that keep Delta tables up to date: update, rescore, delete-user."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Iterable, Optional

import click

from watchspan.cli import options
from watchspan.cli.progress import Progress
from watchspan.cli.terminal import print_json, say

__all__ = ["COMMANDS"]

# A key in base64 may end in one or two of these signs, and is no name then.
_PAIR = re.compile(r"[A-Za-z][\w.-]*=(?!=?$).+", re.DOTALL)
of_storage = click.option(
    "--storage", metavar="NAME=VALUE", multiple=True,
    help="What the storage needs, such as credentials, as deltalake names it. Can be repeated.",
)  # fmt: skip
_DESCRIPTIONS = {
    "scopes": "users' sessions with changed events",
    "sessions_written": "session rows written",
    "sessions_deleted": "session rows deleted",
    "pairs": "user+video pairs computed",
    "shrunk": "left as they were, for lack of raw events",
}


@click.command(short_help="Keep Delta tables up to date with new events.")
@click.argument("raw", metavar="RAW_TABLE")
@click.argument("table", metavar="TABLE")
@click.option("--from", "start", metavar="TIME", help="The first instant of the window, as in 2026-01-15.")
@click.option("--to", "end", metavar="TIME", help="The first instant after the window.")
@click.option(
    "--changed-by", metavar="COLUMN",
    help="The column that says when an event arrived: the window is one of arrival, so no late event waits.",
)  # fmt: skip
@options.videos
@click.option("--allow-shrink", is_flag=True, help="Write also sessions of which raw events are gone.")
@click.option(
    "--retention-table", is_flag=True,
    help="Keep TABLE_retention too: how much of its audience each part of a video keeps.",
)  # fmt: skip
@options.of_events
@options.scoring
@of_storage
@options.reporting
def update(
    raw: str, table: str, storage: tuple[str, ...], quiet: bool, as_json: bool, **settings: Any
) -> None:
    """Bring the Delta table TABLE up to date with the events of a window of the Delta table RAW_TABLE.

    The first run makes TABLE, TABLE_sessions and TABLE_pending; any sequence of runs leaves them as one run
    over all those events would. Without a window all events are read.

    \b
    Examples:
      watchspan update raw engagement --from 2026-01-15 --to 2026-01-16 --videos videos.csv
      watchspan update raw engagement --changed-by ingestedAt --from 2026-01-15 --to 2026-01-16
    """
    from watchspan import delta

    with Progress("updating", quiet=quiet) as progress:
        done = delta.update(raw, table, storage_options=pairs(storage), **settings)
    _report(done, progress, quiet, as_json)


@click.command(short_help="Score the rows of a Delta table anew.")
@click.argument("table", metavar="TABLE")
@options.videos
@options.columns
@options.rules
@options.scoring
@options.threads
@of_storage
@options.reporting
def rescore(table: str, storage: tuple[str, ...], quiet: bool, as_json: bool, **settings: Any) -> None:
    """Compute the engagement rows of TABLE again from its sessions, without any event.

    \b
    Example:
      watchspan rescore engagement --scoring coverage=80,rewatch=0 --videos videos.csv
    """
    from watchspan import delta

    with Progress("scoring", quiet=quiet) as progress:
        done = delta.rescore(table, storage_options=pairs(storage), **settings)
    _report(done, progress, quiet, as_json)


@click.command("delete-user", short_help="Delete a user from Delta tables.")
@click.argument("table", metavar="TABLE")
@click.argument("user", metavar="USER")
@click.option("--integer", is_flag=True, help="The key column holds integers.")
@options.videos
@options.columns
@options.threads
@of_storage
@options.reporting
def delete_user(
    table: str,
    user: str,
    integer: bool,
    storage: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Delete USER from TABLE and the tables beside it, and compute again what depended on them.

    Delete the user's raw events first, or the next update over their days brings the rows back; and vacuum
    the tables afterwards, since old versions keep what was deleted.

    \b
    Example:
      watchspan delete-user engagement peter --videos videos.csv
    """
    from watchspan import delta

    try:
        key = int(user) if integer else user
    except ValueError:
        raise click.UsageError(f"{user!r} is no integer.") from None
    with Progress("deleting", quiet=quiet) as progress:
        done = delta.delete_user(table, key, storage_options=pairs(storage), **settings)
    _report(done, progress, quiet, as_json)


def _report(done: Any, progress: Progress, quiet: bool, as_json: bool) -> None:
    figures = dataclasses.asdict(done)
    if as_json:
        print_json({**figures, "seconds": round(progress.seconds, 3)})
    if quiet:
        return
    shown = [f"{figures[name]:,} {text}" for name, text in _DESCRIPTIONS.items() if figures[name]]
    say(f"{'; '.join(shown) or 'nothing to do'}, after {progress.seconds:.2f} s.")


def pairs(items: tuple[str, ...]) -> Optional[dict[str, str]]:
    wrong = next((place for place, item in enumerate(items, start=1) if not _PAIR.fullmatch(item)), None)
    if wrong is not None:
        # A key may have been given without its name.
        raise click.UsageError(
            f"--storage number {wrong} may be secret and is not shown, but NAME=VALUE is needed."
        )
    return dict(item.split("=", 1) for item in items) or None


COMMANDS: Iterable[click.Command] = (update, rescore, delete_user)
