"""Laws with the values of options in them, and the rows that break them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import _core, arguments
from watchspan.insight.rows import Columns, typed
from watchspan.rules import Rules, Scoring
from watchspan.testing.expressions import columns_of, compute
from watchspan.testing.laws import KEYS, ROWS_OF_KEY, Law, laws


class Broken(NamedTuple):
    """A law and the rows that break it: their numbers, from 0."""

    law: Law
    rows: list[int]


def settled(
    made: Mapping[str, Any] | None, rules: Rules | None, scoring: Scoring | None
) -> list[Law]:  # fmt: skip
    """The laws that rows have to keep.

    Args:
        made: What a table says about how it was made, if it says so.
        rules: The thresholds that the rows were made with; None: as `made` says, else the default ones.
        scoring: The weights, likewise.

    Raises:
        OptionError: If these are something else.
    """
    said = made or {}
    options = {
        **_values(arguments.rules_argument(rules), None if rules else said.get("rules")),
        **_values(arguments.scoring_argument(scoring), None if scoring else said.get("scoring")),
    }
    chosen = (law for law in laws(_core.column_specs("engagement")) if not options.get(law.unless))
    return [law.under(options) for law in chosen]


def _values(given: Rules | Scoring, said: Mapping[str, Any] | None) -> dict[str, Any]:
    known = dataclasses.asdict(given)
    # What a table says may be of a version with other options.
    return {**known, **{name: value for name, value in (said or {}).items() if name in known}}


def plain_columns(table: pa.Table) -> Columns:
    """The columns of engagement rows that laws are about, as plain ones.

    Raises:
        MissingColumnError: If one is not there, or not once.
        ColumnTypeError: If one has another type than in such a table.
    """
    return typed(table, "engagement", [spec["name"] for spec in _core.column_specs("engagement")])


def broken(columns: Columns, kept: Iterable[Law]) -> list[Broken]:
    """The laws that some rows break, in their order."""
    if not len(columns[KEYS[0]]):
        return []
    counted = {**columns, ROWS_OF_KEY: _rows_of_key(columns)}
    judged = ((law, compute(law.condition, counted)) for law in kept)
    found = ((law, _where(pc.invert(verdict))) for law, verdict in judged)
    return [Broken(law, rows) for law, rows in found if rows]


def involved(law: Law, columns: Columns) -> list[str]:
    """The columns that a law is about, but the key."""
    return [name for name in columns_of(law.condition) if name in columns and name not in KEYS]


def _rows_of_key(columns: Columns) -> pa.Array:
    keys = list(zip(*(columns[name].to_pylist() for name in KEYS)))
    counts = Counter(keys)
    return pa.array([counts[key] for key in keys], pa.int64())


def _where(mask: pa.Array) -> list[int]:
    return [row for row, is_so in enumerate(mask.to_pylist()) if is_so]
