"""The stories of tests/scenarios, and which of them shows what, for `tools/generate.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

# How the names of their files end.
SUFFIX = ".story.json"
# The pages of docs/scenarios, in this order: what a story's `theme` names, the title, and what is told there.
THEMES = {
    "watching": ("Watching", "What is watched, and what completes a video."),
    "seeks": ("Seeks and skips", "Jumps, drags and skip buttons, with and without a known origin."),
    "silence": ("Silence and lost events", "Closed tabs, reloads, and plays and pauses that never arrive."),
    "heartbeats": ("Heartbeats and live streams", "What signs of life prove while playing and while paused."),
    "clocks": ("Clocks and long segments", "How far a position may be ahead of the clock, and for how long."),
    "speed": ("Speed", "Double speed, known and unknown."),
    "endings": ("Endings", "End events, durations that are wrong, and values exactly at a limit."),
    "replays": ("Coming back", "Videos watched again, in one session and in several."),
    "sessions": ("Sessions", "Session ids, timeouts, several tabs and several devices."),
    "rows": ("Rows that arrive", "Order, duplicates, unusable rows, time zones and numbers as keys."),
    "durations": ("Durations that are missing", "What players report, estimates, and an untidy catalogue."),
    "unobserved": ("Counting what nobody saw", "What `count_unobserved` adds."),
    "options": ("Other options", "Without unique seconds, other scores, other limits."),
    "vocabularies": ("Vocabularies", "One story for each preset."),
}


class Story(NamedTuple):
    """One file: its name, which is also its anchor, and its content."""

    name: str
    content: Mapping[str, Any]

    @property
    def theme(self) -> str:
        """The page that it is on."""
        return str(self.content["theme"])

    def link(self, folder: str = "") -> str:
        """Markdown that leads to it from a page beside `folder`."""
        return f"[{self.content['title']}]({folder}{self.theme}.md#{self.name})"


def load_stories(folder: Path) -> list[Story]:
    """All stories in `folder`, by their number; those that have none come last, by name."""
    files = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: _in_order(path.name[: -len(SUFFIX)]))
    texts = {path.name[: -len(SUFFIX)]: path.read_text(encoding="utf-8") for path in files}
    return [Story(name.replace("_", "-"), json.loads(text)) for name, text in texts.items()]


def _in_order(name: str) -> tuple[bool, int, str]:
    number = name.partition("_")[0]
    return (not number.isdecimal(), int(number) if number.isdecimal() else 0, name)


def shown_by(stories: list[Story]) -> dict[str, Story]:
    """The story whose `shows` has it, by the name of each rule, weight, drop reason and flag."""
    shown: dict[str, Story] = {}
    for story in stories:
        for name in story.content.get("shows", ()):
            if shown.setdefault(name, story) is not story:
                raise ValueError(f"Both {shown[name].name} and {story.name} are said to show {name}.")
    return shown
