"""Where the columns of a source are: by the names of its places, and by the values there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Optional

from watchspan.checking import values
from watchspan.checking.known import ALIKE, Found, Guesser
from watchspan.checking.naming import is_other, is_rather, likeness, words
from watchspan.checking.shapes import Leaf
from watchspan.checking.tracks import agreement, unit_of

# Events that nobody can count without a position.
_NEED_POSITION = frozenset(("play", "resume", "heartbeat", "seek", "seek_start"))
_SPEEDS = frozenset((0.25, 0.5, 0.7, 0.75, 0.8, 0.9, 1.0, 1.1, 1.2, 1.25, 1.3, 1.4, 1.5, 1.6, 1.7, 1.75,
                     1.8, 2.0, 2.25, 2.5, 2.75, 3.0, 3.5, 4.0))  # fmt: skip
# What a place is called where a jump leads to.
_TARGETS = frozenset(("new", "to", "target", "destination"))
_MOST_BACKWARD = 0.2
_LONGEST_VIDEO, _SHORTEST_VIDEO = 1_000_000.0, 0.01


def fill(known: Guesser, wanted: Iterable[str]) -> None:
    """Looks for those of the `wanted` columns that are not found yet."""
    for name, look in _LOOKS.items():
        if name in wanted and name not in known.found:
            place = look(known)
            if place is not None:
                known.found[name] = place
        known.__dict__.pop("tracks", None)


def _timestamp(known: Guesser) -> Optional[Found]:
    ranked = []
    for leaf in known.free():
        if len(leaf.rows) < 0.5 * known.total or not (leaf.is_instant or leaf.instant_unit):
            continue
        # An instant that is the same for many events is one of something else: of a session, of an upload.
        spread = leaf.distinct / len(leaf.rows)
        alike = likeness(leaf.names, "timestamp")
        other = 0.3 * is_other(leaf.names, "timestamp")
        ranked.append((alike + spread + 0.3 * len(leaf.rows) / known.total - other, leaf))
    if not ranked:
        return None
    leaf = max(ranked, key=lambda pair: pair[0])[1]
    return Found([leaf], leaf.instant_unit, instant_evidence(leaf))


def instant_evidence(leaf: Leaf) -> str:
    """What says that a place holds instants."""
    example = leaf.values[0]
    if leaf.instant_unit:
        return f"numbers such as {example}, which are instants in {leaf.instant_unit}"
    return f"instants such as {example}"


def _key(column: str) -> Callable[[Guesser], Optional[Found]]:
    def look(known: Guesser) -> Optional[Found]:
        ranked = [
            (likeness(leaf.names, column) + 0.1 * len(leaf.rows) / known.total, leaf)
            for leaf in known.free()
            if leaf.is_key and likeness(leaf.names, column) >= ALIKE and is_rather(leaf.names, column)
        ]
        return _chain(known, column, [leaf for _, leaf in sorted(ranked, key=_first, reverse=True)])

    return look


def _first(pair: tuple[float, Leaf]) -> float:
    return pair[0]


def _chain(known: Guesser, column: str, ranked: list[Leaf]) -> Optional[Found]:
    """The best place, and those that fill where it has nothing."""
    if not ranked:
        return None
    chain, seen = [ranked[0]], set(ranked[0].rows)
    needed = known.watching()
    for leaf in ranked[1:]:
        more = set(leaf.rows) - seen
        if len(more & needed) > 0.01 * len(needed) and _is_alternative(chain[0], leaf, column):
            chain.append(leaf)
            seen |= more
    many = f"such as {chain[0].values[0]!r}, {chain[0].distinct:,} in all"
    return Found(chain, None, many)


def _is_alternative(first: Leaf, other: Leaf, column: str) -> bool:
    """Whether a place says the same thing as another: where it is called so, by itself or beside it."""
    return likeness(other.names, column) >= 0.6 and (other.distinct > 1 or first.distinct == 1)


def _session(known: Guesser) -> Optional[Found]:
    """Nothing where a session id is missing of many events: those without one would be dropped."""
    place = _key("sessionId")(known)
    if place is None or (leaf := place.leaves[0]).instant_unit or leaf.distinct < 2 < known.total // 50:
        return None
    return place if covers(known, place.leaves) else None


def covers(known: Guesser, leaves: list[Leaf]) -> bool:
    """Whether nearly all events that say something about watching have a value at one of these places."""
    needed = known.watching()
    covered = {row for leaf in leaves for row, value in zip(leaf.rows, leaf.values) if value != ""}
    return len(covered & needed) >= 0.9 * len(needed)


def _position(known: Guesser) -> Optional[Found]:
    tracks = known.tracks
    ranked = []
    for leaf in known.free():
        if not leaf.is_seconds or not is_rather(leaf.names, "currentTime"):
            continue
        read = Found([leaf]).read(values.seconds)
        if sum(found < 0 for found in read.values()) > 0.3 * len(read):
            continue
        ratios = tracks.ratios(read)
        pace = agreement(ratios) * min(1.0, len(ratios) / 3) * (0.5 + 0.5 * len(read) / known.total)
        alike = likeness(leaf.names, "currentTime")
        is_switch = set(map(str, leaf.looks)) <= {"0", "1"}
        if alike >= ALIKE or (pace > 0.3 and len(ratios) >= 2 and not is_switch):
            ranked.append((alike + 1.5 * pace, leaf))
    if not ranked:
        return None
    leaves = [leaf for _, leaf in sorted(ranked, key=_first, reverse=True)]
    return measured(known, Found(_with_targets(known, _positions(known, leaves))))


def _positions(known: Guesser, leaves: list[Leaf]) -> list[Leaf]:
    """The best place, and those of the same measure that fill where an event needs a position."""
    chain, seen = [leaves[0]], set(leaves[0].rows)
    needed = {row for row, meaning in known.meanings.items() if meaning in _NEED_POSITION}
    for leaf in leaves[1:]:
        more = needed & set(leaf.rows) - seen
        if len(seen & set(leaf.rows)) > 0.5 * len(leaf.rows):  # something else, which is there too
            continue
        if len(more) > 0.005 * len(needed) and likeness(leaf.names, "currentTime") >= ALIKE:
            chain.append(leaf)
            seen |= more
    return chain


def _with_targets(known: Guesser, chain: list[Leaf]) -> list[Leaf]:
    """What says where jumps lead to goes before the position of every event."""
    jumps = {row for row, meaning in known.meanings.items() if meaning == "seek"}
    targets = [
        leaf
        for leaf in known.free()
        if leaf.is_seconds
        and _TARGETS & set(words(leaf.names[-1]))
        and likeness(leaf.names, "currentTime") >= ALIKE
        and jumps >= set(leaf.rows)
    ]
    return [*targets, *(leaf for leaf in chain if leaf not in targets)]


def measured(known: Guesser, place: Found) -> Found:
    """A place of positions with the unit in which they move as fast as the clock."""
    if all(leaf.is_written for leaf in place.leaves):
        return Found(place.leaves, None, f"clock readings such as {place.leaves[0].values[0]!r}")
    read = place.read(values.seconds)
    ratios = known.tracks.ratios(read)
    unit = unit_of(ratios)
    # Where positions of several players alternate, their jumps say nothing about a unit.
    if unit is None or known.tracks.backward(read) > _MOST_BACKWARD:
        return Found(place.leaves, None, "its name")
    per = sorted(ratios)[len(ratios) // 2]
    return Found(place.leaves, None if unit == "s" else unit, f"moves by {_round(per)} in a second of play")


def _round(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _speed(known: Guesser) -> Optional[Found]:
    ranked = []
    for leaf in known.free():
        read = [found for value in leaf.looks if (found := values.speed(value)) is not None]
        if len(read) < 0.9 * len(leaf.looks) or not read or not all(0 < found <= 16 for found in read):
            continue
        alike = likeness(leaf.names, "playbackRate")
        usual = set(read) <= _SPEEDS and len(set(read)) > 1
        if alike >= ALIKE or usual:
            ranked.append((alike + 0.3 * usual + 0.2 * len(leaf.rows) / known.total, leaf))
    best = max(ranked, key=_first, default=None)
    return None if best is None else Found([best[1]], None, f"speeds such as {best[1].values[-1]}")


def _seek_from(known: Guesser) -> Optional[Found]:
    place = known.found.get("currentTime")
    if place is None:
        return None
    unit, before = place.unit, known.tracks.before(known.positions())
    jumps = [row for row, meaning in known.meanings.items() if meaning == "seek"]
    ranked = []
    for leaf in known.free():
        alike = likeness(leaf.names, "seekFrom")
        if not leaf.is_seconds or not (alike >= ALIKE or _is_bare_number(leaf)):
            continue
        read = Found([leaf], unit).seconds()
        there = [row for row in jumps if row in read and row in before]
        fits = [row for row in there if _is_before_jump(read[row], *before[row])]
        share = len(fits) / len(there) if there else 0.0
        if alike >= ALIKE and any(row in read for row in jumps):
            ranked.append((alike + share, leaf))
        elif _is_bare_number(leaf) and share > 0.8 and _is_at_rest(known, read, set(jumps)):
            ranked.append((share, leaf))
    best = max(ranked, key=_first, default=None)
    return None if best is None else Found([best[1]], unit, "where seeks begin")


def _is_at_rest(known: Guesser, read: Mapping[int, float], jumps: set[int]) -> bool:
    """Whether a place says nothing but at seeks, or nothing else than the position."""
    positions = known.positions()
    apart = {
        row: abs(read[row] - positions[row]) for row in known.watching() if row in read and row in positions
    }
    rest = [gap for row, gap in apart.items() if row not in jumps]
    same = sum(gap <= 0.01 for gap in rest)
    return same >= 0.95 * len(rest) and any(gap > 1 for row, gap in apart.items() if row in jumps)


def _is_before_jump(position: float, last: float, clock: float) -> bool:
    return -1.0 <= position - last <= 2.2 * clock + 1.0


def _duration(known: Guesser) -> Optional[Found]:
    """The length of each video: a number that is one for each, and is not less than what is played."""
    place = known.found.get("currentTime")
    videos, furthest = known.keys("videoId"), _furthest(known)
    ranked = []
    for leaf in known.free():
        alike = likeness(leaf.names, "videoDuration")
        if not leaf.is_seconds or not (alike >= ALIKE or _is_bare_number(leaf)):
            continue
        if alike < ALIKE and leaf.distinct > max(3, 3 * len(furthest)):
            continue
        unit = _length_unit(leaf, place.unit if place else None, videos, furthest)
        lengths = _lengths(leaf, unit, videos)
        ends = [furthest[video] / lengths[video] for video in lengths if video in furthest]
        reached = sum(0.97 <= end <= 1.01 for end in ends)
        sane = bool(ends) and sum(end <= 1.05 for end in ends) >= 0.9 * len(ends)
        if alike >= ALIKE and (sane or not ends):
            ranked.append((alike + 0.2 * bool(reached) + 0.2 * len(leaf.rows) / known.total, leaf, unit))
        elif sane and reached >= max(1, 0.2 * len(ends)) and _is_bare_number(leaf):
            ranked.append((0.3 + 0.1 * len(leaf.rows) / known.total, leaf, unit))
    best = max(ranked, key=lambda found: found[0], default=None)
    if best is None:
        return None
    return Found([best[1]], best[2], f"lengths such as {best[1].values[-1]}")


def _is_bare_number(leaf: Leaf) -> bool:
    """Whether only values speak: numbers under a name that means nothing."""
    return leaf.is_seconds and not any(likeness(leaf.names, column) > 0 for column in _LOOKS)


def with_length_unit(known: Guesser, found: Found) -> Found:
    """Where lengths are, with the unit in which they fit what was played."""
    place, videos, furthest = known.found["currentTime"], known.keys("videoId"), _furthest(known)
    return Found(found.leaves, _length_unit(found.leaves[0], place.unit, videos, furthest), found.why)


def _furthest(known: Guesser) -> dict[Any, float]:
    videos = known.keys("videoId")
    furthest: dict[Any, float] = {}
    for row, position in known.positions().items():
        if row in videos:
            furthest[videos[row]] = max(furthest.get(videos[row], 0.0), position)
    return furthest


def _length_unit(
    leaf: Leaf, unit: Optional[str], videos: Mapping[int, Any], furthest: Mapping[Any, float]
) -> Optional[str]:
    """The unit in which lengths fit what was played: that of positions, if it does."""
    if leaf.is_written:
        return None
    for candidate in dict.fromkeys((unit or "s", *values.UNITS)):
        lengths = _lengths(leaf, candidate, videos)
        ends = [furthest[video] / length for video, length in lengths.items() if furthest.get(video)]
        longest = max(lengths.values(), default=0.0)
        if ends and max(ends) <= 1.05 and max(ends) > 0.004 and longest < _LONGEST_VIDEO:
            return None if candidate == "s" else candidate
    return unit


def _lengths(leaf: Leaf, unit: Optional[str], videos: Mapping[int, Any]) -> dict[Any, float]:
    found: dict[Any, float] = {}
    for row, length in Found([leaf], unit).seconds().items():
        if length > _SHORTEST_VIDEO and row in videos:
            found[videos[row]] = max(length, found.get(videos[row], 0.0))
    return found


def _sequence(known: Guesser) -> Optional[Found]:
    """The player's own order, where events share their instants; else nothing needs it."""
    times = known.times()
    if len(set(times.values())) > 0.9 * len(times):
        return None
    ranked = [
        (likeness(leaf.names, "sequence"), leaf)
        for leaf in known.free()
        if leaf.is_number and likeness(leaf.names, "sequence") >= ALIKE and leaf.distinct > 2
    ]
    best = max(ranked, key=_first, default=None)
    return None if best is None else Found([best[1]], None, "counts the events of a player")


# In this order: the later ones need what the earlier ones find.
_LOOKS: dict[str, Callable[[Guesser], Optional[Found]]] = {
    "timestamp": _timestamp,
    "userId": _key("userId"),
    "videoId": _key("videoId"),
    "sessionId": _session,
    "currentTime": _position,
    "playbackRate": _speed,
    "seekFrom": _seek_from,
    "videoDuration": _duration,
    "sequence": _sequence,
}
