"""Checks for tests of one's own: events and rows that keep what they promise, and stories told in files.

The plugin of pytest, which runs `*.story.json` and has the fixture `story`, is `pytest_watchspan`; it comes
with the package. How to use all this is in docs/testing.md.
"""

from __future__ import annotations

from watchspan.testing.asserting import assert_engagement, assert_events, assert_same_rows
from watchspan.testing.compact import story
from watchspan.testing.exporting import checks
from watchspan.testing.stories import Story, read_story
from watchspan.testing.telling import StoryMismatchError, Told, tell

__all__ = [
    "Story",
    "StoryMismatchError",
    "Told",
    "assert_engagement",
    "assert_events",
    "assert_same_rows",
    "checks",
    "read_story",
    "story",
    "tell",
]
