"""The same numbers from KQL: queries for Log Analytics, Application Insights and Data Explorer.

>>> import watchspan as ws
>>> text = ws.kql.query("skips", rules=ws.Rules(tolerance_seconds=3))
>>> "let tolerance_seconds = 3.0;" in text
True
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from watchspan import _core, arguments
from watchspan.api import vocabulary as preset
from watchspan.columns import ALL, EVENTS
from watchspan.errors import OptionError, VocabularyError
from watchspan.kql import assembly
from watchspan.kql.assembly import Question, Setting, names, question
from watchspan.kql.layouts import LAYOUTS
from watchspan.kql.videos import table_name, videos_text
from watchspan.masking import masked
from watchspan.rules import Rules, Scoring

__all__ = ["Question", "Setting", "names", "query", "question"]

_MOST = 2**63


def query(
    name: str,
    *,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    columns: Mapping[str, str | None] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    videos: Any = None,
    events: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> str:
    """The text of a query, with these thresholds and names filled in.

    Args:
        name: Which query; `names` lists them, and docs/kql.md says what each answers.
        rules: The thresholds; None: `Rules()`.
        scoring: The weights of the score; None: `Scoring()`.
        columns: Default column name -> the property or measurement that holds it, not a column of `AppEvents`
            or `customEvents`. Without a name `timestamp`, `userId`, `sessionId` and `eventName` are columns
            of the table. None as a name: there is no such value; without `sessionId` sessions are cut by
            inactivity.
        vocabulary: As for `watchspan.aggregate`.
        videos: Durations and titles: the name of a table with the columns `videoId`, `duration` and
            optionally `title`, or such a table in a form that `watchspan.aggregate` takes, which is written
            into the query. None: no duration is known.
        events: The table that holds the events: `AppEvents`, `customEvents`, or one of your own, whose
            columns then have the default names, or those in `columns`. None: `AppEvents` and `customEvents`,
            whichever there is.
        settings: Values of the query's own settings, such as `{"top_count": 10}`; `question` lists them.

    Returns:
        One statement in KQL without blank lines, for the portal, an SDK or an alert.

    Raises:
        OptionError: If there is no such query or setting, or a value is not accepted.
        VocabularyError: If the preset or a kind does not exist.
        DataError: If the videos contradict each other.

    >>> import watchspan as ws
    >>> "let top_count = 3;" in ws.kql.query("top_videos", settings={"top_count": 3})
    True
    """
    asked = _question(name)
    rules, scoring = arguments.rules_argument(rules), arguments.scoring_argument(scoring)
    mapping, table = _columns(columns), _table(events)
    shared = assembly.settings(_core, _vocabulary(vocabulary))
    own_values = _own_values(asked, settings)
    values: dict[str, Any] = {**own_values, **dataclasses.asdict(rules)}
    values.update({assembly.PREFIX_OF_SCORING + k: v for k, v in dataclasses.asdict(scoring).items()})
    if table is None or table in assembly.legs():
        _only_properties(mapping, table)
        values.update(_column_values(mapping))
        parts = {"Source": assembly.source(table)} if table else {}
    else:
        known, more = {name: it.required for name, it in EVENTS.items()}, _properties(asked, own_values)
        parts = {"Source": assembly.own_source(table, mapping, known, more)}
    if mapping.get("sessionId", "") is None:
        values["use_session_id"] = False
    for key, value in values.items():
        doc = shared[key].doc if key in shared else asked.settings[key].doc
        shared[key] = Setting(assembly.literal(value), doc)
    if videos is not None:
        shared["Videos"] = Setting(videos_text(videos, mapping), shared["Videos"].doc)
    return assembly.assemble(name, shared, parts)


def _own_values(asked: Question, settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values of a question's own settings, each of the kind that its default is."""
    for key, value in (settings or {}).items():
        if key not in asked.settings:
            there = ", ".join(asked.settings) or "none"
            raise OptionError(f"settings has {key!r}, but this query's own settings are: {there}.")
        kind, accepted = _kind(asked.settings[key].text)
        if not kind(value):
            raise OptionError(f"settings has {key!r}: {_shown(value)}, but {accepted} is needed.")
    return dict(settings or {})


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except (ValueError, RecursionError):  # Python writes no numbers of thousands of digits
        return f"a {type(value).__name__} that is too large to show"


def _kind(default: str) -> tuple[Callable[[Any], bool], str]:
    """What a setting with this default accepts."""
    if default.startswith('"'):
        return (lambda value: isinstance(value, str) and value != ""), "a name"
    if default.startswith('dynamic(["'):
        return (lambda value: _all(value, lambda one: isinstance(one, str))), "a list of names"
    if default.startswith("dynamic"):
        return (lambda value: _all(value, _is_number)), "a list of numbers"
    if "." in default:
        return (lambda value: _is_number(value) and value >= 0), "a finite number that is not negative"
    return (lambda value: type(value) is int and 0 < value < _MOST), "a whole number above 0 and below 2^63"


def _all(values: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(values, (list, tuple)) and bool(values) and all(map(fits, values))


def _is_number(value: Any) -> bool:
    # As a number of KQL it is 64 bits long.
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_one and (math.isfinite(value) if isinstance(value, float) else -_MOST <= value < _MOST)


def _question(name: str) -> Question:
    known = names()
    if name not in known:
        close = get_close_matches(str(name), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
        raise OptionError(f"There is no query {name!r}: {hint}")
    return question(name)


def _columns(columns: Mapping[str, str | None] | None) -> dict[str, str | None]:
    mapping = arguments.column_names(columns) or {}
    for name, own in mapping.items():
        if name not in ALL:
            raise OptionError(f"columns maps {name!r}, but the columns are {', '.join(ALL)}.")
        if own == "" or (own is None and ALL[name].required):
            raise OptionError(f"columns maps {name!r} to {own!r}, but {name} needs a name.")
    return mapping


def _only_properties(mapping: Mapping[str, str | None], table: str | None) -> None:
    """Refuses names of the table's own columns: the query would look for properties of these names."""
    for name, own in mapping.items():
        for layout in LAYOUTS.values() if table is None else [LAYOUTS[table]]:
            if own in layout.columns:
                raise OptionError(
                    f"columns maps {name!r} to {own!r}, a column of {layout.table}, but only properties and "
                    "measurements can be named. If it is one of those in another table, name that as events."
                )


def _column_values(mapping: Mapping[str, str | None]) -> dict[str, str]:
    """The settings that say which properties hold the columns of events."""
    return {assembly.PREFIX_OF_COLUMNS + key: own or "" for key, own in mapping.items() if key in EVENTS}


def _properties(asked: Question, values: Mapping[str, Any]) -> list[str]:
    """The names of properties that only this query reads."""
    own = {key: setting for key, setting in asked.settings.items() if key.startswith("property_")}
    return [values.get(key) or json.loads(setting.text) for key, setting in own.items()]


def _table(events: str | None) -> str | None:
    if events is None or (isinstance(events, str) and events.strip()):
        return None if events is None else table_name("events", events)
    raise OptionError(f"events is {masked(repr(events))}, but the name of a table, or None, is needed.")


def _vocabulary(vocabulary: str | Mapping[str, str] | None) -> dict[str, str] | None:
    given = arguments.vocabulary_argument(vocabulary)
    if given is None or isinstance(given, str):
        return preset(given) if given else None
    kinds = {*_core.meanings(), "ignore"}
    for name, kind in given.items():
        if kind not in kinds:
            raise VocabularyError(
                f"vocabulary maps {name!r} to {kind!r}, but the kinds are {', '.join(sorted(kinds))}."
            )
    return given
