"""Comparing groups, beside tea-tasting: the same figures, by other people's code."""

from __future__ import annotations

import ast
from typing import Any

import pyarrow as pa
import pytest

# It needs a newer pyarrow than the package does, so it has an environment of its own.
pytest.importorskip("tea_tasting", reason="tea-tasting is in the environment experiments")

import tea_tasting as tea
from tea_tasting.multiplicity import adjust_fwer

import watchspan as ws
from support.experiment_rows import User, experiment, random_users

METRICS = {
    "mean": (ws.Metric("mean", "totalWatchTime"), False),
    "ratio": (ws.Metric("ratio", "totalWatchTime", "sessionCount"), False),
    "mean, adjusted": (ws.Metric("mean, adjusted", "totalWatchTime"), True),
    "ratio, adjusted": (ws.Metric("ratio, adjusted", "totalWatchTime", "sessionCount"), True),
}
FIGURES = {
    "controlValue": "control",
    "value": "treatment",
    "difference": "effect_size",
    "differenceLow": "effect_size_ci_lower",
    "differenceHigh": "effect_size_ci_upper",
    "relative": "rel_effect_size",
    "relativeLow": "rel_effect_size_ci_lower",
    "relativeHigh": "rel_effect_size_ci_upper",
    "pValue": "pvalue",
}


def theirs(name: str, confidence: float) -> Any:
    said: dict[str, Any] = {"confidence_level": confidence, "alternative": "two-sided"}
    if "mean" in name:
        return tea.Mean("now", "past" if "adjusted" in name else None, **said)
    covariates = ("past", "past_below") if "adjusted" in name else (None, None)
    return tea.RatioOfMeans("now", "below", *covariates, **said)


def users_of(groups: dict[str, list[User]]) -> pa.Table:
    rows = [(name, *user) for name, users in groups.items() for user in users]
    names = ("variant", "now", "below", "past", "past_below")
    return pa.table(dict(zip(names, map(pa.array, zip(*rows)))))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", METRICS)
def test_every_figure_is_theirs(name: str, seed: int) -> None:
    metric, is_adjusted = METRICS[name]
    confidence = (0.95, 0.9, 0.99)[seed % 3]
    sizes = ((5, 8), (30, 30), (200, 350), (1000, 900))[seed % 4]
    groups = {"a": random_users(seed, sizes[0]), "b": random_users(seed + 100, sizes[1], 1 + seed / 20)}
    rows, before, assigned = experiment(groups)
    found = ws.compare(
        rows, assigned, before=before if is_adjusted else None, metrics=[metric], confidence=confidence
    )
    (mine,) = found.table.to_pylist()
    expected = tea.Experiment(metric=theirs(name, confidence)).analyze(users_of(groups), control="a")[
        "metric"
    ]
    for figure, of in FIGURES.items():
        assert mine[figure] == pytest.approx(getattr(expected, of), rel=1e-9, abs=1e-12), figure


@pytest.mark.parametrize("seed", range(3))
def test_several_groups_and_metrics_are_adjusted_as_theirs(seed: int) -> None:
    groups = {name: random_users(seed * 10 + n, 200, 1 + n / 3) for n, name in enumerate("abcd")}
    rows, _, assigned = experiment(groups)
    chosen = ("mean", "ratio")
    found = ws.compare(rows, assigned, metrics=[METRICS[name][0] for name in chosen]).table.to_pylist()
    tests = {name: theirs(name, 0.95) for name in chosen}
    analyzed = tea.Experiment(tests).analyze(users_of(groups), control="a", all_variants=True)
    pairs = {pair: analyzed[pair] for pair in analyzed if pair[0] == "a"}
    assert len(pairs) == 3
    told = adjust_fwer(pairs, alpha=0.05, arbitrary_dependence=True, method="bonferroni").to_dicts()
    expected = {(row["metric"], ast.literal_eval(row["comparison"])[1]): row["pvalue_adj"] for row in told}
    for row in found:
        assert row["pValueAdjusted"] == pytest.approx(expected[row["metric"], row["group"]], rel=1e-9)


@pytest.mark.parametrize("sizes", [(1000, 1100), (3000, 2900), (52_000, 50_000)])
def test_sizes_are_judged_as_theirs(sizes: tuple[int, int]) -> None:
    users = [f"{group}{number}" for group, size in zip("ab", sizes) for number in range(size)]
    table = pa.table({"userId": users, "group": [user[0] for user in users]})
    mine = ws.compare(ws.aggregate([]), table, metrics="activeUsers").sample_ratio.p_value
    # Without a correction for continuity their test is Pearson's.
    check = tea.SampleRatio(method="norm", correction=False)
    named = table.rename_columns(["userId", "variant"])
    found = tea.Experiment(check=check).analyze(named, control="a")["check"]
    assert mine == pytest.approx(found.pvalue, rel=1e-9)
