"""The sessions in ClickHouse: each one's events as arrays, walked by functions over neighbours.

An event is one number of 128 bits: its time, kind and position. So numbers are in the order in which events
count, one array for each session holds them, and sorting it costs next to nothing. What came before an event
is an array moved by one place, and what still holds is filled forward. What is unknown is NaN: like NULL it
is neither less nor more than anything, but it costs no column of its own.
"""

from __future__ import annotations

import peers_rules as r

_STOPS = f"({r.PAUSE}, {r.CLOSE}, {r.END})"
_STARTS = f"({r.PLAY}, {r.RESUME}, {r.HEARTBEAT})"
_ENDED_BY = f"({r.PLAY}, {r.RESUME}, {r.HEARTBEAT}, {r.SEEK}, {r.END})"
_UNKNOWN = 255

# No kind has that number, and no position is as far: it comes last, as what is unknown does.
_ACCEPTED = f"""
accepted AS (
    SELECT
        ifNull(events.userId, '') AS userId,
        ifNull(events.videoId, '') AS videoId,
        ifNull(events.sessionId, '') AS sessionId,
        transform(ifNull(eventName, ''), {list(r.KINDS)}, {list(r.KINDS.values())}, {_UNKNOWN}) AS kind,
        if(currentTime >= 0 AND currentTime < inf, abs(assumeNotNull(currentTime)), inf) AS position,
        toUnixTimestamp64Micro(assumeNotNull(timestamp)) * 16 + kind AS moment,
        bitOr(bitShiftLeft(toInt128(moment), 64), reinterpretAsUInt64(position)) AS event
    FROM events
    WHERE userId <> '' AND videoId <> '' AND sessionId <> '' AND timestamp IS NOT NULL AND kind <> {_UNKNOWN}
        AND (position < inf OR kind IN {_STOPS})
)"""

# Repeated events are next to each other.
_SORTED = """
grouped AS (
    SELECT userId, videoId, arrayCompact(arraySort(groupArray(event))) AS events
    FROM accepted
    GROUP BY userId, videoId, sessionId
),
split AS (
    SELECT
        userId,
        videoId,
        arrayMap(e -> toInt64(bitShiftRight(e, 68)), events) AS times,
        arrayMap(e -> toUInt8(bitAnd(bitShiftRight(e, 64), 15)), events) AS kinds,
        arrayMap(e -> reinterpretAsFloat64(toUInt64(e)), events) AS furthest,
        arrayMap(p -> if(p = inf, nan, p), furthest) AS positions
    FROM grouped
)"""


def _before(value: str, first: str = "0") -> str:
    """What an array holds at the place before."""
    return f"arrayShiftRight({value}, 1, {first})"


def _last_was(kind: int, counts: str) -> str:
    """Whether of the events that count the last one up to each was of a kind."""
    return f"arrayMap(k -> k = {kind}, arrayFill(k -> {counts}, kinds))"


# The player before each event. Nothing is said of the first one's time before.
_STATES = f"""
states AS (
    SELECT
        userId,
        videoId,
        times,
        kinds,
        positions,
        arrayMap((t, b) -> (t - b) / 1e6, times, {_before("times", "times[1]")}) AS dts,
        {_before("positions", "nan")} AS previous,
        arrayMap(
            k -> toUInt8(k IN {_STARTS}), arrayFill(k -> k IN {_STARTS} OR k IN {_STOPS}, kinds)
        ) AS playing,
        {_before("playing")} AS played,
        {_before(_last_was(r.SEEK_START, f"k <> {r.RATE_CHANGE}"))} AS sought,
        {_before(_last_was(r.END, f"k IN {_ENDED_BY}"))} AS ended,
        arrayMap((p, s) -> p AND NOT s, played, sought) AS running
    FROM split
)"""

# What each event says of what was played before it, as numbers, of which one is an event's.
_SEEN, _WATCHED, _REJECTED, _MISSED, _NOT_OBSERVED = 1, 2, 3, 4, 0
_JUDGED = f"""
judged AS (
    SELECT
        *,
        arrayMap(
            (k, p, b, dt, running) -> multiIf(
                NOT running OR k = {r.SEEK} OR isNaN(p), {_NOT_OBSERVED},
                p > b AND p - b <= {r.LONGEST} AND p - b <= {r.FASTEST} * dt + {r.TOLERANCE}, {_WATCHED},
                p > b OR p - b < {r.BACKWARD}, {_REJECTED},
                k IN ({r.PLAY}, {r.RESUME}) AND dt > {r.TOLERANCE}, {_MISSED},
                {_SEEN}
            ),
            kinds, positions, previous, dts, running
        ) AS verdicts,
        -- Where the player is from here on, or likely is; unknown if that is as it was.
        arrayMap(
            (k, p, b, dt, running, played, i) -> multiIf(
                isNaN(p), if(running, b + dt, nan),
                k <> {r.SEEK_START} OR played OR i = 1, p,
                nan
            ),
            kinds, positions, previous, dts, running, played, arrayEnumerate(kinds)
        ) AS places,
        arrayFill(x -> NOT isNaN(x), places) AS reached,
        {_before("reached", "nan")} AS likely,
        {_before("arrayFill((p, x) -> NOT isNaN(x), positions, places)", "nan")} AS froms,
        arrayMap((p, f) -> p - f, positions, froms) AS ds
    FROM states
)"""

