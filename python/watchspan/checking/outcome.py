"""What `check` found, as text, as a call, as a command, and as plain values."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from watchspan.checking.finding import Finding
from watchspan.columns import EVENTS, Column, Place
from watchspan.rules import Rules
from watchspan.text import visible

_WIDTH = 100
_LONG_LINE = 88
_MARKS = {"error": "!!", "warning": "! ", "note": "- "}


@dataclass(frozen=True)
class Check:
    """How events are best read. `print` shows it with its evidence and the call to copy.

    Attributes:
        source: What the events are, as text.
        preset: The preset to name; None: none.
        columns: What to say of columns; empty if nothing.
        vocabulary: What to say of event names; None if nothing.
        rules: The rules to set, those of the preset too; None if none.
        evidence: Input column -> where it is and what says so; `preset` and `sample` -> what they rest on.
        findings: What is to be said of the events, the gravest first; empty where nothing is wrong.
        read: How many events were looked at.
        kept: How many of them count, read in this way.
        total: How many events there are, about.
        ignored: How many of those looked at are known to say nothing about watching.

    Example:
        >>> import watchspan as ws
        >>> found = ws.check([{"time": "2026-01-15T10:00:00Z", "userId": "ann", "videoId": "v1",
        ...                    "eventName": "play", "currentTime": 0}])
        >>> found.columns
        {'timestamp': 'time'}
    """

    source: str
    preset: Optional[str]
    columns: dict[str, Place]
    vocabulary: Optional[dict[str, str]]
    rules: Optional[Rules]
    evidence: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    read: int = 0
    kept: int = 0
    total: int = 0
    ignored: int = 0

    @property
    def is_usable(self) -> bool:
        """Whether events count, read in this way."""
        return self.kept > 0

    @property
    def is_as_it_is(self) -> bool:
        """Whether the events are read without a word about them, and nothing is wrong."""
        return self.is_usable and not (self.preset or self.columns or self.vocabulary or self.findings)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `aggregate` and the other functions that say how events are read."""
        named = {
            "preset": self.preset,
            "columns": self.columns,
            "vocabulary": self.vocabulary,
            "rules": self.rules,
        }
        return {name: value for name, value in named.items() if value}

    @property
    def call(self) -> str:
        """The call in Python."""
        parts = [_source(self.source)]
        if self.preset:
            parts.append(f"preset={_quoted(self.preset)}")
        if self.columns:
            parts.append(f"columns={_dict({name: _place(place) for name, place in self.columns.items()})}")
        if self.vocabulary:
            meanings = {name: _quoted(meaning) for name, meaning in self.vocabulary.items()}
            parts.append(f"vocabulary={_dict(meanings)}")
        if self.rules:
            parts.append(f"rules=ws.Rules({', '.join(_set_rules(self.rules))})")
        whole = f"ws.aggregate({', '.join(parts)})"
        if len(whole) <= _LONG_LINE and "\n" not in whole:
            return whole
        inner = ",\n".join(parts).replace("\n", "\n    ")
        return f"ws.aggregate(\n    {inner},\n)"

    @property
    def command(self) -> str:
        """The command line; a vocabulary has to be saved as `vocabulary.json` first."""
        parts = ["watchspan aggregate", shlex.quote(self.source) if self.source else "EVENTS"]
        if self.preset:
            parts.append(f"--preset {shlex.quote(self.preset)}")
        for name, place in self.columns.items():
            parts += _options(name, place)
        if self.vocabulary:
            parts.append("--vocabulary vocabulary.json")
        if self.rules:
            parts.append(f"--rules {','.join(_set_rules(self.rules))}")
        return _joined(parts)

    def to_dict(self) -> dict[str, Any]:
        """All of it in plain values, as JSON has them."""
        return {
            "source": self.source,
            "usable": self.is_usable,
            "preset": self.preset,
            "columns": {name: _plain(place) for name, place in self.columns.items()},
            "vocabulary": self.vocabulary,
            "rules": _changed_rules(self.rules) if self.rules else None,
            "evidence": dict(self.evidence),
            "findings": [
                {
                    "topic": finding.topic,
                    "severity": finding.severity,
                    "text": finding.text,
                    "evidence": dict(finding.evidence),
                }
                for finding in self.findings
            ],
            "read": self.read,
            "kept": self.kept,
            "total": self.total,
            "ignored": self.ignored,
            "call": self.call,
            "command": self.command,
        }

    def __str__(self) -> str:
        return "\n".join(visible(line) for line in self._lines())

    def _lines(self) -> list[str]:
        lines = [self.evidence.get("sample", ""), self._headline()]
        if self.is_usable and not self.is_as_it_is:
            lines += ["", *_table({name: self.evidence[name] for name in EVENTS if name in self.evidence})]
        for name, value in _changed_rules(self.rules).items() if self.rules else ():
            if name in self.evidence:
                lines += ["", *_wrapped("+ ", f"{name}={value:g}: {self.evidence[name]}")]
        for finding in self.findings:
            lines += ["", *_wrapped(_MARKS[finding.severity], f"{finding.topic}: {finding.text}")]
        if self.is_usable:
            lines += [
                "",
                "In Python:",
                *_indented(self.call),
                "On the command line:",
                *_indented(self.command),
            ]
            if self.vocabulary:
                saved = json.dumps(self.vocabulary, ensure_ascii=False)
                lines += ["with this as vocabulary.json:", *_indented(saved)]
        return [line for line in lines if line is not None]

    def _headline(self) -> str:
        if not self.read:
            return "There are no events: nothing can be said."
        if not self.is_usable:
            return "No event could be used."
        kept = f"{self.kept:,} of {self.read:,} events count"
        kept += f", {self.ignored:,} are known to say nothing about watching." if self.ignored else "."
        if self.is_as_it_is:
            return f"The events read as they are: {kept}"
        return f"{self.evidence.get('preset', '')} {kept}".strip()


