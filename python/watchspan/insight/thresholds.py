"""The segments of users and the thresholds that draw them, each once.

`options.py` here and `docs/rules.md` follow from them. Nothing of the package is imported here: the
generators read this file alone.
"""

from __future__ import annotations

from dataclasses import dataclass

DAYS = "a finite number that is not negative"
SHARE = "a number from 0 to 1"


@dataclass(frozen=True)
class Threshold:
    """One threshold.

    Attributes:
        name: What the option is called.
        default: Its default.
        accepted: What is accepted, as the end of a sentence.
        doc: What it means.
    """

    name: str
    default: float
    accepted: str
    doc: str

    def accepts(self, value: float) -> bool:
        """Whether a number is accepted."""
        return 0.0 <= value < float("inf") and (self.accepted != SHARE or value <= 1.0)


THRESHOLDS = (
    Threshold("lapsed_days", 14.0, DAYS, "`lapsed`: last seen at least so many days ago."),
    Threshold("new_days", 7.0, DAYS, "`new`: first seen less than so many days ago."),
    Threshold("finisher_videos", 3.0, DAYS, "`finisher`: at least so many videos."),
    Threshold("finisher_completion", 0.6, SHARE, "`finisher`: a `completionRate` of at least this."),
    Threshold("skipper_skips", 2.0, DAYS, "`skipper`: at least so many `forwardSkipsPer10Min`."),
    Threshold("sampler_videos", 3.0, DAYS, "`sampler`: at least so many videos."),
    Threshold("sampler_coverage", 0.25, SHARE, "`sampler`: a `coverage` of at most this."),
    Threshold("loyal_weeks", 3.0, DAYS, "`loyal`: active in at least so many of the last weeks."),
    Threshold("loyal_of_weeks", 4.0, DAYS, "`loyal`: how many weeks of seven days before `as_of` these are."),
)

# In the order in which they are tried, and what each says; the last one is for whom none applies.
SEGMENTS = (
    ("lapsed", "Last seen at least `lapsed_days` before `as_of`."),
    ("new", "First seen less than `new_days` before `as_of`."),
    (
        "finisher",
        "At least `finisher_videos` videos, and a `completionRate` of at least `finisher_completion`.",
    ),
    ("skipper", "At least `skipper_skips` forward skips per ten minutes watched."),
    (
        "sampler",
        "At least `sampler_videos` videos, and a `coverage` of at most `sampler_coverage`.",
    ),
    (
        "loyal",
        "A session began in at least `loyal_weeks` of the last `loyal_of_weeks` weeks of seven days before "
        "`as_of`. Known of session rows only.",
    ),
)
REST = ("regular", "None of the others.")
