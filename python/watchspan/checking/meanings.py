"""What event names mean: by the presets that know them, and by the words in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Optional

from watchspan import _core
from watchspan.checking.naming import words

# After events of these a player plays.
PLAYING = frozenset(("play", "resume", "heartbeat"))

# The words by which a name that no preset knows is guessed: the first row that has one of them counts.
_GUESSED = {
    "ignore": "ad ads advert adverts advertisement buffer buffering bufferstart bufferend stall "
    "stalled stalling "
    "volume mute muted unmute unmuted fullscreen quality bitrate caption captions subtitle subtitles "
    "transcript cc resize scroll click error load loaded loading ready download share like comment login "
    "logout page impression waiting canplay session chapter",
    "rate_change": "rate speed ratechange playbackrate tempo velocity",
    "seek_start": "seekstart scrubstart seeking",
    "seek": "seek seeked seekend scrub scrubbed jump jumped skip skipped rewind rewound forward forwarded",
    "heartbeat": "heartbeat heartbeats beat ping progress timeupdate tick playing update watching alive "
    "interval playhead position keepalive milestone quartile",
    "close": "close closed exit exited unload beforeunload pagehide leave left quit abandon abandoned stop "
    "stopped terminate terminated destroy dispose disposed",
    "end": "end ended complete completed finish finished eof over done completion",
    "pause": "pause paused halt suspend suspended",
    "resume": "resume resumed unpause unpaused continue continued",
    "play": "play played start started begin began launch replay replayed run",
}
_GUESSES = {meaning: frozenset(text.split()) for meaning, text in _GUESSED.items()}
_SEEK_BEGINS = frozenset(("start", "started", "begin", "began", "beginning"))
_PLAYS = frozenset(("play", "heartbeat", "resume"))
# What sources write before all their names.
_PREFIX = re.compile(r"^[A-Za-z]+[ _.:/-]")
_SHORTEST_WORD = 3


def guess(name: str) -> Optional[str]:
    """What the words of an event name suggest that it means; None if they suggest nothing.

    >>> guess("lesson_started"), guess("Scrub begin"), guess("PlayerHeartbeat"), guess("foo")
    ('play', 'seek_start', 'heartbeat', None)
    """
    found = set(words(name))
    whole = "".join(words(name))
    for meaning, known in _GUESSES.items():
        if found & known or whole in known:
            if meaning == "seek" and found & _SEEK_BEGINS:
                return "seek_start"
            return meaning
    return None


@dataclass(frozen=True)
class Match:
    """How the event names of a source fit a preset.

    Attributes:
        preset: The preset's name.
        vocabulary: The source's names that it knows, and what they mean.
        how: How they are spelled: `exactly`, `case` or `prefix`.
        known: The share of the events whose names it knows.
        distinct: How many names of the source it knows.
        rarity: How much these names say about the source: those of many presets say little.
        size: How many names it has.
    """

    preset: str
    vocabulary: Mapping[str, str]
    how: str
    known: float
    distinct: int
    rarity: float
    size: int

    @property
    def plays(self) -> bool:
        """Whether a name that means playing is among them."""
        return not _PLAYS.isdisjoint(self.vocabulary.values())

    @property
    def rank(self) -> tuple[float, ...]:
        """What to choose by: the greater the better."""
        spelled = {"exactly": 2, "case": 1, "prefix": 0}[self.how]
        return (self.plays, round(self.known, 2), spelled, round(self.rarity, 3), -self.size)


@dataclass(frozen=True)
class Names:
    """The event names of a source and how many events have each.

    Attributes:
        counts: Name -> number of events.
        total: The number of events, those without a name too.
    """

    counts: Mapping[str, int]
    total: int

    @cached_property
    def matches(self) -> list[Match]:
        """The presets that know one of the names or more, the best first."""
        found = [match for preset in vocabularies() for match in self._spellings(preset)]
        return sorted(found, key=lambda match: match.rank, reverse=True)

    @cached_property
    def guessed(self) -> dict[str, str]:
        """The names whose words suggest a meaning."""
        return {name: meaning for name in self.counts if (meaning := guess(name))}

    def share(self, names: Mapping[str, str]) -> float:
        """The share of the events that have one of these names."""
        return sum(self.counts.get(name, 0) for name in names) / max(1, self.total)

    def _spellings(self, preset: str) -> list[Match]:
        known = vocabularies()[preset]
        exact = {name: known[name] for name in self.counts if name in known}
        found = [self._match(preset, exact, "exactly")]
        plain, bare = _spelled_otherwise(preset)
        alike = {name: plain[_plain(name)] for name in self.counts if _plain(name) in plain}
        if len(alike) > len(exact):
            found.append(self._match(preset, {**alike, **exact}, "case"))
        less = {name: bare[_bare(name)] for name in self.counts if _bare(name) in bare}
        if len(less) > max(len(alike), len(exact)):
            found.append(self._match(preset, {**less, **alike, **exact}, "prefix"))
        return [match for match in found if match.distinct]

    def _match(self, preset: str, vocabulary: dict[str, str], how: str) -> Match:
        knowing = _presets_by_name()
        rarity = sum(1 / knowing.get(name, 99) for name in vocabulary) / max(1, len(vocabulary))
        size = len(vocabularies()[preset])
        return Match(preset, vocabulary, how, self.share(vocabulary), len(vocabulary), rarity, size)


def _plain(name: str) -> str:
    return "".join(words(name)) or name.lower()


@lru_cache(maxsize=20_000)
def _bare(name: str) -> str:
    rest = _PREFIX.sub("", name)
    # What is left must be a word: `s-1` is no `1`.
    return _plain(rest) if len(rest) >= _SHORTEST_WORD and rest[:1].isalpha() else _plain(name)


@lru_cache(maxsize=1)
def vocabularies() -> dict[str, dict[str, str]]:
    """Preset -> event name -> meaning."""
    return {spec["name"]: dict(spec["names"]) for spec in _core.preset_specs()}


@lru_cache(maxsize=64)
def _spelled_otherwise(preset: str) -> tuple[dict[str, str], dict[str, str]]:
    """The names of a preset without capitals and what is between words, and without the first word too."""
    names = list(reversed(list(vocabularies()[preset].items())))
    plain = {_plain(name): meaning for name, meaning in names}
    return plain, {_bare(name): meaning for name, meaning in names}


@lru_cache(maxsize=1)
def _presets_by_name() -> dict[str, int]:
    """Event name -> how many presets know it."""
    return dict(Counter(name for known in vocabularies().values() for name in known))
