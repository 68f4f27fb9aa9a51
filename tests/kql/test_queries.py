"""What every query must be, and how `watchspan.kql.query` fills it in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import watchspan as ws
from insights import assert_same, tables
from kusto import Kusto
from watchspan import _core, kql
from watchspan.errors import DataError, OptionError, VocabularyError
from watchspan.kql import videos as videos_module

NAMES = kql.names()
FOLDER = Path(kql.__file__).parent
# The type that each of the engine's columns has in KQL; keys are text.
TYPES = {"int64": "long", "double": "real", "bool": "bool", "string": "string"}
START = 1_768_471_200_000_000
EVENTS = [
    {"timestamp": START + second * 1_000_000, "userId": "ann", "videoId": "v1", "sessionId": "s1", **rest}
    for second, rest in [
        (0, {"eventName": "play", "currentTime": 0}),
        (30, {"eventName": "pause", "currentTime": 30}),
    ]
]


def test_there_are_queries() -> None:
    assert len(NAMES) >= 22
    assert sorted(path.stem for path in FOLDER.glob("*.kql")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_parser_and_the_binder_accept_it(kusto: Kusto, name: str) -> None:
    text = (FOLDER / f"{name}.kql").read_text(encoding="utf-8")
    checked = kusto.check(text)
    assert checked.diagnostics == []
    assert checked.columns is not None
    if name in ("sessions", "engagement", "retention"):
        expected = [(spec["name"], _type(spec["type"])) for spec in _core.column_specs(name)]  # type: ignore[arg-type]
        assert checked.columns == expected
    else:
        assert [column for column, _ in checked.columns] == list(kql.question(name).columns)


def _type(arrow: str) -> str:
    if arrow.startswith("list"):
        return "dynamic"
    if arrow.startswith("timestamp"):
        return "datetime"
    return TYPES.get(arrow, "string")


@pytest.mark.parametrize("table", ["AppEvents", "customEvents"])
def test_an_editor_accepts_it_where_a_table_is_missing(kusto: Kusto, table: str) -> None:
    """Microsoft's own complaints, that is: the evaluator cannot run what it cannot type."""
    for name in ("sessions", "engagement", "retention", "overlapping_playback", "ignored_videos"):
        text = kql.query(name).replace(f"({table} |", "(nowhere |")
        codes = [each.code for each in kusto.check(text).diagnostics if each.code.startswith("KS")]
        assert codes == ["KS205"]  # a warning: the fuzzy name is not known


def test_a_wrong_query_is_refused(kusto: Kusto) -> None:
    text = kql.query("skips")
    assert kusto.check(text.replace("fromPosition = wasAt", "fromPosition = nowhere")).errors
    assert kusto.check(text.replace("let Walked", "\nlet Walked")).diagnostics


@pytest.mark.parametrize("name", NAMES)
def test_it_is_as_the_portal_needs_it(name: str) -> None:
    text = (FOLDER / f"{name}.kql").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert all(line.strip() for line in lines), "a blank line ends the query in the portal"
    assert lines[0].startswith("// ")
    assert not any(line.lstrip().startswith(".") for line in lines), "a management command"
    assert kql.query(name) == text


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_without_any_event(kusto: Kusto, name: str) -> None:
    assert kusto.run(kql.query(name)).rows == []


def test_every_threshold_comes_from_the_rules_and_the_scoring() -> None:
    text = kql.query("engagement", rules=ws.Rules(tolerance_seconds=3), scoring=ws.Scoring.additive())
    settings = dict(re.findall(r"^let (\w+) = (.*?); //", text, re.M))
    for spec in _core.rule_specs():
        assert spec["name"] in settings
    additive = _core.additive_scoring()
    for spec in _core.scoring_specs():
        value = additive[spec["name"]]
        shown = {None: "real(null)", -2.0: "real(-2.0)"}.get(value, repr(value))
        assert settings["scoring_" + spec["name"]] == shown
    assert settings["tolerance_seconds"] == "3.0"
    assert settings["heartbeat_seconds"] == "real(null)"
    assert settings["count_unobserved"] == "false"


