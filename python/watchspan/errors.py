"""What can go wrong, by family; and what seems to.

Every class can be pickled, so it survives the way back from a Spark task.
"""

from __future__ import annotations


class WatchspanError(ValueError):
    """Base of every error that watchspan raises on purpose.

    The message says what was found and what to do.
    """


class ColumnError(WatchspanError):
    """The columns of a table do not fit."""


class MissingColumnError(ColumnError):
    """A needed column is not there; the message lists what is, and how to map it."""


class ColumnTypeError(ColumnError):
    """A column has a type that cannot be read as what it stands for."""


class OptionError(WatchspanError):
    """An option has a value that is not accepted; the message names option, value and what is accepted."""


class VocabularyError(OptionError):
    """A vocabulary preset does not exist, or a mapping names a kind that does not exist."""


class DataError(WatchspanError):
    """The rows of a table contradict each other, such as two durations for one video."""


class SourceError(WatchspanError):
    """The input cannot be read: a missing path, an unknown file format, an object without Arrow."""


class WatchspanWarning(UserWarning):
    """Something that was asked for can be done, but hardly as meant: most events are dropped, for one."""


class MissingDependencyError(WatchspanError, ImportError):
    """An optional dependency is not installed; the message names the extra to install."""


class InternalError(WatchspanError):
    """A fault in watchspan itself: please report it."""
