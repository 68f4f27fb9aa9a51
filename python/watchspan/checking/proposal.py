"""How a source is best read: presets and guesses, built, tried on the engine, and compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from watchspan import _core
from watchspan.checking import guesses, values
from watchspan.checking.event_names import NamePlace, name_places
from watchspan.checking.known import Found, Guesser
from watchspan.checking.places import at, enveloped_leaves, moved_leaves, native_leaves, specs
from watchspan.checking.sampling import Events
from watchspan.checking.shapes import Leaf
from watchspan.checking.trials import Trial, tried
from watchspan.columns import EVENTS, Column, Place, place_of

# How many ways to read a source are tried out.
_TRIED = 6
# Presets that know the same names as another one, and what in the values tells that it is they.
_CLUES = {
    "openedx-xapi": ("block-v1:", "xblock", "i4x://", "openedx"),
    "caliper-openedx": ("block-v1:", "xblock", "i4x://"),
    "rudderstack": ("rudder",),
    "adobe-media": ("playertime",),
    "epas": ("playhead",),
}
_EVENT = "eventName"
# A preset that knows so many of the events is more than a coincidence.
_WELL_KNOWN = 0.6


@dataclass
class Proposal:
    """One way to read a source.

    Attributes:
        preset: The name of the preset; None: the default.
        place: Where the event names are; None: there are none, each event is a heartbeat.
        known: Where the columns are.
        native: The columns that are where the preset, or the default, says.
        columns: What to say of the others.
        vocabulary: What event names mean, where the preset does not say it as they are written.
        rules: The rules to set.
        trial: What the engine makes of it.
    """

    preset: Optional[str]
    place: Optional[NamePlace]
    known: Guesser
    native: set[str]
    columns: dict[str, Place]
    vocabulary: Optional[dict[str, str]] = None
    rules: dict[str, float] = field(default_factory=dict)
    trial: Trial = field(default_factory=Trial)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of a call, without its rules."""
        return {"preset": self.preset, "columns": self.columns or None, "vocabulary": self.vocabulary}

    def attempt(self, events: Events) -> Proposal:
        """The proposal with what the engine makes of it."""
        try:
            trial = tried(events, **self.arguments)
        except Exception as error:  # what pyarrow has against values of a sample
            trial = Trial(error=str(error))
        return replace(self, trial=trial)


def proposals(
    leaves: Mapping[str, Leaf],
    events: Events,
    preset: Optional[str] = None,
    given: Optional[Mapping[str, Any]] = None,
    like: Optional[Proposal] = None,
) -> list[Proposal]:
    """Ways to read events, the best first.

    Args:
        leaves: What is in the events.
        events: The events, as the engine takes them.
        preset: Whose events these are, if that is known.
        given: Where columns are, as the core takes it, as far as that is known.
        like: What turned out to be best for some of the events: only that is tried.
    """
    total, given = len(events.records), given or {}
    places = name_places(leaves, total, preset, given.get(_EVENT))
    if like is not None and like.place is not None:
        places = [place for place in places if place.is_like(like.place)] or places
    clues = _clued(leaves)
    found = []
    for place in places[:_TRIED]:
        built = _built(leaves, total, place.match.preset if place.match else preset, place, given)
        found.append(_with_units(built.attempt(events), events))
    if not any(proposal.trial.worth[0] for proposal in found):
        names = _nameless(leaves, preset)
        found += [_built(leaves, total, name, None, given).attempt(events) for name in names]
    return sorted(found, key=lambda proposal: _rank(proposal, clues), reverse=True)


def _rank(proposal: Proposal, clues: Mapping[str, int]) -> tuple[Any, ...]:
    trial, match = proposal.trial, proposal.place.match if proposal.place else None
    usable, understood, watched, _ = trial.worth
    return (
        trial.error is None,
        usable,
        0 if match is None or match.known < _WELL_KNOWN else 2 if match.how == "exactly" else 1,
        round(understood, 1),
        clues.get(proposal.preset or "", 0),
        _is_at_home(proposal),
        proposal.place is not None and proposal.place.is_theirs,
        *(match.rank if match else (False, 0.0, 0, 0.0, 0)),
        watched,
    )


def _is_at_home(proposal: Proposal) -> bool:
    """Whether most columns are where the preset says: one of them may be so by chance."""
    name = proposal.preset or "default"
    expected = specs()[name]["columns"] or [column for column in EVENTS if EVENTS[column].required]
    return len(proposal.native & set(expected)) > 0.5 * len(expected)


