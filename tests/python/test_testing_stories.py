"""Stories: a malformed one is one sentence, records are read as they come, compact text has its grammar."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import watchspan as ws
from support.scenarios import FOLDER
from watchspan.testing import StoryMismatchError, read_story, story, tell
from watchspan.testing.compact import events_of
from watchspan.testing.story_format import EXPECTED, FIELDS

GOOD = json.loads((FOLDER / "01_worked_example.story.json").read_text(encoding="utf-8"))
LEFT_OUT = object()
ODD = [None, 3, True, "text", [], {}, [[]], [{}], [3], {"a": 3}, {"a": "b"}, 1.5]


def changed(place: str, value: Any) -> dict[str, Any]:
    """The good story with another value in a place, or without one."""
    content: dict[str, Any] = copy.deepcopy(GOOD)
    *front, last = place.split(".")
    part = content
    for name in front:
        part = part[name]
    if value is LEFT_OUT:
        del part[last]
    else:
        part[last] = value
    return content


def written(folder: Path, content: Any) -> Path:
    path = folder / "mine.story.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


MALFORMED = {
    "events": ("3", 3, "`events` is 3, but a list of events is needed."),
    "events ": ("missing", LEFT_OUT, "`events` is missing: The events: "),
    "expected": ("missing", LEFT_OUT, "`expected` is missing: What should come of the events"),
    "expected ": ("nothing", {}, "`expected` holds nothing, so that this story cannot fail"),
    "expected.rows": ("unknown", [], "There is no field `expected.rows` in a story: there are "),
    "expected.session": ("near", [], "There is no field `expected.session` in a story: did you mean "
                         "`expected.sessions`?"),
    "expected.engagement": ("object", {}, "`expected.engagement` is {}, but a list of objects is needed."),
    "expected.dropped": ("text", {"duplicate": "1"}, "`expected.dropped` is {'duplicate': '1'}, but an "
                         "object of reasons and whole numbers is needed."),
    "columns": ("twice", ["timestamp", "timestamp"], "`columns` is ['timestamp', 'timestamp'], but a list of "
                "different names, or an object is needed."),
    "columns ": ("missing", LEFT_OUT, "`events[0]` is ['2026-01-15T10:00:00Z', 'peter', "),
    "uniqueSeconds": ("text", "yes", "`uniqueSeconds` is 'yes', but true or false is needed."),
    "video": ("near", [], "There is no field `video` in a story: did you mean `videos`?"),
    "rules": ("unknown", {"tolerance": 3}, "`rules` has no option 'tolerance'; there are "),
    "rules ": ("value", {"tolerance_seconds": -3}, "Rules.tolerance_seconds is -3, but a finite number "),
    "scoring": ("unknown", {"coverag": 3}, "`scoring` has no option 'coverag'; there are coverage, "),
    "preset": ("unknown", "nosuch", "There is no preset 'nosuch'"),
    "vocabulary": ("list", ["play"], "`vocabulary` is ['play'], but text or an object of texts is needed."),
    "title": ("number", 3, "`title` is 3, but text is needed."),
}  # fmt: skip


@pytest.mark.parametrize("place", MALFORMED)
def test_a_malformed_story_is_a_sentence_with_its_file(place: str, tmp_path: Path) -> None:
    _, value, sentence = MALFORMED[place]
    with pytest.raises(ws.errors.DataError) as raised:
        read_story(written(tmp_path, changed(place.strip(), value)))
    assert str(raised.value).startswith(f"mine.story.json: {sentence}")
    assert "\n" not in str(raised.value)


def test_an_event_of_another_length_is_named(tmp_path: Path) -> None:
    content = changed("title", "x")
    content["events"][3] = ["2026-01-15T10:00:00Z"]
    with pytest.raises(ws.errors.DataError) as raised:
        read_story(written(tmp_path, content))
    assert str(raised.value) == (
        "mine.story.json: `events[3]` is ['2026-01-15T10:00:00Z'], but a list of 6 values is needed: "
        "timestamp, userId, videoId, sessionId, eventName, currentTime."
    )


@pytest.mark.parametrize("text", ["", "{", "[1", "NaN!", "[" * 100_000])
def test_what_is_no_json_is_told(text: str, tmp_path: Path) -> None:
    with pytest.raises(ws.errors.SourceError, match=r"mine\.story\.json' is no JSON: "):
        read_story(written(tmp_path, text))


def test_a_byte_order_mark_is_no_part_of_a_story(tmp_path: Path) -> None:
    path = tmp_path / "mine.story.json"
    path.write_text(json.dumps(GOOD), encoding="utf-8-sig")
    assert read_story(path).title == GOOD["title"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ws.errors.SourceError, match=r"none\.story\.json' cannot be read: No such file"):
        read_story(tmp_path / "none.story.json")


@pytest.mark.parametrize("content", ["[]", "3", "null", '"text"'])
def test_what_is_no_object_is_told(content: str, tmp_path: Path) -> None:
    with pytest.raises(ws.errors.DataError, match=r"The file holds .*, but an object with `events`, "):
        read_story(written(tmp_path, content))


@pytest.mark.parametrize("place", [*FIELDS, *(f"expected.{name}" for name in EXPECTED)])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_any_value_in_any_field_is_taken_or_refused_in_a_sentence(
    place: str, value: Any, tmp_path: Path
) -> None:
    path = written(tmp_path, changed(place, value))
    # Anything else that is raised is a fault.
    with contextlib.suppress(StoryMismatchError, ws.errors.WatchspanError):
        tell(read_story(path)).check()


def test_every_field_has_what_documentation_needs() -> None:
    for name, field in {**FIELDS, **EXPECTED}.items():
        assert field.doc.endswith("."), name
        assert field.needs, name
    assert [name for name, field in FIELDS.items() if not field.default] == ["events", "expected"]


def test_what_may_be_left_out_has_its_default(tmp_path: Path) -> None:
    content = {"columns": GOOD["columns"], "events": GOOD["events"], "expected": {"engagement": [{}]}}
    told = read_story(written(tmp_path, content))
    assert told.name == "mine"
    assert (told.title, told.videos, told.rules, told.dropped) == ("", None, {}, {})
    tell(told).check()


def test_records_are_read_as_they_come(tmp_path: Path) -> None:
    records = [
        {
            "at": f"2026-01-15T10:00:{second:02}Z",
            "who": {"id": "ann"},
            "video": "v1",
            "event": name,
            "pos": place,
        }
        for second, name, place in [(0, "los", 0), (30, "halt", 30)]
    ]
    content = {
        "events": records,
        "columns": {
            "timestamp": "at", "userId": "who.id", "videoId": "video", "eventName": "event",
            "currentTime": "pos",
        },
        "vocabulary": {"los": "play", "halt": "pause"},
        "expected": {"engagement": [{"userId": "ann", "totalWatchTime": 30}]},
    }  # fmt: skip
    tell(read_story(written(tmp_path, content))).check()


def test_a_preset_reads_records_and_a_path_leads_from_the_story(tmp_path: Path) -> None:
    content = {
        "events": [
            {"t": 1768471200000, "u": "ann", "v": "v1", "e": "los", "p": 0},
            {"t": 1768471230000, "u": "ann", "v": "v1", "e": "halt", "p": 30},
        ],
        "preset": "ours.toml",
        "expected": {"engagement": [{"totalWatchTime": 30}]},
    }
    (tmp_path / "ours.toml").write_text(
        '[events]\nlos = "play"\nhalt = "pause"\n[columns]\ntimestamp = {paths = ["t"], unit = "ms"}\n'
        'userId = "u"\nvideoId = "v"\neventName = "e"\ncurrentTime = "p"\n'
    )
    tell(read_story(written(tmp_path, content))).check()


def test_compact_text_is_events() -> None:
    found = events_of(
        """
        # a remark
        0:00       play    0          user=ann video=v1
        1:00:01.5  seek    1:30       from=10 rate=2 sequence=3   # more
        2026-01-15T12:00:00+01:00  pause  -  session=s9 videoDuration=300
        """
    )
    rest = {"playbackRate": None, "seekFrom": None, "sequence": None, "videoDuration": None}
    first = {
        "timestamp": "2026-01-15T00:00:00.000000Z",
        "userId": "ann",
        "videoId": "v1",
        "eventName": "play",
    }
    assert found[0] == {**first, "currentTime": 0, "sessionId": "session", **rest}
    assert (found[1]["timestamp"], found[1]["currentTime"]) == ("2026-01-15T01:00:01.500000Z", 90)
    assert (found[1]["seekFrom"], found[1]["playbackRate"], found[1]["sequence"]) == (10, 2, 3)
    assert (found[1]["userId"], found[1]["videoId"]) == ("user", "video")
    assert (found[2]["timestamp"], found[2]["currentTime"]) == ("2026-01-15T11:00:00.000000Z", None)
    assert (found[2]["sessionId"], found[2]["videoDuration"]) == ("s9", 300)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The story has no events"),
        ("# only a remark", "The story has no events"),
        ("0:00 play", "Line 1 is '0:00 play', but time, name and position are needed"),
        ("0:00 play 0\nnoon play 0", "Line 2 begins with 'noon', but a time is needed"),
        ("0:00 play start", "Line 1 says 'start', where a number is needed."),
        ("0:00 play 0 speed=2", "Line 1 says 'speed=2', but only user=, video=, session=, rate=, from=, "),
        ("0:00 play 0 rate", "Line 1 says 'rate', but only user=, "),
        ("0:00 play 0 rate=fast", "Line 1 says 'fast', where a number is needed."),
        ("0:00 play 0 sequence=1.5", "Line 1 says 'sequence=1.5', where a whole number is needed."),
        ("0:00 play 0 sequence=inf", "Line 1 says 'sequence=inf', where a whole number is needed."),
        ("99999999999:00 play 0", "Line 1 begins with '99999999999:00', but a time is needed"),
    ],
)
def test_a_line_that_is_none_is_named(text: str, sentence: str) -> None:
    with pytest.raises(ws.errors.DataError) as raised:
        events_of(text)
    assert str(raised.value).startswith(sentence)


@given(st.text(alphabet="0:1 play-=.#\nrate", max_size=40))
def test_any_text_is_events_or_a_sentence(text: str) -> None:
    with contextlib.suppress(ws.errors.DataError):
        assert events_of(text)


def test_the_worked_example_as_compact_text() -> None:
    told = story(
        """
        0:00  play   0
        0:30  pause  30
        0:35  play   30
        2:05  pause  120
        2:10  play   110
        2:20  pause  120
        """,
        duration=300,
    )
    told.expect(totalWatchTime=130, engagementScore=28.33, engagementTier="Low")
    told.expect(dropped={}, sessions=[{"watchTime": 130, "pauseCount": 3}])
    with pytest.raises(StoryMismatchError, match=r"28\.34 +28\.33"):
        told.expect(engagementScore=28.34)
    with pytest.raises(StoryMismatchError, match="2 rows expected, 1 got"):
        told.expect(engagement=[{}, {}])
    with pytest.raises(StoryMismatchError, match=r"duplicate +1 +0"):
        told.expect(dropped={"duplicate": 1})


def test_options_of_compact_stories_count() -> None:
    text = "0:00 los 0 video=v2\n0:30 halt 30 video=v2"
    told = story(
        text,
        videos=[{"videoId": "v2", "duration": 30, "title": "Two"}],
        vocabulary={"los": "play", "halt": "pause"},
        rules=ws.Rules(very_short_seconds=31),
        scoring=ws.Scoring.additive(),
        unique_seconds=False,
    )
    told.expect(videoTitle="Two", watchPercentage=100, totalUniqueSecondsWatched=None)
    assert told.engagement["engagementScore"].to_pylist() == [55.5]
