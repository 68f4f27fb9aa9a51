"""Assertions on events and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from watchspan import sources
from watchspan.columns import Place
from watchspan.errors import OptionError
from watchspan.insight.rows import Columns, listed
from watchspan.presets import Preset
from watchspan.report import ValidationReport, read_metadata, validate
from watchspan.rules import Rules, Scoring
from watchspan.testing.checking import check_reason
from watchspan.testing.comparing import TOLERANCE, Difference, columns_that_differ, lined_up, text
from watchspan.testing.judging import Broken, broken, involved, plain_columns, settled
from watchspan.testing.laws import KEYS
from watchspan.text import shown, visible

# The most that a failure shows of what is wrong.
_SHOWN = 10
_SHOWN_ROWS = 3
# Nothing is lost by these.
_HARMLESS = ("ignored_event", "duplicate")
# Columns that tell the rows of one table apart, in the order in which tables are sorted.
_KEYS = ("userId", "videoId", "sessionId", "bucket")


def assert_events(
    events: Any,
    *,
    max_dropped: float = 0.05,
    preset: Preset = None,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    threads: int | None = None,
    **max_by_reason: float,
) -> ValidationReport:
    """Asserts that there are events, and that few of them are dropped.

    Args:
        events: As for `watchspan.aggregate`.
        max_dropped: Which share of the events may be dropped, 0 to 1. What the vocabulary ignores, and
            duplicates, do not count, nor do the reasons that are named below.
        preset: As for `watchspan.aggregate`.
        columns: As for `watchspan.aggregate`.
        vocabulary: As for `watchspan.aggregate`.
        threads: As for `watchspan.aggregate`.
        max_by_reason: Which share may be dropped for a reason, as in `null_key=0` or `duplicate=0.3`.

    Returns:
        What `watchspan.validate` says of them.

    Raises:
        AssertionError: If there are no events, or more are dropped; the message shows some of them.
        OptionError: If a share is not from 0 to 1, or there is no such reason.
        WatchspanError: As `watchspan.validate` does.

    >>> assert_events({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... }).kept
    2
    """
    __tracebackhide__ = True
    _check_share("max_dropped", max_dropped)
    for reason, share in max_by_reason.items():
        check_reason(reason)
        _check_share(reason, share)
    found = validate(events, preset=preset, columns=columns, vocabulary=vocabulary, threads=threads)
    if not found.read:
        raise AssertionError("There are no events, so nothing is known of them.")
    rest = [reason for reason in found.dropped if reason not in (*_HARMLESS, *max_by_reason)]
    limits = [((reason,), most) for reason, most in max_by_reason.items()] + [(tuple(rest), max_dropped)]
    faults = [line for reasons, most in limits for line in _too_many(found, reasons, most)]
    if faults:
        raise AssertionError("\n".join([*faults, "", str(found), *_examples(found.examples)]))
    return found


def assert_engagement(rows: Any, *, rules: Rules | None = None, scoring: Scoring | None = None) -> None:
    """Asserts that engagement rows keep the laws of such rows, which docs/testing.md lists.

    Args:
        rows: Engagement rows, in any form that speaks Arrow, or the path of a file that holds them.
        rules: The thresholds that they were made with. None: as the table says, else `Rules()`.
        scoring: The weights and tiers that they were made with. None: as the table says, else `Scoring()`.

    Raises:
        AssertionError: If some rows break a law: the message names laws and rows.
        MissingColumnError: If it is not an engagement table.
        ColumnTypeError: If a column of it has another type than in an engagement table.
        SourceError: If it cannot be read.

    >>> import watchspan as ws
    >>> assert_engagement(ws.aggregate({
    ...     "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z"],
    ...     "userId": ["ann", "ann"],
    ...     "videoId": ["v1", "v1"],
    ...     "eventName": ["play", "pause"],
    ...     "currentTime": [0, 30],
    ... }))
    """
    __tracebackhide__ = True
    kept = settled(read_metadata(rows), rules, scoring)
    columns = plain_columns(sources.read_table(rows))
    found = broken(columns, kept)
    if found:
        head = f"{len(found)} of the {len(kept)} laws of engagement rows are broken:"
        lines = [line for one in found[:_SHOWN] for line in _broken_lines(one, columns)]
        raise AssertionError("\n".join([head, *lines, *_more(len(found), _SHOWN, "laws")]))


def assert_same_rows(a: Any, b: Any, *, tolerance: float = TOLERANCE, ignore: Sequence[str] = ()) -> None:
    """Asserts that two tables have the same rows.

    Rows are the same in any order, if columns tell them apart (`userId`, `videoId`, `sessionId`, `bucket`, as
    far as there are any); otherwise the first is compared with the first. The order of columns, and types
    that hold the same values, make no difference.

    Args:
        a: A table, in any form that speaks Arrow, or the path of a file that holds one.
        b: What it should be.
        tolerance: How far apart numbers may be, wherever they are in a value.
        ignore: Columns that may differ.

    Raises:
        AssertionError: If they differ; the message shows the first ten differences.
        OptionError: If `tolerance` is no number of at least 0, or neither table has a column of `ignore`.
        SourceError: If a table cannot be read.

    >>> assert_same_rows({"videoId": ["v1"], "plays": [1.0]}, {"videoId": ["v1"], "plays": [2.5]})
    Traceback (most recent call last):
        ...
    AssertionError: The rows differ in 1 value:
      row           column  expected  got
      videoId='v1'  plays   2.5       1.0
    """
    __tracebackhide__ = True
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not tolerance >= 0:
        raise OptionError(f"tolerance is {shown(tolerance)}, but a number of at least 0 is needed.")
    got, wanted = sources.read_table(a), sources.read_table(b)
    left_out = _left_out(ignore, got, wanted)
    names = [[n for n in table.column_names if n not in left_out] for table in (got, wanted)]
    if set(names[0]) != set(names[1]):
        only = [sorted(set(one) - set(other)) for one, other in (names, names[::-1])]
        raise AssertionError(
            f"The tables have different columns: only the first has {listed(only[0])}; only the second has "
            f"{listed(only[1])}."
        )
    faults = _differing(got.to_pylist(), wanted.to_pylist(), names[1], tolerance)
    if faults:
        values = "value" if len(faults) == 1 else "values"
        rows = [
            [one.row, visible(one.column), _told(one.expected), _told(one.got)] for one in faults[:_SHOWN]
        ]
        table = lined_up(["row", "column", "expected", "got"], rows)
        head = f"The rows differ in {len(faults):,} {values}:"
        raise AssertionError("\n".join([head, *table, *_more(len(faults), _SHOWN, "values")]))


def _check_share(option: str, share: Any) -> None:
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise OptionError(f"{option} is {shown(share)}, but a share from 0 to 1 is needed.")


def _too_many(found: ValidationReport, reasons: Iterable[str], most: float) -> Iterable[str]:
    counts = {reason: found.dropped.get(reason, 0) for reason in reasons if found.dropped.get(reason)}
    dropped = sum(counts.values())
    if dropped > most * found.read:
        share = dropped / found.read
        yield (
            f"{dropped:,} of {found.read:,} events ({share:.1%}) were dropped as {', '.join(counts)}, but at "
            f"most {most:.1%} may be."
        )


def _examples(examples: pa.Table) -> list[str]:
    rows = [[_told(value) for value in row.values()] for row in examples.slice(0, _SHOWN).to_pylist()]
    return ["", "some of them:", *lined_up(examples.column_names, rows)] if rows else []


def _broken_lines(one: Broken, columns: Columns) -> Iterable[str]:
    law, rows = one
    count = len(columns[KEYS[0]])
    yield f"  {law.name}, in {len(rows):,} of {count:,} rows: {law.doc}"
    for row in rows[:_SHOWN_ROWS]:
        key, values = (
            ", ".join(f"{name}={text(columns[name][row].as_py())}" for name in names)
            for names in (KEYS, involved(law, columns))
        )
        yield f"    row {row}, {key}" + (f": {values}" if values else "")
    yield from _more(len(rows), _SHOWN_ROWS, "rows", "    ")


def _more(count: int, shown_of_them: int, what: str, indent: str = "  ") -> list[str]:
    return [f"{indent}and {count - shown_of_them:,} more {what}"] if count > shown_of_them else []


def _left_out(ignore: Any, *tables: pa.Table) -> set[str]:
    names = [ignore] if isinstance(ignore, str) else list(ignore)
    known = {name for table in tables for name in table.column_names}
    for name in names:
        if name not in known:
            raise OptionError(f"ignore names {shown(name)}, which is no column of either table.")
    return set(names)


def _differing(
    got: list[dict[str, Any]], wanted: list[dict[str, Any]], names: Sequence[str], tolerance: float
) -> list[Difference]:
    key_of = _key_of(got, wanted, [name for name in _KEYS if name in names])
    there = {key_of(number, row): row for number, row in enumerate(got)}
    faults = []
    for number, expected in enumerate(wanted):
        key = key_of(number, expected)
        name = _name(key)
        if key in there:
            faults += columns_that_differ(name, there.pop(key), expected, names, tolerance)
        else:
            faults.append(Difference(name, "", "a row", _NO_ROW))
    return faults + [Difference(_name(key), "", _NO_ROW, "a row") for key in there]


_NO_ROW = "no row"


def _told(value: Any) -> str:
    return value if value in ("a row", _NO_ROW) else text(value)


def _key_of(
    got: list[dict[str, Any]], wanted: list[dict[str, Any]], keys: Sequence[str]
) -> Callable[[int, Mapping[str, Any]], tuple[tuple[str, Any], ...]]:
    """What tells rows apart: their keys, if they do, else where they are."""

    def by_keys(number: int, row: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
        return tuple((name, row[name]) for name in keys)

    for rows in (got, wanted):
        if not keys or len({by_keys(0, row) for row in rows}) < len(rows):
            return lambda number, row: (("row", number),)
    return by_keys


def _name(key: tuple[tuple[str, Any], ...]) -> str:
    return ", ".join(f"{name}={text(value)}" for name, value in key)
