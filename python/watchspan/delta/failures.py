"""What deltalake, DuckDB and Arrow say of what they cannot do, as one sentence and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa
from deltalake.exceptions import DeltaError

from watchspan.errors import SourceError, WatchspanError
from watchspan.refresh import shortened, told_of

# What these libraries raise; deltalake raises bare exceptions, too.
_RAW = (DeltaError, duckdb.Error, pa.ArrowException, OSError, OverflowError, RecursionError, UnicodeError)
# Backtraces, and what draws arrows in colours on a terminal.
_BACKTRACE = re.compile(r"\n\s+\d+: <?\w.*|stack backtrace:.*", re.DOTALL)
_ARROW = re.compile(r"\s*\x1b\[[\d;]*m\S*\x1b\[[\d;]*m\s*")
_FULL = re.compile(r"Out of Memory|No space left|could not allocate|max_temp_directory_size", re.I)
# What the core says of a stream that fails, which is one of theirs.
_FROM_A_STREAM = "The input could not be read: "
_BEYOND = re.compile(r"unsupported|not (?:yet )?supported", re.I)


@contextmanager
def told(subject: str, advice: str) -> Iterator[None]:
    """Turns what the libraries raise into errors of watchspan.

    Args:
        subject: What is read or written, as a sentence begins with it.
        advice: What to do about it.
    """
    try:
        yield
    except WatchspanError as error:
        if not str(error).startswith(_FROM_A_STREAM):
            raise
        raise _sentence(subject, advice, error) from error
    except _RAW as error:
        raise _sentence(subject, advice, error) from error
    except BaseException as error:
        # A panic of Rust is no Exception, and not to be caught by its class.
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise
        raise _sentence(subject, advice, error) from error


def _sentence(subject: str, advice: str, error: BaseException) -> WatchspanError:
    said = shown(error)
    if _FULL.search(said):
        return SourceError(
            f"{subject}: there is not enough memory or room on the disk ({said}). Give it more, or "
            "set TMPDIR to a folder on a larger disk."
        )
    if _BEYOND.search(said):
        advice = "Keep the tables with Spark, which can do it, or take that feature out of the table."
    return told_of(error, said, subject, advice)


def shown(error: BaseException) -> str:
    """What a library says, on one line, without its backtrace."""
    text = _ARROW.sub(": ", _BACKTRACE.sub("", str(error)))
    return shortened(" ".join(text.split()).replace(_FROM_A_STREAM, ""), error)
