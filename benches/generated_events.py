"""Events for benchmarks, made much faster than the package's sample and alike in what they hold.

Viewers pause, seek, drag, watch to the end, leave without a word and come back; trackers send again, and now
and then rubbish. User ids are 12 hexadecimal digits, session ids 36 characters, and a user and a video have
about 7 events together. Only the columns that every player has are there. What is generated depends on the
number of rows alone.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

EVENTS_SCHEMA = pa.schema(
    [
        ("timestamp", pa.timestamp("us", "UTC")),
        ("userId", pa.string()),
        ("videoId", pa.string()),
        ("sessionId", pa.string()),
        ("eventName", pa.string()),
        ("currentTime", pa.float64()),
    ]
)
KEYS = ("userId", "videoId", "sessionId")
BLOCK_ROWS = 1_000_000
VIDEOS = 200
# Every twentieth video has no duration: half of these are listed without one, half are not listed.
_LACKING = 20

_NAMES = (
    "video_play",
    "video_resume",
    "video_pause",
    "video_ended",
    "video_seek",
    "video_seek_start",
    "video_close",
    "video_quality_change",
)
_PLAY, _RESUME, _PAUSE, _END, _SEEK, _DRAG, _CLOSE, _UNKNOWN = range(len(_NAMES))
_MONTH_START = 1_767_225_600  # 2026-01-01 UTC
_MONTH_SECONDS = 30 * 86_400
# Measured: so many rows come of a viewing, and so many users give 7 events per user and video.
_ROWS_PER_VIEWING = 5.0
_ROWS_PER_USER = 120
_MOST_STEPS = 60


def lengths() -> np.ndarray:
    """How long each video is, in seconds."""
    return 60.0 + np.floor(1800 * np.random.default_rng(1).random(VIDEOS) ** 2)


def video_ids() -> list[str]:
    """The videos' ids, of 10 characters."""
    return [f"video-{number:04}" for number in range(VIDEOS)]


def titles() -> list[str]:
    """The videos' titles."""
    return [f"Lesson {number}" for number in range(VIDEOS)]


def videos() -> pa.Table:
    """The catalogue: most durations are there, as in most catalogues."""
    listed = [number for number in range(VIDEOS) if number % _LACKING != 7 or number % (2 * _LACKING) != 7]
    known = lengths()
    return pa.table(
        {
            "videoId": [video_ids()[number] for number in listed],
            "duration": [None if number % _LACKING == 7 else float(known[number]) for number in listed],
            "title": [titles()[number] for number in listed],
        },
        schema=pa.schema([("videoId", pa.string()), ("duration", pa.float64()), ("title", pa.string())]),
    )


def kept(folder: Path, rows: int) -> tuple[Path, Path]:
    """Where `rows` events and the videos are, in `folder`: made unless an earlier run left them there."""
    events, about = folder / f"events-{rows}", folder / "videos.parquet"
    if not events.exists():
        unfinished = folder / f"events-{rows}-unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_events(unfinished, rows)
        unfinished.rename(events)
    pq.write_table(videos(), about)
    return events, about


