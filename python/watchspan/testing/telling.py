"""What comes of a story's events, and how that differs from what should."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from watchspan import _core, instants
from watchspan.api import aggregate, explain, sessions
from watchspan.columns import VIDEOS
from watchspan.errors import WatchspanWarning
from watchspan.report import report
from watchspan.testing.checking import check_unicode, counts_argument, rows_argument
from watchspan.testing.comparing import Difference, columns_that_differ, lined_up, text
from watchspan.testing.stories import Story
from watchspan.text import shown, visible

Row = Mapping[str, Any]
# How many viewers' events a failure explains, and how many rows that nobody expected it shows.
_EXPLAINED = 3
_ORDER = {"sessions": ("userId", "videoId", "sessionId"), "engagement": ("userId", "videoId")}


class StoryMismatchError(AssertionError):
    """What came of a story's events is not what should. The message shows both, and `explain`."""


@dataclass(frozen=True)
class Told:
    """What came of a story's events.

    Attributes:
        story: The story.
        sessions: The session rows.
        engagement: The engagement rows.
        dropped: How many events were dropped, by reason, without zeros.
    """

    story: Story
    sessions: pa.Table
    engagement: pa.Table
    dropped: dict[str, int]

    def check(self) -> None:
        """Compares it with what the story expects.

        Raises:
            StoryMismatchError: If it differs.
        """
        __tracebackhide__ = True
        story = self.story
        self.expect(dropped=story.dropped, sessions=story.sessions, engagement=story.engagement)

    def expect(
        self,
        *,
        dropped: Mapping[str, int] | None = None,
        sessions: Sequence[Row] | None = None,
        engagement: Sequence[Row] | None = None,
        **columns: Any,
    ) -> None:
        """Compares it with what is expected.

        Args:
            dropped: How many events are dropped, by reason, without zeros.
            sessions: The session rows, each a dict of the columns to compare.
            engagement: The engagement rows, likewise.
            columns: Columns of the one engagement row, as in `totalWatchTime=30`.

        Raises:
            StoryMismatchError: If it differs: the message shows what was expected, what came, and how the
                events were judged.
            OptionError: If rows are no list of dicts, or `dropped` is no mapping from reasons to counts.
        """
        __tracebackhide__ = True
        if columns:
            engagement = [*([] if engagement is None else rows_argument("engagement", engagement)), columns]
        parts = [] if dropped is None else _miscounted(counts_argument("dropped", dropped), self.dropped)
        viewers: dict[tuple[Any, Any], None] = {}
        for kind, table, rows in (
            ("sessions", self.sessions, sessions),
            ("engagement", self.engagement, engagement),
        ):
            if rows is not None:
                parts += _compared(kind, table.to_pylist(), rows_argument(kind, rows), viewers)
        if parts:
            raise StoryMismatchError("\n".join([*_head(self.story), *parts, *self._explained(viewers)]))

    def _explained(self, viewers: Iterable[tuple[Any, Any]]) -> list[str]:
        everybody = zip(*(self.engagement[name].to_pylist() for name in ("userId", "videoId")))
        lines: list[str] = []
        for user, video in (list(viewers) or list(everybody))[:_EXPLAINED]:
            judged = explained(self.story, user, video)
            if judged.num_rows:
                lines += ["", f"how events of {text(user)} on {text(video)} were judged", *_judged(judged)]
        return lines


def tell(story: Story) -> Told:
    """What comes of a story's events.

    Raises:
        WatchspanError: As `watchspan.aggregate` does.
    """
    events, videos = event_table(story), video_table(story)
    with warnings.catch_warnings():
        # A story says how many events are dropped.
        warnings.simplefilter("ignore", WatchspanWarning)
        # Starting threads takes longer than telling a story.
        by_session = sessions(events, threads=1, **story.reading)
        rows = aggregate(events, videos=videos, threads=1, **story.reading, **story.scored)
    dropped = {reason: count for reason, count in report(rows)["dropped"].items() if count}
    return Told(story, by_session, rows, dropped)