def _table(rows: Mapping[str, str]) -> list[str]:
    wide = max(map(len, rows), default=0)
    return [f"  {name:<{wide}}  {text}" for name, text in rows.items()]


def _wrapped(mark: str, text: str) -> list[str]:
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + len(word) + 1 > _WIDTH - 3:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    return [f"{mark} {lines[0]}", *(f"   {line}" for line in lines[1:])]


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.split("\n")]


def _quoted(text: str) -> str:
    if '"' in text and "'" not in text and "\\" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)


def _source(source: str) -> str:
    return _quoted(source) if source else "events"


def _dict(items: Mapping[str, str]) -> str:
    inline = ", ".join(f"{_quoted(name)}: {text}" for name, text in items.items())
    if len(inline) < _LONG_LINE - 20:
        return "{" + inline + "}"
    return "{\n" + "".join(f"    {_quoted(name)}: {text},\n" for name, text in items.items()) + "}"


def _place(place: Place) -> str:
    if isinstance(place, Column):
        parts = [*map(_quoted, place.paths)]
        parts += [f"{name}={_quoted(value)}" for name in ("unit", "value") if (value := getattr(place, name))]
        if place.missing:
            parts.append(f"missing={list(place.missing)!r}")
        return f"ws.Column({', '.join(parts)})"
    if isinstance(place, str):
        return _quoted(place)
    return "None" if place is None else "[" + ", ".join(map(_quoted, place)) + "]"


def _plain(place: Place) -> Any:
    if isinstance(place, Column):
        found = {"paths": list(place.paths), "unit": place.unit, "value": place.value}
        return {**found, "missing": list(place.missing)}
    return place if place is None or isinstance(place, str) else list(place)


def _options(name: str, place: Place) -> list[str]:
    if place is None:
        return [f"--column {name}="]
    column = place if isinstance(place, Column) else Column(*([place] if isinstance(place, str) else place))
    options = [f"--column {shlex.quote(f'{name}={path}')}" for path in column.paths]
    options += [f"--unit {name}={column.unit}"] if column.unit else []
    options += [f"--constant {shlex.quote(f'{name}={column.value}')}"] if column.value else []
    return options + [f"--missing {shlex.quote(f'{name}={word}')}" for word in column.missing]


def _joined(parts: list[str]) -> str:
    lines, line = [], ""
    for part in parts:
        if line and len(line) + len(part) + 1 > _LONG_LINE:
            lines.append(line)
            line = part
        else:
            line = f"{line} {part}" if line else part
    return " \\\n    ".join([*lines, line])


def _changed_rules(rules: Rules) -> dict[str, Any]:
    usual = Rules()
    names = (name for name in vars(usual) if getattr(rules, name) != getattr(usual, name))
    return {name: getattr(rules, name) for name in names}


def _set_rules(rules: Rules) -> list[str]:
    return [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in _changed_rules(rules).items()
    ]


def source_name(events: Any) -> str:
    """What a source is called in a call: its path; nothing if it is no single path."""
    if isinstance(events, (list, tuple)) and len(events) == 1:
        events = events[0]
    return os.fsdecode(events) if isinstance(events, (str, bytes, os.PathLike)) else ""
