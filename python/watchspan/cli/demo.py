"""The command demo: everything once, on sample events."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import click
import pyarrow as pa

import watchspan as ws
from watchspan import sample, sources
from watchspan.cli import display, options
from watchspan.cli.progress import Progress, peak_memory
from watchspan.cli.reading import engagement_row
from watchspan.cli.terminal import print_json
from watchspan.errors import MissingDependencyError, OptionError, SourceError

__all__ = ["demo"]

_USER, _VIDEO = "peter", "welcome"
_TOP = 5
_TABLES = ("events.parquet", "videos.parquet", "sessions.parquet", "engagement.parquet", "retention.parquet")
_REPORT = "report.html"
# Says in a file's metadata that it may be replaced.
_MARK = b"watchspan.demo"
# Says at the head of a page that it is a report.
_PAGE_MARK, _PAGE_HEAD = b'<meta name="generator" content="watchspan">', 2_000
# The columns that the worked example is about.
_STORY = (
    "videoDuration",
    "totalWatchTime",
    "totalUniqueSecondsWatched",
    "maxPositionReached",
    "watchPercentage",
    "completionPercentage",
    "uniqueWatchPercentage",
    "sessionCount",
    "totalForwardSkips",
    "totalBackwardSkips",
    "completionCount",
    "engagementScore",
    "engagementTier",
    "rewatchedSeconds",
    "unobservedWatchTime",
    "watchedIntervals",
    "dataQualityFlag",
)


@click.command(short_help="Do everything once, on sample events.")
@click.option("--rows", type=int, default=1_000_000, show_default=True, help="How many events.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed gives another month.")
@click.option("--out", default="demo", show_default=True, metavar="FOLDER", help="Where to leave the tables.")
@options.quiet
@options.as_json
def demo(rows: int, seed: int, out: str, quiet: bool, as_json: bool) -> None:
    """Generate sample events, aggregate them, sum the rows up, tell one viewer's story, and write a report.

    \b
    Leaves events.parquet, videos.parquet, sessions.parquet, engagement.parquet, retention.parquet and, with
    the extra `report`, report.html:
      watchspan demo --rows 100000 --out demo-small
    """
    if not out:
        raise click.UsageError("--out is empty: name a folder.")
    folder = Path(out)
    _refuse_others(folder)
    videos = sample.videos(seed)
    events = folder / "events.parquet"
    with Progress("generating events", quiet=quiet) as generating:
        reader = sample.generate(rows, seed=seed)
        table = pa.Table.from_batches(list(generating.count(reader, "writing events")), reader.schema)
        _leave(table, events)
        _leave(videos, folder / "videos.parquet")
    with Progress("reading events", quiet=quiet) as aggregating:
        want = sources.wanted("events", None)
        engagement = ws.aggregate(aggregating.count(sources.read(events, want)), videos=videos)
    with Progress("computing sessions and retention", quiet=quiet):
        sessions = ws.sessions(events)
        retention = ws.retention(sessions, videos=videos)
        for name, table in (("engagement", engagement), ("sessions", sessions), ("retention", retention)):
            _leave(table, folder / f"{name}.parquet")
    with Progress("writing the report", quiet=quiet):
        page = _report(folder, engagement, sessions, videos)
    figures: dict[str, Any] = {
        "summary": ws.summarize(engagement, top=_TOP),
        "report": ws.report(engagement),
        "seconds": {"generate": generating.seconds, "aggregate": aggregating.seconds},
        "eventsPerSecond": rows / aggregating.seconds,
        "peakMemoryBytes": peak_memory(),
        "story": display.records(ws.explain(events, _USER, _VIDEO)),
        "row": engagement_row(engagement, _USER, _VIDEO),
        "output": str(folder),
        "reportPage": page,
    }
    if as_json:
        print_json(figures)
    else:
        _show(figures)


def _report(folder: Path, engagement: pa.Table, sessions: pa.Table, videos: pa.Table) -> Optional[str]:
    """Where the report is; None if what draws it is not installed."""
    page = folder / _REPORT
    try:
        ws.write_report(
            engagement, page, sessions=sessions, videos=videos, title="A month of a learning site"
        )
    except MissingDependencyError:
        return None
    return str(page)


def _refuse_others(folder: Path) -> None:
    """Refuses a folder in which files of somebody else have the names of the demo's tables."""
    for path in (folder / name for name in (*_TABLES, _REPORT)):
        if path.exists() and not _is_ours(path):
            raise OptionError(
                f"{path} is there, and this command did not make it: name another folder by --out."
            )
    sources.check_output(folder / _TABLES[0])


def _is_ours(path: Path) -> bool:
    if path.name == _REPORT:
        return _PAGE_MARK in path.read_bytes()[:_PAGE_HEAD]
    try:
        return _MARK in sources.schema_metadata(path)
    except SourceError:
        return False


def _leave(table: pa.Table, path: Path) -> None:
    sources.write(table.replace_schema_metadata({**(table.schema.metadata or {}), _MARK: b""}), path)


def _show(figures: dict[str, Any]) -> None:
    report, seconds = figures["report"], figures["seconds"]
    display.summary(figures["summary"], _TOP)
    display.heading("What was dropped")
    display.drops(report)
    display.heading(f"The story of {_USER}, who watched {_VIDEO}")
    explanation, row = figures["story"], figures["row"] or {}
    display.story(explanation)
    display.record({name: row.get(name) for name in _STORY})
    display.heading("Speed")
    display.lines(
        [
            f"{report['read']:,} events generated in {seconds['generate']:.1f} s, and turned into "
            f"{figures['summary']['rows']:,} rows in {seconds['aggregate']:.2f} s: "
            f"{figures['eventsPerSecond']:,.0f} events/s from a Parquet file.",
            f"The tables are in {figures['output']}: {', '.join(_TABLES)}.",
            f"The report is {figures['reportPage']}: open it in a browser."
            if figures["reportPage"]
            else 'A report for the browser needs: pip install "watchspan[report]"',
            f"Go on with: watchspan show {_USER} {_VIDEO} {Path(figures['output'], 'events.parquet')}",
        ]
    )