def test_settings_stand_at_the_top() -> None:
    for name in NAMES:
        lines = [line for line in kql.query(name).splitlines() if not line.startswith("//")]
        tops = [line.startswith("let ") and line.split(" //")[0].endswith(";") for line in lines]
        number = tops.index(False) if False in tops else len(tops)
        for key in kql.question(name).settings:
            assert any(line.startswith(f"let {key} = ") for line in lines[:number])


# A name in a vocabulary stands in a dynamic literal, of which the evaluator leaves escapes as they are.
HOSTILE_EVENT = "x']; AppEvents | take 1 // `"
HOSTILE = "x\"]; AppEvents | take 1 // \\ \n'`"


def test_names_cannot_break_out(kusto: Kusto) -> None:
    columns = {"videoId": HOSTILE, "userId": HOSTILE + "u", "title": "T"}
    videos = {HOSTILE: ["v1"], "duration": [60.0], "T": [HOSTILE]}
    rows = [{**row, HOSTILE: row["videoId"], HOSTILE + "u": "bob", "videoId": "no"} for row in EVENTS]
    rows = [{**row, "eventName": row["eventName"] + HOSTILE_EVENT} for row in rows]
    text = kql.query(
        "engagement",
        columns=columns,
        videos=videos,
        vocabulary={"play" + HOSTILE_EVENT: "play", "pause" + HOSTILE_EVENT: "pause", HOSTILE: "close"},
    )
    assert kusto.check(text).diagnostics == []
    (row,) = kusto.run(text, tables(rows)).records
    assert (row["userId"], row["videoId"], row["videoTitle"]) == ("bob", "v1", HOSTILE)
    assert row["watchPercentage"] == 50


def test_a_table_with_a_hostile_name(kusto: Kusto) -> None:
    text = kql.query("sessions", events='my "events"; drop')
    assert 'let Source = ["my \\"events\\"; drop"]\n' in text
    assert [each.code for each in kusto.check(text).errors] == ["KS204"]  # such a table is not known


def test_a_table_of_ones_own(kusto: Kusto) -> None:
    """Columns in the table's own types, and the two optional ones that are missing do no harm."""
    schema = (
        "(at:datetime, userId:long, videoId:string, sessionId:string, eventName:string, currentTime:real)"
    )
    given = [
        ["2026-01-15T10:00:00.123456Z", 7, "v1", "s1", "play", 0.0],
        ["2026-01-15T10:00:30.123456Z", 7, "v1", "s1", "pause", 30.0],
    ]
    text = kql.query("sessions", events="Plays", columns={"timestamp": "at"})
    (row,) = kusto.run(text, {"Plays": (schema, given)}).records
    assert (row["userId"], row["sessionId"], row["watchTime"]) == ("7", "s1", 30)
    assert row["sessionStart"] == "2026-01-15T10:00:00.1234560Z"


def test_a_property_with_the_name_of_another_tables_column() -> None:
    assert 'let column_timestamp = "timestamp";' in kql.query(
        "sessions", events="AppEvents", columns={"timestamp": "timestamp"}
    )
    assert '["UserId"]' in kql.query("sessions", events="Plays", columns={"userId": "UserId"})


def test_videos_in_a_table_of_the_workspace(kusto: Kusto) -> None:
    text = kql.query("engagement", videos="Films", columns={"duration": "seconds"})
    films = ("(videoId:string, seconds:real)", [["v1", 60.0], ["", 5.0], ["v2", None]])
    (row,) = kusto.run(text, {**tables(EVENTS), "Films": films}).records
    assert (row["videoDuration"], row["durationSource"], row["watchPercentage"]) == (60, "metadata", 50)


