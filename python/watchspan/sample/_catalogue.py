"""The videos of the sample: how long they are, and what the catalogue says about them."""

from __future__ import annotations

import random
from typing import Callable, NamedTuple, Optional

WELCOME = "welcome"
_SUBJECTS = (
    "Algebra",
    "Anatomy",
    "Astronomy",
    "Botany",
    "Calculus",
    "Chemistry",
    "Drawing",
    "Ecology",
    "Economics",
    "Ethics",
    "Geology",
    "Geometry",
    "Grammar",
    "History",
    "Logic",
    "Optics",
    "Physics",
    "Poetry",
    "Rhetoric",
    "Statistics",
)
_LESSONS = 10
_KINDS = ("spike", "dip", "drop")
# How long videos with a moment are at least, in seconds, and how long moments are, as a share of that.
_LEAST_LENGTH, _WIDTH = 180.0, 0.05


class Moment(NamedTuple):
    """A stretch at which many viewers do the same."""

    kind: str  # spike: they watch it again; dip: they pass over it; drop: they leave
    start: float
    end: float
    share: float  # of the viewers who play up to it


class Video(NamedTuple):
    """One video as it is, and as the catalogue has it."""

    key: str
    title: str
    length: float  # how long it really is
    duration: Optional[float]  # how long the catalogue says it is
    listed: bool = True
    moment: Optional[Moment] = None


def catalogue(seed: int) -> list[Video]:
    """Every video that there is to watch, the welcome first."""
    uniform = random.Random(f"videos {seed}").random
    made = [Video(WELCOME, "Welcome: a five-minute tour", 300.0, 300.0)]
    for number in range(1, len(_SUBJECTS) * _LESSONS + 1):
        subject, lesson = _SUBJECTS[(number - 1) // _LESSONS], (number - 1) % _LESSONS + 1
        length = duration = 60.0 + int(1800 * uniform() ** 2)
        if number % 50 == 11:
            duration -= 45.0  # measured before the credits were added
        elif number % 50 == 31:
            duration += 60.0  # measured before something was cut
        known = number % 40 != 23
        key, title = f"{subject.lower()}-{lesson:02}", f"{subject}, lesson {lesson}"
        moment = _moment(length, _KINDS[number % len(_KINDS)], uniform)
        listed, planted = number % 40 != 7, moment if number % 2 else None
        made.append(Video(key, title, length, duration if known else None, listed, planted))
    return made


def _moment(length: float, kind: str, uniform: Callable[[], float]) -> Optional[Moment]:
    """A moment of a video of that length; none if it is so short that any would be all of it."""
    start, share = 0.2 + 0.5 * uniform(), 0.1 + 0.2 * uniform()
    if length < _LEAST_LENGTH:
        return None
    return Moment(kind, round(start * length, 1), round((start + _WIDTH) * length, 1), round(share, 3))


def choose(videos: list[Video], uniform: Callable[[], float]) -> Video:
    """Picks a video, popular ones more often."""
    # The cube makes a few videos far more popular than the rest. 83 is prime to their number, and so the
    # popular ones are not all of one subject.
    return videos[int(len(videos) * uniform() ** 3) * 83 % len(videos)]
