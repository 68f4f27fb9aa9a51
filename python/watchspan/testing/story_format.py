"""What is in the file of a story: each field once. Files are checked by it, and docs/testing.md lists it.

Nothing of the package is imported here: the generators of the docs read this file alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple


class Field(NamedTuple):
    """One field.

    Attributes:
        needs: What its value has to be, as a message says it.
        fits: Whether a value is that.
        doc: What it means.
        default: What counts where it is left out, as documentation says it; empty: it has to be there.
    """

    needs: str
    fits: Callable[[Any], bool]
    doc: str
    default: str = ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _are_columns(value: Any) -> bool:
    return _is_object(value) or (_is_list_of(_is_text)(value) and len(set(value)) == len(value) > 0)


def _is_vocabulary(value: Any) -> bool:
    return _is_text(value) or (_is_object(value) and all(map(_is_text, value.values())))


def _are_counts(value: Any) -> bool:
    return _is_object(value) and all(type(count) is int and count >= 0 for count in value.values())


_TEXT = "text"
_ROWS = "a list of objects"
_ROWS_DOC = (
    "each an object of the columns to compare. Numbers may be 0.000001 apart; instants are text as "
    "`2026-01-15T10:00:00.000000Z`"
)
FIELDS: Mapping[str, Field] = {
    "events": Field(
        "a list of events",
        _is_list_of(lambda event: isinstance(event, (dict, list))),
        "The events: lists of values in the order of `columns`, or objects, which may be records as your "
        "player sends them. NaN and infinity are written as text.",
    ),
    "columns": Field(
        "a list of different names, or an object",
        _are_columns,
        "The names of the values in each event, as `timestamp`, `userId`, `videoId`, `sessionId`, "
        "`eventName`, `currentTime`; or, where events are objects, where columns are, as `columns` of "
        "`watchspan.aggregate`.",
        "columns have their default names",
    ),
    "videos": Field(
        _ROWS,
        _is_list_of(_is_object),
        "Durations in seconds and titles: objects of `videoId`, `duration`, `title`, `durationSource`. A "
        "duration that is not above 0 counts as unknown.",
        "none is known",
    ),
    "preset": Field(
        "text or an object",
        lambda value: _is_text(value) or _is_object(value),
        "Whose records the events are: a preset's name, the path of a description of your own from the "
        "story's folder, or such a description.",
        "none",
    ),
    "vocabulary": Field(
        "text or an object of texts",
        _is_vocabulary,
        "What event names mean: a preset's name, or an object event name → kind.",
        "the default, or that of `preset`",
    ),
    "rules": Field(
        "an object", _is_object, "Options of `watchspan.Rules` that differ from their defaults.", "none"
    ),
    "scoring": Field(
        "an object", _is_object, "Options of `watchspan.Scoring` that differ from their defaults.", "none"
    ),
    "uniqueSeconds": Field(
        "true or false",
        lambda value: isinstance(value, bool),
        "Whether to compute what was watched at least once.",
        "true",
    ),
    "expected": Field("an object", _is_object, "What should come of the events, as below."),
    "title": Field(_TEXT, _is_text, "What it is about, in a line.", "none"),
    "story": Field(_TEXT, _is_text, "What the viewer did and what the player sent.", "none"),
    "why": Field(_TEXT, _is_text, "Why the rows are as they are, with the arithmetic.", "none"),
    "theme": Field(_TEXT, _is_text, "For pages that are made of stories. Tests do not read it.", "none"),
    "shows": Field(
        "a list of texts",
        _is_list_of(_is_text),
        "Likewise: options, flags and reasons that it is an example of.",
        "none",
    ),
}
EXPECTED: Mapping[str, Field] = {
    "engagement": Field(
        _ROWS,
        _is_list_of(_is_object),
        f"The engagement rows, by userId and videoId, {_ROWS_DOC}.",
        "not compared",
    ),
    "sessions": Field(
        _ROWS,
        _is_list_of(_is_object),
        f"The session rows, by userId, videoId, sessionStart and sessionId, {_ROWS_DOC}.",
        "not compared",
    ),
    "dropped": Field(
        "an object of reasons and whole numbers",
        _are_counts,
        "How many events are dropped, by reason.",
        "nothing is dropped",
    ),
}
