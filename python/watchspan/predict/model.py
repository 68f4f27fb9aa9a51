"""The model: gradient boosted trees over what is known of a pair, and the curve where they are no better."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from watchspan.errors import DataError, OptionError, WatchspanWarning
from watchspan.insight.rows import instants
from watchspan.instants import DAY, LAST, Instant, clock
from watchspan.predict.curve import Curve, fitted
from watchspan.predict.examples import FOLDS, Examples, examples_of, folds, refuse_few
from watchspan.predict.judging import Judged, Score, brier, judged
from watchspan.predict.knowledge import Known, finished, known
from watchspan.predict.pairs import NEEDED, Numbers, read_pairs

_CURVE = "curve"


@dataclass(frozen=True)
class _Learned:
    """What a fit comes to.

    Attributes:
        trees: What says how likely a pair is completed, by its features.
        curve: What says it by reach and video.
        score: How good both are on users that they had not seen.
        horizon: Within how many microseconds.
        until: Until when the outcomes are known.
    """

    trees: HistGradientBoostingClassifier
    curve: Curve
    score: Score
    horizon: int
    until: int


class CompletionModel:
    """How likely each open pair of a user and a video is completed within some time.

    It learns from rows as of an instant T and rows of the same events as of a later one: of the pairs that
    were not completed at T, which were later. It knows a pair by `features`, which are of the rows as of T
    alone, and is judged by users that it did not see, beside a curve that knows how far they got and in which
    video. If it is no better than that, it warns, and predicts by the curve.

    It can be pickled. What was fitted by one version of scikit-learn is for that version: with another, fit
    it again.

    >>> import datetime as dt
    >>> import watchspan as ws
    >>> from watchspan import sample
    >>> from watchspan.predict import CompletionModel
    >>> events = sample.events(20_000)
    >>> def as_of(day):
    ...     end = dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc)
    ...     is_known = [at is not None and at < end for at in events["timestamp"].to_pylist()]
    ...     return ws.aggregate(events.filter(is_known), videos=sample.videos())
    >>> model = CompletionModel().fit(as_of(16), as_of(26))
    >>> model.score().skill > 0
    True
    >>> model.predict(as_of(26)).column_names[:2]
    ['userId', 'videoId']
    """

    def __init__(self) -> None:
        self._learned: _Learned | None = None

    def fit(
        self, rows_then: Any, rows_later: Any, *, as_of: Instant = None, until: Instant = None
    ) -> CompletionModel:
        """Learns which of the pairs that were open became completed; the same from rows in any order.

        Args:
            rows_then: A table from `watchspan.aggregate` or `watchspan.engagement` of the events before T, or
                the path of Parquet or Arrow files that hold one.
            rows_later: The same of the events before a later instant. Open pairs that it lacks are left out,
                with a warning.
            as_of: T. None: the newest `lastWatchDate` of `rows_then`.
            until: The later instant. None: the newest `lastWatchDate` of `rows_later`.

        Returns:
            The model itself.

        Raises:
            MissingColumnError: If one is not an engagement table.
            ColumnTypeError: If a column of it has another type than in an engagement table.
            DataError: If a value is null or NaN, as no engagement row has it; if a pair has several rows; if
                rows know of what was after `as_of` or `until`; if `rows_later` is not later, or of other
                pairs; or if there are too few open pairs of either outcome.
            OptionError: If an option is not accepted.
            SourceError: If something cannot be read.
        """
        examples, horizon, ends = examples_of(rows_then, rows_later, as_of, until)
        refuse_few(examples)
        # Sums of BLAS depend on the number of threads, and threads of these trees, small as they are, mostly
        # wait for each other: of 300,000 pairs, one was three times as fast as two.
        with threadpool_limits(limits=1):
            score, is_by_video = _cross_fitted(examples)
            every: Numbers = np.ones(len(examples.completed), dtype=bool)
            curve = fitted(*examples.part(every), by_video=is_by_video)
            trees = _trees(examples.matrix, examples.completed)
        self._learned = _Learned(trees, curve, score, horizon, ends)
        if score.skill <= 0:
            warnings.warn(
                f"The model is no better than the curve (skill {score.skill:+.3f}), so it predicts by the "
                f"curve: of {score.pairs:,} open pairs, how far they got and which video it is says as much "
                "as all else.",
                WatchspanWarning,
                stacklevel=2,
            )
        return self

    @property
    def basis(self) -> str:
        """What it predicts by: `model`, or `curve` if the model is no better than that."""
        return "model" if self._fitted.score.skill > 0 else _CURVE

    def predict(self, rows: Any, *, as_of: Instant = None) -> pa.Table:
        """Says how likely each open pair is completed.

        Args:
            rows: Engagement rows, as for `fit`. Their users and videos may be new.
            as_of: Until when they are known. None: their newest `lastWatchDate`.

        Returns:
            The table of predictions (see `docs/columns.md`), ordered by (userId, videoId): within as much
            time from `as_of` on as lay between the rows of the fit. Pairs that are completed are not in it.

        Raises:
            MissingColumnError: If it is not an engagement table.
            ColumnTypeError: If a column of it has another type than in an engagement table.
            DataError: If a value is null or NaN, as no engagement row has it; if a pair has several rows; or
                if rows know of what was after `as_of`.
            OptionError: If an option is not accepted, or if the model was not fitted.
            SourceError: If it cannot be read.
        """
        learned = self._fitted
        pairs = known(read_pairs(rows, "rows", NEEDED, "as_of", as_of))
        model, curve = self._said(pairs)
        count = len(curve)
        columns = {name: pairs.keys(name) for name in ("videoTitle", "videoDuration")}
        until = np.full(count, _end(pairs.pairs.until, learned.horizon))
        return finished(
            "predictions",
            pairs,
            {
                **columns,
                "reach": pa.array(pairs.columns["reach"], from_pandas=True),
                "lastWatchDate": instants(pairs.keys("lastWatchDate")),
                "probability": pa.array(curve if self.basis == _CURVE else model),
                "curveProbability": pa.array(curve),
                "basis": pa.array([self.basis] * count, pa.string()),
                "until": instants(pa.array(until)),
            },
        )

    def score(
        self,
        rows_then: Any = None,
        rows_later: Any = None,
        *,
        as_of: Instant = None,
        until: Instant = None,
    ) -> Score:
        """Says how good the model is, also if it predicts by the curve.

        Args:
            rows_then: Rows as for `fit`, of a later time than those of the fit. None: the users of the fit,
                of whom each was predicted by a model and a curve that had not seen them.
            rows_later: The same rows later, if there is `rows_then`.
            as_of: As for `fit`.
            until: As for `fit`; as long after `as_of` as in the fit, or the comparison is not fair.

        Returns:
            The score.

        Raises:
            OptionError: If the model was not fitted, or if only one of both tables is given.
            WatchspanError: As `fit` does.
        """
        learned = self._fitted
        if (rows_then is None) != (rows_later is None):
            raise OptionError("score needs rows_then and rows_later, or neither of them.")
        if rows_then is None:
            return learned.score
        examples, _, _ = examples_of(rows_then, rows_later, as_of, until)
        if not len(examples.completed):
            raise DataError(
                "No pair of rows_then is open, so there is nothing to judge: rows of viewers are needed."
            )
        if examples.known.pairs.until < learned.until:
            warnings.warn(
                f"The model knows what happened until {clock(learned.until)}Z, and these rows are as of "
                f"{clock(examples.known.pairs.until)}Z: it looks better than it is. score() without rows "
                "does not.",
                WatchspanWarning,
                stacklevel=2,
            )
        return judged(_judged(examples, *self._said(examples.known, examples.matrix)))

    @property
    def _fitted(self) -> _Learned:
        if self._learned is None:
            raise OptionError("The model has learned nothing yet: call fit(rows_then, rows_later) first.")
        return self._learned

    def _said(self, pairs: Known, matrix: Numbers | None = None) -> tuple[Numbers, Numbers]:
        """What the model and the curve say of open pairs."""
        learned, videos = self._fitted, pairs.keys("videoId").cast(pa.string())
        curve = learned.curve.predict(pairs.columns["reach"], videos)
        if not len(curve):
            return curve, curve
        matrix = pairs.matrix if matrix is None else matrix
        with threadpool_limits(limits=1):
            return learned.trees.predict_proba(matrix)[:, 1], curve


def _end(until: int, horizon: int) -> int:
    """Until when a prediction is, in microseconds since 1970."""
    if until + horizon > LAST:
        raise OptionError(
            f"as_of is {clock(until)}Z, and predictions are for the {horizon / DAY:,.10g} days after it, but "
            "there is no time after the year 9999."
        )
    return until + horizon


def _cross_fitted(examples: Examples) -> tuple[Score, bool]:
    """How good a model is on users that it did not see, and whether the curve is better by video."""
    count, fold = len(examples.completed), folds(examples)
    said = {name: np.zeros(count) for name in ("model", "all", "video")}
    reach, videos, completed = examples.part(np.ones(count, dtype=bool))
    for number in range(FOLDS):
        held = fold == number
        if not held.any():
            continue
        seen, new = ~held, pa.array(held)
        if len(np.unique(completed[seen])) < 2:
            raise DataError(
                "Nearly all pairs that were completed, or nearly all that were not, are of too few users to "
                "be told from the others: rows of more viewers are needed."
            )
        for name, by_video in (("all", False), ("video", True)):
            curve = fitted(*examples.part(seen), by_video=by_video)
            said[name][held] = curve.predict(reach[held], videos.filter(new))
        said["model"][held] = _trees(examples.matrix[seen], completed[seen]).predict_proba(
            examples.matrix[held]
        )[:, 1]
    # The better of both, so that the model has to beat what a curve can say at best.
    outcome = completed.astype(float)
    is_by_video = brier(outcome, said["video"]) < brier(outcome, said["all"])
    curves = said["video" if is_by_video else "all"]
    return judged(_judged(examples, said["model"], curves)), is_by_video


def _judged(examples: Examples, model: Numbers, curve: Numbers) -> Judged:
    plain, made = examples.known.columns["completionCurve"], examples.known.pairs.made
    return Judged(examples.completed, examples.user, model, curve, plain, made)


def _trees(matrix: Numbers, completed: Numbers) -> HistGradientBoostingClassifier:
    """Few and small ones: in the trials, more of them were sure of too much."""
    trees = HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=50,
        max_leaf_nodes=8,
        min_samples_leaf=30,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=0,
    )
    # What is known of no pair tells nothing, and cannot be cut into bins.
    return trees.fit(np.where(np.isnan(matrix).all(axis=0), 0.0, matrix), completed)
