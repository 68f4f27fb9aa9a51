"""The events walked in DuckDB: each with what it says together with what came before it in its session."""

from __future__ import annotations

import peers_rules as r

_NAMES = ", ".join(f"('{name}', {kind}::TINYINT)" for name, kind in r.KINDS.items())
_STOPS = f"{r.PAUSE}, {r.CLOSE}, {r.END}"
_STARTS = f"{r.PLAY}, {r.RESUME}, {r.HEARTBEAT}"
_ACCEPTED = f"""
kinds(eventName, kind) AS (VALUES {_NAMES}),
catalogue AS MATERIALIZED (
    SELECT
        videoId,
        title,
        CASE WHEN duration > 0 AND duration < 'infinity'::DOUBLE THEN duration END AS videoDuration
    FROM videos
),
accepted AS (
    SELECT
        userId,
        videoId,
        sessionId,
        events.rowid AS number,
        epoch_us(timestamp) AS time,
        kind,
        CASE WHEN currentTime >= 0 AND currentTime < 'infinity'::DOUBLE THEN currentTime END AS position,
        CASE WHEN kind IN ({_STARTS}) THEN true WHEN kind IN ({_STOPS}) THEN false END AS playing,
        CASE WHEN kind = {r.SEEK_START} THEN true WHEN kind <> {r.RATE_CHANGE} THEN false END AS seeking,
        CASE
            WHEN kind = {r.END} THEN true
            WHEN kind IN ({_STARTS}) OR kind = {r.SEEK} THEN false
        END AS ended
    FROM events JOIN kinds USING (eventName)
    WHERE userId <> '' AND videoId <> '' AND sessionId <> '' AND timestamp IS NOT NULL
        AND (position IS NOT NULL OR kind IN ({_STOPS}))
)"""

# The player before each event. An event and its repeats are peers: they have one rank, and the first of them
# sees what came before all of them. A player that plays took the position of the event before.
_STATES = """
states AS (
    SELECT
        userId,
        videoId,
        time,
        kind,
        position,
        first_value(number) OVER session AS session,
        rank() OVER session AS rank,
        row_number() OVER session > rank AS repeated,
        cume_dist() OVER session = 1 AS isLast,
        (time - lag(time) OVER session) / 1e6 AS dt,
        lag(position) OVER session AS previous,
        position - previous AS moved,
        coalesce(lag(playing IGNORE NULLS) OVER session, false) AS played,
        coalesce(lag(seeking IGNORE NULLS) OVER session, false) AS sought,
        coalesce(lag(ended IGNORE NULLS) OVER session, false) AS hadEnded,
        isLast AND coalesce(playing, played) AS leftOpen
    FROM accepted
    WINDOW session AS (PARTITION BY userId, videoId, sessionId ORDER BY time, kind, position)
)"""

# What each event says of what was played before it. A column of the same SELECT may be named.
_JUDGED = f"""
judged AS (
    SELECT
        *,
        played AND NOT sought AS running,
        kind IN ({r.PLAY}, {r.RESUME}) AS restarts,
        running AND kind <> {r.SEEK} AND position IS NOT NULL AS observed,
        observed AND moved > 0 AND moved <= {r.LONGEST} AND moved <= {r.FASTEST} * dt + {r.TOLERANCE}
            AS watched,
        observed AND NOT watched AND (moved > 0 OR moved < {r.BACKWARD}) AS rejected,
        observed AND NOT watched AND NOT rejected AND restarts AND dt > {r.TOLERANCE} AS missed,
        observed AND NOT rejected AND NOT missed AS goesOn,
        -- Where the player is from here on, or likely is; null if that is as it was.
        CASE
            WHEN position IS NULL THEN CASE WHEN running THEN previous + dt END
            WHEN kind <> {r.SEEK_START} OR played OR rank = 1 THEN position
        END AS place
    FROM states
    WHERE NOT repeated
)"""

# By the sessions' numbers, which sort faster than texts: where the player was or likely was, and which run of
# playing goes on.
_PLACED = """
placed AS (
    SELECT
        *,
        lag(place IGNORE NULLS) OVER session AS likely,
        CASE
            WHEN lag(CASE WHEN place IS NOT NULL THEN position IS NOT NULL END IGNORE NULLS) OVER session
            THEN likely
        END AS "from",
        count(*) FILTER (WHERE NOT goesOn) OVER session AS run
    FROM judged
    WINDOW session AS (PARTITION BY session ORDER BY rank)
)"""

_WALKED = f"""
walked AS MATERIALIZED (
    SELECT
        userId,
        videoId,
        session,
        run,
        time,
        kind,
        position,
        "from",
        dt,
        watched,
        rejected,
        missed,
        goesOn,
        leftOpen,
        position - "from" AS d,
        NOT running AND NOT hadEnded AND abs(d) > {r.NEAR}
            AND (kind = {r.HEARTBEAT} OR (NOT sought AND kind IN ({_STOPS}, {r.RATE_CHANGE}))) AS strayed,
        strayed AND d > 0 AND d <= {r.FASTEST} * dt + {r.TOLERANCE} AS started,
        CASE
            WHEN started THEN d
            WHEN (rejected OR missed) AND restarts THEN least(dt, {r.CAP})
            WHEN rejected OR missed OR (running AND NOT observed) THEN least(dt, {r.LONGEST})
        END AS unseen,
        CASE
            WHEN running AND kind = {r.SEEK} THEN d - dt
            WHEN running THEN CASE WHEN rejected THEN d END
            WHEN kind = {r.SEEK} OR (restarts AND NOT hadEnded) OR (strayed AND NOT started) THEN d
        END AS skip,
        CASE WHEN kind = {r.END} THEN coalesce(place, likely) END AS stop,
        CASE WHEN NOT coalesce(hadEnded AND abs(stop - likely) <= {r.NEAR}, false) THEN stop END AS "end"
    FROM placed
)"""

STEPS = (_ACCEPTED, _STATES, _JUDGED, _PLACED, _WALKED)