def explained(story: Story, user: Any, video: Any) -> pa.Table:
    """How each event of a user on a video was judged."""
    return explain(event_table(story), user, video, **story.reading)


def event_table(story: Story) -> Any:
    """A story's events: a table, or the records as they come.

    Raises:
        DataError: If text in them cannot be written.
    """
    if story.columns is not None:
        return arrow_table(story.events, story.columns)
    for number, event in enumerate(story.events):
        check_unicode(f"`events[{number}]`", event)
    return story.events


def video_table(story: Story) -> pa.Table | None:
    """A story's videos, if it has some."""
    if story.videos is None:
        return None
    needed = [name for name, column in VIDEOS.items() if column.required]
    given = [name for video in story.videos for name in video]
    return arrow_table(story.videos, list(dict.fromkeys([*needed, *given])))


def arrow_table(rows: Sequence[Row], columns: Sequence[str]) -> pa.Table:
    """Rows of JSON as a table, whose types are those of the columns; NaN and infinity are text there.

    Args:
        rows: The rows.
        columns: The columns to take from them.

    Raises:
        DataError: If text in them cannot be written.
    """
    kinds = {spec["name"]: spec["type"] for spec in _core.input_column_specs() if spec["is_number"]}
    values = {name: [row.get(name) for row in rows] for name in columns}
    for name, column in values.items():
        check_unicode(f"Column {shown(name)}", [name, column])
    return pa.table({name: _array(column, kinds.get(name)) for name, column in values.items()})


def _array(values: Sequence[Any], kind: pa.DataType | None) -> pa.Array:
    """Values of JSON as a column; as text where they are of several kinds."""
    if kind is None:
        kind = pa.int64() if any(isinstance(value, int) for value in values) else pa.string()
    try:
        if kind == pa.float64():
            values = [None if value is None else float(value) for value in values]
        return pa.array(values, kind)
    except (TypeError, ValueError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _miscounted(expected: Mapping[str, int], got: Mapping[str, int]) -> list[str]:
    """Lines that tell how counts by reason differ."""
    found = [
        Difference("", name, expected.get(name, 0), got.get(name, 0)) for name in sorted({*expected, *got})
    ]
    differ = [one for one in found if one.expected != one.got]
    return ["dropped", *_table(differ, "reason")] if differ else []


def _compared(kind: str, got: list[Row], expected: Sequence[Row], viewers: dict[Any, None]) -> list[str]:
    """Lines that tell how rows differ; `viewers` gets the users and videos of those that do."""
    if len(got) != len(expected):
        viewers.update(dict.fromkeys((row["userId"], row["videoId"]) for row in got))
        lines = [f"{kind}: {len(expected)} rows expected, {len(got)} got:"]
        return lines + [f"  {_named(kind, row)}" for row in got]
    found: list[Difference] = []
    for number, (row, wanted) in enumerate(zip(got, expected)):
        differ = columns_that_differ(f"{number}: {_named(kind, row)}", row, wanted, list(wanted))
        if differ:
            viewers[(row["userId"], row["videoId"])] = None
        found += differ
    lines = []
    for row_name in dict.fromkeys(one.row for one in found):
        lines += [f"{kind}, row {row_name}", *_table([one for one in found if one.row == row_name], "column")]
    return lines


def _named(kind: str, row: Row) -> str:
    return ", ".join(f"{name} {text(row[name])}" for name in _ORDER[kind])


def _table(found: Sequence[Difference], what: str) -> list[str]:
    rows = [[visible(str(one.column)), text(one.expected), text(one.got)] for one in found]
    return lined_up([what, "expected", "got"], rows)


def _head(story: Story) -> list[str]:
    return [visible(f"{story.name}: {story.title}" if story.title else story.name), ""]


def _judged(judged: pa.Table) -> list[str]:
    rows = [[_cell(value) for value in row.values()] for row in judged.to_pylist()]
    return lined_up(judged.column_names, rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return instants.text(value)
    return str(value) if isinstance(value, (bool, int, float)) else text(value).strip("'\"")
