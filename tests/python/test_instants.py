"""Instants as text and as numbers: one way to read and to write them, alike in Python and in the core."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import watchspan as ws
from watchspan import instants
from watchspan.arguments import instant_argument
from watchspan.errors import OptionError

NEW_YEAR = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
FIRST = instants.micros(datetime.min)
LAST = instants.micros(datetime.max)


@pytest.mark.parametrize(
    "same",
    [
        "2026-01-01",
        " 2026-01-01 ",
        "2026-01-01T00:00",
        "2026-01-01T00",
        "2026-01-01 00:00:00",
        "2026-01-01T00:00:00Z",
        "2026-01-01t00:00:00.000000000z",
        "2026-01-01T05:30:00+05:30",
        "2026-01-01T05:30:00+0530",
        "2026-01-01T05:00:00+05",
        "2025-12-31 23:00:00.0 -01:00",
        date(2026, 1, 1),
        datetime(2026, 1, 1),
        datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_one_instant_in_many_words(same: object) -> None:
    assert instant_argument("start", same) == NEW_YEAR


def test_no_instant_is_none() -> None:
    assert instant_argument("start", None) is None


def test_fractions_are_kept_to_the_microsecond() -> None:
    assert instant_argument("end", "2026-01-01T00:00:00.5Z") == NEW_YEAR + 500_000
    assert instant_argument("end", "2026-01-01T00:00:00.1234567Z") == NEW_YEAR + 123_456
    assert instant_argument("end", "1969-12-31T23:59:59.999999Z") == -1


@pytest.mark.parametrize(
    "value",
    ["yesterday", "2026-13-01", "2026-01-32", "2026-01-01T25:00", "2026-01-01T00:00+99:99", "15.01.2026", "",
     "2026-01-15T10:00+01:", "2026-01-15T10:00.5", "2026-01-15T10:00:00.", "2026-01-01Z",
     "\u0662\u0660\u0662\u0666-01-01", 20260101, True],
)  # fmt: skip
def test_what_is_no_instant_is_named(value: object) -> None:
    with pytest.raises(OptionError, match=r"start is .*, but a date or timestamp such as") as caught:
        instant_argument("start", value)
    assert repr(value) in str(caught.value)


@given(st.integers(FIRST, LAST))
def test_what_is_written_is_read_back(micros: int) -> None:
    written = instants.text(micros)
    assert len(written) == len("2026-01-15T10:00:00.000000Z")
    assert instants.micros(instants.parsed(written)) == micros
    assert instants.text(instants.moment(micros)) == written
    assert f"{instants.clock(micros)}Z" == written


@pytest.mark.parametrize("beyond", [FIRST - 1, LAST + 1])
def test_no_text_has_a_year_of_five_digits_or_of_none(beyond: int) -> None:
    with pytest.raises(OverflowError):
        instants.text(beyond)


@pytest.mark.parametrize(
    "text", ["2026-01-15T10:00:00Z", "2026-01-15 10:00:00.1234567+02:00", "0001-01-01T00:00:00"]
)
def test_the_core_reads_and_writes_alike(text: str) -> None:
    events = {
        "timestamp": [text],
        "userId": ["a"],
        "videoId": ["v"],
        "eventName": ["play"],
        "currentTime": [0],
    }
    rows = ws.sessions(events)
    (read,) = rows["sessionStart"].cast(pa.int64()).to_pylist()
    assert instants.micros(instants.parsed(text)) == read
    assert rows["sessionId"].to_pylist() == [instants.text(read)]


def test_no_time_of_pandas_is_no_instant() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not here")
    with pytest.raises(OptionError, match=r"^as_of is NaT, but a date or timestamp"):
        instant_argument("as_of", pandas.NaT)
    assert instant_argument("as_of", pandas.Timestamp("2026-01-01")) == NEW_YEAR
