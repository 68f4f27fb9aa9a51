"""The command that prints checks of a table for where it lies: checks."""

from __future__ import annotations

from typing import Any, Iterable

import click

from watchspan.cli import options
from watchspan.testing.exporting import FORMATS
from watchspan.testing.exporting import checks as text_of_checks
from watchspan.testing.expressions import DIALECTS

__all__ = ["COMMANDS"]


@click.command(short_help="Print checks of an engagement table, as SQL or for DQX.")
@click.argument("table", metavar="TABLE")
@click.option(
    "--format", type=click.Choice(FORMATS), default="dqx", show_default=True,
    help="Metadata of checks for Databricks Labs DQX, or a query.",
)  # fmt: skip
@click.option(
    "--dialect", type=click.Choice(DIALECTS), default="spark", show_default=True,
    help="Whose SQL the query is: that of Spark and Databricks, or of DuckDB.",
)  # fmt: skip
@options.rules
@options.scoring
def checks(table: str, **given: Any) -> None:
    """Print what holds of every row of the engagement table TABLE, and its data quality flags, as checks.

    What holds of every row are errors where it does not; flags are warnings. Give the rules and the scoring
    that the table was made with.

    \b
    Examples:
      watchspan checks gold.engagement > checks.yml
      watchspan checks gold.engagement --format sql --scoring additive > checks.sql
      watchspan checks engagement --format sql --dialect duckdb | duckdb tables.db
    """
    click.echo(text_of_checks(table, **given), nl=False)


COMMANDS: Iterable[click.Command] = (checks,)
