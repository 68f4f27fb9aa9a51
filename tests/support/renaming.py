"""Samples of presets as somebody else would have sent them: other names, other units, other files."""

from __future__ import annotations

import csv
import json
import random
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from watchspan import _core
from watchspan.columns import EVENTS

POOL = {
    "timestamp": ["ts", "at", "event_time", "occurredAt", "when", "client_time", "EventTimestamp", "time"],
    "userId": ["uid", "who", "learner", "viewer_id", "userName", "account_id", "STUDENT_ID", "member_id",
               "user"],
    "videoId": ["vid", "clip", "media_id", "asset_id", "contentId", "lecture_id", "video_key", "lesson",
                "VIDEO"],
    "sessionId": ["sid", "view_id", "play_session_id", "visit", "sessionKey", "session_uuid", "SESSION"],
    "eventName": ["action", "what", "event_type", "verb", "eventAction", "kind", "event"],
    "currentTime": ["pos", "playhead", "position", "playback_position", "cursor", "video_time",
                    "videoPosition"],
    "playbackRate": ["speed", "rate", "playSpeed", "playback_rate", "video_speed"],
    "seekFrom": ["from", "old_position", "seek_from", "previousPosition", "jump_from"],
    "videoDuration": ["length", "duration", "video_length", "runtime", "totalLength", "media_duration"],
    "sequence": ["seq", "event_no", "eventSequence"],
}  # fmt: skip
# Where values alone must tell what a column is.
EXOTIC = ("timestamp", "eventName", "currentTime", "playbackRate", "videoDuration")
POSITIONS = ("currentTime", "seekFrom", "videoDuration")
_SCALE = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9, "ticks": 10**7}


def spec_of(preset: str) -> dict[str, Any]:
    """What the core knows of a preset."""
    return next(spec for spec in _core.preset_specs() if spec["name"] == preset)


def flat(path: Path, preset: str) -> list[dict[str, Any]]:
    """The records of a raw sample with one text for each column, under its default name."""
    lines = b"\n".join(line for line in path.read_bytes().splitlines() if line.strip()) + b"\n"
    columns = spec_of(preset)["columns"]
    found = {}
    for column, place in columns.items():
        if place["paths"]:
            batch = _core.json_lines(lines, list(dict.fromkeys(place["paths"])))
            parts = [part.to_pylist() for part in batch.columns[:-1]]
            nothing = {None, *place["missing"]}
            found[column] = [next((v for v in row if v not in nothing), None) for row in zip(*parts)]
    return [dict(zip(found, row)) for row in zip(*found.values())]


def others(path: Path, preset: str, rng: random.Random, taken: set[str]) -> list[dict[str, Any]]:
    """What else the records hold on top, under its own names: a part of it."""
    places = [path for place in spec_of(preset)["columns"].values() for path in place["paths"]]
    own = {_core.path_steps(path)[0][1] for path in places} | set(EVENTS)
    records = []
    for line in path.read_bytes().splitlines():
        try:
            record = json.loads(line[line.find(b"{") :])
        except ValueError:
            record = {}
        records.append(record)
    names = sorted({name for record in records for name in record})
    kept = {name for name in names if rng.random() < 0.7 and name.lower() not in taken and name not in own}
    plain = (str, int, float, bool)
    return [
        {
            name: value
            for name, value in record.items()
            # What says the position or the length once more would be right too, but for its precision.
            if name in kept and isinstance(value, plain) and not re.match(r"\d\d:\d\d:\d\d", str(value))
        }
        for record in records
    ]


def exotic(rng: random.Random, taken: set[str]) -> str:
    """A name that says nothing."""
    while True:
        name = "".join(rng.choice("bcdfgkqwxz") for _ in range(3)) + str(rng.randrange(10, 99))
        if name not in taken:
            return name


