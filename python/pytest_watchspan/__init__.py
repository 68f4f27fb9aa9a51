"""The plugin of pytest: runs stories, files named `*.story.json`, and has the fixture `story`.

It is loaded wherever the package is installed beside pytest, so it imports watchspan only once there is a
story. How stories are told is in docs/testing.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import pytest

if TYPE_CHECKING:
    from watchspan.errors import WatchspanError
    from watchspan.testing import Story, Told

SUFFIX = ".story.json"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> StoryFile | None:
    """Takes files that tell a story."""
    if file_path.name.endswith(SUFFIX):
        collector: StoryFile = StoryFile.from_parent(parent, path=file_path)
        return collector
    return None


class StoryFile(pytest.File):
    """A file that tells a story."""

    def collect(self) -> Iterator[StoryItem]:
        """The story in it, as a test; a file that is no story is one that fails, and stops no others."""
        from watchspan.errors import WatchspanError
        from watchspan.testing import read_story

        story: Story | WatchspanError
        try:
            story = read_story(self.path)
        except WatchspanError as error:
            story = error
        yield StoryItem.from_parent(self, name=self.path.name[: -len(SUFFIX)], story=story)


class StoryItem(pytest.Item):
    """A story as a test: what comes of its events is what it expects."""

    def __init__(self, *, story: Story | WatchspanError, **more: Any) -> None:
        super().__init__(**more)
        self.story = story

    def runtest(self) -> None:
        """Tells the story, and compares."""
        from watchspan.testing import Story, tell

        if not isinstance(self.story, Story):
            raise self.story
        tell(self.story).check()

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *more: Any) -> Any:
        """What was expected, what came, and how each event was judged; an error's sentence."""
        from watchspan.errors import WatchspanError
        from watchspan.testing import StoryMismatchError
        from watchspan.text import visible

        if isinstance(excinfo.value, (StoryMismatchError, WatchspanError)):
            return "\n".join(map(visible, str(excinfo.value).split("\n")))
        return super().repr_failure(excinfo, *more)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where it is, and what it is called."""
        from watchspan.text import visible

        return self.path, None, visible(getattr(self.story, "title", "") or self.name)


@pytest.fixture
def story() -> Callable[..., Told]:
    """Tells a story from compact text, a line for each event, and returns what comes of it.

    It is `watchspan.testing.story`.
    """
    from watchspan.testing import story

    return story
