"""What is told of kept tables that cannot be read or written, whichever engine they are kept with."""

from __future__ import annotations

import re

from watchspan.errors import DataError, OptionError, SourceError, WatchspanError

# What to do if tables are torn, whoever says so.
TORN = (
    "If files of it are gone or torn, restore them from a copy. Without one, move the folder of TABLE or of "
    "TABLE_pending away, and the next run makes it again; if it is TABLE_sessions, move all three away, and "
    "update over all dates once."
)
# What Delta, Spark and DuckDB say of rows that a table does not take.
_REFUSED = re.compile(
    r"DELTA_(NOT_NULL|VIOLATE)_CONSTRAINT|NOT NULL constraint|CHECK constraint|Constraint Error|"
    r"\d+ rows failed validation check|null values? in column",
    re.IGNORECASE,
)
# How much is repeated of what a library says: it may repeat what it has read.
_LENGTH = 600


def shortened(said: str, error: BaseException) -> str:
    """What an error says, as a part of a sentence, and cut off where it is too long for one.

    Args:
        said: What `error` says, on one line; if it is empty, the name of the error's class is what comes out.
        error: The error.
    """
    said = said or type(error).__name__
    return said if len(said) <= _LENGTH else f"{said[:_LENGTH]}..."


def told_of(error: BaseException, said: str, subject: str, advice: str = TORN) -> WatchspanError:
    """The error to raise, with a sentence of what a library could not do.

    Args:
        error: What the library raised.
        said: What `error` says, on one line.
        subject: How the sentence begins, such as "The table of events cannot be read".
        advice: How the message ends if nothing better is known: what to do.
    """
    if isinstance(error, OverflowError):
        return OptionError(f"A number among the options is too large ({said}): give a smaller one.")
    if _REFUSED.search(str(error)):
        return DataError(
            f"{subject}: a table refuses the rows that watchspan writes ({said}). A column that must not be "
            "null, or a constraint, was added to it: drop that, or give the column a default."
        )
    return SourceError(f"{subject}: {said.rstrip('.')}. {advice}")
