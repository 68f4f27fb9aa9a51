"""Columns that are not there, and numbers that count something else than seconds."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from watchspan.checking import values
from watchspan.checking.finding import Case, Finding, example, listed, share
from watchspan.columns import EVENTS

_NEEDED = [name for name, column in EVENTS.items() if column.required and name != "eventName"]
_WHAT = {
    "timestamp": "when events happened",
    "userId": "who the user is",
    "videoId": "which video is played",
    "currentTime": "the position in the video",
}
_UNITS = {
    "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
    "ticks": "ticks of 100 ns",
}  # fmt: skip
_MOST_DROPPED, _FEWEST_DROPPED = 0.02, 2
_DROPS = {
    "null_key": "have no user, video or session",
    "invalid_timestamp": "have no timestamp that can be read",
    "invalid_position": "have no position of 0 or more",
}


def missing_columns(case: Case) -> Iterator[Finding]:
    """Needed columns that nothing in the source looks like."""
    if not case.leaves:
        text = "There is nothing in the events: all columns are null, or no line is a JSON object."
        yield Finding("nothing", "error", text)
        return
    for name in _NEEDED:
        if name in case.proposal.known.found:
            continue
        text = f"Nothing says {_WHAT[name]} ({name})."
        others = [leaf for leaf in case.leaves.values() if leaf.share(_other_time) > 0.5]
        if name == "timestamp" and others:
            text = (
                f"Times such as {example(others[0])} in {others[0].path} cannot be read: write them as "
                "2026-01-15T10:00:00Z, or as numbers with a unit."
            )
        else:
            text += f' If it is there, name it: columns={{"{name}": "<column>"}}. {_candidates(case, name)}'
        yield Finding("missing column", "error", text.strip(), {"column": name})


def _other_time(value: object) -> object:
    return value if values.is_other_time(value) else None


def _candidates(case: Case, name: str) -> str:
    family = EVENTS[name].family
    if family == "key":
        fits = [leaf for leaf in case.leaves.values() if leaf.is_key and leaf.distinct > 1]
    elif family == "seconds":
        fits = [leaf for leaf in case.leaves.values() if leaf.is_seconds and leaf.distinct > 2]
    else:
        return ""
    taken = {path for place in case.proposal.known.found.values() for path in place.paths}
    paths = [leaf.path for leaf in fits if leaf.path not in taken]
    return f"It may be one of {listed(paths)}." if paths else ""


def unit_of_timestamps(case: Case) -> Iterator[Finding]:
    """Instants that are numbers, where nothing says their unit."""
    place = case.proposal.known.found.get("timestamp")
    if place is None or "timestamp" in case.proposal.native or not place.unit:
        return
    unit = _UNITS[place.unit]
    yield Finding(
        "unit of timestamps",
        "note",
        f"{listed(place.paths)} holds numbers such as {example(place.leaves[0])}: {unit} since 1970.",
        {"unit": place.unit, "example": place.leaves[0].values[0]},
        {"columns": {"timestamp": case.proposal.columns.get("timestamp")}},
    )


def unit_of_positions(case: Case) -> Iterator[Finding]:
    """Positions that move faster or slower than the clock by a power of ten."""
    proposal = case.proposal
    place = proposal.known.found.get("currentTime")
    if place is None or "currentTime" in proposal.native or not place.unit or proposal.trial.watched <= 0:
        return
    ratios = proposal.known.tracks.ratios(place.read(values.seconds))
    factor = 1 / values.UNITS[place.unit]
    pace = f"{median(ratios):,.0f}" if ratios else "?"
    yield Finding(
        "unit of positions",
        "note",
        f"Positions ({listed(place.paths)}) move by {pace} in a second of play, about {factor:,.0f} "
        "times faster "
        f"than the clock: they are {_UNITS[place.unit]}.",
        {"unit": place.unit, "perSecond": median(ratios) if ratios else None, "stretches": len(ratios)},
        {"columns": {"currentTime": proposal.columns.get("currentTime")}},
    )


def unit_of_lengths(case: Case) -> Iterator[Finding]:
    """Lengths of videos that count something else than seconds, or are shorter than what is played."""
    place = case.proposal.known.found.get("videoDuration")
    if place is None:
        return
    if place.unit and "videoDuration" not in case.proposal.native:
        yield Finding(
            "unit of lengths",
            "note",
            f"Lengths ({listed(place.paths)}) such as {example(place.leaves[0])} are {_UNITS[place.unit]}.",
            {"unit": place.unit},
            {"columns": {"videoDuration": case.proposal.columns.get("videoDuration")}},
        )
    rows = {row for leaf in place.leaves for row in leaf.rows}
    known = {video for row, video in case.videos.items() if row in rows}
    all_videos = {video for row, video in case.videos.items() if row in case.meanings}
    lacking = sorted(map(str, all_videos - known))
    if known and len(lacking) > 0.05 * len(all_videos):
        yield Finding(
            "lengths",
            "note",
            f"No event states the length of {len(lacking):,} of {len(all_videos):,} videos "
            f"({listed(lacking, 3)}): give it with a videos table, or it is estimated.",
            {"videos": len(lacking)},
        )


def dropped_events(case: Case) -> Iterator[Finding]:
    """Events that are dropped for what they lack, of those that say something about watching."""
    rows = list(case.meanings)
    lacking = {
        "null_key": sum(
            row not in case.users or row not in case.videos or _has_no_session(case, row) for row in rows
        ),
        "invalid_timestamp": sum(row not in case.times for row in rows),
        "invalid_position": case.proposal.trial.dropped.get("invalid_position", 0),
    }
    for reason, count in lacking.items():
        if case.proposal.trial.kept and count > max(_FEWEST_DROPPED, _MOST_DROPPED * len(rows)):
            yield Finding(
                "dropped events",
                "warning" if count > 0.1 * len(rows) else "note",
                f"{count:,} events ({share(count, len(rows))}) {_DROPS[reason]} and are dropped as {reason}: "
                "`validate` shows some.",
                {"reason": reason, "events": count},
            )


def _has_no_session(case: Case, row: int) -> bool:
    return "sessionId" in case.proposal.known.found and row not in case.sessions


CHECKS = (missing_columns, unit_of_timestamps, unit_of_positions, unit_of_lengths, dropped_events)
