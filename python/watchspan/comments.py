"""What the columns of our tables mean, as a comment that a stored table keeps."""

from __future__ import annotations

from watchspan import _core


def comments(table: str) -> dict[str, str]:
    """The meaning and the unit of each column of a table.

    Args:
        table: Which table, as `_core.column_specs` names it.
    """
    specs = _core.column_specs(table)  # type: ignore[arg-type]
    return {spec["name"]: _comment(spec) for spec in specs}


def _comment(spec: _core.ColumnSpec) -> str:
    return f"{spec['doc']} Unit: {spec['unit']}." if spec["unit"] else spec["doc"]
