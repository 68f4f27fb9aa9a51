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
from watchspan.errors import WatchspanError
from watchspan.refresh import shortened, told_of

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
# An error of ours in a task: Spark repeats the whole traceback, whose last line it is, or adds a code.
_IN_A_TASK = re.compile(r"watchspan\.errors\.(\w+): (.+?)(?: SQLSTATE: \w+)?$", re.MULTILINE)
_EXCEPTION = re.compile(r"^(?:: )?(?:[\w$]+\.)+\w+(?:Exception|Error): ")


def told(call: _Call) -> _Call:
    """A function whose errors are watchspan's, whatever Spark raises."""

    @functools.wraps(call)
    def telling(*args: Any, **kwargs: Any) -> Any:
        with translated():
            return call(*args, **kwargs)

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
    ours = _IN_A_TASK.findall(str(error))
    if ours:
        name, message = ours[-1]
        kind = getattr(errors, name, WatchspanError)
        if not isinstance(kind, type) or not issubclass(kind, WatchspanError):
            kind = WatchspanError
        return kind(message.strip())
    return told_of(error, shown(error), "Spark cannot read or write the tables")


def shown(error: BaseException) -> str:
    """What Spark says, on one line, without the traces of the JVM."""
    java = getattr(error, "java_exception", None)
    text = str(error) if java is None else str(java.toString())
    lines = [
        line.strip()
        for line in re.split(r"\n\s*(?:at |JVM stacktrace|== SQL|'?\w+ .*plan)", text)[0].splitlines()
    ]
    return shortened(_EXCEPTION.sub("", " ".join(filter(None, lines))), error)
