"""What the tables were made with: kept with them, so that a refresh cannot mix two definitions."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from watchspan import _core, arguments
from watchspan.errors import DataError, OptionError
from watchspan.rules import Rules, Scoring

# The edition of the definitions by which rows are made: those of another cannot be mixed with them.
EDITION = 2
# The table property that holds the settings.
PROPERTY = "watchspan.settings"
# Where Spark shows properties it hides those whose values have such a word in them (its settings
# spark.redaction.regex and spark.sql.redaction.options.regex).
_HIDDEN = re.compile(r"url|secret|password|token|access[.]?key", re.IGNORECASE)

# Which of the settings are switches, and what they are called in the property.
_SWITCHES = {"unique_seconds": "uniqueSeconds", "session_column": "sessionColumn", "videos": "videos"}
# How much of a property that cannot be read an error repeats.
_SHOWN = 300

_Options = TypeVar("_Options", Rules, Scoring)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything beside events and videos that decides what the tables hold.

    Attributes:
        rules: The thresholds.
        scoring: The weights of the score.
        vocabulary: As for `watchspan.aggregate`.
        unique_seconds: As for `watchspan.aggregate`.
        session_column: Whether the events have a session id.
        videos: Whether there is a table of videos.
        edition: By which edition of the definitions the rows were made.
    """

    rules: Rules
    scoring: Scoring
    vocabulary: str | dict[str, str] | None
    unique_seconds: bool
    session_column: bool
    videos: bool
    edition: int = EDITION

    @property
    def silence_micros(self) -> int | None:
        """The longest silence that can be within a session, in microseconds; None if session ids are trusted.

        That is the timeout, and as much as can have been played through.
        """
        timeout = self.rules.session_timeout_seconds
        if timeout is None and not self.session_column:
            timeout = _core.default_session_timeout
        return None if timeout is None else math.ceil((timeout + self.rules.max_segment_seconds) * 1_000_000)

    def to_text(self) -> str:
        """The settings as the table property holds them."""
        text = json.dumps(
            {
                "version": _core.version,
                "edition": self.edition,
                "rules": dataclasses.asdict(self.rules),
                "scoring": dataclasses.asdict(self.scoring),
                "vocabulary": self.vocabulary,
                **{key: getattr(self, name) for name, key in _SWITCHES.items()},
            },
            sort_keys=True,
        )
        # JSON may spell any letter as an escape. The last one: before the first there may be a backslash.
        return _HIDDEN.sub(lambda word: f"{word[0][:-1]}\\u{ord(word[0][-1]):04x}", text)

    @classmethod
    def from_text(cls, text: str) -> Settings:
        """The settings that `text`, which `to_text` wrote, holds.

        Raises:
            DataError: If `text` is something else, or names an option that this version does not know.
        """
        try:
            found = json.loads(text)
            version = found["version"]
            return cls(
                rules=_options(Rules, found["rules"], version),
                scoring=_options(Scoring, found["scoring"], version),
                vocabulary=arguments.vocabulary_argument(found["vocabulary"]),
                edition=_edition(found.get("edition", 1), version),
                **{name: arguments.switch_argument(key, found[key]) for name, key in _SWITCHES.items()},
            )
        except DataError:
            raise
        # Text that is nested too deep is what is recursed into.
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
            raise DataError(
                f"The table property {PROPERTY} is {shown!r}, which watchspan did not write "
                f"({type(error).__name__}: {error}). Set it to what it was, which the tables beside it tell; "
                "or make the tables anew under another name."
            ) from error


def _edition(edition: Any, version: str) -> int:
    """The `edition` by which watchspan of `version` made rows; the first one was not noted down."""
    if not isinstance(edition, int) or edition < 1:
        raise ValueError(f"edition {edition!r}")
    if edition > EDITION:
        raise DataError(
            f"The tables were made by watchspan {version} by edition {edition} of the metrics, which version "
            f"{_core.version} does not know: install {version} or newer."
        )
    return edition


