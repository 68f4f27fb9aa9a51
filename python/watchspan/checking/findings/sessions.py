"""Session ids that do not name one viewing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from watchspan.checking.finding import Case, Finding, share
from watchspan.checking.known import ALIKE
from watchspan.checking.meanings import PLAYING
from watchspan.checking.naming import likeness

_DAY = 86_400.0
_LONG_DAYS = 2
_MOST_LONG = 0.02
# Two players in one session leave at least so many jumps there and back.
_FEWEST_TURNS, _SHARE_OF_TURNS = 4, 0.25
_FASTEST, _SLACK = 2.2, 1.5
_MOST_SHARED = 0.005


def long_lives(case: Case) -> Iterator[Finding]:
    """Session ids whose events are days or months apart."""
    spans: dict[Any, list[float]] = {}
    for row, session in case.sessions.items():
        if row in case.times and row in case.meanings:
            span = spans.setdefault((case.users.get(row), session), [case.times[row], case.times[row]])
            span[0], span[1] = min(span[0], case.times[row]), max(span[1], case.times[row])
    days = [(last - first) / _DAY for first, last in spans.values()]
    long = [length for length in days if length > _LONG_DAYS]
    if len(long) > _MOST_LONG * len(days) and long:
        yield Finding(
            "sessions",
            "warning",
            f"{len(long):,} of {len(days):,} session ids ({share(len(long), len(days))}) live for more than "
            f"{_LONG_DAYS} days, the longest for {max(long):,.0f}: they name a login or a browser, "
            "not a viewing. "
            "session_timeout_seconds=1800 cuts them after half an hour of silence.",
            {"sessions": len(long), "of": len(days), "days": max(long)},
            {"rules": {"session_timeout_seconds": 1800}},
        )


def two_players(case: Case) -> Iterator[Finding]:
    """Sessions in which positions alternate between two players."""
    shared = [rows for rows in case.groups if _turns(case, rows) >= _FEWEST_TURNS]
    shared = [rows for rows in shared if _turns(case, rows) > _SHARE_OF_TURNS * len(rows)]
    if len(shared) <= _MOST_SHARED * len(case.groups):
        return
    rows = shared[0]
    where = f"user {case.users[rows[0]]} on video {case.videos[rows[0]]}"
    what = "session ids" if case.sessions else "users and videos"
    yield Finding(
        "sessions",
        "warning",
        f"Two players at once share {len(shared):,} of {len(case.groups):,} {what}, such as of "
        f"{where}: their "
        "positions alternate, and most of what they play is rejected. Give each page view an id of its own.",
        {"sessions": len(shared), "of": len(case.groups), "example": where},
    )


def _turns(case: Case, rows: list[int]) -> int:
    """How often an event goes on not from the event before, but from the one before that."""
    known = [row for row in rows if row in case.positions and "seek" not in case.meanings[row]]
    turns = 0
    for before, between, row in zip(known, known[1:], known[2:]):
        if case.meanings[before] in PLAYING and case.meanings[between] in PLAYING:
            turns += _follows(case, before, row) and not _follows(case, between, row)
    return turns


def _follows(case: Case, first: int, then: int) -> bool:
    clock = case.times[then] - case.times[first]
    moved = case.positions[then] - case.positions[first]
    return -_SLACK <= moved <= _FASTEST * clock + _SLACK and moved >= 0.2 * clock - _SLACK


def missing_ids(case: Case) -> Iterator[Finding]:
    """Events without a session id in a source that has them."""
    proposal = case.proposal
    if proposal.columns.get("sessionId", "") is None:
        leaf = max(
            (leaf for leaf in case.leaves.values() if likeness(leaf.names, "sessionId") >= ALIKE),
            key=lambda leaf: likeness(leaf.names, "sessionId"),
        )
        lacking = case.total - len(leaf.rows)
        yield Finding(
            "sessions",
            "warning",
            f"{leaf.path} is missing of {lacking:,} events ({share(lacking, case.total)}), which "
            "would all be "
            "dropped: it is left out, and sessions are cut after half an hour of silence.",
            {"events": lacking},
            {"columns": {"sessionId": None}},
        )
    elif "sessionId" not in proposal.known.found and proposal.preset is None and proposal.trial.kept:
        yield Finding(
            "sessions",
            "note",
            "Nothing says the session (sessionId): sessions are cut after half an hour of silence.",
        )


def shared_ids(case: Case) -> Iterator[Finding]:
    """Session ids that several users have: they are still told apart by the user."""
    users = defaultdict(set)
    for row, session in case.sessions.items():
        if row in case.users:
            users[session].add(case.users[row])
    shared = [session for session, found in users.items() if len(found) > 1]
    if len(shared) > 0.2 * len(users) and len(users) > 1:
        yield Finding(
            "sessions",
            "note",
            f"{len(shared):,} of {len(users):,} session ids belong to several users, such as "
            f"{shared[0]!r}: an "
            "id counts for each of them by itself.",
            {"sessions": len(shared), "of": len(users)},
        )


CHECKS = (long_lives, two_players, missing_ids, shared_ids)
