"""The options of the aggregator's calls, checked."""

from __future__ import annotations

import dataclasses
from typing import Any

from watchspan import arguments
from watchspan.columns import Columns
from watchspan.presets import reading
from watchspan.rules import Rules, Scoring
from watchspan.spark.flat import names_of


@dataclasses.dataclass(frozen=True)
class CallOptions:
    """What a call was given, or the aggregator was made with; None: the default.

    Attributes are the arguments of `VideoEngagementAggregator`.
    """

    columns: Columns | None = None
    vocabulary: str | dict[str, str] | None = None
    rules: Rules | None = None
    scoring: Scoring | None = None

    @classmethod
    def of(cls, columns: Any, vocabulary: Any, rules: Any, scoring: Any, preset: Any = None) -> CallOptions:
        """The arguments as options.

        Raises:
            OptionError: If one has a value that is not accepted.
        """
        how = reading(preset, columns, vocabulary, rules)
        return cls(
            how.columns,
            how.vocabulary,
            how.rules,
            None if scoring is None else arguments.scoring_argument(scoring),
        )

    @property
    def names(self) -> dict[str, str | None] | None:
        """Names in the tables, once they are flat."""
        return names_of(self.columns)

    def over(self, own: CallOptions) -> CallOptions:
        """These, and for what is not given those of the aggregator."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return dataclasses.replace(own, **given)


def unique_seconds(value: bool | None) -> bool | None:
    """The argument `calculate_unique_seconds` of calls that have it from the tables where it is None."""
    return None if value is None else arguments.switch_argument("calculate_unique_seconds", value)
