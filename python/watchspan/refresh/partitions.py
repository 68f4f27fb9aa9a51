"""The argument `partition_by`, alike for every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchspan.errors import OptionError


def partition_columns(partition_by: Any, names: Sequence[str]) -> list[str]:
    """The columns to partition a table by; none if `partition_by` is None.

    Args:
        partition_by: The name of a column, or several names.
        names: The columns of the table.

    Raises:
        OptionError: If `partition_by` names what is not in `names`, all of `names`, or one of them twice.

    >>> partition_columns("videoId", ["userId", "videoId"])
    ['videoId']
    """
    if partition_by is None:
        return []
    chosen = [partition_by] if isinstance(partition_by, str) else partition_by
    accepted = "the name of a column, or a list of some, is needed"
    if not isinstance(chosen, Sequence) or not all(isinstance(name, str) for name in chosen):
        raise OptionError(f"partition_by is {partition_by!r}, but {accepted}.")
    for name in chosen:
        if name not in names:
            raise OptionError(
                f"partition_by is {partition_by!r}, but there is no column {name!r}; there are "
                f"{', '.join(names)}."
            )
    if len(set(chosen)) < len(chosen) or len(chosen) == len(names):
        raise OptionError(f"partition_by is {partition_by!r}, but {accepted}: each once, and not all.")
    return [*chosen]