def test_videos_keep_the_default_name_of_their_key(kusto: Kusto) -> None:
    """Though the events have another one, as for `watchspan.aggregate`."""
    rows = [{**row, "clip": row["videoId"]} for row in EVENTS]
    text = kql.query("engagement", videos="Films", columns={"videoId": "clip"})
    for key in ("videoId", "clip"):
        films = (f"({key}:string, duration:real)", [["v1", 60.0]])
        (row,) = kusto.run(text, {**tables(rows), "Films": films}).records
        assert row["videoDuration"] == 60


@pytest.mark.parametrize("events", [None, "AppEvents", "customEvents"])
def test_the_tables_of_application_insights(kusto: Kusto, events: Any) -> None:
    """In both tables the same events are duplicates; of one table only its own are read."""
    stored = {**tables(EVENTS), **tables(EVENTS, "customEvents")}
    found = kusto.run(kql.query("dropped_events", events=events), stored).records
    counts = {row["reason"]: row["events"] for row in found}
    assert counts == ({"kept": 2, "duplicate": 2} if events is None else {"kept": 2})
    expected = ws.sessions(pa.Table.from_pylist(_timed(EVENTS))).to_pylist()
    assert_same(kusto.run(kql.query("sessions", events=events), stored).records, expected)


def _timed(rows: Any) -> Any:
    times = pa.array([row["timestamp"] for row in rows]).cast(pa.timestamp("us", "UTC")).to_pylist()
    return [{**row, "timestamp": time} for row, time in zip(rows, times)]


def test_an_authenticated_user_goes_before_an_anonymous_one(kusto: Kusto) -> None:
    stored = tables(EVENTS, "customEvents")
    assert stored["customEvents"][1][0][-2:] == ["cookie", "ann"]
    (row,) = kusto.run(kql.query("watch_time"), stored).records
    assert row["userId"] == "ann"


def test_null_as_text_is_null(kusto: Kusto) -> None:
    rows = [{**EVENTS[0], "videoId": None}, {**EVENTS[0], "currentTime": None}, *EVENTS]
    found = kusto.run(kql.query("dropped_events"), tables(rows)).records
    assert {row["reason"]: row["events"] for row in found} == {
        "kept": 2,
        "null_key": 1,
        "invalid_position": 1,
    }


