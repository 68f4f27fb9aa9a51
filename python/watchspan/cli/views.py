"""The command that prints views, a metric view and a dashboard for Databricks: views."""

from __future__ import annotations

from typing import Iterable

import click

import watchspan as ws

__all__ = ["COMMANDS"]


@click.command(short_help="Print views, a metric view or a dashboard for Databricks.")
@click.argument("table", metavar="TABLE")
@click.option(
    "--metric-view", is_flag=True, help="Print the statement for a metric view instead: TABLE_metrics."
)
@click.option(
    "--version", type=click.Choice(ws.views.VERSIONS), default=ws.views.VERSIONS[0], show_default=True,
    help="Of the specification of metric views; 1.1 needs Databricks runtime 17.2 or newer.",
)  # fmt: skip
@click.option("--dashboard", is_flag=True, help="Print a dashboard instead, as a .lvdash.json file has it.")
def views(table: str, metric_view: bool, version: str, dashboard: bool) -> None:
    """Print SQL for views beside the engagement table TABLE: totals, days, cohorts, retention.

    \b
    Examples:
      watchspan views main.video.engagement > views.sql
      watchspan views main.video.engagement --metric-view
      watchspan views main.video.engagement --dashboard > resources/insight.lvdash.json
    """
    if metric_view and dashboard:
        raise click.UsageError("--metric-view and --dashboard exclude each other.")
    if dashboard:
        click.echo(ws.views.dashboard(table), nl=False)
    elif metric_view:
        click.echo(ws.views.metric_view(table, version).rstrip("\n") + ";")
    else:
        click.echo("\n".join(f"{text.rstrip()};\n" for text in ws.views.statements(table).values()), nl=False)


COMMANDS: Iterable[click.Command] = (views,)
