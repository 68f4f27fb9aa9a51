"""Presets: all that is special about a source of events, so that its raw records can be read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from watchspan import _core, arguments
from watchspan.columns import Columns, Place
from watchspan.errors import OptionError, SourceError
from watchspan.rules import Rules
from watchspan.text import shown

# The name of a preset, the path of a description in TOML, or such a description as a dict.
Preset = Union[str, "os.PathLike[str]", Mapping[str, Any], None]


@dataclass(frozen=True)
class Reading:
    """How events are read, as the core takes it.

    Attributes:
        columns: Where the columns are.
        vocabulary: What event names mean.
        rules: What counts as watched; None: nobody said.
    """

    columns: Columns | None
    vocabulary: str | dict[str, str] | None
    rules: Rules | None

    @property
    def settled_rules(self) -> Rules:
        """The rules, or the default ones."""
        return self.rules or Rules()


def reading(
    preset: Preset,
    columns: Mapping[str, Place] | None,
    vocabulary: str | Mapping[str, str] | None,
    rules: Rules | None,
) -> Reading:
    """How events of a source are read; what `columns`, `vocabulary` and `rules` say goes before the preset.

    Raises:
        OptionError: If an argument is not of the kind that is accepted.
        VocabularyError: If there is no such preset, or it is no description of one.
        SourceError: If its file cannot be read.
    """
    own, meanings = arguments.column_mapping(columns), arguments.vocabulary_argument(vocabulary)
    given = None if rules is None else arguments.rules_argument(rules)
    if preset is None:
        return Reading(own, meanings, given)
    spec = _described(preset)
    return Reading(
        {**spec["columns"], **(own or {})} or None,
        meanings if meanings is not None else dict(spec["names"]) or None,
        Rules(**_rules_of(spec)) if given is None and spec["rules"] else given,
    )


def _rules_of(spec: _core.PresetSpec) -> dict[str, Any]:
    switches = {rule["name"] for rule in _core.rule_specs() if isinstance(rule["default"], bool)}
    return {name: bool(value) if name in switches else value for name, value in spec["rules"].items()}


def _described(preset: Any) -> _core.PresetSpec:
    if isinstance(preset, Mapping):
        return _core.read_preset("preset", _toml(preset))
    if not isinstance(preset, (str, os.PathLike)):
        raise OptionError(
            f"preset is {shown(preset)}, but the name of a preset, the path of a .toml file or a dict is "
            "needed."
        )
    path = os.fspath(preset)
    if not str(path).endswith(".toml"):
        known = {spec["name"]: spec for spec in _core.preset_specs()}
        if path not in known:
            raise OptionError(
                f"There is no preset {shown(path)}; there are {', '.join(known)}. Your own is a file: "
                "name it with .toml."
            )
        return known[path]
    try:
        return _core.read_preset(str(path), Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError) as error:
        raise SourceError(f"Cannot read the preset {shown(path)}: {error}") from error


def _toml(table: Mapping[str, Any]) -> str:
    """A description as TOML writes it."""
    return "\n".join(f"{json.dumps(key)} = {_value(value)}" for key, value in table.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{json.dumps(str(key))} = {_value(inner)}" for key, inner in value.items()) + "}"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, (str, bool, int, float)):
        return json.dumps(value)
    raise OptionError(f"preset holds {shown(value)}, but text, numbers, lists and dicts of these are needed.")
