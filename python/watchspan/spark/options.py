"""The options of the aggregator's calls, checked."""

from __future__ import annotations

import dataclasses
from typing import Any

from watchspan import arguments
from watchspan.rules import Rules, Scoring


@dataclasses.dataclass(frozen=True)
class CallOptions:
    """What a call was given, or the aggregator was made with; None: the default.

    Attributes are the arguments of `VideoEngagementAggregator`.
    """

    columns: dict[str, str | None] | None = None
    vocabulary: str | dict[str, str] | None = None
    rules: Rules | None = None
    scoring: Scoring | None = None

    @classmethod
    def of(cls, columns: Any, vocabulary: Any, rules: Any, scoring: Any) -> CallOptions:
        """The arguments as options.

        Raises:
            OptionError: If one has a value that is not accepted.
        """
        return cls(
            arguments.column_names(columns),
            arguments.vocabulary_argument(vocabulary),
            None if rules is None else arguments.rules_argument(rules),
            None if scoring is None else arguments.scoring_argument(scoring),
        )

    def over(self, own: CallOptions) -> CallOptions:
        """These, and for what is not given those of the aggregator."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return dataclasses.replace(own, **given)


def unique_seconds(value: bool | None) -> bool | None:
    """The argument `calculate_unique_seconds` of calls that have it from the tables where it is None."""
    return None if value is None else arguments.switch_argument("calculate_unique_seconds", value)
