"""The commands that make tables: generate, aggregate, sessions, retention."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterable, Iterator, Optional, Union

import click
import pyarrow as pa

import watchspan as ws
from watchspan import presets, sample, sources
from watchspan.api import aggregate_into, sessions_into
from watchspan.cli import display, options
from watchspan.cli.progress import Progress, peak_memory
from watchspan.cli.terminal import binary_output, print_json, say
from watchspan.sources import Overflow, ParquetTable

__all__ = ["COMMANDS", "read_events", "write"]

# What takes the rows of a table as they are made.
Rows = Union[Overflow, ParquetTable]


def read_events(
    progress: Progress, inputs: tuple[str, ...], settings: dict[str, Any]
) -> Iterable[pa.RecordBatch]:
    """The events of files, counted by the progress line while they are read.

    Args:
        progress: Counts.
        inputs: The files.
        settings: What the command was given: of it `preset` and `columns` say what is read.
    """
    how = presets.reading(settings["preset"], settings["columns"], None, None)
    return progress.count(sources.read(list(inputs), sources.wanted("events", how.columns)))


def write(
    progress: Progress, table: Union[pa.Table, Overflow], path: Optional[str], escape_formulas: bool = False
) -> None:
    """Writes a table to a file, or as JSON lines to standard output if the path is `-`."""
    if path is None:
        return
    # The name alone: a long path would push the figures off the line.
    progress.say(f"writing {Path(path).name}")
    if path == options.STDOUT:
        sources.write_lines(table, binary_output())
    else:
        sources.write(table, path, escape_formulas=escape_formulas)


def _check_figures(as_json: bool, output: Optional[str]) -> None:
    if as_json and output == options.STDOUT:
        raise click.UsageError("--json and -o - both claim standard output.")


def _finish(
    table: Rows, kind: str, output: Optional[str], progress: Progress, quiet: bool, as_json: bool
) -> None:
    """Says what became of the events; exit code 1 if there were some and none could be used."""
    report = ws.report(table.schema.empty_table())
    seconds = progress.seconds
    if as_json:
        figures = {
            "output": output,
            "rows": table.num_rows,
            **report,
            "seconds": round(seconds, 3),
            "eventsPerSecond": round(report["read"] / seconds) if seconds else None,
            "peakMemoryBytes": peak_memory(),
        }
        print_json(figures)
    elif output is None:
        display.preview(table, kind)
    if not quiet:
        rate = f"{report['read'] / seconds:,.0f} events/s" if seconds else ""
        place = {None: "", options.STDOUT: " on standard output"}.get(output, f" in {output}")
        say(display.closing(report))
        say(f"{table.num_rows:,} rows{place} after {seconds:.2f} s, {rate}.")
    if report["read"] and not report["kept"]:
        raise ws.errors.DataError(
            f"none of the {report['read']:,} events could be used: `watchspan validate` shows why."
        )


@click.command(short_help="Make sample events.")
@click.option(
    "--rows", type=click.IntRange(1, 10**12), default=1_000_000, show_default=True, help="How many events."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed gives another month.")
@click.option("--users", type=int, help="How many viewers; by default about one for 120 events.")
@options.output_file
@options.escape_formulas
@click.option("--videos-out", metavar="OUT", callback=options.writable, help="Where to write the videos.")
@options.quiet
def generate(
    rows: int, seed: int, users: Optional[int], output: str, videos_out: Optional[str],
    escape_formulas: bool, quiet: bool,
) -> None:  # fmt: skip
    """Make realistic sample events: a month of a learning site.

    Viewers pause, seek, replay, open several tabs and close the browser; the tracker delivers late, twice,
    and now and then rubbish. The same rows and seed give the same events everywhere. The viewer `peter` is
    the worked example of the documentation.

    \b
    Example:
      watchspan generate --rows 100000 --out events.parquet --videos-out videos.parquet
    """
    options.check_output(output, escape_formulas)
    options.check_output(videos_out, False, output)
    with Progress("generating", quiet=quiet) as progress:
        reader = sample.generate(rows, seed=seed, users=users)
        table = pa.Table.from_batches(list(progress.count(reader, "writing")), reader.schema)
        write(progress, table, output, escape_formulas)
        # Only now a file system tells that two names are one to it.
        options.check_output(videos_out, False, output)
        write(progress, sample.videos(seed), videos_out, escape_formulas)
    if not quiet:
        say(f"{table.num_rows:,} events in {output} after {progress.seconds:.2f} s.")


@click.command(short_help="Make one row per user and video.")
@options.inputs
@options.output
@options.escape_formulas
@options.videos
@options.of_events
@options.memory_limit
@options.scoring
@click.option(
    "--unique-seconds/--no-unique-seconds", default=True, show_default=True,
    help="Whether to compute what was watched at least once.",
)  # fmt: skip
@options.reporting
def aggregate(
    inputs: tuple[str, ...], output: Optional[str], escape_formulas: bool, quiet: bool, as_json: bool,
    **settings: Any,
) -> None:  # fmt: skip
    """Turn events into engagement: one row per user and video.

    \b
    Examples:
      watchspan aggregate events.parquet --videos videos.csv -o engagement.parquet
      watchspan aggregate 'events/2026-01-*.jsonl' --column userId=uid --preset html5 -o rows.csv
      watchspan aggregate events.parquet --rules rules.toml,heartbeat_seconds=30 --json -o rows.arrow
      watchspan aggregate events.parquet -o - | jq .engagementScore

    Without -o the first rows are shown; with --json and without -o only the figures.
    """
    _check_figures(as_json, output)
    options.check_output(output, escape_formulas, *inputs, settings["videos"])
    with Overflow.of(settings["memory_limit"]) as held:
        with Progress("reading events", quiet=quiet) as progress, _taking(held, output) as rows:
            events = read_events(progress, inputs, settings)
            rows.finish(aggregate_into(rows.sink, events, **settings).schema)
            _leave(progress, rows, output, escape_formulas)
        _finish(rows, "engagement", output, progress, quiet, as_json)


@click.command(short_help="Make one row per user, video and session.")
@options.inputs
@options.output
@options.escape_formulas
@click.option("--intervals", is_flag=True, help="INPUTS hold what was watched: userId, videoId, start, end.")
@options.of_events
@options.memory_limit
@options.reporting
def sessions(
    inputs: tuple[str, ...], intervals: bool, output: Optional[str], escape_formulas: bool, quiet: bool,
    as_json: bool, **settings: Any,
) -> None:  # fmt: skip
    """Turn events into sessions: one row per user, video and session.

    The rows hold what was watched as intervals, and `watchspan retention` reads them.

    \b
    Examples:
      watchspan sessions events.parquet --rules session_timeout_seconds=900 -o sessions.parquet
      watchspan sessions --intervals history.csv --column start=from -o sessions.parquet
    """
    _check_figures(as_json, output)
    options.check_output(output, escape_formulas, *inputs)
    with Overflow.of(settings["memory_limit"]) as held:
        with Progress("reading events", quiet=quiet) as progress, _taking(held, output) as rows:
            make = _of_intervals if intervals else _of_events
            rows.finish(make(rows, progress, inputs, settings))
            _leave(progress, rows, output, escape_formulas)
        _finish(rows, "sessions", output, progress, quiet, as_json)


@contextmanager
def _taking(held: Overflow, output: Optional[str]) -> Iterator[Rows]:
    """What takes the rows: the file itself, where its format lets it; else memory, as far as that goes."""
    if output in (None, options.STDOUT) or sources.format_of(output) != "parquet":
        yield held
        return
    with sources.written(output) as file:
        yield file


def _leave(progress: Progress, rows: Rows, output: Optional[str], escape_formulas: bool) -> None:
    if isinstance(rows, Overflow):
        write(progress, rows, output, escape_formulas)


def _of_events(
    rows: Rows, progress: Progress, inputs: tuple[str, ...], settings: dict[str, Any]
) -> pa.Schema:
    return sessions_into(rows.sink, read_events(progress, inputs, settings), **settings).schema


def _of_intervals(
    rows: Rows, progress: Progress, inputs: tuple[str, ...], settings: dict[str, Any]
) -> pa.Schema:
    if settings["preset"] or settings["vocabulary"]:
        raise click.UsageError("--intervals are no events: --preset and --vocabulary say nothing of them.")
    chosen = {name: settings[name] for name in ("columns", "rules", "threads")}
    table = ws.sessions_of_intervals(list(inputs), **chosen)
    for batch in table.to_batches():
        rows.add(batch)
    return table.schema


@click.command(short_help="Show how much of its audience each part of a video kept.")
@click.argument("rows", metavar="ROWS")
@options.output
@options.escape_formulas
@options.videos
@options.columns
@click.option(
    "--buckets", type=click.IntRange(min=1), metavar="N", help="Equal parts of a video; 100 by default."
)
@click.option(
    "--bucket-seconds", type=float, metavar="S", help="How long a part is, instead of how many there are."
)
@options.threads
@options.quiet
def retention(
    rows: str, output: Optional[str], buckets: Optional[int], bucket_seconds: Optional[float],
    escape_formulas: bool, quiet: bool, **settings: Any,
) -> None:  # fmt: skip
    """Cut each video into parts and count who watched them.

    ROWS is a Parquet or Arrow file that `aggregate` or `sessions` wrote; the latter also gives the plays.

    \b
    Examples:
      watchspan retention sessions.parquet --videos videos.csv -o retention.parquet
      watchspan retention engagement.parquet --bucket-seconds 10 -o - | jq .retention
    """
    if buckets and bucket_seconds is not None:
        raise click.UsageError("--buckets and --bucket-seconds exclude each other.")
    options.check_output(output, escape_formulas, rows, settings["videos"])
    with Progress("computing", quiet=quiet) as progress:
        table = ws.retention(rows, buckets=buckets or 100, bucket_seconds=bucket_seconds, **settings)
        write(progress, table, output, escape_formulas)
    if output is None:
        display.preview(table, "retention")
    if not quiet:
        say(f"{table.num_rows:,} rows after {progress.seconds:.2f} s.")


COMMANDS: Iterable[click.Command] = (generate, aggregate, sessions, retention)
