"""A bounded run over hostile input, always the same, and all that was once found; `make fuzz` goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from support.hostile.run import Worker, run, summary

REGRESSIONS = [
    json.loads(line)
    for line in Path(__file__).with_name("regressions.jsonl").read_text(encoding="utf-8").splitlines()
]
# About as many as some seconds take.
COUNTS = {"structures": 600, "broken": 400, "files": 400, "streams": 300, "lines": 300}

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="release.c needs a C compiler")


@pytest.fixture(scope="module")
def workers():
    """A process for each kind of input; another one takes the place of one that dies."""
    started = {module: Worker(module) for module in COUNTS}
    yield started
    for worker in started.values():
        worker.close()


@pytest.mark.parametrize(
    "case", REGRESSIONS, ids=[f"{case['module']}: {case['why']}" for case in REGRESSIONS]
)
def test_what_was_found_once(workers, case):
    counts, findings = workers[case["module"]].ask(case["recipe"])
    assert not findings, summary(findings[0])
    assert sum(counts.values()) == 1


@pytest.mark.parametrize("module", COUNTS)
def test_nothing_dies_panics_or_breaks_a_law(workers, module):
    counts, findings = workers[module].ask([0, COUNTS[module]])
    told = [f"{module} {found['seed']}: {found['kind']}: {summary(found)}" for found in findings]
    assert not told, "\n".join(told[:10])
    assert sum(counts.values()) == COUNTS[module]
    # Were all refused, nothing would be tested behind the door.
    assert counts["accepted"] > COUNTS[module] // 10


def test_a_death_a_hang_and_a_panic_are_found(tmp_path, monkeypatch):
    """The driver itself: what it cannot see, it cannot find."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("support.hostile.run.LIMIT", 2.0)
    (tmp_path / "endings.py").write_text(
        "import os, time\n"
        "def recipe(seed): return seed\n"
        "class Panic(BaseException): pass\n"
        "def run(made):\n"
        "    if made == 1: os.abort()\n"
        "    if made == 2: time.sleep(60)\n"
        "    if made == 3: raise Panic('at the core')\n"
        "    if made == 4: raise KeyError('raw')\n"
        "    return 'accepted'\n"
    )
    counts, findings = run("endings", 0, 7)
    assert [(found["seed"], found["kind"].split()[0]) for found in findings] == [
        (1, "death"),
        (2, "hang"),
        (3, "panic"),
        (4, "raw"),
    ]
    assert dict(counts) == {"accepted": 3, "death": 1, "hang": 1, "panic": 1, "raw": 1}