def test_whole_numbers_come_as_text_of_any_kind(kusto: Kusto) -> None:
    given = ["7", "2.0", "-5", "1.5", "x", "NaN", None, 3]
    rows = [{**EVENTS[0], "timestamp": START + n, "sequence": value} for n, value in enumerate(given)]
    text = kql.query("sessions")
    body = (
        text[: text.index("let Ordered")].rstrip() + "\nJudged\n| sort by timestamp asc\n| project sequence"
    )
    for table in ("AppEvents", "customEvents"):
        found = [row["sequence"] for row in kusto.run(body, tables(rows, table)).records]
        assert found == [7, 2, -5, None, None, None, None, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "engagment"}, "did you mean engagement?"),
        ({"name": "xyz"}, "there are autoplay"),
        ({"columns": {"uid": "x"}}, "the columns are timestamp"),
        ({"columns": {"userId": "UserId"}}, "'UserId', a column of AppEvents, but only properties"),
        ({"columns": {"userId": "user_Id"}, "events": "customEvents"}, "a column of customEvents"),
        ({"columns": {"videoId": None}}, "videoId needs a name"),
        ({"columns": {"videoId": ""}}, "videoId needs a name"),
        ({"rules": {"tolerance_seconds": 3}}, "a watchspan.Rules is needed"),
        ({"scoring": "additive"}, "a watchspan.Scoring is needed"),
        ({"events": " "}, "the name of a table"),
        ({"videos": ""}, "the name of a table"),
        ({"videos": "videos.csv"}, "read the file"),
        ({"settings": {"nothing": 1}}, "this query's own settings are: top_count"),
        ({"settings": {"top_count": 2.5}}, "a whole number above 0 and below 2^63 is needed"),
        ({"settings": {"top_count": True}}, "a whole number above 0 and below 2^63 is needed"),
        ({"name": "tab_switches", "settings": {"min_gap_seconds": float("nan")}}, "a finite number"),
        ({"name": "autoplay", "settings": {"property_autoplay": 3}}, "a name is needed"),
        ({"name": "ignored_videos", "settings": {"shown_names": "x"}}, "a list of names is needed"),
        ({"name": "completion_funnel", "settings": {"funnel_percentages": ["x"]}}, "a list of numbers"),
        ({"videos": {"videoId": ["v"], "duration": [1], "durationSource": ["estimated"]}}, "an estimate"),
        ({"videos": {"videoId": ["v"]}}, "lacks duration"),
    ],
)
def test_what_is_not_accepted(arguments: Any, message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        kql.query(**{"name": "top_videos", **arguments})


def test_other_errors() -> None:
    with pytest.raises(VocabularyError, match="'start'"):
        kql.query("skips", vocabulary={"a": "start"})
    with pytest.raises(VocabularyError):
        kql.query("skips", vocabulary="nobody")
    with pytest.raises(DataError, match="'v1'"):
        kql.query("skips", videos={"videoId": ["v1", "v1"], "duration": [1, 2]})


@pytest.mark.parametrize("name", ["events", "videos"])
def test_an_address_is_no_table(name: str) -> None:
    url = "https://films.blob.core.windows.net/box/rows?sv=2026&sig=s3cr3t"
    with pytest.raises(OptionError, match=rf"{name} is '.*rows\?\*\*\*', an address") as refused:
        kql.query("skips", **{name: url})
    assert "s3cr3t" not in str(refused.value)


def str_of(value: Any) -> str:
    """A name for a test; Python writes no numbers of thousands of digits."""
    return f"int of {value.bit_length()} bits" if isinstance(value, int) else str(value)


@pytest.mark.parametrize(
    "value", [10**400, 10**5_000, 2**63, float("inf"), float("nan"), True, [[1]]], ids=str_of
)
def test_numbers_that_kql_does_not_have(value: Any) -> None:
    with pytest.raises(OptionError, match="top_count"):
        kql.query("top_videos", settings={"top_count": value})
    with pytest.raises(OptionError, match="settings has"):
        kql.query("retention", settings={next(iter(kql.question("retention").settings)): [value]})


@pytest.mark.parametrize("duration", ["soon", 10**400, [1], b"x"])
def test_durations_that_are_no_numbers(duration: Any) -> None:
    with pytest.raises(DataError, match=r"duration of 'v1' is .*, which is no number"):
        kql.query("skips", videos=[pa.RecordBatch.from_pydict({"videoId": ["v1"], "duration": ["soon"]})])
    with pytest.raises(DataError, match="which is no number"):
        videos_module._known("v1", duration)


def test_the_command() -> None:
    testing = pytest.importorskip("click.testing")
    from watchspan.cli.app import app

    run = testing.CliRunner().invoke
    assert run(app, ["kql", "engagement"]).output == kql.query("engagement")
    listed = run(app, ["kql", "--list"]).output
    assert len(listed.splitlines()) == len(NAMES)
    assert all(name in listed for name in NAMES)
    given = ["--rules", "heartbeat_seconds=30", "--column", "userId=uid", "--set", "top_count=5"]
    expected = kql.query(
        "top_videos",
        rules=ws.Rules(heartbeat_seconds=30),
        columns={"userId": "uid"},
        settings={"top_count": 5},
    )
    assert run(app, ["kql", "top_videos", *given]).output == expected
    deep = run(app, ["kql", "top_videos", "--set", f"top_count={'[' * 100_000}"])
    assert deep.exit_code == 2
    assert "whole number above 0" in deep.stderr
    assert run(app, ["kql"]).exit_code == run(app, ["kql", "nothing"]).exit_code == 2
