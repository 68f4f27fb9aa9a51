"""The checks: each looks at a case and says what it finds, or nothing."""

from __future__ import annotations

from collections.abc import Iterator

from watchspan.checking.finding import Case, Finding
from watchspan.checking.findings import clocks, columns, names, playing, sessions, users

__all__ = ["found"]

_CHECKS = (*columns.CHECKS, *names.CHECKS, *clocks.CHECKS, *playing.CHECKS, *sessions.CHECKS, *users.CHECKS)
_ORDER = ("error", "warning", "note", "advice")


def found(case: Case) -> list[Finding]:
    """What is to be said of a case, the gravest first."""

    def all_of_them() -> Iterator[Finding]:
        for check in _CHECKS:
            yield from check(case)

    return sorted(all_of_them(), key=lambda finding: _ORDER.index(finding.severity))