def _clued(leaves: Mapping[str, Leaf]) -> dict[str, int]:
    """Preset that needs a clue -> 1 if there is one, -1 if not."""
    texts = {str(value).lower() for leaf in leaves.values() for value in leaf.looks[:20]}
    texts |= {path.lower() for path in leaves}
    return {
        preset: 1 if any(clue in text for clue in clues for text in texts) else -1
        for preset, clues in _CLUES.items()
    }


def _nameless(leaves: Mapping[str, Leaf], preset: Optional[str]) -> list[Optional[str]]:
    """The presets whose events have no names, if they fit, and none."""
    fits = [
        spec["name"]
        for spec in _core.preset_specs()
        if (spec["columns"].get(_EVENT) or {}).get("value")
        and all(_theirs(leaves, spec, name) for name in ("timestamp", "videoId", "currentTime"))
    ]
    return [name for name in fits if preset in (None, name)] or [preset]


def _theirs(leaves: Mapping[str, Leaf], spec: Any, column: str) -> list[Leaf]:
    return at(leaves, spec["columns"][column]["paths"]) or enveloped_leaves(leaves, spec["name"], column)


def _built(
    leaves: Mapping[str, Leaf],
    total: int,
    preset: Optional[str],
    place: Optional[NamePlace],
    given: Mapping[str, Any],
) -> Proposal:
    name = preset or "default"
    meanings = place.meanings() if place else dict.fromkeys(range(total), "heartbeat")
    known = Guesser(leaves, total, meanings)
    if place:
        known.found[_EVENT] = place.found
    wanted = [column for column in EVENTS if column != _EVENT]
    if name != "default":
        wanted = [column for column in wanted if column in specs()[name]["columns"]]
    _take_given(known, given)
    native = _take_native(known, name, [column for column in wanted if column not in given])
    _take_moved(known, name, [column for column in wanted if column not in given])
    guesses.fill(known, [column for column in wanted if column not in given])
    _measure_given(known, given)
    native -= _agreed(known, name, native)
    columns = {column: _place(found) for column, found in known.found.items() if column not in native}
    if place is None and preset is None:
        columns[_EVENT] = Column(value="heartbeat")
    elif place and (place.is_native or (preset is None and place.found.paths == [_EVENT])):
        columns.pop(_EVENT, None)
        native.add(_EVENT)
    for column, said in given.items():
        if said is None or (column not in known.found and column != _EVENT):
            columns[column] = None if said is None else Column(*place_of(said), **_rest(said))
    if _lacks_sessions(known, name, wanted, given):
        columns["sessionId"] = None
    in_order = {column: columns[column] for column in EVENTS if column in columns}
    shown = None if name == "default" else name
    return Proposal(shown, place, known, native, in_order, _vocabulary(place))


def _take_given(known: Guesser, given: Mapping[str, Any]) -> None:
    for column, said in given.items():
        chain = at(known.leaves, place_of(said))
        if chain and column != _EVENT:
            unit = said.get("unit") if isinstance(said, Mapping) else None
            if column == "timestamp":
                unit = unit or chain[0].instant_unit
            known.found[column] = Found(chain, unit, "as you say")


def _measure_given(known: Guesser, given: Mapping[str, Any]) -> None:
    """Finds the unit of positions of which it is only said where they are."""
    said = given.get("currentTime")
    if "currentTime" in known.found and said and not (isinstance(said, Mapping) and said["unit"]):
        known.found["currentTime"] = guesses.measured(known, known.found["currentTime"])


def _agreed(known: Guesser, preset: str, native: set[str]) -> set[str]:
    """Gives lengths and starts of seeks the unit that positions turn out to count; names those it changes."""
    place = known.found.get("currentTime")
    if place is None:
        return set()
    changed = set()
    for column in native & ({"videoDuration"} if "currentTime" in native else {"seekFrom", "videoDuration"}):
        found = known.found[column]
        if all(leaf.is_written for leaf in found.leaves):
            continue
        is_length = column == "videoDuration"
        known.found[column] = (
            guesses.with_length_unit(known, found) if is_length else replace(found, unit=place.unit)
        )
        if known.found[column].unit != found.unit:
            changed.add(column)
    return changed


def _rest(said: Any) -> dict[str, Any]:
    return {name: said[name] for name in ("unit", "value", "missing")} if isinstance(said, Mapping) else {}


def _lacks_sessions(known: Guesser, preset: str, wanted: Iterable[str], given: Mapping[str, Any]) -> bool:
    """Whether there are session ids, but not of all events: those without one would be dropped."""
    column = "sessionId"
    if column not in wanted or column in known.found or column in given:
        return False
    return bool(native_leaves(known.leaves, preset, column))


