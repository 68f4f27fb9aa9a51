"""Presets: all that is special about a source of events, so that its raw records can be read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from watchspan import _core, arguments
from watchspan.columns import PARTS, Columns, Place, Records, core_place, place_of
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
    spec = described(preset)
    places = _over(spec["columns"], own or {})
    if spec["unnest"] or spec["fill"]:
        # Once such records are events, their columns have their default names.
        either = {name: _or_default(place) for name, place in places.items()}
        places = Records(either, spec["unnest"], spec["fill"])
    return Reading(
        places or None,
        meanings if meanings is not None else dict(spec["names"]) or None,
        Rules(**_rules_of(spec)) if given is None and spec["rules"] else given,
    )


def rules_over(preset: Preset, given: Mapping[str, Any]) -> Rules | None:
    """The rules of `preset` with `given` ones in their places; None if none is given.

    Raises:
        OptionError: If a rule has a value that is not accepted, or as `reading` does.
    """
    if not given:
        return None
    return Rules(**{**({} if preset is None else _rules_of(described(preset))), **given})


def _over(spec: Mapping[str, Any], own: Columns) -> Columns:
    """The places of a description, with one's own before them."""
    return {**spec, **{name: _completed(place, spec.get(name)) for name, place in own.items()}}


def _completed(place: Any, described: Any) -> Any:
    """A place of one's own; where it names no path, what it does not say is as described."""
    if not isinstance(place, Mapping) or place["paths"] or not described:
        return place
    return {**described, **{part: said for part, said in place.items() if said}}


def _or_default(place: Any) -> Any:
    """A place in whose stead the column of the default name will do."""
    if place is None or isinstance(place, Mapping):
        return None if place is None else {**place, "or_default": True}
    return core_place(*place_of(place), or_default=True)


def _rules_of(spec: _core.PresetSpec) -> dict[str, Any]:
    switches = {rule["name"] for rule in _core.rule_specs() if isinstance(rule["default"], bool)}
    return {name: bool(value) if name in switches else value for name, value in spec["rules"].items()}


def described(preset: Any) -> _core.PresetSpec:
    """What `preset` says, whichever way it is given.

    Raises:
        OptionError: If there is no such preset, or it is none of the kinds that are accepted.
        VocabularyError: If it is no description.
        SourceError: If its file cannot be read.
    """
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
        text = Path(path).read_text(encoding="utf-8-sig")
        str(path).encode()  # the core takes no other names
    except (OSError, ValueError) as error:  # the latter for what is no text, and names with NUL
        raise SourceError(f"Cannot read the preset {shown(path)}: {error}") from error
    return _core.read_preset(str(path), text)


def of_records(preset: _core.PresetSpec) -> list[str]:
    """What is to be known of a preset's records where they are more, or less, than one event each."""
    said = []
    if preset["unnest"]:
        said.append(f"Each item of the list {preset['unnest']} is an event, in the place of the list.")
    if preset["fill"]:
        said.append(
            f"What one record of a session says of {', '.join(preset['fill'])} holds for all of them."
        )
    return said


def description(preset: _core.PresetSpec) -> str:
    """A description in TOML that reads back as `preset`: a start for one's own."""
    texts = [f"{part} = {_value(preset[part])}" for part in ("title", "source") if preset[part]]
    if preset["notes"]:
        texts.append(f"notes = {_lines(preset['notes'])}")
    texts += [f"{part} = {_value(preset[part])}" for part in ("unnest", "fill") if preset[part]]
    events = [f"{_key(name)} = {_value(meaning)}" for name, meaning in preset["names"]]
    columns = [f"{name} = {_value(_place(place))}" for name, place in preset["columns"].items()]
    rules = [f"{name} = {_value(value)}" for name, value in preset["rules"].items()]
    tables = {"events": events, "columns": columns, "rules": rules}
    parts = [texts, *([f"[{name}]", *lines] for name, lines in tables.items() if lines)]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _place(place: Mapping[str, Any]) -> Any:
    """A place as short as it can be written."""
    paths = place["paths"]
    said = {part: place[part] for part in PARTS if place[part] not in (None, [])}
    if said:
        return {**({"paths": paths} if paths else {}), **said}
    return paths[0] if len(paths) == 1 else paths


def _toml(table: Mapping[str, Any]) -> str:
    """A description as TOML writes it."""
    return "\n".join(f"{_text(str(key))} = {_value(value)}" for key, value in table.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_key(str(key))} = {_value(inner)}" for key, inner in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    raise OptionError(f"preset holds {shown(value)}, but text, numbers, lists and dicts of these are needed.")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(text: str) -> str:
    """Text as TOML quotes it: as JSON does, with what is not seen as escapes."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else _escape(ord(each)) for each in quoted)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _lines(text: str) -> str:
    """Text of several lines, which stay lines, and with quotes as they are where they cannot end it."""
    escaped = "\n".join(_text(line)[1:-1] for line in text.split("\n"))
    if '""' not in text:
        escaped = re.sub(r"\\(.)", lambda found: '"' if found[1] == '"' else found[0], escaped)
    return f'"""\n{escaped}\n"""'
