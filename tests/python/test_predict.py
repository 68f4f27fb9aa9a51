"""Who will finish: scores by hand, what was planted is found, and where nothing is the curve is taken."""

from __future__ import annotations

import datetime as dt
import math
import pickle
import warnings
from typing import Any

import pyarrow as pa
import pytest

import watchspan as ws
from support.returning import LATER, START, THEN, as_of, by_reach_alone, chance_of, keen_ones
from watchspan.errors import WatchspanWarning

pytest.importorskip("sklearn", reason="scikit-learn is not here")

import numpy as np
from sklearn import metrics

from watchspan import predict
from watchspan.predict import CompletionModel, features
from watchspan.predict.curve import fitted
from watchspan.predict.judging import Judged, judged, skill_of

Tables = "tuple[pa.Table, pa.Table]"


@pytest.fixture(scope="module")
def keen() -> tuple[pa.Table, pa.Table]:
    return as_of(keen_ones(), THEN), as_of(keen_ones(), LATER)


@pytest.fixture(scope="module")
def model(keen: Any) -> CompletionModel:
    return CompletionModel().fit(*keen)


# Scores.


def score_of(outcomes: list[int], said: list[float], curve: list[float], users: Any = None) -> predict.Score:
    users = range(len(outcomes)) if users is None else users
    arrays = (np.array(each) for each in (outcomes, list(users), said, curve, [math.nan] * len(said)))
    return judged(Judged(*arrays, {}))


def test_scores_by_hand() -> None:
    found = score_of([1, 0, 0, 1], [0.8, 0.3, 0.5, 0.4], [0.5] * 4)
    # .2² + .3² + .5² + .6² = .04 + .09 + .25 + .36 = .74
    assert found.brier == pytest.approx(0.74 / 4)
    assert found.curve_brier == found.completion_curve_brier == 0.25
    assert found.skill == pytest.approx(1 - 0.185 / 0.25)
    logs = math.log(0.8) + math.log(0.7) + math.log(0.5) + math.log(0.4)
    assert found.log_loss == pytest.approx(-logs / 4)
    assert found.curve_log_loss == pytest.approx(math.log(2))
    # Of the four pairs of one that is completed and one that is not: .8 > .3, .8 > .5, .4 > .3, .4 < .5.
    assert (found.auc, found.curve_auc) == (0.75, 0.5)
    assert (found.pairs, found.users, found.completed) == (4, 4, 2)


def test_the_interval_of_the_skill_by_hand() -> None:
    # Sums by user: of the model .04, .16; of the curve .25, .25. Ratio .2 / .5 = .4; what is left of each is
    # .04 - .1 = -.06 and .16 - .1 = .06, so the error is √(.0072 · 2 / 1) / .5.
    found = skill_of(np.array([1.0, 0.0]), np.array([0, 1]), np.array([0.8, 0.4]), np.array([0.5, 0.5]))
    half = 1.959964 * math.sqrt(0.0072 * 2) / 0.5
    assert found == pytest.approx((0.6, 0.6 - half, 0.6 + half), abs=1e-6)
    # Two pairs of one user are one: they are no evidence of anything.
    both = skill_of(np.array([1.0, 0.0]), np.array([0, 0]), np.array([0.8, 0.4]), np.array([0.5, 0.5]))
    assert both == pytest.approx((0.6, 0.6, 0.6))
    assert skill_of(np.array([1.0]), np.array([0]), np.array([0.5]), np.array([1.0])) == (0.0, 0.0, 0.0)


def test_calibration_by_hand() -> None:
    outcomes, said = [0, 1] * 10, [0.1] * 10 + [0.2, 0.4] * 5
    table = score_of(outcomes, said, said).calibration
    # Equal probabilities are in one bin, however many they are: ranks 0, 10 and 15 of 20.
    assert table["bin"].to_pylist() == [0, 5, 7]
    assert table["pairs"].to_pylist() == [10, 5, 5]
    assert table["meanProbability"].to_pylist() == pytest.approx([0.1, 0.2, 0.4])
    assert table["completedShare"].to_pylist() == [0.5, 0.0, 1.0]
    assert score_of(outcomes, said, said).calibration_error == pytest.approx((4 + 1 + 3) / 20)


def test_sklearn_says_the_same_of_a_later_time(keen: Any, model: CompletionModel) -> None:
    then, later = keen[1], as_of(keen_ones(), START + dt.timedelta(days=58))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = model.score(then, later)
    completed = {(r["userId"], r["videoId"]): r["isCompletedAtLeastOnce"] for r in later.to_pylist()}
    said = model.predict(then).to_pylist()
    outcomes = [completed[row["userId"], row["videoId"]] for row in said]
    model_said, curve_said = ([row[name] for row in said] for name in ("probability", "curveProbability"))
    assert found.brier == pytest.approx(metrics.brier_score_loss(outcomes, model_said))
    assert found.curve_brier == pytest.approx(metrics.brier_score_loss(outcomes, curve_said))
    assert found.log_loss == pytest.approx(metrics.log_loss(outcomes, model_said))
    assert found.auc == pytest.approx(metrics.roc_auc_score(outcomes, model_said))
    assert found.completed == sum(outcomes)
    assert found.skill > 0.1


# What was planted, and what was not.


