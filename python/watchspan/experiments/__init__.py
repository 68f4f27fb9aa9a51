"""Groups of users, compared: what an experiment changed, and how certain that is."""

from __future__ import annotations

from watchspan.experiments.metrics import DEFAULT

__all__ = ["DEFAULT"]
