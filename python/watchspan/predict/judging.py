"""How good probabilities are, and by how much better than those of the curve."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from watchspan.insight import tables
from watchspan.insight.completion import wilson
from watchspan.predict.pairs import Numbers

_BINS = 10
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Score:
    """How good a model's probabilities are, beside those of the curve. `print` shows it as a small table.

    Attributes:
        pairs: How many open pairs were looked at.
        users: Of how many users they are.
        completed: How many of them were completed.
        brier: Mean of (probability - outcome)², of the model: 0 is perfect.
        curve_brier: The same of the curve.
        completion_curve_brier: The same of `watchspan.completion_curve` as it is, which answers another
            question: how many of all who got as far finished, then or later.
        log_loss: Mean of -log(probability of the outcome), of the model.
        curve_log_loss: The same of the curve.
        auc: How often a pair that is completed has a higher probability than one that is not, of the model;
            None if all have one outcome.
        curve_auc: The same of the curve.
        skill: 1 - `brier` / `curve_brier`: above 0, the model is better than the curve.
        skill_low: Where its interval of 95% begins, with users as the unit.
        skill_high: Where that ends.
        calibration_error: Mean distance between probability and share completed over the bins of
            `calibration`, by their pairs.
        calibration: Tenths of the pairs by their probability, and how many of them were completed: the table
            of calibration (see `docs/columns.md`).
    """

    pairs: int
    users: int
    completed: int
    brier: float
    curve_brier: float
    completion_curve_brier: float
    log_loss: float
    curve_log_loss: float
    auc: float | None
    curve_auc: float | None
    skill: float
    skill_low: float
    skill_high: float
    calibration_error: float
    calibration: pa.Table

    def __str__(self) -> str:
        lines = [
            ("", "model", "curve"),
            ("Brier", _shown(self.brier), _shown(self.curve_brier)),
            ("log loss", _shown(self.log_loss), _shown(self.curve_log_loss)),
            ("AUC", _shown(self.auc), _shown(self.curve_auc)),
        ]
        told = "\n".join(f"{name:<9} {model:>7} {curve:>7}".rstrip() for name, model, curve in lines)
        return (
            f"{self.pairs:,} open pairs of {self.users:,} users, {self.completed:,} completed\n{told}\n"
            f"skill {self.skill:+.3f} ({self.skill_low:+.3f} to {self.skill_high:+.3f}), "
            f"calibration error {self.calibration_error:.3f}"
        )


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


@dataclass(frozen=True)
class Judged:
    """Pairs of which is known what became of them, and what was said of them before.

    Attributes:
        completed: Whether each was completed.
        user: A number for the user of each, from 0.
        model: What the model said.
        curve: What the curve said.
        completion_curve: What `completion_curve` said; NaN where it says nothing.
        made: What the rows say of how they were made.
    """

    completed: Numbers
    user: Numbers
    model: Numbers
    curve: Numbers
    completion_curve: Numbers
    made: dict[str, Any]


def judged(pairs: Judged) -> Score:
    """The score of what was said."""
    outcome = pairs.completed.astype(float)
    # Where it says nothing, as without a duration, what the curve says.
    plain = np.where(np.isnan(pairs.completion_curve), pairs.curve, pairs.completion_curve)
    skill, low, high = skill_of(outcome, pairs.user, pairs.model, pairs.curve)
    table = calibration(outcome, pairs.model, pairs.made)
    return Score(
        pairs=len(outcome),
        users=len(np.unique(pairs.user)),
        completed=int(pairs.completed.sum()),
        brier=brier(outcome, pairs.model),
        curve_brier=brier(outcome, pairs.curve),
        completion_curve_brier=brier(outcome, plain),
        log_loss=float(log_loss(outcome, pairs.model, labels=[0.0, 1.0])),
        curve_log_loss=float(log_loss(outcome, pairs.curve, labels=[0.0, 1.0])),
        auc=_auc(outcome, pairs.model),
        curve_auc=_auc(outcome, pairs.curve),
        skill=skill,
        skill_low=low,
        skill_high=high,
        calibration_error=_calibration_error(table),
        calibration=table,
    )


def brier(outcome: Numbers, probability: Numbers) -> float:
    """Brier's score."""
    return float(brier_score_loss(outcome, probability))


def _auc(outcome: Numbers, probability: Numbers) -> float | None:
    return float(roc_auc_score(outcome, probability)) if len(np.unique(outcome)) > 1 else None


def skill_of(outcome: Numbers, user: Numbers, model: Numbers, curve: Numbers) -> tuple[float, float, float]:
    """By which part a model's Brier score is less than the curve's, and the ends of the interval for it.

    The interval is that of a ratio of sums over users, whose pairs belong together.

    >>> skill_of(np.array([1.0, 0.0]), np.array([0, 1]), np.array([0.9, 0.1]), np.array([0.5, 0.5]))[0]
    0.96
    """
    mine, theirs = (np.bincount(user, (said - outcome) ** 2) for said in (model, curve))
    if not theirs.sum():
        return 0.0, 0.0, 0.0
    ratio = float(mine.sum() / theirs.sum())
    users = len(np.unique(user))
    spread = np.sqrt(((mine - ratio * theirs) ** 2).sum() * users / max(users - 1, 1))
    half = float(_Z * spread / theirs.sum())
    return round(1.0 - ratio, 12), 1.0 - ratio - half, 1.0 - ratio + half


def calibration(outcome: Numbers, probability: Numbers, made: dict[str, Any]) -> pa.Table:
    """Tenths of the pairs by their probability, and how many of them were completed."""
    order = np.argsort(probability, kind="stable")
    ranked = probability[order]
    # Equal ones are where the first of them is.
    first = np.searchsorted(ranked, ranked, side="left")
    bins = first * _BINS // max(len(ranked), 1)
    columns: dict[str, list[Any]] = {name: [] for name in tables.names("calibration")}
    for number in np.unique(bins):
        of_it = order[bins == number]
        completed = int(outcome[of_it].sum())
        figures = (number, len(of_it), probability[of_it].mean(), *wilson(completed, len(of_it)))
        for name, value in zip(columns, figures):
            columns[name].append(value)
    return tables.made("calibration", columns, {}, made)


def _calibration_error(table: pa.Table) -> float:
    pairs, said, found = (
        np.asarray(table[name].to_numpy(), dtype=float)
        for name in ("pairs", "meanProbability", "completedShare")
    )
    return float((pairs * np.abs(said - found)).sum() / pairs.sum())