def write_events(folder: Path, rows: int) -> None:
    """Writes the events in the order in which a collector would have received them, a file per million."""
    folder.mkdir(parents=True)
    blocks = -(-rows // BLOCK_ROWS)
    for block in range(blocks):
        size = min(BLOCK_ROWS, rows - block * BLOCK_ROWS)
        table = _block(block, blocks, size, max(2, rows // _ROWS_PER_USER))
        # Small row groups, so that two tasks can share one file.
        pq.write_table(table, folder / f"events-{block:04}.parquet", row_group_size=1 << 17)


def coded(events: pa.Table) -> pa.Table:
    """The same events with keys that are codes of one dictionary each."""
    for name in KEYS:
        codes = events[name].combine_chunks().dictionary_encode()
        events = events.set_column(events.column_names.index(name), name, codes)
    return events


def _block(block: int, blocks: int, rows: int, users: int) -> pa.Table:
    """The events of one stretch of the month."""
    rng = np.random.default_rng([7, block])
    span = _MONTH_SECONDS / blocks
    # A few more than are needed: what is too much is cut off at the end, as a log is.
    viewings = _viewings(rng, int(1.1 * rows / _ROWS_PER_VIEWING) + 50, users)
    viewings["start"] = _MONTH_START + block * span + viewings["start"] * span
    which, clock, kind, position = _events(rng, viewings)
    chosen = _delivered(rng, clock)[:rows]
    which, clock, kind, position = which[chosen], clock[chosen], kind[chosen], position[chosen]
    columns = [
        pa.array((clock * 1000).astype(np.int64) * 1000, pa.timestamp("us", "UTC")),
        _texts(_user_ids(users), viewings["user"][which]),
        _texts(video_ids(), viewings["video"][which]),
        _texts(_session_ids(block, len(viewings["user"])), viewings["session"][which]),
        _texts(_NAMES, kind),
        pa.array(np.round(position, 3)),
    ]
    return pa.Table.from_arrays(_spoiled(rng, columns, len(which)), schema=EVENTS_SCHEMA)


def _viewings(rng: np.random.Generator, number: int, users: int) -> dict[str, np.ndarray]:
    """Who watches what, in which session, and when it begins (0 to 1)."""
    # The powers make some viewers keener and some videos more popular than others.
    user = (users * rng.random(number) ** 1.5).astype(np.int64)
    video = (VIDEOS * rng.random(number) ** 3).astype(np.int64) * 83 % VIDEOS
    session, start = np.arange(number), np.sort(rng.random(number))
    # Some sessions have a second video, in another tab.
    second = np.arange(1, number, 2)[rng.random(number // 2) < 0.4]
    user[second], session[second] = user[second - 1], session[second - 1]
    video[second] = (video[second] + (video[second] == video[second - 1])) % VIDEOS
    return {"user": user, "video": video, "session": session, "start": start}


def _events(
    rng: np.random.Generator, viewings: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lets all viewings go on step by step: the viewing, time, kind and position of each event."""
    length = lengths()[viewings["video"]]
    clock, position = viewings["start"].copy(), np.zeros(len(length))
    sent: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []

    def send(who: np.ndarray, kind: int) -> None:
        sent.append((who, clock[who], np.full(len(who), kind), position[who]))

    active = np.arange(len(length))
    send(active, _PLAY)
    for _ in range(_MOST_STEPS):
        _play(rng, active, clock, position, length)
        at_end = position[active] >= length[active]
        send(active[at_end], _END)
        send(_some(rng, active[at_end], 0.5), _CLOSE)
        active = active[~at_end]
        chance = rng.random(len(active))
        paused, seeking = active[chance < 0.5], active[(chance >= 0.5) & (chance < 0.86)]
        send(active[chance >= 0.93], _CLOSE)  # between 0.86 and 0.93 nothing is said
        send(paused, _PAUSE)
        paused = _some(rng, paused, 0.75)
        clock[paused] += rng.exponential(45, len(paused))
        send(paused, _RESUME)
        dragged = _some(rng, seeking, 0.15)
        send(dragged, _DRAG)
        clock[dragged] += 1 + 3 * rng.random(len(dragged))
        position[seeking] = np.clip(
            position[seeking] + 10.0 * rng.integers(-3, 7, len(seeking)), 0, length[seeking] - 1
        )
        clock[seeking] += 0.2
        send(seeking, _SEEK)
        active = np.concatenate([paused, seeking])
        if not len(active):
            break
    return tuple(np.concatenate(parts) for parts in zip(*sent))  # type: ignore[return-value]


def _play(
    rng: np.random.Generator, who: np.ndarray, clock: np.ndarray, position: np.ndarray, length: np.ndarray
) -> None:
    """Plays on, at most to the end; now and then the network stalls."""
    target = np.minimum(position[who] + rng.exponential(0.18 * length[who]), length[who])
    stall = np.where(rng.random(len(who)) < 0.02, 8 * rng.random(len(who)), 0)
    clock[who] += target - position[who] + stall
    position[who] = target


def _some(rng: np.random.Generator, who: np.ndarray, share: float) -> np.ndarray:
    return who[rng.random(len(who)) < share]


def _delivered(rng: np.random.Generator, clock: np.ndarray) -> np.ndarray:
    """The events in the order of their arrival: a few come late, a few twice."""
    number = len(clock)
    arrival = clock + 2 * rng.random(number)
    late = rng.random(number) < 0.005
    arrival[late] += 6 * 3600 * rng.random(int(late.sum()))
    again = np.flatnonzero(rng.random(number) < 0.008)
    arrival = np.concatenate([arrival, arrival[again] + 60 * rng.random(len(again))])
    return np.concatenate([np.arange(number), again])[np.argsort(arrival, kind="stable")]


def _texts(values: list[str] | tuple[str, ...], places: np.ndarray) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(places))


def _user_ids(number: int) -> list[str]:
    # An odd factor gives every user another id, and scatters keen users among the others.
    return [f"{(user + 1) * 0x9E3779B97F4A7C15 % (1 << 48):012x}" for user in range(number)]


def _session_ids(block: int, number: int) -> list[str]:
    made = np.random.default_rng([11, block]).bytes(16 * number)
    return [str(uuid.UUID(bytes=made[start : start + 16])) for start in range(0, len(made), 16)]


def _spoiled(rng: np.random.Generator, columns: list[pa.Array], rows: int) -> list[pa.Array]:
    """Now and then a tracker sends an empty user id, a name nobody knows, or a position that is none."""
    chance = rng.integers(0, 1000, rows)
    spoilt = list(columns)
    for number, (column, value) in enumerate(((1, ""), (1, None), (4, _NAMES[_UNKNOWN]), (5, -1.0))):
        hit = pa.array(chance == number)
        spoilt[column] = pc.if_else(hit, pa.scalar(value, spoilt[column].type), spoilt[column])
    return spoilt
