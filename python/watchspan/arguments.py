"""Arguments as callers give them, checked, and as the core takes them."""

from __future__ import annotations

import contextlib
import math
import operator
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from watchspan.columns import PARTS, Column, Columns, Place, core_place
from watchspan.errors import OptionError, VocabularyError
from watchspan.instants import Instant, micros, parsed
from watchspan.rules import Rules, Scoring
from watchspan.text import is_unicode, shown


def thread_count(threads: int | None) -> int | None:
    """The number of threads as the core takes it: None means all cores, but one inside a Spark task.

    Raises:
        OptionError: If it is not an integer of at least 1.
    """
    if threads is None:
        return 1 if _in_spark_task() else None
    return whole_number("threads", threads, "None or an integer of at least 1")


# A share of the machine for events: what else is in memory, and the result, need room too.
_SHARE_OF_MACHINE = 4
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS.update({"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40})
# What the core can count to.
_MOST = 2**63 - 1


def memory_argument(limit: int | str | None) -> int | None:
    """The bound on memory in bytes. None stands for a quarter of the machine's, and for no bound if unknown.

    Raises:
        OptionError: If it is neither a number of bytes nor text such as `2GB`.
    """
    accepted = 'None, a number of bytes from 1, or text such as "2GB" or "512MiB"'
    if limit is None:
        machine = machine_memory()
        return None if machine is None else machine // _SHARE_OF_MACHINE
    if not isinstance(limit, str):
        return whole_number("memory_limit", limit, accepted, most=_MOST)
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", limit)
    unit = _UNITS.get(found[2].upper()) if found else None
    size = float(found[1]) * unit if found and unit else 0
    if not 1 <= size <= _MOST:
        raise OptionError(f"memory_limit is {shown(limit)}, but {accepted} is needed.")
    return int(size)


def machine_memory() -> int | None:
    """How much memory the machine, or the container that this runs in, has in bytes; None if nobody knows."""
    known = []
    with contextlib.suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit: "max"
            known.append(int(Path(place).read_text(encoding="ascii")))
    return min(known) if known else None


def whole_number(option: str, value: Any, accepted: str, least: int = 1, most: int = _MOST) -> int:
    """The value as an int.

    Raises:
        OptionError: If it is not an integer, less than `least` or more than `most`.
    """
    try:
        number = operator.index(value)
    except (TypeError, OverflowError):
        number = least - 1
    if isinstance(value, bool) or not least <= number <= most:
        limit = f" (and of at most {most})" if number > most else ""
        raise OptionError(f"{option} is {shown(value)}, but {accepted}{limit} is needed.")
    return number


def text_argument(option: str, text: str) -> str:
    """The text as it is.

    Raises:
        OptionError: If it holds what is no character, as a file's name that is not UTF-8 does.
    """
    if is_unicode(text):
        return text
    raise OptionError(f"{option} is {shown(text)}, which is not Unicode text: write it in UTF-8.")


def instant_argument(option: str, value: Instant) -> int | None:
    """The microseconds from 1970 UTC to an instant; None if `value` is None.

    Args:
        option: What the argument is called.
        value: A date, which is its midnight, a datetime, or ISO 8601 text of one; without an offset in UTC.

    Raises:
        OptionError: If `value` is something else, or names a day or a time that does not exist.

    >>> instant_argument("start", "1970-01-01T01:00:00.5+01:00")
    500000
    """
    if value is None:
        return None
    try:
        return operator.index(micros(_instant(value)))  # pandas' NaT is a datetime that gives NaN
    except (TypeError, ValueError) as error:
        accepted = "'2026-01-15' or '2026-01-15T10:00:00Z' (UTC unless it has an offset)"
        raise OptionError(
            f"{option} is {shown(value)}, but a date or timestamp such as {accepted} is needed."
        ) from error


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, str):
        return parsed(value)
    raise TypeError("no instant")


def column_mapping(columns: Mapping[str, Place] | None) -> Columns | None:
    """The argument `columns` as the core takes it.

    Raises:
        OptionError: If it is not a mapping of names to places.
    """
    if columns is None:
        return None
    if not isinstance(columns, Mapping):
        raise OptionError(f"columns is {shown(columns)}, but {_MAPPING}.")
    return {_name_of(name, place): _core_place(name, place) for name, place in columns.items()}


def column_names(columns: Mapping[str, Place] | None) -> dict[str, str | None] | None:
    """The argument `columns` where only names can be read, not paths into nested values.

    Raises:
        OptionError: If it is not a mapping of names to names.
    """
    mapping = column_mapping(columns)
    if mapping is None:
        return None
    for name, place in mapping.items():
        if not isinstance(place, (str, type(None))):
            raise OptionError(
                f"columns maps {shown(name)} to {shown((columns or {})[name])}, but only the name of a "
                "column can be read here: give the table such a column first."
            )
    return dict(mapping)


_MAPPING = "a mapping from default column names to the names or paths in your table (or None) is needed"


def _name_of(name: Any, place: Any) -> str:
    if not isinstance(name, str):
        raise OptionError(f"columns maps {shown(name)} to {shown(place)}, but {_MAPPING}.")
    return text_argument("columns", name)


def _core_place(name: str, place: Any) -> Any:
    if place is None or isinstance(place, str):
        return None if place is None else text_argument("columns", place)
    paths = place.paths if isinstance(place, Column) else place
    if not isinstance(paths, Sequence) or (not paths and not isinstance(place, Column)):
        raise OptionError(f"columns maps {shown(name)} to {shown(place)}, but {_MAPPING}.")
    texts = [*paths, *place.missing] if isinstance(place, Column) else paths
    for text in texts:
        if not isinstance(text, str):
            raise OptionError(f"columns maps {shown(name)} to {shown(place)}, but {_MAPPING}.")
        text_argument("columns", text)
    if not isinstance(place, Column):
        return list(paths)
    for text in (place.unit, place.timezone, place.value):
        if text is not None:
            text_argument("columns", text)
    return core_place(*paths, **{part: getattr(place, part) for part in PARTS})


def vocabulary_argument(vocabulary: str | Mapping[str, str] | None) -> str | dict[str, str] | None:
    """The argument `vocabulary` as the core takes it.

    Raises:
        VocabularyError: If it is neither a name nor a mapping of text to text.
    """
    if vocabulary is None or isinstance(vocabulary, str):
        return None if vocabulary is None else text_argument("vocabulary", vocabulary)
    accepted = "the name of a preset, or a mapping from event names to kinds, is needed"
    if not isinstance(vocabulary, Mapping):
        raise VocabularyError(f"vocabulary is {shown(vocabulary)}, but {accepted}.")
    for name, kind in vocabulary.items():
        if not isinstance(name, str) or not isinstance(kind, str):
            raise VocabularyError(f"vocabulary maps {shown(name)} to {shown(kind)}, but {accepted}.")
        text_argument("vocabulary", name + kind)
    return dict(vocabulary)


def rules_argument(rules: Rules | None) -> Rules:
    """The rules, or the default ones.

    Raises:
        OptionError: If they are something else.
    """
    if rules is None or isinstance(rules, Rules):
        return rules or Rules()
    raise OptionError(f"rules is {shown(rules)}, but a watchspan.Rules is needed.")


def scoring_argument(scoring: Scoring | None) -> Scoring:
    """The scoring, or the default one.

    Raises:
        OptionError: If it is something else.
    """
    if scoring is None or isinstance(scoring, Scoring):
        return scoring or Scoring()
    raise OptionError(f"scoring is {shown(scoring)}, but a watchspan.Scoring is needed.")


def switch_argument(option: str, value: Any) -> bool:
    """The value of an option that is on or off.

    Raises:
        OptionError: If it is not a bool.
    """
    if isinstance(value, bool):
        return value
    raise OptionError(f"{option} is {shown(value)}, but True or False is needed.")


def buckets_argument(buckets: int, bucket_seconds: float | None) -> tuple[int | None, float | None]:
    """How to cut videos into buckets, as the core takes it: a number of them, or else how long each is.

    Raises:
        OptionError: If either is not a number above 0.
    """
    count = whole_number("buckets", buckets, "an integer of at least 1")
    if bucket_seconds is None:
        return count, None
    try:
        seconds = float(bucket_seconds)
    except (TypeError, ValueError, OverflowError):
        seconds = 0.0
    if isinstance(bucket_seconds, (bool, str)) or not 0 < seconds < float("inf"):
        accepted = "None or a finite number above 0"
        raise OptionError(f"bucket_seconds is {shown(bucket_seconds)}, but {accepted} is needed.")
    return None, seconds


def number_argument(option: str, value: Any, accepted: str, least: float = 0.0) -> float:
    """The value as a float.

    Raises:
        OptionError: If it is not a finite number, or less than `least`.
    """
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, (bool, str, bytes)) or not least <= number < math.inf:
        raise OptionError(f"{option} is {shown(value)}, but {accepted} is needed.")
    return number


def choice_argument(option: str, value: Any, choices: Sequence[str]) -> str:
    """The value, which is one of a few words.

    Raises:
        OptionError: If it is another.
    """
    if isinstance(value, str) and value in choices:
        return value
    accepted = " or ".join(f'"{choice}"' for choice in choices)
    raise OptionError(f"{option} is {shown(value)}, but {accepted} is needed.")


def timezone_argument(option: str, value: Any) -> ZoneInfo:
    """The time zone of that name.

    Raises:
        OptionError: If there is none, or none that this machine knows.
    """
    try:
        if isinstance(value, str):
            return ZoneInfo(value)
    except (OSError, ValueError, KeyError):  # a folder of zones; no name of one; a zone that is not there
        pass
    raise OptionError(
        f'{option} is {shown(value)}, but the name of a time zone such as "UTC" or "Europe/Berlin" is '
        "needed. Where a machine has no time zones, as Windows, the package tzdata brings them."
    )


def _in_spark_task() -> bool:
    # Spark fills the cores with tasks already. Whoever runs inside a task has imported pyspark.
    context = getattr(sys.modules.get("pyspark"), "TaskContext", None)
    return context is not None and context.get() is not None