_WALKED = f"""
walked AS (
    SELECT
        *,
        arrayMap(
            (k, d, sought, ended, running) -> NOT running AND NOT ended AND abs(d) > {r.NEAR}
                AND (k = {r.HEARTBEAT} OR (NOT sought AND (k IN {_STOPS} OR k = {r.RATE_CHANGE}))),
            kinds, ds, sought, ended, running
        ) AS strayed,
        arrayMap(
            (s, d, dt) -> s AND d > 0 AND d <= {r.FASTEST} * dt + {r.TOLERANCE}, strayed, ds, dts
        ) AS started,
        arrayMap(
            (k, v, d, dt, running, started) -> multiIf(
                started, d,
                v IN ({_REJECTED}, {_MISSED}) AND k IN ({r.PLAY}, {r.RESUME}), least(dt, {r.CAP}),
                v IN ({_REJECTED}, {_MISSED}) OR (running AND v = {_NOT_OBSERVED}), least(dt, {r.LONGEST}),
                nan
            ),
            kinds, verdicts, ds, dts, running, started
        ) AS unseen,
        arrayMap(
            (k, v, d, dt, running, ended, strayed, started) -> multiIf(
                running AND k = {r.SEEK}, d - dt,
                running, if(v = {_REJECTED}, d, nan),
                k = {r.SEEK} OR (k IN ({r.PLAY}, {r.RESUME}) AND NOT ended) OR (strayed AND NOT started), d,
                nan
            ),
            kinds, verdicts, ds, dts, running, ended, strayed, started
        ) AS skips,
        arrayMap(
            (k, x, l, ended) -> if(k = {r.END}, if(isNaN(x), l, x), nan), kinds, places, likely, ended
        ) AS stops,
        playing[-1] AS leftOpen
    FROM judged
)"""

# A run of playing goes on through what was watched or seen; it took what the clock says, but no more than
# was played. What may have been watched unseen is kept with where that began, as durations bound it.
_SESSIONS = f"""
sessions AS (
    SELECT
        userId,
        videoId,
        arrayMap((v, d) -> if(v = {_WATCHED}, d, 0), verdicts, ds) AS played,
        arrayFilter((f, v) -> v = {_WATCHED}, froms, verdicts) AS starts,
        arrayFilter((p, v) -> v = {_WATCHED}, positions, verdicts) AS ends,
        arraySum(played) AS watchTime,
        arraySum(arrayMap(
            (clock, content) -> least(arraySum(clock), arraySum(content)),
            arraySplit((dt, v) -> v NOT IN ({_WATCHED}, {_SEEN}), goneOn, verdicts),
            arraySplit((d, v) -> v NOT IN ({_WATCHED}, {_SEEN}), played, verdicts)
        )) AS playTime,
        arrayMap((v, dt) -> if(v IN ({_WATCHED}, {_SEEN}), dt, 0), verdicts, dts) AS goneOn,
        arrayMax(ends) AS lastEnd,
        arrayMax(arrayMap(p -> if(isNaN(p), 0, p), positions)) AS furthest,
        (times[-1] - times[1]) / 1e6 AS seconds,
        countEqual(kinds, {r.PAUSE}) AS pauses,
        arrayCount(s -> s > {r.FORWARD}, skips) AS forwardSkips,
        arrayCount(s -> s < {r.BACKWARD}, skips) AS backwardSkips,
        arrayFilter(
            (s, l, ended) -> NOT isNaN(s) AND NOT (ended AND abs(s - l) <= {r.NEAR}), stops, likely, ended
        ) AS endings,
        times[1] AS firstTime,
        times[-1] AS lastTime,
        arrayConcat(arrayFilter(u -> NOT isNaN(u), unseen), if(leftOpen, [{r.CAP}], [])) AS unseenMost,
        arrayMap(
            f -> if(isNaN(f), -inf, f),
            arrayConcat(arrayFilter((f, u) -> NOT isNaN(u), froms, unseen), if(leftOpen, [positions[-1]], []))
        ) AS unseenFrom,
        leftOpen + countEqual(verdicts, {_MISSED}) AS openSegments,
        countEqual(verdicts, {_REJECTED}) AS rejectedSegments,
        length(kinds) AS eventCount
    FROM walked
)"""

_COLUMNS = (
    *("userId", "videoId", "starts", "ends", "watchTime", "playTime", "lastEnd", "furthest", "seconds"),
    *("pauses", "forwardSkips", "backwardSkips", "endings", "firstTime", "lastTime", "unseenMost"),
    *("unseenFrom", "openSegments", "rejectedSegments", "eventCount"),
)

# One row for each session of `events`.
_STEPS = (_ACCEPTED, _SORTED, _STATES, _JUDGED, _WALKED, _SESSIONS)
QUERY = f"WITH {','.join(_STEPS)}\nSELECT {', '.join(_COLUMNS)} FROM sessions"
