"""What tests and stories say, checked: durations, rows, reasons, text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Callable, NamedTuple

from watchspan import _core, arguments
from watchspan.columns import VIDEOS, Columns
from watchspan.errors import DataError, OptionError
from watchspan.text import is_unicode, shown, visible


def check_reason(reason: Any) -> None:
    """Refuses what is no reason why events are dropped.

    Raises:
        OptionError: If it is none.
    """
    reasons = [name for name, _ in _core.drop_reasons()]
    if reason not in reasons:
        named = visible(reason) if isinstance(reason, str) else shown(reason)
        raise OptionError(f"No event is dropped as {named}; there are {', '.join(reasons)}.")


def counts_argument(option: str, counts: Any) -> dict[str, int]:
    """How many events are dropped, by reason, without zeros.

    Raises:
        OptionError: If it is no mapping from reasons to whole numbers.
    """
    if not isinstance(counts, Mapping):
        raise OptionError(f"{option} is {shown(counts)}, but a mapping from reasons to counts is needed.")
    for reason in counts:
        check_reason(reason)
    accepted = "an integer of at least 0"
    whole = {
        reason: arguments.whole_number(f"{option} as {reason}", count, accepted, least=0)
        for reason, count in counts.items()
    }
    return {reason: count for reason, count in whole.items() if count}


def rows_argument(option: str, rows: Any) -> list[Mapping[str, Any]]:
    """Rows, each a mapping from columns to values.

    Raises:
        OptionError: If it is something else.
    """
    needed = "but a list of rows is needed, each a dict of columns and values."
    if not isinstance(rows, Sequence) or isinstance(rows, (str, bytes)):
        raise OptionError(f"{option} is {shown(rows)}, {needed}")
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise OptionError(f"{option}[{number}] is {shown(row)}, {needed}")
    return list(rows)


def seconds_argument(option: str, value: Any) -> float:
    """A number of seconds as a float.

    Raises:
        OptionError: If it is not a finite number above 0.
    """
    if not _is_number(value) or not 0 < float(value) < math.inf:
        raise OptionError(f"{option} is {shown(value)}, but a finite number of seconds above 0 is needed.")
    return float(value)


def _is_number(value: Any) -> bool:
    """Whether it is a number, of Python or of numpy, that a float can be."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


# All text that the engine reads as a duration, a number of seconds or PT1M30S; a test holds both together.
_SECONDS = re.compile(
    r"\s*(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|P[TWDHMS.,\d]*\d[TWDHMS.,\d]*)\s*",
    re.ASCII | re.IGNORECASE,
)


class _Kind(NamedTuple):
    needs: str
    fits: Callable[[Any], bool]


# By the family of a column.
_KINDS = {
    "key": _Kind(
        "text, a whole number or null",
        lambda value: isinstance(value, (str, Integral)) and not isinstance(value, bool),
    ),
    "seconds": _Kind(
        "a number of seconds, text of one or null",
        lambda value: _is_number(value) or (isinstance(value, str) and bool(_SECONDS.fullmatch(value))),
    ),
    "text": _Kind("text or null", lambda value: isinstance(value, str)),
}


def check_videos(videos: Sequence[Mapping[str, Any]], places: Columns | None = None) -> None:
    """Refuses videos with a field that is none, without an id, or with a value of another kind.

    A duration may be 0, or less: then it counts as unknown, and a story may be about that.

    Args:
        videos: The rows.
        places: Where columns are, if not under their default names.

    Raises:
        DataError: If there is such a row; the message names field and value.
    """
    columns = {name: name for name in VIDEOS}
    for name in VIDEOS:
        columns.update(dict.fromkeys(_names_in((places or {}).get(name)), name))
    for number, video in enumerate(videos):
        for name, value in video.items():
            _check_cell(f"videos[{number}]", name, value, columns)
        if "videoId" not in {columns[name] for name in video}:
            raise DataError(f"`videos[{number}]` is {shown(dict(video))}, but `videoId` is missing.")


def _names_in(place: Any) -> Iterator[str]:
    """The names in the place of a column, as the core takes it."""
    paths = place["paths"] if isinstance(place, Mapping) else [place] if isinstance(place, str) else place
    yield from paths or ()


def _check_cell(row: str, name: Any, value: Any, columns: Mapping[str, str]) -> None:
    if name not in columns:
        known = ", ".join(f"`{visible(column)}`" for column in columns)
        raise DataError(f"`{row}` has a field {shown(name)} of {shown(value)}, but there are only {known}.")
    kind = _KINDS[VIDEOS[columns[name]].family]
    if value is not None and not kind.fits(value):
        raise DataError(f"`{row}.{visible(name)}` is {shown(value)}, but {kind.needs} is needed.")


def check_unicode(place: str, value: Any) -> None:
    """Refuses text that cannot be written, wherever it is in a value.

    Args:
        place: Where the value is, as a message says it.
        value: The value.

    Raises:
        DataError: If there is some: it holds one half of a surrogate pair.
    """
    for text in _texts(value):
        if not is_unicode(text):
            raise DataError(
                f"{place} has the text {shown(text)}, which is not Unicode text: it holds one half of a "
                "surrogate pair."
            )


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value of JSON, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _texts(name)
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)
