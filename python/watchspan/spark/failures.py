"""What Spark, Delta and the JVM say of what they cannot do, as one sentence and what to do."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable, TypeVar, cast

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.sql import utils

from watchspan import errors
from watchspan.errors import DataError, OptionError, SourceError, WatchspanError
from watchspan.refresh import TORN
from watchspan.spark.names import literal

_Call = TypeVar("_Call", bound=Callable[..., Any])


def _raw() -> tuple[type[BaseException], ...]:
    """What may come from Spark, whose versions have families of their own."""
    found: list[type[BaseException]] = [Py4JError, pa.ArrowException, OSError, OverflowError, RecursionError]
    try:
        from pyspark.errors import PySparkException

        found.append(PySparkException)
    except ImportError:  # Spark 3.3
        found.append(utils.CapturedException)
    return (*found, UnicodeError)


_RAW = _raw()
# An error of the core's in a task: Spark repeats the whole traceback, whose last line it is.
_IN_A_TASK = re.compile(r"watchspan\.errors\.(\w+): (.+)")
_REFUSED = re.compile(
    r"DELTA_NOT_NULL_CONSTRAINT|DELTA_VIOLATE_CONSTRAINT|NOT NULL constraint|CHECK constraint", re.I
)
_EXCEPTION = re.compile(r"^(?:: )?(?:[\w$]+\.)+\w+(?:Exception|Error): ")
# How much is repeated of what Spark says: it may repeat what it has read.
_LENGTH = 600


def told(call: _Call) -> _Call:
    """A function whose errors are watchspan's, whatever Spark raises."""

    @functools.wraps(call)
    def telling(*args: Any, **kwargs: Any) -> Any:
        with translated():
            return call(*args, **kwargs)

    return cast(_Call, telling)


def told_by(call: _Call) -> _Call:
    """The same of a method of the aggregator, to which the names of its tables are nothing but names."""

    @functools.wraps(call)
    def telling(self: Any, *args: Any, **kwargs: Any) -> Any:
        tables = (self.input_table, self.output_table, self.video_metadata_table)
        with translated(), literal(self.spark, *tables):
            return call(self, *args, **kwargs)

    return cast(_Call, telling)


@contextmanager
def translated() -> Iterator[None]:
    """Turns what Spark and the libraries below it raise into errors of watchspan."""
    try:
        yield
    except WatchspanError:
        raise
    except _RAW as error:
        raise _sentence(error) from error


def _sentence(error: BaseException) -> WatchspanError:
    text = str(error)
    ours = _IN_A_TASK.findall(text)
    if ours:
        name, message = ours[-1]
        kind = getattr(errors, name, WatchspanError)
        return cast(WatchspanError, kind(message.strip()))
    said = shown(error)
    if isinstance(error, OverflowError):
        return OptionError(f"A number among the options is too large ({said}): give a smaller one.")
    if _REFUSED.search(text):
        return DataError(
            f"A table refuses the rows that watchspan writes ({said}). A column that must not be null, or a "
            "constraint, was added to it: drop that, or give the column a default."
        )
    return SourceError(f"Spark cannot read or write the tables: {said.rstrip('.')}. {TORN}")


def shown(error: BaseException) -> str:
    """What Spark says, on one line, without the traces of the JVM."""
    java = getattr(error, "java_exception", None)
    text = str(error) if java is None else str(java.toString())
    lines = [
        line.strip()
        for line in re.split(r"\n\s*(?:at |JVM stacktrace|== SQL|'?\w+ .*plan)", text)[0].splitlines()
    ]
    line = _EXCEPTION.sub("", " ".join(filter(None, lines))) or type(error).__name__
    return line if len(line) <= _LENGTH else line[:_LENGTH] + "..."
