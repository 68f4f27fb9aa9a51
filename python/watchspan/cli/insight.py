"""The commands that sum rows up as tables: totals, daily, cohorts, segments, completion, moments, typical."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Optional

import click
import pyarrow as pa

import watchspan as ws
from watchspan.cli import display, options
from watchspan.cli.progress import Progress
from watchspan.cli.tables import write
from watchspan.cli.terminal import say
from watchspan.insight.thresholds import THRESHOLDS

__all__ = ["COMMANDS"]

_writing = (options.output, options.escape_formulas, options.quiet)


def _written(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of where a table goes."""
    for option in reversed(_writing):
        command = option(command)
    return command


def _make(
    compute: Callable[[], pa.Table], inputs: Iterable[Optional[str]], kind: str, output: Optional[str],
    escape_formulas: bool, quiet: bool,
) -> None:  # fmt: skip
    """Computes a table and writes it, or shows its first rows.

    Args:
        compute: Makes the table.
        inputs: The files that it reads, which the output must not be.
        kind: Which table it is.
        output: Where to write it.
        escape_formulas: Whether CSV is made safe for spreadsheets.
        quiet: Whether to say nothing.
    """
    options.check_output(output, escape_formulas, *inputs)
    with Progress("computing", quiet=quiet) as progress:
        table = compute()
        write(progress, table, output, escape_formulas)
    if output is None:
        display.preview(table, kind)
    if not quiet:
        say(f"{table.num_rows:,} rows after {progress.seconds:.2f} s.")


@click.command(short_help="Sum an engagement table up by video or user.")
@click.argument("rows", metavar="ROWS")
@click.option(
    "--by", type=click.Choice(["video", "user"]), default="video", show_default=True,
    help="What a row of the totals is about.",
)  # fmt: skip
@_written
def totals(rows: str, by: str, **writing: Any) -> None:
    """Sum an engagement table up: a row per video, or per user.

    ROWS is a Parquet or Arrow file that `watchspan aggregate` wrote.

    \b
    Examples:
      watchspan totals engagement.parquet -o videos_watched.csv
      watchspan totals engagement.parquet --by user -o - | jq .watchHours
    """
    compute = ws.video_totals if by == "video" else ws.user_totals
    _make(lambda: compute(rows), [rows], f"{by}_totals", **writing)


_as_of = click.option(
    "--as-of", metavar="TIME",
    help="Until when the rows are known, as in --as-of 2026-02-01T00:00:00Z; their newest time by default.",
)  # fmt: skip


@click.command(short_help="Count what was watched by video and day, or hour.")
@click.argument("sessions", metavar="SESSIONS")
@click.option(
    "--timezone", default="UTC", show_default=True, metavar="ZONE",
    help="Whose days these are, as in --timezone Europe/Berlin.",
)  # fmt: skip
@click.option(
    "--by", type=click.Choice(["day", "hour"]), default="day", show_default=True, help="How finely to count."
)
@_written
def daily(sessions: str, timezone: str, by: str, **writing: Any) -> None:
    """Count viewers, sessions and hours watched by video and local day, or hour.

    SESSIONS is a Parquet or Arrow file that `watchspan sessions` wrote. A session counts when it began.

    \b
    Examples:
      watchspan daily sessions.parquet --timezone Europe/Berlin -o days.csv
      watchspan daily sessions.parquet --by hour -o - | jq .viewers
    """
    _make(lambda: ws.daily(sessions, timezone=timezone, by=by), [sessions], "daily", **writing)


@click.command(short_help="Count who comes back, by when they began.")
@click.argument("sessions", metavar="SESSIONS")
@click.option(
    "--by", type=click.Choice(["day", "week", "month"]), default="week", show_default=True,
    help="How long a period is; a week begins on Monday.",
)  # fmt: skip
@click.option(
    "--videos-group", metavar="FILE", help="Groups of videos, each looked at alone: videoId and group."
)
@_as_of
@_written
def cohorts(
    sessions: str, by: str, videos_group: Optional[str], as_of: Optional[str], **writing: Any
) -> None:  # fmt: skip
    """Count how many of those who began in a period came back in each later one.

    SESSIONS is a Parquet or Arrow file that `watchspan sessions` wrote.

    \b
    Examples:
      watchspan cohorts sessions.parquet -o cohorts.csv
      watchspan cohorts sessions.parquet --by month --videos-group courses.csv --as-of 2026-02-01 -o -
    """
    _make(
        lambda: ws.cohorts(sessions, by=by, videos_group=videos_group, as_of=as_of),
        [sessions, videos_group], "cohorts", **writing,
    )  # fmt: skip


