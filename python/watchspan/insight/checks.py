"""Whether thresholds are accepted."""

from __future__ import annotations

from typing import Any

from watchspan import arguments
from watchspan.errors import OptionError
from watchspan.insight.thresholds import THRESHOLDS
from watchspan.text import shown


def check_segments(segments: Any) -> None:
    """Looks at the values of `Segments`.

    Raises:
        OptionError: If one is not accepted.
    """
    for threshold in THRESHOLDS:
        option, value = f"Segments.{threshold.name}", getattr(segments, threshold.name)
        number = arguments.number_argument(option, value, threshold.accepted)
        if not threshold.accepts(number):
            raise OptionError(f"{option} is {shown(value)}, but {threshold.accepted} is needed.")
