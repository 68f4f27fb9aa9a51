"""The command azure-etl: events from Azure, aggregated, and rows to where they are wanted."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Iterable, Optional

import click

import watchspan as ws
from watchspan.cli import display, options
from watchspan.cli.progress import Progress
from watchspan.cli.terminal import print_json, say
from watchspan.masking import masked
from watchspan.text import json_visible

if TYPE_CHECKING:
    from watchspan.azure import ReadCounts, Summary, Written

__all__ = ["COMMANDS"]


@click.command("azure-etl", short_help="Read events from Azure, aggregate them, write the rows.")
@click.option(
    "--workspace", metavar="ID", help="The Log Analytics workspace, or an Application Insights resource id."
)
@click.option(
    "--cluster", metavar="URL", help="Instead: the database of Data Explorer, https://<cluster>/<database>."
)
@click.option(
    "--table", metavar="NAME|KQL", default="AppEvents", show_default=True,
    help="The table: AppEvents or customEvents, in Data Explorer any table or query.",
)  # fmt: skip
@click.option("--endpoint", metavar="URL", help="The query service of a workspace in a sovereign cloud.")
@click.option("--from", "start", metavar="TIME", required=True, help="The first instant, as in 2026-01-15.")
@click.option("--to", "end", metavar="TIME", required=True, help="The first instant after the window.")
@click.option(
    "--by", type=click.Choice(["event", "arrival"]), default="event", show_default=True,
    help="Whether the window is one of the events' times or of their arrival.",
)  # fmt: skip
@click.option(
    "--lookback", type=click.FloatRange(0, 36_500), default=2.0, show_default=True, metavar="DAYS",
    help="With --by arrival: how long before the window an event may have happened.",
)  # fmt: skip
@click.option(
    "--event", "event_names", metavar="NAME", multiple=True, help="Read only these. Can be repeated."
)
@click.option(
    "--out", metavar="OUT", required=True,
    help="https://<ingestion endpoint>/dataCollectionRules/<rule>/streams/<stream>, "
    "https://<cluster>/<database>/<table>, delta:<path>, or a file as for the other commands.",
)  # fmt: skip
@click.option(
    "--mode", type=click.Choice(["overwrite", "append", "merge"]), default="overwrite", show_default=True,
    help="What becomes of a Delta table that is there.",
)  # fmt: skip
@options.videos
@click.option("--videos-query", metavar="KQL", help="A query for the videos, asked where the events are.")
@options.of_tables
@options.memory_limit
@options.scoring
@click.option("--run-id", metavar="NAME", help="What to call the run; a random name by default.")
@click.option("--resume", metavar="TEXT", help="Go on with writing: what the message of a stopped run says.")
@click.option(
    "--oversize", type=click.Choice(["refuse", "null"]), default="refuse", show_default=True,
    help="What becomes of values that the service would cut.",
)  # fmt: skip
@click.option(
    "--dry-run", is_flag=True, help="Count what there is, say what the target needs, write nothing."
)
@options.reporting
def azure_etl(
    workspace: Optional[str],
    cluster: Optional[str],
    table: str,
    endpoint: Optional[str],
    lookback: float,
    event_names: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Read the events of a window from Log Analytics or Data Explorer, aggregate them, and write the rows.

    The variable AZURE_TOKEN_CREDENTIALS says who this is, as in ManagedIdentityCredential or
    AzureCliCredential.

    \b
    Examples:
      watchspan azure-etl --workspace 1111-... --from 2026-01-15 --to 2026-01-16 --out rows.parquet
      watchspan azure-etl --cluster https://c.region.kusto.windows.net/video --table player_events \\
        --from 2026-01-15 --to 2026-01-16 --out https://c.region.kusto.windows.net/video/engagement
      watchspan azure-etl --workspace 1111-... --from 2026-01-15 --to 2026-01-16 --dry-run \\
        --out https://e.ingest.monitor.azure.com/dataCollectionRules/dcr-1/streams/Custom-Engagement
    """
    from watchspan import azure

    events = _place(workspace, cluster, table, endpoint)
    if azure.places.names_file(settings["out"]):
        azure.places.target_of(settings["out"])  # which says what is wrong with it
        options.refuse_overwriting(settings["out"])
    with Progress("reading events", quiet=quiet) as progress:
        done = azure.etl(
            events,
            lookback=_days(lookback),
            event_names=event_names or None,
            on_read=lambda counts: progress.say(_reading(counts)),
            on_sent=lambda written: progress.say(_sending(written)),
            **settings,
        )
    _report(done, progress, quiet, as_json)


