"""The commands that only look: check, validate, summary, show."""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterable, Optional

import click
import pyarrow as pa
import pyarrow.compute as pc

import watchspan as ws
from watchspan import _core, presets, sources
from watchspan.cli import display, options
from watchspan.cli.progress import Progress
from watchspan.cli.tables import read_events
from watchspan.cli.terminal import print_json
from watchspan.columns import Columns, Place

__all__ = ["ADVICE", "COMMANDS", "engagement_row"]

# What can be done about dropped events, by reason, for somebody at a terminal: it names options.
ADVICE = {
    "unreadable": "These lines are no JSON objects, or have more or fewer cells than the header: look what "
    "else was written into the file.",
    "null_key": "Rows without a user, video or session cannot be counted for anybody: look where the tracker "
    "gets them from.\nIf only the session is empty, --column sessionId= cuts sessions by inactivity instead.",
    "invalid_timestamp": "A time must be an Arrow timestamp, or RFC 3339 text such as 2026-01-15T10:00:00Z.",
    "ignored_event": "Nothing to do: the vocabulary knows that these names say nothing about playback.",
    "unknown_event": "Say whose records these are with --preset, or what the names mean with --vocabulary.",
    "invalid_position": "A position must be a number of seconds from 0 up: look what the player reports "
    "before a video is loaded.",
    "duplicate": "Nothing to do: each event counts once, however often it was delivered.",
}


@click.command(short_help="Look at raw events, and say how to read them.")
@click.argument("inputs", metavar="EVENTS...", nargs=-1, required=True)
@click.option("--preset", metavar="NAME", help="Whose raw events these are, where that is known.")
@options.columns
@click.option(
    "--sample", type=click.IntRange(min=1), default=10_000, show_default=True, metavar="N",
    help="How many events to look at, about: all those of some users.",
)  # fmt: skip
@options.as_json
def check(
    inputs: tuple[str, ...],
    preset: Optional[str],
    columns: Optional[dict[str, Place]],
    sample: int,
    as_json: bool,
) -> None:
    """Look at raw events and say how to read them: preset, columns, units, event names and rules.

    Nested or flat, with any names: what seems likely is tried out, and what reads most of the events is
    proposed, with its evidence and the call to copy. What is wrong with the events is said, too.

    The exit code is 1 if nothing was found that reads them.

    \b
    Examples:
      watchspan check tracking.log.gz
      watchspan check 'export/*.parquet' --column userId=learner --sample 50000 --json
    """
    found = ws.check(list(inputs), preset=preset, columns=columns, sample=sample)
    if as_json:
        print_json(found.to_dict())
    else:
        display.lines(str(found).split("\n"))
    if not found.is_usable:
        raise ws.errors.DataError("no event could be used." if found.read else "there are no events.")


@click.command(short_help="Show what would be dropped, and why.")
@options.inputs
@options.reading
@click.option("--examples", type=click.IntRange(min=0), default=3, show_default=True, metavar="N",
              help="How many dropped events to show per reason.")  # fmt: skip
