"""What tests and stories may not say is refused in a sentence; integers are compared exactly."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union

import numpy as np
import pytest

import watchspan as ws
from support.scenarios import FOLDER
from watchspan.errors import DataError, OptionError, VocabularyError
from watchspan.testing import Story, StoryMismatchError, assert_same_rows, read_story, story, tell

TEXT = "0:00 play 0\n0:30 pause 30"
GOOD = json.loads((FOLDER / "01_worked_example.story.json").read_text(encoding="utf-8"))
HALF = "\ud800"
HUGE = 10**400
Change = Mapping[str, Any]


def read(folder: Path, content: Union[str, Change]) -> Story:
    path = folder / "mine.story.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return read_story(path)


def refusal(folder: Path, content: Union[str, Change]) -> str:
    """The sentence that refuses a file."""
    with pytest.raises(DataError) as raised:
        read(folder, content)
    assert "\x1b" not in str(raised.value)
    return str(raised.value)


def with_video(**video: Any) -> dict[str, Any]:
    return {**GOOD, "videos": [video]}


@pytest.mark.parametrize(
    "duration",
    ["300", b"300", bytearray(b"300"), [300], {}, math.nan, math.inf, -1, 0, True, np.True_, HUGE],
    ids=lambda value: repr(value)[:20],
)
def test_the_fixture_takes_no_duration_that_is_none(duration: Any) -> None:
    with pytest.raises(
        OptionError, match=r"^duration is .*, but a finite number of seconds above 0 is needed"
    ):
        story(TEXT, duration=duration)


@pytest.mark.parametrize("duration", [300, 300.0, np.float32(300), np.int64(300)], ids=repr)
def test_the_fixture_takes_numbers_of_python_and_numpy(duration: Any) -> None:
    story(TEXT, duration=duration).expect(videoDuration=300, watchPercentage=10)


KNOWN = "`videoId`, `duration`, `durationSource`, `title`"
NEEDED = "a number of seconds, text of one or null is needed."
BAD_VIDEOS: list[tuple[dict[str, Any], str]] = [
    (
        {"videoId": "v", "duratoin": 3},
        f"`videos[0]` has a field 'duratoin' of 3, but there are only {KNOWN}.",
    ),
    ({"videoId": "v", "\x1b": 3}, f"`videos[0]` has a field '\\x1b' of 3, but there are only {KNOWN}."),
    ({"duration": 300}, "`videos[0]` is {'duration': 300}, but `videoId` is missing."),
    ({"videoId": "v", "duration": "5:00"}, f"`videos[0].duration` is '5:00', but {NEEDED}"),
    ({"videoId": "v", "duration": True}, f"`videos[0].duration` is True, but {NEEDED}"),
    ({"videoId": "v", "duration": [3]}, f"`videos[0].duration` is [3], but {NEEDED}"),
    ({"videoId": "v", "duration": HUGE}, f"`videos[0].duration` is {str(HUGE)[:200]}..., but {NEEDED}"),
    ({"videoId": 1.5}, "`videos[0].videoId` is 1.5, but text, a whole number or null is needed."),
    ({"videoId": True}, "`videos[0].videoId` is True, but text, a whole number or null is needed."),
    ({"videoId": "v", "title": 3}, "`videos[0].title` is 3, but text or null is needed."),
]


@pytest.mark.parametrize(("video", "sentence"), BAD_VIDEOS, ids=range(len(BAD_VIDEOS)))
def test_a_video_that_is_none_is_named(video: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, with_video(**video)) == f"mine.story.json: {sentence}"
    with pytest.raises(DataError) as raised:
        story(TEXT, videos=[video])
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    "video",
    [
        {"videoId": "lemon-tart"}, {"videoId": "lemon-tart", "duration": None, "title": None},
        {"videoId": None, "duration": 3}, {"videoId": "lemon-tart", "duration": 0},
        {"videoId": "lemon-tart", "duration": -3.5},
    ],
)  # fmt: skip
def test_a_video_may_lack_a_duration_or_have_an_odd_one(video: dict[str, Any], tmp_path: Path) -> None:
    told = tell(read(tmp_path, with_video(**video)))
    assert told.engagement["durationSource"].to_pylist() != ["catalogue"]


@pytest.mark.parametrize("place", ["length", ["length", "runtime"]], ids=repr)
def test_a_video_may_have_the_names_that_columns_give(place: Any, tmp_path: Path) -> None:
    records = [dict(zip(GOOD["columns"], event)) for event in GOOD["events"]]
    content = {
        **with_video(videoId="lemon-tart", length=600),
        "events": records,
        "columns": {"duration": place},
    }
    assert tell(read(tmp_path, content)).engagement["videoDuration"].to_pylist() == [600]
    content["videos"] = [{"videoId": "lemon-tart", "length": "long"}]
    assert "`videos[0].length` is 'long'" in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"events": [], "expected": {}, "events": []}', "'events'"),
        ('{"expected": {"engagement": [{"plays": 1, "plays": 2}]}}', "'plays'"),
        ('{"videos": [{"\\u001b": 1, "\\u001b": 1}]}', r"'\x1b'"),
    ],
)
def test_a_key_that_is_there_twice_is_named(text: str, key: str, tmp_path: Path) -> None:
    sentence = f"mine.story.json: The key {key} is there more than once in one object: keep one of them."
    assert refusal(tmp_path, text) == sentence


@pytest.mark.parametrize(
    ("one", "other"), [(10**18, 10**18 + 60), (2**53, 2**53 + 1), (-(2**53), -(2**53) - 1)]
)
def test_integers_are_compared_exactly(one: int, other: int) -> None:
    for a, b in ((one, other), (other, one), ([one], [other])):
        with pytest.raises(AssertionError):
            assert_same_rows({"x": [a]}, {"x": [b]})
        assert_same_rows({"x": [a]}, {"x": [b]}, tolerance=60)
        assert_same_rows({"x": [a]}, {"x": [b]}, tolerance=HUGE)
    assert_same_rows({"x": [one]}, {"x": [float(other)]}, tolerance=100)


def test_stories_compare_integers_exactly(tmp_path: Path) -> None:
    content = copy.deepcopy(GOOD)
    for event in content["events"]:
        event[GOOD["columns"].index("userId")] = 2**53 + 1
    content["expected"] = {"engagement": [{"userId": 2**53 + 1, "totalWatchTime": 130}]}
    tell(read(tmp_path, content)).check()
    content["expected"]["engagement"][0]["userId"] = 2**53
    with pytest.raises(StoryMismatchError, match="userId"):
        tell(read(tmp_path, content)).check()


@pytest.mark.parametrize("number", [HUGE, -HUGE])
def test_a_number_that_no_float_can_be_is_another(number: int, tmp_path: Path) -> None:
    with pytest.raises(StoryMismatchError, match="totalWatchTime"):
        story(TEXT).expect(totalWatchTime=number)
    content = {**GOOD, "expected": {"engagement": [{"totalWatchTime": number}]}}
    with pytest.raises(StoryMismatchError, match="totalWatchTime"):
        tell(read(tmp_path, content)).check()


@pytest.mark.parametrize("text", [None, 5, [TEXT], TEXT.encode()], ids=repr)
def test_what_is_no_text_is_refused(text: Any) -> None:
    with pytest.raises(OptionError, match=r"^text is .*, but text with a line for each event is needed"):
        story(text)


@pytest.mark.parametrize("value", [5, [5], {"a": 1}, ws.Rules], ids=repr)
@pytest.mark.parametrize("option", ["rules", "scoring", "vocabulary"])
def test_options_are_refused_as_aggregate_refuses_them(option: str, value: Any) -> None:
    refused: list[tuple[type[BaseException], str]] = []
    for call in (lambda **given: story(TEXT, **given), lambda **given: ws.aggregate({}, **given)):
        with pytest.raises((OptionError, VocabularyError)) as raised:
            call(**{option: value})
        refused.append((raised.type, str(raised.value)))
    assert refused[0] == refused[1]
    assert refused[0][1].startswith(option)


READ = ("300", " 300 ", "300.", "+300", "3e2", ".5", "PT5M", "pt5m", "P1W", "P1DT1H", "PT1,5S", "PT1M30.5S")
UNREAD = ("", "x", "5:00", "300s", "PT", "nan", "inf", "1_000", "\u0663")


@pytest.mark.parametrize("text", READ + UNREAD)
def test_a_duration_is_text_where_the_engine_reads_it(text: str) -> None:
    video = story(TEXT).engagement["videoId"][0].as_py()
    keys = {"userId": "u", "videoId": "v", "sessionId": "s"}
    events = [{**keys, "timestamp": "2026-01-15T10:00:00Z", "eventName": "play", "currentTime": 0.0}]
    known = ws.aggregate(events, videos=[{"videoId": "v", "duration": text}])["durationSource"].to_pylist()
    assert (known == ["metadata"]) == (text in READ)
    if text in READ:
        told = story(TEXT, videos=[{"videoId": video, "duration": text}])
        assert told.engagement["durationSource"].to_pylist() == ["metadata"]
    else:
        with pytest.raises(DataError, match=r"text of one or null is needed"):
            story(TEXT, videos=[{"videoId": video, "duration": text}])


@pytest.mark.parametrize("videos", [5, "v", {"videoId": "v"}, [5]], ids=repr)
def test_videos_that_are_no_rows_are_refused(videos: Any) -> None:
    with pytest.raises(OptionError, match=r"^videos(\[0\])? is .*, but a list of rows is needed"):
        story(TEXT, videos=videos)


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        (
            {"engagement": 5},
            "engagement is 5, but a list of rows is needed, each a dict of columns and values.",
        ),
        ({"engagement": 5, "plays": 1}, "engagement is 5, but a list of rows is needed"),
        ({"engagement": "x"}, "engagement is 'x', but a list of rows is needed"),
        ({"sessions": {}}, "sessions is {}, but a list of rows is needed"),
        ({"sessions": [{}, 5]}, "sessions[1] is 5, but a list of rows is needed"),
        ({"dropped": "x"}, "dropped is 'x', but a mapping from reasons to counts is needed."),
        (
            {"dropped": {"duplicates": 1}},
            "No event is dropped as duplicates; there are unreadable, null_key, ",
        ),
        (
            {"dropped": {"duplicate": "1"}},
            "dropped as duplicate is '1', but an integer of at least 0 is needed.",
        ),
    ],
)
def test_what_cannot_be_expected_is_refused(expected: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionError) as raised:
        story(TEXT).expect(**expected)
    assert str(raised.value).startswith(sentence)


def test_a_reason_that_nothing_was_dropped_for_may_be_expected() -> None:
    story(TEXT).expect(dropped={"duplicate": 0})


def test_a_reason_that_a_file_makes_up_is_refused(tmp_path: Path) -> None:
    content = copy.deepcopy(GOOD)
    content["expected"]["dropped"] = {"duplicates": 0}
    sentence = "mine.story.json: No event is dropped as duplicates; there are unreadable, null_key, "
    assert refusal(tmp_path, content).startswith(sentence)


@pytest.mark.parametrize("line", ["user=ann video=v", "user=v video=ann", "user=v video=v session=ann"])
def test_half_a_character_in_compact_text_is_a_sentence(line: str) -> None:
    with pytest.raises(DataError, match=r"has the text '\\ud800', which is not Unicode text"):
        story(f"0:00 play 0 {line}".replace("ann", HALF))


@pytest.mark.parametrize("event", [{"userId": HALF}, {HALF: 3}, {"who": {"id": [HALF]}}], ids=ascii)
def test_half_a_character_in_a_file_is_a_sentence(event: dict[str, Any], tmp_path: Path) -> None:
    records = {**GOOD, "events": [event]}
    del records["columns"]
    listed = {**GOOD, "columns": list(event), "events": [list(event.values())]}
    for content in (records, listed, with_video(videoId="v", title=HALF)):
        with pytest.raises(DataError, match=r"has the text '\\ud800', which is not Unicode text"):
            tell(read(tmp_path, content))


def test_text_of_others_is_shown_as_escapes(tmp_path: Path) -> None:
    content = {**GOOD, "title": "\x1b[31mred\0", "expected": {"engagement": [{"\x1b[2Jplays": 1}]}}
    with pytest.raises(StoryMismatchError) as raised:
        tell(read(tmp_path, content)).check()
    shown = str(raised.value)
    assert shown.startswith("mine: \\x1b[31mred\\x00\n")
    assert "\\x1b[2Jplays" in shown
    assert not {"\x1b", "\0"} & set(shown)
    assert "`\\x1b`" in refusal(tmp_path, {**GOOD, "\x1b": 1})
    assert "\\x1b" in refusal(tmp_path, {**GOOD, "columns": ["\x1b"]})