def _place(workspace: Optional[str], cluster: Optional[str], table: str, endpoint: Optional[str]) -> Any:
    from watchspan import azure

    if (workspace is None) == (cluster is None):
        raise click.UsageError("One of --workspace and --cluster is needed.")
    if cluster is None:
        place = azure.LogAnalytics(str(workspace), table)
        return dataclasses.replace(place, endpoint=endpoint) if endpoint else place
    from watchspan.azure.addresses import parts_of

    needed = "https://<cluster>/<database>"
    origin, path = parts_of("--cluster", cluster, needed, plain=True)
    if len(path) != 1:
        raise click.UsageError(f"--cluster is {masked(repr(cluster))}, but {needed} is needed.")
    return azure.DataExplorer(origin, path[0], table)


def _days(number: float) -> timedelta:
    try:
        return timedelta(days=number)
    except ValueError as error:  # it is not a number, which no range leaves out
        raise click.UsageError(f"--lookback is {number}, but a number of days is needed.") from error


def _reading(counts: ReadCounts) -> str:
    until = f" until {counts.done_until:%Y-%m-%d %H:%M:%S}" if counts.done_until else ""
    return f"{counts.events:,} events read{until}, {counts.queries:,} queries"


def _sending(written: Written) -> str:
    return f"{written.sent:,} of {written.rows:,} rows written"


def _report(done: Summary, progress: Progress, quiet: bool, as_json: bool) -> None:
    if as_json:
        print_json({**dataclasses.asdict(done), "seconds": round(progress.seconds, 3)})
    if done.plan is not None:
        _show_plan(done, quiet, as_json)
        return
    if not quiet:
        for line in _lines(done):
            say(line)
        say(f"{done.rows:,} rows in {done.target} after {progress.seconds:.2f} s.")
    if done.report and done.report["read"] and not done.report["kept"]:
        raise ws.errors.DataError(
            f"none of the {done.report['read']:,} events could be used. Do --column and --preset say how "
            "your player calls things?"
        )


def _lines(done: Summary) -> Iterable[str]:
    """What a run has to say: what was read, dropped, sampled and written."""
    read, report, written = done.read, done.report, done.written
    if read is not None:
        halves = f" ({read.cut:,} answers were not whole)" if read.cut else ""
        yield f"{read.rows:,} rows in {read.queries:,} queries{halves}; {read.duplicates:,} copies left out."
        if read.without_id:
            yield f"{read.without_id:,} rows have no eventId, so that not every copy of them can be told."
        for column, number in read.unreadable.items():
            yield f"{number:,} values of {column} could not be read, and are null."
        if read.sampled:
            yield (
                f"{read.sampled:,} rows are sampled and stand for others ({read.represented:,} events in "
                f"all): {done.sampled_rows:,} rows rest on them, and say isSampled."
            )
    if report is not None:
        yield display.closing(report)
    if written is not None:
        nulled = f", {written.nulled:,} values too large and left out" if written.nulled else ""
        yield f"run {written.run_id}: {written.sent:,} rows sent in {written.requests:,} requests{nulled}."


def _show_plan(done: Summary, quiet: bool, as_json: bool) -> None:
    plan = done.plan or {}
    events = plan["events"]
    if not as_json and plan["needs"] is not None:
        needs = plan["needs"]
        click.echo(json_visible("\n".join(needs)) if isinstance(needs, list) else json.dumps(needs, indent=2))
    if not quiet:
        span = f", from {events['firstEvent']} to {events['lastEvent']}" if events["rows"] else ""
        say(
            f"{events['rows']:,} rows to read, which stand for {events['events'] or 0:,} events "
            f"({events['sampled']:,} rows are sampled){span}."
        )
        say(f"Nothing was written. The rows would go to {done.target}.")


COMMANDS: Iterable[click.Command] = (azure_etl,)