def test_planted_behaviour_is_found(model: CompletionModel) -> None:
    score = model.score()
    print(f"\n{score}\ncompletion_curve as it is: Brier {score.completion_curve_brier:.4f}")
    assert model.basis == "model"
    assert score.skill > 0.15
    assert score.skill_low > 0.05
    assert score.auc is not None and score.auc > 0.85
    assert score.log_loss < score.curve_log_loss
    # It answers another question, so that it would be no yardstick.
    assert score.completion_curve_brier > 2 * score.curve_brier


def test_held_out_probabilities_are_what_happens() -> None:
    told = keen_ones(1_500)
    score = CompletionModel().fit(as_of(told, THEN), as_of(told, LATER)).score()
    print(f"\n{score}\n{score.calibration.to_pydict()}")
    assert score.pairs > 2_000
    assert score.calibration_error < 0.02
    table = score.calibration.to_pylist()
    assert len(table) >= 5
    assert sum(row["pairs"] for row in table) == score.pairs
    inside = [row["completedLow"] <= row["meanProbability"] <= row["completedHigh"] for row in table]
    assert sum(inside) >= len(inside) - 2
    likely = table[-1]
    assert likely["completedLow"] > 2 * score.completed / score.pairs, "the likely ones are others than most"


@pytest.mark.parametrize("seed", range(3))
def test_nothing_to_learn_is_left_to_the_curve(seed: int) -> None:
    told = by_reach_alone(seed=seed)
    then, later = as_of(told, THEN), as_of(told, LATER)
    with pytest.warns(
        WatchspanWarning, match=r"no better than the curve \(skill -0\.\d+\), so it predicts by"
    ):
        model = CompletionModel().fit(then, later, as_of=THEN, until=LATER)
    score = model.score()
    assert score.skill <= 0
    assert score.curve_auc is not None and score.curve_auc > 0.7, "the curve knows what there is to know"
    said = model.predict(then, as_of=THEN).to_pylist()
    assert {row["basis"] for row in said} == {"curve"}
    assert all(row["probability"] == row["curveProbability"] for row in said)
    off = [abs(row["probability"] - chance_of(row)) for row in said]
    assert sum(off) / len(off) < 0.03
    assert {row["until"] for row in said} == {LATER}


def test_a_video_of_its_own_is_known_to_the_curve() -> None:
    reach, videos = np.full(200, 0.5), pa.array(["often", "never"] * 100)
    completed = np.array([True, False] * 100)
    apart, one = (fitted(reach, videos, completed, by_video=by) for by in (True, False))
    names = pa.array(["often", "never", "new"])
    often, never, new = apart.predict(np.full(3, 0.5), names)
    # 103 / 53 and 3 / 53 of a half, as three completions that are expected weigh as much as those of a video.
    assert (often, never, new) == pytest.approx((0.9717, 0.0283, 0.5), abs=1e-3)
    assert one.predict(np.full(3, 0.5), names) == pytest.approx([0.5] * 3, abs=1e-3)
    unknown = one.predict(np.array([np.nan]), names[:1])
    assert 0 < unknown[0] < 1


# What a prediction is.


def test_predictions_are_of_the_open_pairs(keen: Any, model: CompletionModel) -> None:
    found = model.predict(keen[1])
    opened = [row for row in keen[1].to_pylist() if not row["isCompletedAtLeastOnce"]]
    keys = sorted((row["userId"], row["videoId"]) for row in opened)
    assert [(row["userId"], row["videoId"]) for row in found.to_pylist()] == keys
    assert 100 < found.num_rows < keen[1].num_rows
    for row in found.to_pylist():
        assert 0 < row["probability"] < 1
        assert 0 < row["curveProbability"] < 1
    newest = [max(rows["lastWatchDate"].to_pylist()) for rows in keen]
    assert set(found["until"].to_pylist()) == {newest[1] + (newest[1] - newest[0])}
    assert ws.report(found) == ws.report(keen[1])


def test_new_users_videos_and_unknown_durations_have_one_too(model: CompletionModel) -> None:
    events = {
        "timestamp": ["2026-03-01T10:00:00Z", "2026-03-01T10:01:00Z"] * 2,
        "userId": ["new"] * 4,
        "videoId": ["first"] * 2 + ["second"] * 2,
        "eventName": ["play", "pause"] * 2,
        "currentTime": [0, 60] * 2,
    }
    rules = ws.Rules(estimate_duration=False)
    rows = ws.aggregate(events, videos={"videoId": ["first"], "duration": [120]}, rules=rules)
    first, second = model.predict(rows).to_pylist()
    assert (first["reach"], second["reach"], second["videoDuration"]) == (0.5, None, None)
    assert 0 < first["probability"] < 1
    assert 0 < second["probability"] < 1


def test_rows_without_any_give_none(model: CompletionModel) -> None:
    empty = model.predict(ws.aggregate([]))
    assert empty.num_rows == 0
    assert empty.column_names == model.predict(as_of(keen_ones(), THEN)).column_names
    assert features(ws.aggregate([])).num_rows == 0


def test_a_model_can_be_kept(keen: Any, model: CompletionModel) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert again.predict(keen[1]).equals(model.predict(keen[1]))
    assert again.score() == model.score()


def test_a_score_of_what_it_has_seen_is_told(keen: Any, model: CompletionModel) -> None:
    with pytest.warns(WatchspanWarning, match="looks better than it is"):
        seen = model.score(*keen)
    assert seen.skill > model.score().skill


def test_a_score_as_text(model: CompletionModel) -> None:
    lines = str(model.score()).splitlines()
    assert lines[0].endswith("completed")
    assert [line.split()[0] for line in lines[1:]] == ["model", "Brier", "log", "AUC", "skill"]
