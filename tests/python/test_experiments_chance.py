"""How often groups that do not differ are called different, and how often intervals hold the truth."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

import watchspan as ws
from watchspan import sample

pytest.importorskip("scipy", reason="the extra experiments is not installed")

BENCHES = Path(__file__).resolve().parents[2] / "benches"
# How many sets, and how far from what was meant the share of them may be.
FEW, MANY = (200, 0.04), pytest.param((2_000, 0.01), marks=pytest.mark.slow)
SIZE = 1_000


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHES))
    return importlib.import_module("experiments")


@pytest.mark.parametrize("how", [FEW, MANY])
def test_one_in_twenty_is_a_false_alarm(how: tuple[int, float], bench: Any) -> None:
    sets, within = how
    found = bench.false_alarms(sets, SIZE)
    right = {name: share for name, share in found.items() if name.startswith(("mean", "ratio"))}
    assert len(right) == 4
    for name, share in right.items():
        assert abs(share - 0.05) <= within, name
    # What the page on experiments warns of.
    wrong = {name: share for name, share in found.items() if name not in right}
    assert len(wrong) == 3
    assert min(wrong.values()) > 0.12


@pytest.mark.parametrize("how", [FEW, MANY])
def test_intervals_hold_the_truth(how: tuple[int, float], bench: Any) -> None:
    sets, within = how
    found = bench.covered(sets, SIZE)
    assert len(found) == 8
    for name, share in found.items():
        assert abs(share - 0.95) <= within, name


@pytest.mark.parametrize("how", [FEW, MANY])
def test_all_metrics_and_groups_together_are_a_false_alarm_as_rarely(
    how: tuple[int, float], bench: Any
) -> None:
    sets, within = how
    # Adjusted, it is at most one in twenty, and within what chance makes of so few sets.
    assert bench.any_alarm(sets, SIZE) <= 0.05 + within / 4


def test_the_effect_of_the_sample_is_found() -> None:
    rows = ws.aggregate(sample.events(300_000), videos=sample.videos())
    found = ws.compare(rows, sample.groups(rows=300_000), metrics=["completionRate", "coverage"])
    assert found.table["isSignificant"].to_pylist() == [True, True]
    assert all(low > 0 for low in found.table["relativeLow"].to_pylist())
    assert found.warnings == ()