@options.threads
@options.quiet
@options.as_json
def validate(
    inputs: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Show which events would be dropped, by reason, with examples and what can be done.

    The exit code is 1 if no event could be used.

    \b
    Examples:
      watchspan validate events.parquet
      watchspan validate 'logs/*.csv' --column userId=uid --preset snowplow --json
    """
    with Progress("reading events", quiet=quiet):
        # By path, and so without a count: files are read again for the examples, and never held in memory.
        report = ws.validate(list(inputs), **settings)
    if as_json:
        figures = {name: getattr(report, name) for name in ("read", "kept", "dropped")}
        print_json({**figures, "examples": report.examples.to_pylist()})
    else:
        _show_report(report, presets.reading(settings["preset"], settings["columns"], None, None).columns)
    if not report.kept:
        raise ws.errors.DataError("no event could be used." if report.read else "there are no events.")


def _show_report(report: Any, columns: Optional[Columns]) -> None:
    display.drops({"read": report.read, "kept": report.kept, "dropped": report.dropped})
    examples = report.examples.to_pylist()
    for reason, count in report.dropped.items():
        if not count:
            continue
        display.heading(reason)
        display.lines(ADVICE[reason].split("\n"))
        found = [example for example in examples if example["reason"] == reason]
        if reason == "unknown_event":
            own = sources.wanted("events", columns).own(report.examples.column_names[2:])
            display.lines(_presets_with(example[own["eventName"]] for example in found))
        if found:
            names = [name for name in found[0] if name != "reason"]
            display.grid(names, [[_shown(example[name]) for name in names] for example in found])


def _shown(value: Any) -> Any:
    if isinstance(value, int):  # a row's number, which is a name
        return str(value)
    return '""' if value == "" else value


def _presets_with(names: Iterable[Optional[str]]) -> list[str]:
    """Which preset knows most of these event names."""
    unknown = {name for name in names if name}
    known = Counter(
        {spec["name"]: len(unknown & {name for name, _ in spec["names"]}) for spec in _core.preset_specs()}
    )
    preset, count = known.most_common(1)[0]
    return [f"The preset {preset} knows such names: try --preset {preset}."] if count else []


@click.command(short_help="Sum an engagement table up.")
@click.argument("rows", metavar="ROWS")
@click.option(
    "--top", type=click.IntRange(min=0), default=10, show_default=True, help="How many videos to list."
)
@options.as_json
def summary(rows: str, top: int, as_json: bool) -> None:
    """Sum an engagement table up: users, videos, tiers, flags, watch time.

    ROWS is a Parquet or Arrow file that `watchspan aggregate` wrote.

    \b
    Examples:
      watchspan summary engagement.parquet
      watchspan summary engagement.parquet --json | jq .completion_rate
    """
    figures = ws.summarize(rows, top=top)
    if as_json:
        print_json(figures)
    else:
        display.summary(figures, top)


@click.command(short_help="Show one viewer's events and how each was judged.")
@click.argument("user")
@click.argument("video")
@options.inputs
@options.videos
@options.of_events
@options.scoring
@options.quiet
@options.as_json
def show(
    user: str,
    video: str,
    inputs: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    videos: Optional[str],
    scoring: ws.Scoring,
    **settings: Any,
) -> None:
    """Show the events of USER on VIDEO, what each of them shows, and the row that follows.

    \b
    Example:
      watchspan show peter welcome events.parquet --videos videos.parquet
    """
    with Progress("looking for the events", quiet=quiet) as progress:
        events = read_events(progress, inputs, settings)
        explanation = ws.explain(events, user, video, **settings)
    if not explanation.num_rows:
        raise ws.errors.DataError(f"there are no events of the user {user!r} on the video {video!r}.")
    with Progress("computing the row", quiet=quiet) as progress:
        # Of everybody's events: without a videos table the duration is how far anybody watched.
        events = read_events(progress, inputs, settings)
        rows = ws.aggregate(events, videos=videos, scoring=scoring, **settings)
    row = engagement_row(rows, user, video)
    if as_json:
        print_json({"events": display.records(explanation), "row": row})
        return
    display.story(display.records(explanation))
    if row is None:
        display.lines(["All of these events were dropped, so there is no row."])
    else:
        display.heading("The row")
        display.record(row)


def engagement_row(rows: pa.Table, user: str, video: str) -> Optional[dict[str, Any]]:
    """The row of that user and video, if there is one."""
    # As text: on the command line a key that is a number is text, too.
    is_user = pc.equal(rows["userId"].cast(pa.string()), user)
    found = rows.filter(pc.and_(is_user, pc.equal(rows["videoId"].cast(pa.string()), video)))
    return display.records(found)[0] if found.num_rows else None


COMMANDS: Iterable[click.Command] = (check, validate, summary, show)