def _take_native(known: Guesser, preset: str, wanted: Iterable[str]) -> set[str]:
    """Finds the columns that are where the preset says; names those of which nothing need be said."""
    native: set[str] = set()
    for column in wanted:
        chain = [leaf for leaf in native_leaves(known.leaves, preset, column) if _fits(leaf, column)]
        if not chain or (column in ("timestamp", "currentTime") and not _has_enough(chain, known)):
            continue
        # What is called as in the preset, beside records that are within something else, is so by chance.
        if len(enveloped_leaves(known.leaves, preset, column)) > len(chain):
            continue
        if column == "sessionId" and not guesses.covers(known, chain):
            continue
        spec = specs()[preset]["columns"].get(column)
        unit = spec["unit"] if spec else None
        found = Found(chain, unit, "")
        if column == "timestamp":
            found = Found(chain, chain[0].instant_unit, guesses.instant_evidence(chain[0]))
        known.found[column] = found
        if found.unit == unit:
            native.add(column)
    return native


def _has_enough(chain: list[Leaf], known: Guesser) -> bool:
    return len({row for leaf in chain for row in leaf.rows}) > 0.2 * known.total


def _take_moved(known: Guesser, preset: str, wanted: Iterable[str]) -> None:
    """Finds the columns whose places the preset knows, but for what is around them."""
    for column in wanted:
        if column in known.found:
            continue
        chain = [leaf for leaf in moved_leaves(known.leaves, preset, column) if _fits(leaf, column)]
        if not chain or (column in ("timestamp", "currentTime") and not _has_enough(chain, known)):
            continue
        if column == "sessionId" and not guesses.covers(known, chain):
            continue
        spec = specs()[preset]["columns"][column]
        unit = chain[0].instant_unit if column == "timestamp" else spec["unit"]
        known.found[column] = Found(chain, unit, "", tuple(spec["missing"]))


def _fits(leaf: Leaf, column: str) -> bool:
    if column == "timestamp":
        return leaf.is_instant or leaf.instant_unit is not None
    if EVENTS[column].family == "key":
        return leaf.is_key or leaf.is_number
    if column == "playbackRate":
        return leaf.share(values.speed) > 0.5
    return leaf.share(values.seconds) > 0.5


def _place(found: Found) -> Place:
    if found.unit or found.missing:
        return Column(*found.paths, unit=found.unit, missing=found.missing)
    return found.paths[0] if len(found.paths) == 1 else found.paths


def _vocabulary(place: Optional[NamePlace]) -> Optional[dict[str, str]]:
    """What to say of the names: nothing, where they are the preset's to the letter."""
    if place is None or (place.match and place.match.how == "exactly"):
        return None
    # What is guessed of the others is better than to drop them: the findings say that it is a guess.
    meanings = {**place.names.guessed, **place.vocabulary}
    return dict(sorted(meanings.items(), key=lambda item: -place.names.counts[item[0]]))


def _with_units(proposal: Proposal, events: Events) -> Proposal:
    """The proposal with the unit of positions under which most is watched, if that is another one."""
    found = proposal.known.found.get("currentTime")
    if found is None or all(leaf.is_written for leaf in found.leaves):
        return proposal
    other = guesses.measured(proposal.known, found)
    if (other.unit or "s") == (found.unit or "s"):
        return proposal
    changed = _reunited(proposal, other).attempt(events)
    return changed if changed.trial.watched > proposal.trial.watched * 1.5 else proposal


def _reunited(proposal: Proposal, place: Found) -> Proposal:
    """The proposal with positions, and what goes with them, in another unit."""
    known = Guesser(proposal.known.leaves, proposal.known.total, proposal.known.meanings)
    known.found = {**proposal.known.found, "currentTime": place}
    columns = dict(proposal.columns)
    for column in ("currentTime", "seekFrom", "videoDuration"):
        if column == "seekFrom" and column in known.found:
            known.found[column] = replace(known.found[column], unit=place.unit)
        if column == "videoDuration" and column in known.found:
            known.found[column] = guesses.with_length_unit(known, known.found[column])
        if column in known.found:
            spec = specs()[proposal.preset or "default"]["columns"].get(column)
            if known.found[column].unit != (spec["unit"] if spec else None) or column in columns:
                columns[column] = _place(known.found[column])
    native = proposal.native - set(columns)
    ordered = {column: columns[column] for column in EVENTS if column in columns}
    return replace(proposal, known=known, columns=ordered, native=native)
