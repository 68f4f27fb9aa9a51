"""Events as Application Insights holds them, and how rows of a query are compared with rows of the engine."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

Row = Dict[str, Any]
Tables = Dict[str, Tuple[str, List[List[Any]]]]

APP_EVENTS = (
    "(TimeGenerated:datetime, Name:string, Properties:dynamic, Measurements:dynamic, ItemCount:int, "
    "SessionId:string, UserId:string, UserAuthenticatedId:string)"
)
CUSTOM_EVENTS = (
    "(timestamp:datetime, name:string, customDimensions:dynamic, customMeasurements:dynamic, itemCount:int, "
    "session_Id:string, user_Id:string, user_AuthenticatedId:string)"
)
SCHEMAS = {"AppEvents": APP_EVENTS, "customEvents": CUSTOM_EVENTS}
OWN = {"timestamp", "userId", "sessionId", "eventName"}
EPOCH = dt.datetime(1970, 1, 1)
# Sums are made in another order than in the engine, so the last digits of a float may differ.
RELATIVE = 1e-9


def tables(rows: Iterable[Mapping[str, Any]], table: str = "AppEvents") -> Tables:
    """The rows as the SDK for browsers sends them.

    In AppEvents every property is text and users are anonymous; in customEvents numbers are measurements and
    users are signed in.
    """
    made = []
    for row in rows:
        rest = {key: value for key, value in row.items() if key not in OWN}
        texts = {key: _text(value) for key, value in rest.items()}
        measured: Dict[str, Any] = {}
        user = ["", row["userId"]]
        if table == "customEvents":
            measured = {key: value for key, value in rest.items() if _is_measurement(value)}
            texts = {key: text for key, text in texts.items() if key not in measured}
            user = ["cookie", row["userId"]] if row["userId"] else ["", ""]
        else:
            user.reverse()
        time = row["timestamp"]
        made.append(
            [
                (EPOCH + dt.timedelta(microseconds=time)).isoformat() + "Z"
                if isinstance(time, int)
                else time,
                row["eventName"] or "",
                texts,
                measured,
                1,
                _key(row.get("sessionId")),
                _key(user[0]),
                _key(user[1]),
            ]
        )
    return {table: (SCHEMAS[table], made)}


def _key(value: Any) -> str:
    return "" if value is None else str(value)


def _text(value: Any) -> str:
    return "null" if value is None else str(value)


def _is_measurement(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def assert_same(actual: Sequence[Row], expected: Sequence[Row]) -> None:
    """The same rows in the same order with the same columns, floats within `RELATIVE`."""
    assert len(actual) == len(expected), f"{len(actual)} rows, expected {len(expected)}"
    problems = []
    for index, (row, wanted) in enumerate(zip(actual, expected)):
        assert list(row) == list(wanted)
        for column, value in wanted.items():
            found = _difference(row[column], value)
            if found:
                problems.append(
                    f"row {index} ({wanted.get('userId')}, {wanted['videoId']}), {column}: {found}"
                )
    assert not problems, "\n".join(problems)


def _difference(actual: Any, expected: Any) -> Optional[str]:
    if isinstance(expected, dt.datetime):
        # Seven digits of a second, of which the last is a tenth of a microsecond.
        expected = expected.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    if isinstance(expected, dict) and isinstance(actual, dict) and set(actual) == set(expected):
        found = (_difference(actual[key], expected[key]) for key in expected)
        return next((one for one in found if one), None)
    if isinstance(expected, list) and isinstance(actual, list) and len(actual) == len(expected):
        found = (_difference(one, two) for one, two in zip(actual, expected))
        return next((one for one in found if one), None)
    if _is_number(expected) and _is_number(actual):
        same = math.isclose(actual, expected, rel_tol=RELATIVE, abs_tol=RELATIVE)
    elif expected is None:
        same = actual is None or actual == ""  # KQL's text has no null
    elif isinstance(actual, str) and not isinstance(expected, bool):
        same = actual == str(expected)  # a key that was a number is text
    else:
        same = type(actual) is type(expected) and actual == expected
    return None if same else f"{actual!r}, expected {expected!r}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
