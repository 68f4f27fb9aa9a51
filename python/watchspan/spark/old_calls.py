"""Calls of the old script that are called otherwise now: taken, with a warning that says how."""

from __future__ import annotations

import functools
import warnings
from typing import Any, Callable, TypeVar, cast

from pyspark.sql import DataFrame

from watchspan.errors import OptionError
from watchspan.instants import Instant
from watchspan.refresh.windows import window
from watchspan.spark import changes
from watchspan.spark.failures import translated

_Call = TypeVar("_Call", bound=Callable[..., Any])


def renamed(old: str, new: str | None, instead: str) -> Callable[[_Call], _Call]:
    """Lets a call take an argument of the old script.

    Args:
        old: What the argument was called.
        new: What it is called now; None: it has no meaning any more.
        instead: What to write.
    """

    def decorate(call: _Call) -> _Call:
        @functools.wraps(call)
        def taking(*args: Any, **kwargs: Any) -> Any:
            if old in kwargs:
                value = kwargs.pop(old)
                warn(f"{call.__name__}({old}=...) is a call of the old script: {instead}.")
                if new is not None and (new in kwargs or len(args) > 1):
                    raise OptionError(f"{new} is given twice, also as {old}: give it once.")
                if new is not None:
                    kwargs[new] = value
            return call(*args, **kwargs)

        return cast(_Call, taking)

    return decorate


class OldCalls:
    """Methods of the old script's class that have no like in the new one."""

    def load_raw_events(self, start_date: Instant = None, end_date: Instant = None) -> DataFrame:
        """The raw events of a window, under the names of their table. Warns, since nothing needs it any more.

        Args:
            start_date: As for `run_aggregation`.
            end_date: As for `run_aggregation`.
        """
        warn(
            "load_raw_events() is a call of the old script: run_aggregation(start_date, end_date) and "
            "update() read the events, and spark.table(...) shows them."
        )
        own: Any = self
        with translated():
            kept = own._kept()
            return changes.within(kept.events(own.spark), kept.options.names, window(start_date, end_date))


def warn(message: str) -> None:
    """Warns of a call of the old script, where its caller stands."""
    # One that is shown in notebooks and jobs, not only to those who test.
    warnings.warn(f"{message} See docs/migration.md.", FutureWarning, stacklevel=3)
