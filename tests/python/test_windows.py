"""Windows of time as callers give them."""

from datetime import date, datetime, timedelta, timezone

import pytest

from watchspan.errors import OptionError
from watchspan.refresh.protocol import Window
from watchspan.refresh.windows import micros, window

NEW_YEAR = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
HOUR = 3_600_000_000


@pytest.mark.parametrize(
    "same",
    [
        "2026-01-01",
        " 2026-01-01 ",
        "2026-01-01T00:00",
        "2026-01-01 00:00:00",
        "2026-01-01T00:00:00Z",
        "2026-01-01t00:00:00.000000000z",
        "2026-01-01T05:30:00+05:30",
        "2025-12-31 23:00:00.0 -01:00",
        date(2026, 1, 1),
        datetime(2026, 1, 1),
        datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_one_instant_in_many_words(same: object) -> None:
    assert micros("start", same) == NEW_YEAR


def test_fractions_are_kept_to_the_microsecond() -> None:
    assert micros("end", "2026-01-01T00:00:00.5Z") == NEW_YEAR + 500_000
    assert micros("end", "2026-01-01T00:00:00.1234567Z") == NEW_YEAR + 123_456
    assert micros("end", "1969-12-31T23:59:59.999999Z") == -1


def test_no_bound_is_none() -> None:
    assert window() == Window(None, None, None)
    assert window(end="2026-01-01", changed_by="arrived") == Window(None, NEW_YEAR, "arrived")


@pytest.mark.parametrize(
    "value",
    ["yesterday", "2026-13-01", "2026-01-32", "2026-01-01T25:00", "15.01.2026", "", 20260101, True],
)
def test_what_is_no_instant_is_named(value: object) -> None:
    with pytest.raises(OptionError, match=r"start is .*, but a date or timestamp such as") as caught:
        window(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("end", ["2026-01-01", "2025-12-31", date(2026, 1, 1), "2026-01-01T01:00+01:00"])
def test_an_empty_window_is_refused(end: object) -> None:
    with pytest.raises(OptionError, match=r"The window from 2026-01-01 to .* is empty"):
        window("2026-01-01", end)


@pytest.mark.parametrize("name", ["", 3])
def test_a_column_needs_a_name(name: object) -> None:
    with pytest.raises(OptionError, match="changed_by is"):
        window(changed_by=name)
