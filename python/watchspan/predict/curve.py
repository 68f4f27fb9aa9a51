"""The curve that a model has to beat: what of open pairs was completed, by how far they had got."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sklearn.linear_model import LogisticRegression

from watchspan.predict.pairs import Numbers, codes

# Between them the logarithm of the odds is a straight line.
_BENDS = (0.25, 0.5, 0.75, 0.9)
# How many completions that are expected weigh as much as those of one video.
_PRIOR = 3.0


@dataclass(frozen=True)
class Curve:
    """How likely a pair is completed, by reach, or by reach and video.

    Attributes:
        weights: Of the pieces of reach, and of 1 as the last.
        videos: The text of a videoId -> by which factor its pairs are more likely than those of all; empty if
            one curve is for all videos.
    """

    weights: Numbers
    videos: dict[str, float]

    def predict(self, reach: Numbers, videos: pa.Array) -> Numbers:
        """How likely each pair is completed.

        Args:
            reach: How far each got, as a share of its video; NaN if nobody knows.
            videos: Their videos, as text.
        """
        likely = 1.0 / (1.0 + np.exp(-(_pieces(reach) * self.weights).sum(axis=1)))
        if not self.videos:
            return likely
        factors = np.array([self.videos.get(video, 1.0) for video in videos.to_pylist()])
        return np.minimum(likely * factors, 1.0)


def fitted(reach: Numbers, videos: pa.Array, completed: Numbers, *, by_video: bool) -> Curve:
    """The curve of pairs of which is known what became of them.

    Args:
        reach: How far each had got, as a share of its video; NaN if nobody knows.
        videos: Their videos, as text.
        completed: Whether each was completed.
        by_video: Whether videos differ.
    """
    pieces = _pieces(reach)
    model = LogisticRegression(fit_intercept=False, C=1.0, max_iter=1_000).fit(pieces, completed)
    curve = Curve(model.coef_[0], {})
    if not by_video:
        return curve
    video = codes(videos)
    found, expected = (np.bincount(video, each) for each in (completed, curve.predict(reach, videos)))
    factors = (found + _PRIOR) / (expected + _PRIOR)
    return Curve(curve.weights, dict(zip(videos.unique().to_pylist(), factors.tolist())))


def _pieces(reach: Numbers) -> Numbers:
    share, is_unknown = np.nan_to_num(reach), np.isnan(reach)
    bends = [np.maximum(share - bend, 0.0) for bend in _BENDS]
    return np.column_stack([share, *bends, is_unknown, np.ones(len(share))])
