"""The plugin of pytest: which files it runs, what a failure shows, what it does where there is no story."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.scenarios import FOLDER

pytest_plugins = ["pytester"]
WORKED = "01_worked_example"


def example() -> dict[str, Any]:
    told: dict[str, Any] = json.loads((FOLDER / f"{WORKED}.story.json").read_text(encoding="utf-8"))
    return told


def tell(pytester: pytest.Pytester, content: Any, name: str = "mine") -> Path:
    path = pytester.path / f"{name}.story.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Runs pytest with every warning an error."""
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "error", *arguments)


def run_alone(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """The same in a process of its own, where nothing is imported yet."""
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error", *arguments)


def test_a_story_that_is_so_passes(pytester: pytest.Pytester) -> None:
    tell(pytester, example())
    result = run(pytester, "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["mine.story.json::mine PASSED*"])


def test_only_stories_are_run(pytester: pytest.Pytester) -> None:
    tell(pytester, example())
    (pytester.path / "other.json").write_text("{}")
    (pytester.path / "story.json").write_text("{}")
    run(pytester).assert_outcomes(passed=1)


def test_a_failure_shows_expected_got_and_how_events_were_judged(pytester: pytest.Pytester) -> None:
    content = example()
    content["expected"]["engagement"][0].update(totalWatchTime=131, engagementTier="High")
    content["expected"]["sessions"][0]["pauseCount"] = 2
    content["expected"]["dropped"] = {"duplicate": 1}
    tell(pytester, content)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    shown = [line.rstrip() for line in result.outlines]
    begin = shown.index("mine: Peter watches two minutes and goes back once")
    parts = [
        r"",
        r"dropped",
        r"  reason     expected  got",
        r"  duplicate  1         0",
        r"sessions, row 0: userId 'peter', videoId 'lemon-tart', sessionId 's1'",
        r"  column      expected  got",
        r"  pauseCount  2         3",
        r"engagement, row 0: userId 'peter', videoId 'lemon-tart'",
        r"  column          expected  got",
        r"  totalWatchTime  131       130\.0",
        r"  engagementTier  'High'    'Low'",
        r"",
        r"how events of 'peter' on 'lemon-tart' were judged",
        r"  row +timestamp +sessionId +eventName +position +verdict .*",
        r"  0 +2026-01-15T10:00:00\.000000Z +s1 +video_play +0\.0 .*",
    ]
    for line, pattern in zip(shown[begin + 1 :], parts):
        assert re.fullmatch(pattern, line), (line, pattern)
    assert not any("telling.py" in line or "Traceback" in line for line in shown)


def test_rows_that_nobody_expected_are_shown(pytester: pytest.Pytester) -> None:
    content = example()
    content["expected"]["engagement"] *= 2
    tell(pytester, content)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["engagement: 2 rows expected, 1 got:", "  userId 'peter', videoId 'lemon-tart'", "*how events of*"]
    )


def test_a_column_that_is_none_fails(pytester: pytest.Pytester) -> None:
    content = example()
    content["expected"]["engagement"][0]["totalWatchtime"] = None
    tell(pytester, content)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  totalWatchtime  None      no such column"])


def test_a_malformed_story_is_one_sentence_and_stops_no_other(pytester: pytest.Pytester) -> None:
    tell(pytester, example(), name="whole")
    tell(pytester, {**example(), "event": []})
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["mine.story.json: There is no field `event` in a story: did you mean `events`?"]
    )
    assert not any("Traceback" in line for line in result.outlines)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_title_that_a_terminal_would_obey_is_shown_as_escapes(
    pytester: pytest.Pytester, is_told: bool
) -> None:
    content = {**example(), "title": "\x1b[31mred\0\ud800"}
    if is_told:
        content["expected"]["engagement"][0]["totalWatchTime"] = 131
    else:
        content["columns"][0] = "\x1b[2Jwhen"
    tell(pytester, content)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([r"*_ \x1b[[]31mred\x00\ud800 _*"])
    assert not {"\x1b", "\0"} & set(result.stdout.str())


def test_what_the_engine_refuses_is_one_sentence(pytester: pytest.Pytester) -> None:
    content = example()
    content["columns"][0] = "when"
    tell(pytester, content)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['The events table has no column "timestamp"; it has when, *'])
    assert not any("api.py" in line for line in result.outlines)


def test_the_fixture_tells_compact_text(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        TEXT = '''
            0:00  play   0
            0:30  pause  30    # half a minute
        '''

        def test_good(story):
            told = story(TEXT, duration=300)
            told.expect(totalWatchTime=30, watchPercentage=10, completionCount=0)
            assert told.engagement.num_rows == told.sessions.num_rows == 1

        def test_bad(story):
            story(TEXT, duration=300).expect(totalWatchTime=31)
        """
    )
    result = run(pytester)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*StoryMismatchError: story",
            "*totalWatchTime*31*30.0",
            "*how events of 'user' on 'video' were judged",
            "*play*0.0*",
            "test_the_fixture_tells_compact_text.py:12: StoryMismatchError",
        ]
    )


IMPORTED = """
    import sys

    def test_nothing_of_it_is_imported():
        found = [name for name in sys.modules if name.partition(".")[0] in ("watchspan", "pyarrow")]
        assert found == []
        assert "pytest_watchspan" in sys.modules
"""


def test_nothing_is_imported_without_a_story(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(IMPORTED)
    run_alone(pytester).assert_outcomes(passed=1)
    tell(pytester, example())
    run_alone(pytester).assert_outcomes(passed=1, failed=1)


def test_several_processes_run_stories(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    for number in range(6):
        tell(pytester, example(), f"good_{number}")
    bad = example()
    bad["expected"]["engagement"][0]["totalWatchTime"] = 1
    tell(pytester, bad, "bad")
    result = run_alone(pytester, "-n", "2")
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.fnmatch_lines(["*totalWatchTime*1*130.0", "*how events of 'peter'*"])


def test_stories_are_chosen_as_other_tests(pytester: pytest.Pytester) -> None:
    for name in ("one", "two"):
        tell(pytester, example(), name)
    run(pytester, "-k", "two").assert_outcomes(passed=1, deselected=1)
    run(pytester, "one.story.json").assert_outcomes(passed=1)
    run(pytester, "two.story.json::two").assert_outcomes(passed=1)


def test_a_program_that_has_imported_watchspan_can_run_pytest(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    code = "import sys, watchspan, pytest; sys.exit(pytest.main(['-q', '-W', 'error']))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=pytester.path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout
