"""What names of columns say: how likely the values under a name are those of an input column."""

from __future__ import annotations

import re
from functools import lru_cache

# Of each input column the names that sources give it, as words; the likelier the earlier.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "timestamp": (
        "timestamp", "event timestamp", "event time", "time", "ts", "datetime", "date time", "event ts",
        "derived tstamp", "utc timestamp", "occurred at", "happened at", "event at", "client time",
        "client timestamp", "device time", "player time", "created", "created at", "logged at", "log time",
        "time stamp", "event date time", "when", "at", "utc", "date", "tstamp", "moment", "clock",
    ),
    "userId": (
        "user id", "uid", "user", "username", "user name", "learner id", "learner", "student id", "student",
        "viewer id", "viewer", "account id", "account name", "actor id", "actor", "who", "member id",
        "member", "person id", "person", "customer id", "customer", "subscriber id", "profile id", "userkey",
        "user key", "user pseudo id", "domain userid", "mbox", "openid", "distinct id", "anon user id",
        "participant", "participant id", "anonymous id", "anon id", "visitor id", "visitor", "client id",
        "device id", "persistent session id", "audience id", "mpid",
    ),
    "videoId": (
        "video id", "vid", "video", "media id", "media", "mediaid", "content id", "content", "asset id",
        "content asset id", "clip id", "clip", "lecture id", "lecture", "lesson id", "lesson",
        "asset", "item id", "entry id",
        "object id", "mediapackage id", "rating key", "movie id", "film", "video key", "video url",
        "video code", "module id", "resource id", "stream id", "episode id", "track id", "program id",
        "title id", "video name", "video title", "media name", "url", "page", "item",
    ),
    "sessionId": (
        "session id", "sid", "session", "view id", "viewing id", "play id", "playback id", "visit id",
        "visit", "viewing session", "media session id", "ga session id", "play session id", "player session",
        "session key", "session uuid", "watch id", "playback session id", "session token", "view",
    ),
    "eventName": (
        "event name", "event type", "event", "action", "action type", "type", "verb", "verb id",
        "notification type", "name", "kind", "what", "activity", "event action", "operation", "state",
        "player state", "event key", "code", "message", "category", "interaction", "signal",
    ),
    "currentTime": (
        "current time", "position", "playhead", "playhead position", "video position", "playback position",
        "video current time", "video time", "media time", "seconds", "offset", "play position",
        "playback time", "current position", "pos", "cursor time", "cursor", "view offset", "video offset",
        "media position", "player position", "time in video", "new time", "time to", "target position",
        "playback position ticks", "outpoint", "head", "elapsed", "progress seconds", "video seconds",
        "where", "time code", "timecode", "stream position",
    ),
    "playbackRate": (
        "playback rate", "speed", "rate", "playback speed", "play rate", "new speed", "video speed",
        "playrate", "tempo", "speed to", "new rate", "player speed",
    ),
    "seekFrom": (
        "seek from", "old time", "from", "time from", "previous time", "previous position", "seek start",
        "from position", "position before", "jump from", "old position", "start position", "inpoint",
        "before", "seek origin",
    ),
    "sequence": (
        "sequence", "seq", "event index", "sequence number", "event number", "event seq", "event no", "order",
        "event sequence", "seq no", "counter",
    ),
    "videoDuration": (
        "video duration", "duration", "length", "total length", "video length", "media duration",
        "media length", "run time ticks", "runtime", "run time", "content duration", "total time",
        "clip length", "content length", "total duration", "full length", "playtime total",
    ),
}  # fmt: skip
# What stands in a name that says something else about the same thing.
_OTHERS = {
    "timestamp": (
        "received", "sent", "stored", "server", "etl", "collector", "first", "previous", "last", "start",
        "started", "original", "offset", "upload", "ingest", "touch", "added", "viewed", "load", "position",
    ),
    "userId": ("agent", "ip", "role", "tag", "address", "type", "email", "title", "network", "country"),
    "videoId": ("duration", "position", "type", "player", "provider", "course", "quality", "time", "length"),
    "sessionId": ("number", "start", "started", "idx", "index", "count", "time"),
    "eventName": ("id", "version", "source", "vendor", "format", "time", "date", "index", "media", "object"),
    "currentTime": ("percent", "start", "old", "from", "duration", "engagement", "load", "setup", "length",
                    "join", "total", "remaining", "buffer"),
    "playbackRate": ("old", "previous", "bit", "frame", "sample", "from"),
    "seekFrom": ("new", "to", "speed", "rate", "state"),
    "sequence": ("parent",),
    "videoDuration": ("played", "watched", "engagement", "ad", "session", "buffer", "request"),
}  # fmt: skip
_TIE = 0.2
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# A name that is a word of a path, such as `…/extensions/time-to`, is called by its last part.
_TAIL = re.compile(r"[/#:]")


@lru_cache(maxsize=10_000)
def words(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case.

    >>> words("videoID_utc"), words("https://w3id.org/xapi/video/extensions/time-to")
    (('video', 'id', 'utc'), ('time', 'to'))
    """
    tail = [part for part in _TAIL.split(name) if part]
    return tuple(word.lower() for word in _WORDS.findall(tail[-1] if tail else ""))


@lru_cache(maxsize=100_000)
def likeness(names: tuple[str, ...], column: str) -> float:
    """How well the keys on the way to a value fit an input column by their words: from 0, not at all, to 1.

    >>> likeness(("context", "user_id"), "userId") > likeness(("user_agent",), "userId")
    True
    """
    last = words(names[-1])
    above = words(names[-2]) if len(names) > 1 and not names[-2].isdigit() else ()
    if len(names) > 2 and names[-2].isdigit():
        above = words(names[-3])
    best = max(_fits(last, column), 0.98 * _fits((*above, *last), column) if above else 0.0)
    if set(_OTHERS[column]) & set(last) and best < 0.99:
        best *= 0.6
    return best


def is_rather(names: tuple[str, ...], column: str) -> bool:
    """Whether the names fit this column at least as well, or nearly, as any other one."""
    return likeness(names, column) >= max(likeness(names, other) for other in SYNONYMS) - _TIE


def is_other(names: tuple[str, ...], column: str) -> bool:
    """Whether the names say something else about what a column is about, such as when an event arrived."""
    return not set(_OTHERS[column]).isdisjoint(words(names[-1]))


@lru_cache(maxsize=100_000)
def _fits(found: tuple[str, ...], column: str) -> float:
    joined = "".join(found)
    best = 0.0
    for place, synonym in enumerate(SYNONYMS[column]):
        rank = 1 - 0.4 * place / len(SYNONYMS[column])
        if joined == synonym.replace(" ", ""):
            return rank
        wanted = set(synonym.split())
        if len(found) > 1 and wanted <= set(found) and len(found) <= len(wanted) + 2:
            best = max(best, 0.6 * rank)
    return best
