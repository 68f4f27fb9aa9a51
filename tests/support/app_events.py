"""Events as Application Insights stores them: names and numbers of the player's are text in Properties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from watchspan import sample

SCHEMA = (
    "(TimeGenerated: datetime, Name: string, Properties: dynamic, Measurements: dynamic, SessionId: string, "
    "UserId: string, UserAuthenticatedId: string, UserAccountId: string, OperationId: string, "
    "OperationName: string, ParentId: string, AppRoleName: string, AppVersion: string, ItemCount: int, "
    "_ResourceId: string)"
)
CLASSIC = (
    "(timestamp: datetime, name: string, customDimensions: dynamic, customMeasurements: dynamic, "
    "session_Id: string, user_Id: string, user_AuthenticatedId: string, user_AccountId: string, "
    "operation_Id: string, operation_Name: string, operation_ParentId: string, cloud_RoleName: string, "
    "application_Version: string, itemCount: int, itemId: string)"
)
START, END = "2026-01-15", "2026-01-16"
# Peter's session of the worked example.
PETER = ((0, "play", 0), (30, "pause", 30), (35, "resume", 30), (125, "pause", 120), (130, "resume", 110))
PETER = (*PETER, (140, "pause", 120))


def row(
    time: str,
    name: str,
    properties: Mapping[str, Any],
    *,
    measurements: Mapping[str, Any] | None = None,
    session: str | None = "s1",
    user: str | None = "cookie",
    signed_in: str = "",
    count: int = 1,
) -> list[Any]:
    """A row of AppEvents; customEvents has the same columns in the same order, under other names."""
    rest = [session, user, signed_in, "", "op", "", "", "", "1.0", count, ""]
    return [time, name, dict(properties), dict(measurements or {}), *rest]


def rows_of() -> list[list[Any]]:
    """Peter's session, each event with an id of its own."""
    return [
        row(
            f"2026-01-15T10:{seconds // 60:02}:{seconds % 60:02}.1234567Z",
            f"video_{name}",
            {"videoId": "v1", "currentTime": str(position), "eventId": f"e{seconds}"},
            signed_in="peter",
        )
        for seconds, name, position in PETER
    ]


def sample_rows(events: pa.Table, ids: Iterable[str] | None = None) -> list[list[Any]]:
    """The generator's events, as a tracker would have sent them to Application Insights."""
    rows = []
    columns = {name: events[name].to_pylist() for name in events.column_names if name != "timestamp"}
    micros = events["timestamp"].cast(pa.timestamp("us")).to_pylist()
    names = list(ids) if ids is not None else [f"id-{number}" for number in range(events.num_rows)]
    for number, time in enumerate(micros):
        event = {name: values[number] for name, values in columns.items()}
        rows.append(_sent(time, event, names[number]))
    return rows


def _sent(time: datetime, event: dict[str, Any], identity: str) -> list[Any]:
    own = ("videoId", "currentTime", "playbackRate", "seekFrom", "sequence")
    # What a tracker does not know it sends as null, which arrives as text.
    properties = {name: "null" if event[name] is None else str(event[name]) for name in own}
    # One of the two numbers of a position goes as a measurement, as trackers do.
    measurements = {}
    if event["currentTime"] is not None and event["currentTime"] == event["currentTime"]:
        del properties["currentTime"]
        measurements["currentTime"] = event["currentTime"]
    return row(
        time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        event["eventName"] or "",
        {**properties, "eventId": identity},
        measurements=measurements,
        session=event["sessionId"],
        user=event["userId"],
    )


def month(rows: int, seed: int = 1) -> pa.Table:
    """Events of the generator, with times: an event without one is none in a log."""
    events = sample.events(rows, seed=seed)
    return events.filter(pa.compute.is_valid(events["timestamp"]))