def _thresholds(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> Optional[ws.Segments]:
    specs: list[Any] = [{**vars(threshold), "type": "float"} for threshold in THRESHOLDS]
    return ws.Segments(**options.settings_of("rules", specs, texts)) if texts else None


@click.command(short_help="Say which kind of viewer each user is.")
@click.argument("rows", metavar="ROWS")
@options.videos
@click.option(
    "--rules", metavar="NAME=VALUE,...|FILE", multiple=True, callback=_thresholds,
    help="Thresholds, as in --rules lapsed_days=30,finisher_videos=5, or a .toml or .json file with them. "
    "Can be repeated, the last one wins.",
)  # fmt: skip
@_as_of
@_written
def segments(
    rows: str, videos: Optional[str], rules: Optional[ws.Segments], as_of: Optional[str], **writing: Any
) -> None:  # fmt: skip
    """Say of each user which kind of viewer that is: lapsed, new, finisher, skipper, sampler or loyal.

    ROWS is a Parquet or Arrow file that `watchspan aggregate` or `watchspan sessions` wrote. Only sessions
    tell who is loyal; of them --videos says how long videos are.

    \b
    Examples:
      watchspan segments engagement.parquet -o segments.csv
      watchspan segments sessions.parquet --videos videos.csv --rules lapsed_days=30 -o - | jq .segment
    """
    _make(
        lambda: ws.segments(rows, videos=videos, rules=rules, as_of=as_of),
        [rows, videos], "segments", **writing,
    )  # fmt: skip


@click.command(short_help="Show how likely those who came so far finish.")
@click.argument("rows", metavar="ROWS")
@options.videos
@click.option(
    "--buckets", type=click.IntRange(min=1), default=20, show_default=True, metavar="N",
    help="Equal parts of a video.",
)  # fmt: skip
@click.option(
    "--mature-days", type=float, default=14, show_default=True, metavar="DAYS",
    help="Rows that began later than so long ago are left out: their viewers may still come back.",
)  # fmt: skip
@_as_of
@click.option(
    "--by", type=click.Choice(["video", "all"]), default="video", show_default=True,
    help="A curve for each video, or one of all rows.",
)  # fmt: skip
@_written
def completion(rows: str, videos: Optional[str], by: str, **settings: Any) -> None:
    """Show how many of those who got as far as each part of a video finished it.

    ROWS is a Parquet or Arrow file that `watchspan aggregate` wrote.

    \b
    Examples:
      watchspan completion engagement.parquet -o completion.csv
      watchspan completion engagement.parquet --by all --mature-days 30 -o - | jq .probability
    """
    writing = {name: settings.pop(name) for name in ("output", "escape_formulas", "quiet")}
    _make(
        lambda: ws.completion_curve(rows, videos=videos, by=by, **settings),
        [rows, videos], "completion", **writing,
    )  # fmt: skip


@click.command(short_help="Find where many viewers of a video do the same.")
@click.argument("rows", metavar="ROWS")
@options.videos
@options.columns
@click.option(
    "--buckets", type=click.IntRange(min=1), metavar="N", help="Equal parts of a video; 100 by default."
)
@click.option(
    "--bucket-seconds", type=float, metavar="S", help="How long a part is, instead of how many there are."
)
@click.option(
    "--confidence", type=float, default=0.95, show_default=True, metavar="P",
    help="How certain all that stands out in one video is.",
)  # fmt: skip
@click.option(
    "--min-viewers", type=click.IntRange(min=1), default=100, show_default=True, metavar="N",
    help="Videos with fewer have only an intro and an end.",
)  # fmt: skip
@click.option(
    "--min-share", type=float, default=0.01, show_default=True, metavar="P",
    help="The least share of viewers that a spike or dip has.",
)  # fmt: skip
@click.option(
    "--max-each", type=click.IntRange(min=1), default=5, show_default=True, metavar="N",
    help="The most spikes, dips and drops of a video.",
)  # fmt: skip
@options.threads
@_written
def moments(
    rows: str, videos: Optional[str], buckets: Optional[int], bucket_seconds: Optional[float],
    output: Optional[str], escape_formulas: bool, quiet: bool, **settings: Any,
) -> None:  # fmt: skip
    """Find the moments of each video at which many viewers pass over it, watch it again, leave or stay.

    ROWS is a Parquet or Arrow file that `watchspan aggregate` or `watchspan sessions` wrote.

    \b
    Examples:
      watchspan moments engagement.parquet -o moments.csv
      watchspan moments sessions.parquet --videos videos.csv --confidence 0.99 -o - | jq .kind
    """
    if buckets and bucket_seconds is not None:
        raise click.UsageError("--buckets and --bucket-seconds exclude each other.")
    settings.update(videos=videos, buckets=buckets or 100, bucket_seconds=bucket_seconds)
    _make(
        lambda: ws.moments(rows, **settings), [rows, videos], "moments", output, escape_formulas, quiet
    )  # fmt: skip


@click.command(short_help="Show how retention usually runs, by length of the videos.")
@click.argument("retention", metavar="RETENTION")
@click.option(
    "--by", type=click.Choice(["length"]), default="length", show_default=True, help="Which videos are alike."
)
@_written
def typical(retention: str, by: str, **writing: Any) -> None:
    """Show how much of their audience the parts of videos of about one length usually keep.

    RETENTION is a Parquet or Arrow file that `watchspan retention` wrote, without --bucket-seconds.

    \b
    Examples:
      watchspan typical retention.parquet -o typical.csv
      watchspan typical retention.parquet -o - | jq .median
    """
    _make(lambda: ws.typical(retention, by=by), [retention], "typical", **writing)


COMMANDS: Iterable[click.Command] = (totals, daily, cohorts, segments, completion, moments, typical)
