"""Who will finish: a model of which pairs of a user and a video will be completed within some time.

Needs the extra `predict`: `pip install "watchspan[predict]"`.
"""

from __future__ import annotations

from watchspan.errors import MissingDependencyError

try:
    import sklearn as _sklearn
except ImportError as error:
    raise MissingDependencyError(
        'Predictions need the package scikit-learn: pip install "watchspan[predict]".'
    ) from error

from watchspan.predict.judging import Score
from watchspan.predict.knowledge import features
from watchspan.predict.model import CompletionModel

__all__ = ["CompletionModel", "Score", "features"]

del _sklearn
