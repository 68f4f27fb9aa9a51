"""What `aggregate` would give or refuse, found out before any events are read."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from watchspan import _core, arguments
from watchspan.columns import Place
from watchspan.rules import Rules, Scoring


def aggregate_schema(
    events: pa.Schema,
    *,
    columns: Mapping[str, Place] | None = None,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    unique_seconds: bool = True,
    threads: int | None = None,
    memory_limit: int | str | None = None,
) -> pa.Schema:
    """The schema of the engagement table of events of the schema `events`. Nothing is computed.

    The other arguments are those of `watchspan.aggregate`.

    Raises:
        WatchspanError: If `watchspan.aggregate` would refuse such events, or one of the other arguments.
    """
    names = arguments.column_mapping(columns)
    _core.check_vocabulary(arguments.vocabulary_argument(vocabulary))
    arguments.rules_argument(rules)
    arguments.scoring_argument(scoring)
    arguments.switch_argument("unique_seconds", unique_seconds)
    _core.check_threads(arguments.thread_count(threads))
    arguments.memory_argument(memory_limit)
    return _core.aggregate_schema(events, names)
