"""Stories: some events, and the rows that should come of them, worked out by hand, in a file of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from watchspan import presets
from watchspan.errors import DataError, OptionError, SourceError, WatchspanError
from watchspan.rules import Rules, Scoring
from watchspan.testing.checking import check_reason, check_videos
from watchspan.testing.story_format import EXPECTED, FIELDS, Field
from watchspan.text import shown, shown_path, visible

Record = dict[str, Any]
SUFFIX = ".story.json"


@dataclass(frozen=True)
class Story:
    """Some events, and the rows that should come of them. What a file leaves out has its default here.

    Attributes:
        name: What it is called: its file without `.story.json`.
        events: The events, an object each.
        columns: The names of the events' columns, if they were listed; None if they are records as they come.
        places: Where columns are in records, as `columns` of `watchspan.aggregate`.
        title: In a line.
        story: What happened.
        why: Why the rows are as they are.
        videos: Durations and titles.
        preset: Whose records they are.
        vocabulary: What event names mean.
        rules: Thresholds that differ from their defaults.
        scoring: Weights and tiers that do.
        unique_seconds: Whether to compute what was watched at least once.
        dropped: How many events should be dropped, by reason, without zeros.
        sessions: The session rows that should come of them, in the columns to compare; None: not compared.
        engagement: The engagement rows, likewise.
    """

    name: str
    events: list[Record]
    columns: list[str] | None = None
    places: Mapping[str, Any] | None = None
    title: str = ""
    story: str = ""
    why: str = ""
    videos: list[Record] | None = None
    preset: str | Record | None = None
    vocabulary: str | dict[str, str] | None = None
    rules: Record = field(default_factory=dict)
    scoring: Record = field(default_factory=dict)
    unique_seconds: bool = True
    dropped: dict[str, int] = field(default_factory=dict)
    sessions: list[Record] | None = None
    engagement: list[Record] | None = None

    @property
    def reading(self) -> dict[str, Any]:
        """How its events are read, as arguments of `aggregate`, `sessions` and `explain`.

        Raises:
            OptionError: If a rule has a value that is not accepted.
        """
        return {
            "preset": self.preset,
            "columns": self.places,
            "vocabulary": self.vocabulary,
            "rules": presets.rules_over(self.preset, _known("rules", self.rules, Rules)),
        }

    @property
    def scored(self) -> dict[str, Any]:
        """How its rows are made, likewise, for `aggregate` and `engagement`.

        Raises:
            OptionError: If a weight has a value that is not accepted.
        """
        scoring = Scoring(**_known("scoring", self.scoring, Scoring))
        return {"scoring": scoring, "unique_seconds": self.unique_seconds}


def read_story(path: str | Path) -> Story:
    """The story in a file.

    Args:
        path: Its path.

    Raises:
        SourceError: If it cannot be read, or is no JSON.
        DataError: If it is not told as a story is: the message says what was found, and what is needed.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
        content = json.loads(text, object_pairs_hook=partial(_without_repeats, visible(file.name)))
    except WatchspanError:
        raise
    except OSError as error:
        raise SourceError(f"{shown_path(str(path))} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{shown_path(str(path))} is no JSON: {error}.") from error
    name = file.name[: -len(SUFFIX)] if file.name.endswith(SUFFIX) else file.stem
    try:
        return story_of(name, content, file.parent)
    except WatchspanError as error:
        raise DataError(f"{visible(file.name)}: {error}") from error


def _without_repeats(file: str, pairs: Sequence[tuple[str, Any]]) -> Record:
    """An object of JSON; a key that is there twice is refused, as the first value would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise DataError(
            f"{file}: The key {shown(repeated)} is there more than once in one object: keep one of them."
        )
    return found


def story_of(name: str, content: Any, folder: Path) -> Story:
    """A story from what its file holds.

    Args:
        name: What it is called.
        content: The object in the file.
        folder: From where a preset's path leads.

    Raises:
        DataError: If it is not told as a story is.
    """
    _check_fields(content, FIELDS, "")
    expected = content["expected"]
    _check_fields(expected, EXPECTED, "expected.")
    for reason in expected.get("dropped", {}):
        check_reason(reason)
    if not expected:
        raise DataError(
            f"`expected` holds nothing, so that this story cannot fail: give {' or '.join(EXPECTED)}."
        )
    given = content.get("columns")
    listed = given if isinstance(given, list) else None
    told = Story(
        name=name,
        events=_events(content["events"], listed),
        columns=listed,
        places=given if isinstance(given, dict) else None,
        title=content.get("title", ""),
        story=content.get("story", ""),
        why=content.get("why", ""),
        videos=content.get("videos"),
        preset=_preset(content.get("preset"), folder),
        vocabulary=content.get("vocabulary"),
        rules=content.get("rules", {}),
        scoring=content.get("scoring", {}),
        unique_seconds=content.get("uniqueSeconds", True),
        dropped={reason: count for reason, count in expected.get("dropped", {}).items() if count},
        sessions=expected.get("sessions"),
        engagement=expected.get("engagement"),
    )
    # What is wrong with its options is wrong with the story, not with the rows.
    places = presets.reading(**told.reading).columns
    _ = told.scored
    check_videos(told.videos or (), places)
    return told


def _preset(given: str | Record | None, folder: Path) -> str | Record | None:
    return str(folder / given) if isinstance(given, str) and given.endswith(".toml") else given


def _events(events: Sequence[Any], columns: list[str] | None) -> list[Record]:
    if columns is None:
        wrong = [number for number, event in enumerate(events) if not isinstance(event, dict)]
        if wrong:
            raise DataError(
                f"`events[{wrong[0]}]` is {shown(events[wrong[0]])}, but an object is needed: events are "
                "lists only where `columns` lists the names of what is in them."
            )
        return list(events)
    for number, event in enumerate(events):
        if not isinstance(event, list) or len(event) != len(columns):
            raise DataError(
                f"`events[{number}]` is {shown(event)}, but a list of {len(columns)} values is needed: "
                f"{visible(', '.join(columns))}."
            )
    return [dict(zip(columns, event)) for event in events]


def _known(what: str, given: Mapping[str, Any], kind: type[Rules] | type[Scoring]) -> dict[str, Any]:
    names = kind.__dataclass_fields__
    for name in given:
        if name not in names:
            raise OptionError(f"`{what}` has no option {shown(name)}; there are {', '.join(names)}.")
    return dict(given)


def _check_fields(found: Any, fields: Mapping[str, Field], place: str) -> None:
    """Refuses what is not an object of these fields.

    Args:
        found: What should be one.
        fields: The fields.
        place: What stands before their names in a message.

    Raises:
        DataError: If it is not, lacks one that has to be there, or has one that is none of them.
    """
    if not isinstance(found, dict):
        raise DataError(f"The file holds {shown(found)}, but an object with {_listed(fields)} is needed.")
    for name, value in found.items():
        if name not in fields:
            close = get_close_matches(name, fields, n=1)
            hint = f"did you mean `{place}{close[0]}`?" if close else f"there are {_listed(fields)}."
            raise DataError(f"There is no field `{place}{visible(name)}` in a story: {hint}")
        if not fields[name].fits(value):
            raise DataError(f"`{place}{name}` is {shown(value)}, but {fields[name].needs} is needed.")
    for name, spec in fields.items():
        if not spec.default and name not in found:
            raise DataError(f"`{place}{name}` is missing: {spec.doc}")


def _listed(fields: Mapping[str, Field]) -> str:
    return ", ".join(f"`{name}`" for name in fields)