def number(text: Any) -> float | None:
    """A number, or None of text that is none."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def instant(text: str, unit: str | None) -> datetime | None:
    """The instant that a text, or a number of a unit, says."""
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    if unit:
        value = number(text)
        return None if value is None else epoch + timedelta(microseconds=value * 10**6 / _SCALE[unit])
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?", text or "")
    if not found:
        return None
    day, clock, fraction, zone = found.groups()
    zone = "+00:00" if zone in (None, "Z") else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0').ljust(6, '0')[:6]}{zone}")


def reunite_timestamps(records: list[dict[str, Any]], rng: random.Random, unit: str | None) -> str:
    """Writes instants otherwise; says how."""
    instants = [instant(record.get("timestamp"), unit) for record in records]
    whole = [found for found in instants if found]
    fine = any(found.microsecond % 1000 for found in whole)
    seconds = all(found.microsecond == 0 for found in whole)
    ways = ["us", "text", "sql"] + ([] if fine else ["ms"]) + (["s"] if seconds else [])
    way = rng.choice(ways)
    for record, found in zip(records, instants):
        if found is None:
            record["timestamp"] = None if way not in ("text", "sql") else record.get("timestamp")
        elif way in _SCALE:
            micros = (found - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
            record["timestamp"] = micros * _SCALE[way] // 10**6
        elif way == "text":
            record["timestamp"] = found.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
        else:
            record["timestamp"] = f"{found.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S.%f}"
    return way


def reunite_positions(records: list[dict[str, Any]], rng: random.Random, units: dict[str, str]) -> str:
    """Counts positions and lengths in another unit; says which. What is written as text stays."""
    values = [record.get(name) for record in records for name in POSITIONS]
    if not all(value is None or value == "" or number(value) is not None for value in values):
        return "as written"
    way = rng.choice(["s", "ms", "us", "ticks"])
    for record in records:
        for name in POSITIONS:
            value = number(record.get(name))
            if value is not None:
                scaled = value * _SCALE[way] / _SCALE[units[name]]
                record[name] = scaled if way == "s" else round(scaled)
            elif name in record:
                record[name] = None
    return way


def _says_time(value: Any) -> bool:
    return bool(re.match(r"\d{4}-\d\d-\d\d[T ]|1[67]\d{8}", str(value)))


def renamed(path: Path, preset: str, seed: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The records of a raw sample, flat, under other names and in other units; and what was done."""
    rng = random.Random(f"{preset} {seed}")
    records, spec = flat(path, preset), spec_of(preset)["columns"]
    units = {name: (spec[name]["unit"] if name in spec else None) or "s" for name in POSITIONS}
    done = {"timestamp": reunite_timestamps(records, rng, spec["timestamp"]["unit"])}
    done["positions"] = reunite_positions(records, rng, units)
    # A name that the preset has for another column would be taken for that one, and rightly.
    taken = {path.lower() for place in spec.values() for path in place["paths"]}
    names = {}
    for column in records[0]:
        wild = column in EXOTIC and rng.random() < 0.4
        pool = [name for name in POOL[column] if name.lower() not in taken]
        names[column] = exotic(rng, taken) if wild else rng.choice(pool)
        taken.add(names[column].lower())
    extra = others(path, preset, rng, taken)
    if names["timestamp"] not in POOL["timestamp"]:  # another column of instants that says its name would win
        extra = [{name: value for name, value in more.items() if not _says_time(value)} for more in extra]
    order = [*names.values()]
    rng.shuffle(order)
    made = [
        {**more, **{names[column]: record[column] for column in names}}
        for more, record in zip(extra, records)
    ]
    return made, {**done, **names}


def written(records: list[dict[str, Any]], folder: Path, form: str) -> Path:
    """The records as a file of that form."""
    path = folder / f"events.{form}"
    names = list(dict.fromkeys(name for record in records for name in record))
    if form == "jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    elif form == "csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(records)
    else:
        columns = {}
        for name in names:
            values = [record.get(name) for record in records]
            try:
                columns[name] = pa.array(values)
            except pa.ArrowException:
                columns[name] = pa.array([None if value is None else str(value) for value in values])
        pq.write_table(pa.table(columns), path)
    return path