def _options(kind: type[_Options], values: Mapping[str, Any], version: str) -> _Options:
    """The options of the class `kind` from the `values` that watchspan of `version` wrote by name.

    An option that is younger than that version has its default.
    """
    known = {field.name for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise DataError(
            f"The tables were made by watchspan {version} with {kind.__name__}.{unknown[0]}, which version "
            f"{_core.version} does not know: install {version} or newer."
        )
    return kind(**values)


@dataclasses.dataclass(frozen=True)
class Given:
    """What a caller asked for; None is what the tables were made with, or the default for new ones.

    Attributes are those of `Settings`; `session_column` is None where no events are read.
    """

    session_column: bool | None = None
    videos: bool = False
    rules: Rules | None = None
    scoring: Scoring | None = None
    vocabulary: str | dict[str, str] | None = None
    unique_seconds: bool | None = None

    def new(self) -> Settings:
        """The settings of tables that do not exist yet."""
        return Settings(
            rules=self.rules or Rules(),
            scoring=self.scoring or Scoring(),
            vocabulary=self.vocabulary,
            unique_seconds=True if self.unique_seconds is None else self.unique_seconds,
            session_column=bool(self.session_column),
            videos=self.videos,
        )

    def agree(self, made: Settings) -> Settings:
        """The settings of tables that exist, which were made with `made`; only `videos` may be new.

        Raises:
            OptionError: If what is given differs from `made`; the message says in which option, and what to
                do.
        """
        if self.session_column not in (None, made.session_column):
            has = ("have no session column", "have one")
            raise OptionError(
                f"The tables were made from events that {has[made.session_column]}, but these events "
                f"{has[bool(self.session_column)]}. Session ids would change: map the column as it was "
                '(columns={"sessionId": ...}), or make new tables under another name.'
            )
        if made.videos and not self.videos:
            raise OptionError(
                "The tables were made with a table of videos, but none is given: every duration would become "
                "an estimate. Pass the videos."
            )
        if self.vocabulary is not None and self.vocabulary != made.vocabulary:
            raise OptionError(
                f"vocabulary is {self.vocabulary!r}, but the tables were made with {made.vocabulary!r}. It "
                "shapes sessions, so changing it needs the events again: make new tables under another name."
            )
        _refuse_other("Rules", self.rules, made.rules)
        _refuse_other("Scoring", self.scoring, made.scoring)
        if self.unique_seconds not in (None, made.unique_seconds):
            raise OptionError(
                f"unique_seconds is {self.unique_seconds}, but the tables were made with "
                f"{made.unique_seconds}: call rescore() to change it."
            )
        return dataclasses.replace(made, videos=self.videos)

    def rescored(self, made: Settings) -> Settings:
        """The settings after a rescore of tables that were made with `made`.

        Scoring, unique seconds and the rules that do not shape sessions are those given, if they are.

        Raises:
            OptionError: If a rule that shapes sessions differs from that of `made`.
        """
        rules, scoring = self.rules or made.rules, self.scoring or made.scoring
        shaping = {
            spec["name"]: getattr(rules, spec["name"]) for spec in _core.rule_specs() if spec["shapes_walk"]
        }
        _refuse_other("Rules", dataclasses.replace(made.rules, **shaping), made.rules)
        changed = (
            made
            if self.unique_seconds is None
            else dataclasses.replace(made, unique_seconds=self.unique_seconds)
        )
        given = dataclasses.replace(self, rules=None, scoring=None, unique_seconds=None)
        return dataclasses.replace(given.agree(changed), rules=rules, scoring=scoring)


def _refuse_other(kind: str, given: Rules | Scoring | None, made: Rules | Scoring) -> None:
    if given is None or given == made:
        return
    differing = [
        field.name
        for field in dataclasses.fields(made)
        if getattr(given, field.name) != getattr(made, field.name)
    ]
    shaping = {spec["name"] for spec in _core.rule_specs() if spec["shapes_walk"]}
    shown = ", ".join(
        f"{kind}.{name} is {getattr(given, name)} but the tables were made with {getattr(made, name)}"
        for name in differing
    )
    if kind == "Rules" and shaping & set(differing):
        raise OptionError(
            f"{shown}. It shapes sessions, so changing it needs the events again: make new tables under "
            "another name."
        )
    raise OptionError(f"{shown}. Call rescore() to change it: that needs no events.")
