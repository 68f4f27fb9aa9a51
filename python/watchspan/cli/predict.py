"""The command predict: which open pairs will be completed."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Optional

import click

from watchspan.cli import display, options
from watchspan.cli.progress import Progress
from watchspan.cli.tables import write
from watchspan.cli.terminal import say

__all__ = ["COMMANDS"]


def _instant(name: str, what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        name,
        metavar="TIME",
        help=f"Until when {what} is known, as in {name} 2026-02-01T00:00:00Z; its newest time by default.",
    )


@click.command(short_help="Say which viewers will probably finish.")
@click.argument("then", metavar="THEN")
@click.argument("later", metavar="LATER")
@click.argument("rows", metavar="[ROWS]", required=False)
@_instant("--as-of", "THEN")
@_instant("--until", "LATER")
@options.output
@options.escape_formulas
@options.quiet
def predict(
    then: str, later: str, rows: Optional[str], as_of: Optional[str], until: Optional[str],
    output: Optional[str], escape_formulas: bool, quiet: bool,
) -> None:  # fmt: skip
    """Learn which viewers came back and finished, and say of those of ROWS how likely each does.

    THEN and LATER are Parquet or Arrow files that `watchspan aggregate` wrote of the same events, THEN of
    those before some time, LATER of those before a later one. ROWS is such a file too, of LATER's time or a
    newer one; without it, it is LATER. How good the model is on viewers that it did not see is said as well.

    \b
    Examples:
      watchspan predict january_15.parquet january_29.parquet -o likely.csv
      watchspan predict then.parquet later.parquet today.parquet -o - | jq .probability
    """
    from watchspan.predict import CompletionModel

    options.check_output(output, escape_formulas, then, later, rows)
    with Progress("computing", quiet=quiet) as progress:
        model = CompletionModel().fit(then, later, as_of=as_of, until=until)
        table = model.predict(later, as_of=until) if rows is None else model.predict(rows)
        write(progress, table, output, escape_formulas)
    if output is None:
        display.preview(table, "predictions")
    if not quiet:
        for line in str(model.score()).splitlines():
            say(line)
        say(f"{table.num_rows:,} rows by the {model.basis} after {progress.seconds:.2f} s.")


COMMANDS: Iterable[click.Command] = (predict,)
