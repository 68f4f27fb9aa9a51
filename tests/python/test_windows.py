"""Windows of time as callers give them."""

from datetime import date

import pytest

from watchspan.errors import OptionError
from watchspan.refresh.protocol import Window
from watchspan.refresh.windows import window

NEW_YEAR = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


def test_no_bound_is_none() -> None:
    assert window() == Window(None, None, None)
    assert window(end="2026-01-01", changed_by="arrived") == Window(None, NEW_YEAR, "arrived")


def test_what_is_no_instant_is_named() -> None:
    with pytest.raises(OptionError, match=r"end is 'yesterday', but a date or timestamp such as"):
        window("2026-01-01", "yesterday")


@pytest.mark.parametrize("end", ["2026-01-01", "2025-12-31", date(2026, 1, 1), "2026-01-01T01:00+01:00"])
def test_an_empty_window_is_refused(end: object) -> None:
    with pytest.raises(OptionError, match=r"The window from 2026-01-01 to .* is empty"):
        window("2026-01-01", end)


@pytest.mark.parametrize("name", ["", 3])
def test_a_column_needs_a_name(name: object) -> None:
    with pytest.raises(OptionError, match="changed_by is"):
        window(changed_by=name)
