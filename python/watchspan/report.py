"""What was read, kept and dropped: it travels with results as schema metadata; `validate` shows examples."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from watchspan import _core, arguments, sources
from watchspan.columns import Place
from watchspan.errors import SourceError, WatchspanWarning
from watchspan.presets import Preset, reading
from watchspan.text import shown, to_json

if TYPE_CHECKING:
    from watchspan.rules import Rules, Scoring

_KEY = b"watchspan"


def report(table: Any) -> dict[str, Any]:
    """What was read, kept and dropped on the way to a result.

    The figures are in the schema metadata of every table from `aggregate`, `sessions` and `engagement`, and
    stay there through Parquet and Arrow files. CSV, JSON lines, pandas and polars lose them.

    Args:
        table: A pyarrow table, or the path of a file that holds one.

    Returns:
        `read` and `kept`, numbers of events, and `dropped`: reason -> number of events, zeros included.

    Raises:
        SourceError: If the table carries no report.

    >>> import watchspan as ws
    >>> rows = ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z", None],
    ...     "userId": ["ann", "ann", "ann"],
    ...     "videoId": ["v1", "v1", "v1"],
    ...     "eventName": ["play", "pause", "play"],
    ...     "currentTime": [0, 30, 30],
    ... })
    >>> figures = ws.report(rows)
    >>> figures["read"], figures["kept"], figures["dropped"]["invalid_timestamp"]
    (3, 2, 1)
    """
    figures = (read_metadata(table) or {}).get("report")
    if figures is None:
        raise SourceError(
            "The table carries no report: only tables from aggregate(), sessions() and engagement() do, and "
            "a way through pandas, polars, CSV or JSON lines loses it. Keep the table, or write it as "
            "Parquet or Arrow."
        )
    return dict(figures)


def read_metadata(source: Any) -> dict[str, Any] | None:
    """What a table says about how it was made, as far as it can be true; None if it says nothing.

    Anybody may have written it: what is no `report`, `rules` or `scoring` is left out.
    """
    text = sources.schema_metadata(source).get(_KEY)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    parts = {"report": _is_report, "rules": _is_options, "scoring": _is_options}
    return {name: part for name, part in found.items() if name not in parts or parts[name](part)}


def _is_report(part: Any) -> bool:
    if not isinstance(part, dict) or not isinstance(part.get("dropped"), dict):
        return False
    return all(
        type(count) is int for count in (part.get("read"), part.get("kept"), *part["dropped"].values())
    )


def _is_options(part: Any) -> bool:
    return isinstance(part, dict) and all(
        isinstance(v, (bool, int, float, type(None))) for v in part.values()
    )


def result(
    batches: list[pa.RecordBatch],
    schema: pa.Schema,
    kind: str,
    *,
    figures: Mapping[str, Any] | None = None,
    rules: Rules | Mapping[str, Any] | None = None,
    scoring: Scoring | None = None,
) -> pa.Table:
    """The table of a result, with how it was made as schema metadata."""
    made: dict[str, Any] = {
        "version": _core.version,
        "table": kind,
        "report": figures,
        "rules": _as_dict(rules),
    }
    if scoring is not None:
        made["scoring"] = _as_dict(scoring)
    metadata = {**(schema.metadata or {}), _KEY: to_json(made).encode()}
    return pa.Table.from_batches(batches, schema).replace_schema_metadata(metadata)


def warn_of_buckets(left_out: list[tuple[str, float]], too_many: str, what: str) -> None:
    """Warns the caller of the function that calls this of videos that have too many buckets.

    Args:
        left_out: The videos, each with its duration in seconds.
        too_many: How many buckets are not.
        what: What these videos have none of.
    """
    video, duration = left_out[0]
    warnings.warn(
        f"{len(left_out):,} of the videos would have more than {too_many}, and have no {what}, among them "
        f"{shown(video)} of {duration:,.0f} s: a live stream, perhaps, whose positions count from 1970. With "
        "buckets= it has one.",
        WatchspanWarning,
        stacklevel=3,
    )


# What to do about the reasons that one argument mends.
_MENDS = {
    "unknown_event": "say what the event names mean with preset= or vocabulary=",
    "invalid_timestamp": "say where the timestamps are, and what they count, as in "
    'columns={"timestamp": Column("time", unit="ms")}',
    "invalid_position": "say where the positions are with columns=, and what they count",
    "null_key": "say where userId, videoId and sessionId are with columns=",
    "unreadable": "look at the lines of the file that are no JSON object",
}


def warn_of_loss(table: pa.Table) -> None:
    """Warns whoever called the caller if most events of a result were lost: ignored ones are not."""
    figures = report(table)
    lost = {
        reason: count
        for reason, count in figures["dropped"].items()
        if count and reason not in ("ignored_event", "duplicate")
    }
    if not lost or 2 * sum(lost.values()) <= figures["read"]:
        return
    reason = max(lost, key=lambda reason: lost[reason])
    mend = f": {_MENDS[reason]}" if reason in _MENDS else ""
    warnings.warn(
        f"{sum(lost.values()):,} of {figures['read']:,} events were dropped, {lost[reason]:,} of them as "
        f"{reason}{mend}. watchspan.validate shows some of them.",
        WatchspanWarning,
        stacklevel=3,
    )


def _as_dict(options: Rules | Scoring | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if options is None or isinstance(options, Mapping):
        return None if options is None else dict(options)
    return dataclasses.asdict(options)


@dataclasses.dataclass(frozen=True)
class ValidationReport:
    """What the clean step makes of a table of events. `print` shows it as a small table with advice.

    Attributes:
        read: Events read.
        kept: Events that count.
        dropped: Reason -> number of events, in the order in which reasons are tried, zeros included.
        examples: Some dropped events per reason, ordered by reason and row: `reason` (string), `row` (int64,
            the event's row in the input, from 0), and the columns in use under their names in the input, as
            text.
        unreadable: Of files the first lines that are none: file, number of the line (where the reader knows
            it), and how the line begins.
    """

    read: int
    kept: int
    dropped: dict[str, int]
    examples: pa.Table
    unreadable: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [("read", self.read, ""), ("kept", self.kept, ""), ("dropped", self.read - self.kept, "")]
        advice = dict(_core.drop_reasons())
        lines += [
            (f"  {reason}", count, advice.get(reason, "")) for reason, count in self.dropped.items() if count
        ]
        figures = [f"{count:,}" for _, count, _ in lines]
        wide, long = max(len(name) for name, _, _ in lines), max(map(len, figures))
        shown = (f"{name:<{wide}}  {figure:>{long}}  {doc}" for (name, _, doc), figure in zip(lines, figures))
        lines_of_files = [f"  {line}" for line in self.unreadable]
        return "\n".join([*(line.rstrip() for line in shown), *lines_of_files])


def validate(
    events: Any,
    *,
    preset: Preset = None,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    examples: int = 5,
    threads: int | None = None,
) -> ValidationReport:
    """Says what `aggregate` would drop and why, with example rows, without computing anything.

    Files and datasets are read twice; of other inputs the columns in use are kept in memory.

    Args:
        events: As for `aggregate`.
        preset: As for `watchspan.aggregate`.
        columns: As for `aggregate`.
        vocabulary: As for `aggregate`.
        examples: How many dropped events to show per reason, at most; 0 for none.
        threads: As for `aggregate`.

    Raises:
        WatchspanError: As `aggregate` does.

    >>> import watchspan as ws
    >>> found = ws.validate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", None],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... })
    >>> found.read, found.kept, found.dropped["null_key"]
    (2, 1, 1)
    >>> found.examples.select(["reason", "row", "eventName", "currentTime"]).to_pylist()
    [{'reason': 'null_key', 'row': 1, 'eventName': 'pause', 'currentTime': '30'}]
    """
    how = reading(preset, columns, vocabulary, None)
    names, meanings = how.columns, how.vocabulary
    count = arguments.whole_number("examples", examples, "an integer of at least 0", least=0)
    cores = arguments.thread_count(threads)
    want = sources.wanted("events", names)
    again = sources.replayable(events, want)
    found, figures = _core.validate(again(), names, meanings, count, cores)
    lines = tuple(dict.fromkeys(want.unreadable))[:count]
    shown = _example_table(again(), found, want) if found else _example_table(iter(()), [], want)
    return ValidationReport(figures["read"], figures["kept"], dict(figures["dropped"]), shown, lines)


def _example_table(batches: Iterator[pa.RecordBatch], found: list[Any], want: sources.Wanted) -> pa.Table:
    order = {reason: place for place, (reason, _) in enumerate(_core.drop_reasons())}
    found = sorted(found, key=lambda example: (order[example["reason"]], example["row"]))
    texts = _texts_of_rows(batches, sorted({example["row"] for example in found}), want)
    names = list(dict.fromkeys(name for row in texts.values() for name in row))
    columns = {
        "reason": pa.array([example["reason"] for example in found], pa.string()),
        "row": pa.array([example["row"] for example in found], pa.int64()),
    }
    for name in names or want.nominal():
        columns[name] = pa.array([texts[example["row"]].get(name) for example in found], pa.string())
    return pa.table(columns)


def _texts_of_rows(
    batches: Iterable[pa.RecordBatch], rows: list[int], want: sources.Wanted
) -> dict[int, dict[str, str | None]]:
    """The wanted columns of these rows, in ascending order, as text: row number -> name -> text."""
    texts: dict[int, dict[str, str | None]] = {}
    start = 0
    for batch in batches:
        if len(texts) == len(rows):
            break
        found = want.find(batch.schema.names)
        for row in rows[len(texts) :]:
            if row >= start + batch.num_rows:
                break
            texts[row] = {
                name: _text(batch.column(batch.schema.names.index(name))[row - start]) for name in found
            }
        start += batch.num_rows
    return texts


def _text(scalar: Any) -> str | None:
    """The value as text, whatever it is: dropped rows hold just the values that nothing else can show."""
    if not scalar.is_valid:
        return None
    if isinstance(scalar, pa.DictionaryScalar):
        return _text(scalar.value)
    try:
        return str(scalar.as_py())
    except (ValueError, OverflowError, KeyError, ImportError):
        # Text that is not UTF-8, an instant that Python's datetime cannot hold, a time zone that is none, or
        # (before pyarrow 12) any zone where pytz is not installed.
        pass
    if hasattr(scalar, "as_buffer"):
        return bytes(scalar.as_buffer()).decode(errors="replace")
    return f"{getattr(scalar, 'value', 'out of range')} ({scalar.type})"
