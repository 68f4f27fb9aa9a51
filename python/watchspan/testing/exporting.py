"""The laws and flags of engagement rows for where tables lie: as metadata for dqx, and as SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from watchspan import _core
from watchspan.errors import OptionError
from watchspan.rules import Rules, Scoring
from watchspan.testing.expressions import DIALECTS, columns_of, sql, text_literal
from watchspan.testing.judging import settled
from watchspan.testing.laws import KEYS, ROWS_OF_KEY, Law
from watchspan.text import shown

FORMATS = ("dqx", "sql")
_PART = r"(?:`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"|[^`\"./\s]+)"
_NAME = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")
_QUOTES = {"spark": "`", "duckdb": '"'}
_SQL = """\
-- How many rows of {table} break what holds of every engagement row, and how many have which flag.
-- Made by `watchspan checks`. An error is a fault of the table; a warning is a row to look at twice.
WITH counted AS (
  SELECT *, COUNT(*) OVER (PARTITION BY {keys}) AS {rows_of_key} FROM {table}
),
found AS (
  SELECT
    {counts}
  FROM counted
)
SELECT law, criticality, CASE number
    {choices}
  END AS brokenRows, meaning
FROM found CROSS JOIN (
  VALUES
    {laws}
) AS laws (number, law, criticality, meaning)
ORDER BY number
"""


class _Check(NamedTuple):
    law: Law
    criticality: str


def checks(
    table: str,
    *,
    format: str = "dqx",  # noqa: A002 - the word of the command
    dialect: str = "spark",
    rules: Rules | None = None,
    scoring: Scoring | None = None,
) -> str:
    """The laws of `assert_engagement`, and each data quality flag, as text for where the table lies.

    Args:
        table: The name of a table of engagement rows, as `schema.engagement`.
        format: `dqx`: metadata of checks for Databricks Labs DQX as JSON, which is YAML too: the laws are
            errors, the flags warnings. `sql`: a query with a row for each of them: `law`, `criticality`
            (`error` or `warn`), `brokenRows` (how many rows break it), `meaning`.
        dialect: Whose SQL that is: `spark`, which is Databricks', or `duckdb`. DQX is Spark.
        rules: The thresholds that the table was made with; None: `Rules()`.
        scoring: The weights and tiers that it was made with; None: `Scoring()`.

    Raises:
        OptionError: If an argument has a value that is not accepted.

    >>> print(checks("gold.engagement", format="sql").splitlines()[3])
      SELECT *, COUNT(*) OVER (PARTITION BY userId, videoId) AS rowsOfKey FROM `gold`.`engagement`
    """
    _check_choice("format", format, FORMATS)
    _check_choice("dialect", dialect, DIALECTS if format == "sql" else ("spark",))
    parts = _parts(table)
    wanted = [*(_Check(law, "error") for law in settled(None, rules, scoring)), *_flags()]
    if format == "dqx":
        return json.dumps([_metadata(check, ".".join(parts)) for check in wanted], indent=2) + "\n"
    return _query(wanted, _quoted(parts, dialect), dialect)


def _flags() -> Iterator[_Check]:
    for name, doc in _core.flag_specs():
        yield _Check(Law(f"flag_{name}", f"not has(dataQualityFlags, '{name}')", doc), "warn")


def _check_choice(option: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise OptionError(f"{option} is {shown(value)}, but it has to be {' or '.join(choices)}.")


def _parts(table: Any) -> list[str]:
    if not isinstance(table, str) or not _NAME.fullmatch(table.strip()):
        raise OptionError(
            f"table is {shown(table)}, but the name of a table ('engagement', 'schema.engagement', "
            "'catalog.schema.engagement') is needed."
        )
    found = re.findall(_PART, table)
    return [part[1:-1].replace(part[0] * 2, part[0]) if part[0] in '`"' else part for part in found]


def _quoted(parts: list[str], dialect: str) -> str:
    quote = _QUOTES[dialect]
    return ".".join(f"{quote}{part.replace(quote, quote * 2)}{quote}" for part in parts)


def _metadata(check: _Check, table: str) -> dict[str, Any]:
    law, criticality = check
    columns = columns_of(law.condition)
    if columns == [ROWS_OF_KEY]:
        called: dict[str, Any] = {"function": "is_unique", "arguments": {"columns": list(KEYS)}}
    else:
        told = {"expression": sql(law.condition, "spark"), "msg": law.doc, "columns": columns}
        called = {"function": "sql_expression", "arguments": told}
    return {
        "name": law.name,
        "criticality": criticality,
        "check": called,
        "user_metadata": {"table": table, "meaning": law.doc},
    }


def _query(wanted: list[_Check], table: str, dialect: str) -> str:
    numbered = list(enumerate(wanted, start=1))
    counts = (
        f"COUNT(CASE WHEN NOT {sql(check.law.condition, dialect)} THEN 1 END) AS broken{n}"
        for n, check in numbered
    )
    lines = (
        f"({n}, '{law.name}', '{criticality}', {text_literal(law.doc, dialect)})"
        for n, (law, criticality) in numbered
    )
    return _SQL.format(
        table=table,
        keys=", ".join(KEYS),
        rows_of_key=ROWS_OF_KEY,
        counts=",\n    ".join(counts),
        choices="\n    ".join(f"WHEN {n} THEN broken{n}" for n, _ in numbered),
        laws=",\n    ".join(lines),
    )
