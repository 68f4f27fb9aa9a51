"""What a comparison comes to, as users read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from watchspan.text import visible

# From which p-value on nobody believes that groups of such sizes came about by chance.
MISMATCH = 0.001
# What is said of a difference, by `isSignificant`.
TOLD = {True: "differs", False: "not told apart", None: "not to be judged"}


@dataclass(frozen=True)
class SampleRatio:
    """How users are spread over the groups, beside how they were to be.

    Attributes:
        users: Group -> its users.
        shares: Group -> the share of all users that it was to have.
        p_value: How likely such sizes, or odder ones, are if users came in these shares (Pearson's test).
        is_mismatch: Whether that is below .001: users were lost or added in one group more than in another.
    """

    users: Mapping[str, int]
    shares: Mapping[str, float]
    p_value: float

    @property
    def is_mismatch(self) -> bool:
        """See the class."""
        return self.p_value < MISMATCH


@dataclass(frozen=True)
class Comparison:
    """What the groups of an experiment come to, beside the control. `print` shows it with what to mind.

    Attributes:
        table: A row for each metric and group but the control (see `docs/columns.md`).
        sample_ratio: Whether the groups have the sizes that they were to have.
        warnings: What to know before any figure is believed, the worst first.
        left_out: What does not count -> how much of it: `users_in_two_groups`, and `rows_of_others`, of users
            who are in no group or in two, in `rows` and `before`.
        confidence: That of the intervals.

    >>> import watchspan as ws
    >>> rows = ws.aggregate([])
    >>> groups = {"userId": [1, 2, 3, 4], "group": ["a", "a", "b", "b"]}
    >>> found = ws.compare(rows, groups, metrics="completionRate")
    >>> found.sample_ratio.users, len(found.warnings), found.table["pValue"].to_pylist()
    ({'a': 2, 'b': 2}, 1, [None])
    """

    table: pa.Table
    sample_ratio: SampleRatio
    warnings: tuple[str, ...]
    left_out: Mapping[str, int]
    confidence: float

    def __str__(self) -> str:
        lines = self.notes()
        wide = max(len(name) for name, _ in lines)
        texts = [f"{name:<{wide}}  {text}" for name, text in lines]
        return "\n".join([*texts, "", *_aligned(self.cells())])

    def notes(self) -> list[tuple[str, str]]:
        """What to know before the table is read, in the words of `print`: what it is about, and text."""
        ratio = self.sample_ratio
        sizes = ", ".join(f"{visible(name)} {count:,}" for name, count in ratio.users.items())
        lines = [("users", f"{sizes} ({_equal(ratio.p_value)} for the shares that were meant)")]
        left = [f"{name.replace('_', ' ')} {count:,}" for name, count in self.left_out.items() if count]
        lines += [("left out", ", ".join(left))] if left else []
        return lines + [("warning", visible(text)) for text in self.warnings]

    def cells(self) -> Iterator[tuple[str, ...]]:
        """The table as `print` has it, a tuple of text for each row, headings first."""
        yield (
            "metric", "group", "control", "value", "change", f"{self.confidence * 100:.10g}% interval",
            "adjusted p", "",
        )  # fmt: skip
        for row in self.table.to_pylist():
            yield (
                visible(row["metric"]),
                visible(row["group"]),
                _number(row["controlValue"]),
                _number(row["value"]),
                _percent(row["relative"]),
                _interval(row["relativeLow"], row["relativeHigh"]),
                _p(row["pValueAdjusted"]),
                TOLD[row["isSignificant"]],
            )


def _aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    cells = list(rows)
    widths = [max(map(len, column)) for column in zip(*cells)]
    # Names begin at the left, figures end at the right.
    return [
        "  ".join(
            f"{cell:<{wide}}" if place in (0, 1, len(row) - 1) else f"{cell:>{wide}}"
            for place, (cell, wide) in enumerate(zip(row, widths))
        ).rstrip()
        for row in cells
    ]


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"


def _percent(value: Any) -> str:
    return "-" if value is None else f"{value:+.1%}"


def _interval(low: Any, high: Any) -> str:
    return "-" if low is None or high is None else f"{low:+.1%} to {high:+.1%}"


def _equal(p: float) -> str:
    text = _p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _p(value: Any) -> str:
    return "-" if value is None else "< .001" if value < 0.001 else f"{value:.3f}"[1:] if value < 1 else "1"
