"""Users who are nobody, or more than one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from watchspan.checking.finding import Case, Finding, listed, share
from watchspan.checking.meanings import PLAYING
from watchspan.columns import Column

# What scripts write where they know no user.
_WORDS = frozenset(
    ("undefined", "null", "none", "nan", "anonymous", "anon", "unknown", "guest", "n/a", "na", "nil", "-",
     "-1", "0", "false", "[object object]", "not_logged_in", "visitor", "nobody", "not set", "(not set)")
)  # fmt: skip
_DAY = 86_400
_MOST_NOBODY = 0.02
_LONGEST_GAP = 1_800.0
# A little more than a day: clocks drift.
_WAKING = 24.5 * 3600


def words_as_users(case: Case) -> Iterator[Finding]:
    """Users that are words such as `undefined`."""
    rows = [row for row in case.users if row in case.meanings]
    shares = {
        user: count / len(rows) for user, count in Counter(str(case.users[row]) for row in rows).items()
    }
    words = {user: part for user, part in {**shares, **case.often}.items() if user.strip().lower() in _WORDS}
    if not words or "userId" not in case.proposal.known.found:
        return
    paths = case.proposal.known.found["userId"].paths
    column = Column(*paths, missing=tuple(sorted(words)))
    yield Finding(
        "users",
        "warning",
        f"{share(sum(words.values()), 1)} of the events are of the user {listed(map(repr, words))}, "
        "which is no user: "
        "as `missing` it stands for nothing, and these events are dropped.",
        {"users": words},
        {"columns": {"userId": column}},
    )


def nobody(case: Case) -> Iterator[Finding]:
    """Events without a user, which a sample of users leaves out."""
    if case.nobody > _MOST_NOBODY:
        yield Finding(
            "users",
            "warning" if case.nobody > 0.1 else "note",
            f"About {share(case.nobody, 1)} of the events have no user and are dropped as null_key: "
            "`validate` "
            "shows some.",
            {"share": case.nobody},
        )


def sleepless(case: Case) -> Iterator[Finding]:
    """Users who play for more than 24 hours of a day."""
    played: dict[Any, float] = defaultdict(float)
    for rows in case.groups:
        for first, then in zip(rows, rows[1:]):
            clock = case.times[then] - case.times[first]
            if case.meanings[first] in PLAYING and 0 < clock <= _LONGEST_GAP:
                played[case.users[first], int(case.times[first] // _DAY)] += clock
    worst = {pair: seconds for pair, seconds in played.items() if seconds > _WAKING}
    if not worst:
        return
    users = sorted({str(user) for user, _ in worst})
    most = max(worst.values()) / 3600
    yield Finding(
        "users",
        "warning",
        f"{len(users):,} users play for more than 24 hours of a day, up to {most:,.0f} "
        f"({listed(users, 3)}): they "
        "are shared accounts, screens in a lobby, or scripts.",
        {"users": len(users), "hours": most},
    )


CHECKS = (words_as_users, nobody, sleepless)
