"""The command compare: what an experiment changed."""

from __future__ import annotations

from typing import Any, Iterable, Optional

import click

import watchspan as ws
from watchspan.cli import display, options
from watchspan.cli.progress import Progress
from watchspan.cli.tables import write
from watchspan.cli.terminal import print_json, say
from watchspan.errors import OptionError
from watchspan.text import shown

__all__ = ["COMMANDS"]


def _shares(_: click.Context, __: click.Parameter, text: Optional[str]) -> Optional[dict[str, float]]:
    if text is None:
        return None
    found: dict[str, float] = {}
    for item in text.split(","):
        name, is_there, number = (part.strip() for part in item.rpartition("="))
        if name in found:
            raise OptionError(f"--shares names {shown(name)} more than once: give each group one share.")
        try:
            found[name] = float(number)
        except ValueError:
            is_there = ""
        if not is_there or not name:
            raise OptionError(f"--shares does not understand {shown(item)}: give them as in control=9,new=1.")
    return found


def _metrics(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> Any:
    chosen: list[Any] = []
    for text in texts:
        name, is_own, sums = text.partition("=")
        numerator, is_ratio, denominator = sums.partition("/")
        chosen.append(ws.Metric(name, numerator, denominator if is_ratio else None) if is_own else text)
    return {"metrics": chosen} if chosen else {}


@click.command(short_help="Compare the groups of an experiment.")
@click.argument("rows", metavar="ROWS")
@click.option(
    "--groups", metavar="FILE", required=True,
    help="Everybody who was assigned: userId, group, and perhaps exposedAt, from when on sessions count.",
)  # fmt: skip
@click.option(
    "--before", metavar="FILE",
    help="Rows of a time before the experiment: what users differed by already is taken out.",
)  # fmt: skip
@options.videos
@click.option(
    "--control", metavar="NAME",
    help="The group that the others are compared with; `control` by default, else the first by alphabet.",
)  # fmt: skip
@click.option(
    "--metric", "metrics", metavar="NAME|NAME=SUM[/SUM]", multiple=True, callback=_metrics,
    help="What to compare, instead of all that is built in: completionRate, say, or one of your own, as in "
    "skips=totalForwardSkips/sessionCount. Can be repeated.",
)  # fmt: skip
@click.option(
    "--confidence", type=float, default=0.95, show_default=True, metavar="P",
    help="That of the intervals; 1 less it is the share of false alarms over all metrics and groups.",
)  # fmt: skip
@click.option(
    "--power", type=float, default=0.8, show_default=True, metavar="P",
    help="With what chance an effect of the size `smallestEffect` is found.",
)  # fmt: skip
@click.option(
    "--shares", metavar="NAME=N,...", callback=_shares,
    help="The share of users that each group was to have, as in control=9,new=1; all the same by default.",
)  # fmt: skip
@click.option(
    "--before-days", type=float, default=14, show_default=True, metavar="DAYS",
    help="How many days before exposedAt tell what users did already.",
)  # fmt: skip
@options.as_json
@options.output
@options.escape_formulas
@options.quiet
def compare(
    rows: str, groups: str, before: Optional[str], videos: Optional[str], metrics: dict[str, Any],
    as_json: bool, output: Optional[str], escape_formulas: bool, quiet: bool, **settings: Any,
) -> None:  # fmt: skip
    """Compare the groups of an experiment by what their users watched, and say how certain that is.

    ROWS is a Parquet or Arrow file that `watchspan aggregate` or `watchspan sessions` wrote. Every user in
    --groups counts: who watched nothing is a 0.

    \b
    Examples:
      watchspan compare engagement.parquet --groups groups.csv
      watchspan compare engagement.parquet --groups groups.csv --before december.parquet -o effects.csv
      watchspan compare sessions.parquet --groups exposed.csv --videos videos.csv --json | jq .warnings
    """
    if as_json and output is not None:
        raise click.UsageError("--json and --output exclude each other.")
    options.check_output(output, escape_formulas, rows, groups, before, videos)
    with Progress("comparing", quiet=quiet) as progress:
        found = ws.compare(rows, groups, before=before, videos=videos, **metrics, **settings)
        if output is not None:
            write(progress, found.table, output, escape_formulas)
    if as_json:
        print_json(_figures(found))
    elif output is None:
        display.lines(str(found).splitlines())
    else:
        for warning in found.warnings:
            say(f"Warning: {warning}")
    if not quiet:
        say(f"{found.table.num_rows:,} rows after {progress.seconds:.2f} s.")


def _figures(found: ws.Comparison) -> dict[str, Any]:
    ratio = found.sample_ratio
    return {
        "table": found.table.to_pylist(),
        "sample_ratio": {
            "users": ratio.users,
            "shares": ratio.shares,
            "p_value": ratio.p_value,
            "is_mismatch": ratio.is_mismatch,
        },
        "warnings": found.warnings,
        "left_out": found.left_out,
    }


COMMANDS: Iterable[click.Command] = (compare,)
