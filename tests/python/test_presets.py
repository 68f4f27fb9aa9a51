"""Raw records of every source that has a preset, against rows that were computed by hand."""

from __future__ import annotations

import os

import pytest

import watchspan as ws
from support.raw_samples import NAMES, SAMPLES, assert_by_hand
from watchspan import _core, presets
from watchspan.errors import OptionError, SourceError, VocabularyError


def test_every_preset_has_a_sample():
    presets = {spec["name"] for spec in _core.preset_specs()}
    assert presets - {"default"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_raw_records_give_the_rows_that_were_computed_by_hand(name):
    assert_by_hand(ws.aggregate(SAMPLES / f"{name}.jsonl", preset=name), name)


@pytest.mark.parametrize("name", NAMES)
def test_flat_events_are_read_too(name):
    start = next(event for event, meaning in ws.vocabulary(name).items() if meaning in ("play", "heartbeat"))
    stop = next(
        event for event, meaning in ws.vocabulary(name).items() if meaning in ("pause", "heartbeat", "close")
    )
    events = {
        "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:10Z"],
        "userId": ["u"] * 2, "videoId": ["v"] * 2, "eventName": [start, stop], "currentTime": [0.0, 10.0],
    }  # fmt: skip
    assert ws.aggregate(events, preset=name)["totalWatchTime"].to_pylist() == [10.0]


OURS = {
    "events": {"start": "play", "stop": "pause"},
    "columns": {"timestamp": {"paths": ["at"], "unit": "s"}, "userId": "who", "videoId": ["clip", "page"],
                "eventName": "what", "currentTime": "where"},
    "rules": {"heartbeat_seconds": 11},
}  # fmt: skip
RECORDS = [{"at": 0, "who": "ann", "page": "v", "what": "start", "where": 0},
           {"at": 60, "who": "ann", "page": "v", "what": "stop", "where": 60}]  # fmt: skip


def test_a_preset_of_ones_own(tmp_path):
    path = tmp_path / "ours.toml"
    path.write_text(
        '[events]\nstart = "play"\nstop = "pause"\n'
        '[columns]\ntimestamp = {paths = ["at"], unit = "s"}\nuserId = "who"\n'
        'videoId = ["clip", "page"]\neventName = "what"\ncurrentTime = "where"\n'
        "[rules]\nheartbeat_seconds = 11\n"
    )
    for preset in (OURS, path, str(path)):
        table = ws.aggregate(RECORDS, preset=preset)
        assert table["totalWatchTime"].to_pylist() == [60.0]
        # At most one interval of what a closed tab leaves open.
        assert ws.sessions(RECORDS[:1], preset=preset)["unobserved"].to_pylist() == [
            [{"start": 0.0, "seconds": 11.0}]
        ]
    other = ws.sessions(RECORDS, preset=OURS, columns={"userId": "page"}, rules=ws.Rules())
    assert other["userId"].to_pylist() == ["v"]


def test_what_is_no_preset_is_refused(tmp_path):
    with pytest.raises(OptionError, match="no preset 'edxx'; there are default, html5"):
        ws.aggregate(RECORDS, preset="edxx")
    with pytest.raises(SourceError, match="Cannot read the preset"):
        ws.aggregate(RECORDS, preset=str(tmp_path / "none.toml"))
    with pytest.raises(SourceError, match=r"Cannot read the preset 'a\\x00b.toml'"):
        ws.aggregate(RECORDS, preset="a\0b.toml")
    odd = os.path.join(os.fsencode(tmp_path), b"a\xff.toml")
    with open(odd, "w", encoding="utf-8") as file:
        file.write("[events]\n")
    with pytest.raises(SourceError, match="Cannot read the preset"):
        ws.aggregate(RECORDS, preset=os.fsdecode(odd))
    with pytest.raises(VocabularyError, match='"start" cannot mean "begin"'):
        ws.aggregate(RECORDS, preset={"events": {"start": "begin"}})
    for preset in (3, {"events": {"start": None}}):
        with pytest.raises(OptionError, match="preset"):
            ws.aggregate(RECORDS, preset=preset)


def test_a_column_without_a_path_is_where_the_preset_has_it():
    records = [{**record, "at": 1000 * record["at"], "where": 1000 * record["where"]} for record in RECORDS]
    milliseconds = {"timestamp": ws.Column(unit="ms"), "currentTime": ws.Column(unit="ms")}
    assert ws.aggregate(records, preset=OURS, columns=milliseconds)["totalWatchTime"].to_pylist() == [60.0]
    nobody = [{**record, "who": "nobody"} for record in RECORDS]
    unnamed = {"userId": ws.Column(missing="nobody", value="somebody")}
    assert ws.aggregate(nobody, preset=OURS, columns=unnamed)["userId"].to_pylist() == ["somebody"]


@pytest.mark.parametrize("name", [spec["name"] for spec in _core.preset_specs()])
def test_a_description_reads_back_as_what_it_describes(name):
    spec = presets.described(name)
    assert _core.read_preset(name, presets.description(spec)) == spec


def test_a_description_holds_whatever_text_there_is():
    odd = 'a"b\\n \\" \x7f\x1b\t\u202e\U0001f600\U000e0041 é'
    given = {
        "title": odd,
        "source": odd,
        "notes": f'- {odd}\n- """{odd}"',
        "events": {odd: "play", "": "pause"},
        "columns": {
            "userId": {"paths": [odd, "b"], "missing": [odd, ""], "unit": "ms", "timezone": odd},
            "videoId": [odd],
        },
    }
    spec = presets.described(given)
    assert (spec["title"], spec["notes"], spec["names"][0]) == (odd, given["notes"], (odd, "play"))
    text = presets.description(spec)
    assert _core.read_preset("preset", text) == spec
    assert {each for each in text if not each.isprintable()} == {"\n"}
