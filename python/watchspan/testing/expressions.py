"""Conditions on rows, written once: computed on Arrow columns here, and spelled in the SQL of two engines.

A condition is text in the syntax of Python: names are columns; numbers and text stand for themselves; there
are comparisons, `in`, `+ - *`, `and or not`, `a if condition else b`, and the functions in `_FUNCTIONS`. As
in SQL, what is not known (null) makes a comparison unknown; a condition is broken only where it is false.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache, reduce
from typing import Any, Callable, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from watchspan.testing.laws import MOST

# The engines whose SQL can be had. Spark's is that of Databricks too.
DIALECTS = ("spark", "duckdb")


@cache
def parsed(condition: str) -> ast.expr:
    """The tree of a condition."""
    return ast.parse(condition, mode="eval").body


def columns_of(condition: str) -> list[str]:
    """The columns that a condition names, in order."""
    tree = parsed(condition)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
    return list(dict.fromkeys(node.id for node in sorted(names, key=lambda node: node.col_offset)))


def compute(condition: str, columns: Mapping[str, pa.Array]) -> pa.Array:
    """A condition on columns: true, false or null in each row.

    Args:
        condition: The condition.
        columns: Name -> values, all of one length.
    """
    found = _computed(parsed(condition), columns)
    if isinstance(found, pa.Scalar):
        count = len(next(iter(columns.values())))
        return pa.array([found.as_py()] * count, found.type)
    return found


def sql(condition: str, dialect: str) -> str:
    """A condition as the SQL of one of `DIALECTS`."""
    return _spelled(parsed(condition), dialect)


def text_literal(text: str, dialect: str) -> str:
    """Text as a literal of SQL. In Spark's a backslash escapes, and two quotes are none."""
    if dialect == "spark":
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + text.replace("'", "''") + "'"


