"""Every preset's sample under other names, in other units, in other files: the rows stay those by hand."""

from __future__ import annotations

import json

import pytest

import watchspan as ws
from support import renaming
from support.raw_samples import NAMES, SAMPLES, assert_by_hand
from watchspan import _core

SEEDS = 6
# Lists of events, and what one record says of a session, are no shape that flat records have.
_WHOLE = {spec["name"] for spec in _core.preset_specs() if not (spec["unnest"] or spec["fill"])}
FLAT = [name for name in NAMES if name in _WHOLE]
# Sources whose events have the same names and meanings.
SAME = {"segment": {"segment", "rudderstack"}, "rudderstack": {"segment", "rudderstack"},
        "peertube": {"peertube", None}}  # fmt: skip


def checked(name, seed, folder):
    """Whether the sample is recognised and read as by hand, renamed by this seed; raises if not."""
    records, done = renaming.renamed(SAMPLES / f"{name}.jsonl", name, seed)
    path = renaming.written(records, folder, ("jsonl", "csv", "parquet")[seed % 3])
    found = ws.check(path)
    assert found.preset in SAME.get(name, {name}), done
    assert_by_hand(ws.aggregate(path, **found.arguments), name)


@pytest.mark.parametrize("name", FLAT)
def test_renamed_and_reunited(name, tmp_path):
    for seed in range(SEEDS):
        checked(name, seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FLAT)
def test_renamed_and_reunited_often(name, tmp_path):
    for seed in range(SEEDS, 100):
        checked(name, seed, tmp_path)


ENVELOPES = {
    "an index": lambda record, number: {"_id": str(number), "_source": record},
    "text": lambda record, number: {"offset": number, "message": json.dumps(record)},
    "a queue": lambda record, number: {"topic": "t", "offset": number, "value": {"payload": record}},
}


@pytest.mark.parametrize("name", FLAT)
@pytest.mark.parametrize("envelope", ENVELOPES)
def test_records_within_something_else(name, envelope, tmp_path):
    path, lines = tmp_path / "events.jsonl", (SAMPLES / f"{name}.jsonl").read_text().splitlines()
    whole = [json.loads(line[line.index("{") :]) for line in lines if line.strip()]
    wrapped = (ENVELOPES[envelope](record, number) for number, record in enumerate(whole))
    path.write_text("".join(json.dumps(record) + "\n" for record in wrapped))
    found = ws.check(path)
    assert found.preset == name
    assert_by_hand(ws.aggregate(path, **found.arguments), name)