def _each(rows: pa.Array, judge: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
    return pa.array([None if row is None else judge(row) for row in rows.to_pylist()], kind)


def _are_stretches(rows: pa.Array) -> pa.Array:
    def judge(stretches: Any) -> bool:
        return all(0 <= one["start"] < one["end"] <= MOST for one in stretches)

    return _each(rows, judge, pa.bool_())


def _are_disjoint(rows: pa.Array) -> pa.Array:
    def judge(stretches: Any) -> bool:
        return all(one["end"] < two["start"] for one, two in zip(stretches, stretches[1:]))

    return _each(rows, judge, pa.bool_())


def _are_in_order(rows: pa.Array) -> pa.Array:
    def judge(stretches: Any) -> bool:
        places = [(one["start"], one["end"]) for one in stretches]
        return places == sorted(places)

    return _each(rows, judge, pa.bool_())


def _seconds(rows: pa.Array) -> pa.Array:
    return _each(rows, lambda row: float(sum(one["end"] - one["start"] for one in row)), pa.float64())


def _seconds_until(rows: pa.Array, ends: pa.Array) -> pa.Array:
    def until(stretches: Any, end: float | None) -> float:
        cut = (one["end"] if end is None else min(one["end"], end) for one in stretches)
        return float(sum(max(0.0, until - one["start"]) for one, until in zip(stretches, cut)))

    pairs = zip(rows.to_pylist(), ends.to_pylist())
    return pa.array([None if row is None else until(row, end) for row, end in pairs], pa.float64())


def _has(rows: pa.Array, item: pa.Scalar) -> pa.Array:
    wanted = item.as_py()
    return _each(rows, lambda row: wanted in row, pa.bool_())


def _first(rows: pa.Array) -> pa.Array:
    return _each(rows, lambda row: row[0] if row else None, pa.string())


_SOUND = "0 <= x.start AND x.start < x.{end} AND x.{end} <= " + repr(MOST)


class _Operation(NamedTuple):
    """What a condition may do: how it is computed, and as what it is spelled.

    Attributes:
        compute: Takes the values of its parts.
        spark: Its SQL, with `{0}` for the first part and so on, `{all}` for all of them, `{rest}` for all but
            the first.
        duckdb: The same for DuckDB; empty if it is the same.
        joint: What stands between all parts.
    """

    compute: Callable[..., Any]
    spark: str
    duckdb: str = ""
    joint: str = ", "


_FUNCTIONS = {
    "is_null": _Operation(lambda x: x.is_null(), "({0} IS NULL)"),
    "abs": _Operation(pc.abs, "abs({0})"),
    "least": _Operation(pc.min_element_wise, "least({all})"),
    "greatest": _Operation(pc.max_element_wise, "greatest({all})"),
    "coalesce": _Operation(pc.coalesce, "coalesce({all})"),
    "size": _Operation(pc.list_value_length, "array_size({0})", "len({0})"),
    "first": _Operation(_first, "{0}[0]", "{0}[1]"),
    "has": _Operation(_has, "array_contains({all})", "list_contains({all})"),
    # Of lists of {start, end}:
    "are_stretches": _Operation(
        _are_stretches,
        f"forall({{0}}, x -> {_SOUND.format(end='`end`')})",
        f"(len(list_filter({{0}}, lambda x: NOT ({_SOUND.format(end=chr(34) + 'end' + chr(34))}))) = 0)",
    ),
    "are_disjoint": _Operation(
        _are_disjoint,
        "(array_size(filter({0}, (x, i) -> CASE WHEN i > 0 THEN x.start <= {0}[i - 1].`end` END)) = 0)",
        '(len(list_filter({0}, lambda x, i: i > 1 AND x.start <= {0}[i - 1]."end")) = 0)',
    ),
    "are_in_order": _Operation(_are_in_order, "({0} = array_sort({0}))", "({0} = list_sort({0}))"),
    "seconds": _Operation(
        _seconds,
        "aggregate({0}, 0e0, (s, x) -> s + (x.`end` - x.start))",
        "(CASE WHEN {0} IS NOT NULL THEN coalesce(list_sum(list_transform({0}, "
        'lambda x: x."end" - x.start)), 0e0) END)',
    ),
    "seconds_until": _Operation(
        _seconds_until,
        "aggregate({0}, 0e0, (s, x) -> s + greatest(0e0, least(x.`end`, {1}) - x.start))",
        "(CASE WHEN {0} IS NOT NULL THEN coalesce(list_sum(list_transform({0}, "
        'lambda x: greatest(0e0, least(x."end", {1}) - x.start))), 0e0) END)',
    ),
}
# By how Python's parser calls them.
_OPERATORS: dict[type, _Operation] = {
    ast.Eq: _Operation(pc.equal, "({0} = {1})"),
    ast.Lt: _Operation(pc.less, "({0} < {1})"),
    ast.LtE: _Operation(pc.less_equal, "({0} <= {1})"),
    ast.Gt: _Operation(pc.greater, "({0} > {1})"),
    ast.GtE: _Operation(pc.greater_equal, "({0} >= {1})"),
    ast.In: _Operation(
        lambda x, *choices: reduce(pc.or_kleene, (pc.equal(x, choice) for choice in choices)),
        "({0} IN ({rest}))",
    ),
    ast.Add: _Operation(pc.add, "({0} + {1})"),
    ast.Sub: _Operation(pc.subtract, "({0} - {1})"),
    ast.Mult: _Operation(pc.multiply, "({0} * {1})"),
    ast.USub: _Operation(pc.negate, "(-{0})"),
    ast.Not: _Operation(pc.invert, "(NOT {0})"),
    ast.And: _Operation(lambda *parts: reduce(pc.and_kleene, parts), "({all})", joint=" AND "),
    ast.Or: _Operation(lambda *parts: reduce(pc.or_kleene, parts), "({all})", joint=" OR "),
    # As in SQL, what is not known is not so.
    ast.IfExp: _Operation(
        lambda so, yes, no: pc.if_else(pc.fill_null(so, False), yes, no),
        "(CASE WHEN {0} THEN {1} ELSE {2} END)",
    ),
}


def _computed(node: ast.expr, columns: Mapping[str, pa.Array]) -> Any:
    if isinstance(node, ast.Name):
        return columns[node.id]
    if isinstance(node, ast.Constant):
        return pa.scalar(node.value)
    operation, parts = _taken_apart(node)
    return operation.compute(*(_computed(part, columns) for part in parts))


def _spelled(node: ast.expr, dialect: str) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant):
        return _literal(node.value, dialect)
    operation, nodes = _taken_apart(node)
    parts = [_spelled(part, dialect) for part in nodes]
    template = (operation.duckdb if dialect == "duckdb" else "") or operation.spark
    return template.format(*parts, all=operation.joint.join(parts), rest=", ".join(parts[1:]))


def _taken_apart(node: ast.expr) -> tuple[_Operation, list[ast.expr]]:
    """What a node does, and with which parts: of `a if condition else b` the condition first."""
    called: ast.AST = node
    parts: list[ast.expr]
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return _FUNCTIONS[node.func.id], node.args
    if isinstance(node, ast.Compare):
        (called,), (other,) = node.ops, node.comparators
        parts = [node.left, *(other.elts if isinstance(other, ast.Tuple) else [other])]
    elif isinstance(node, ast.BoolOp):
        called, parts = node.op, node.values
    elif isinstance(node, ast.BinOp):
        called, parts = node.op, [node.left, node.right]
    elif isinstance(node, ast.UnaryOp):
        called, parts = node.op, [node.operand]
    else:
        assert isinstance(node, ast.IfExp)
        parts = [node.test, node.body, node.orelse]
    return _OPERATORS[type(called)], parts


def _literal(value: Any, dialect: str) -> str:
    if isinstance(value, str):
        return text_literal(value, dialect)
    if isinstance(value, float):
        # With an exponent it is a double in both engines; without one it would be a decimal.
        text = repr(value)
        return text if "e" in text else f"{text}e0"
    return str(value)
