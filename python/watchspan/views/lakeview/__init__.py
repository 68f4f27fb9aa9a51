"""The dashboard, as the file that Databricks imports has it."""

from __future__ import annotations

from typing import Any

from watchspan.views.lakeview.charts import charts
from watchspan.views.lakeview.datasets import datasets
from watchspan.views.lakeview.pages import pages
from watchspan.views.queries import Kept

__all__ = ["made"]


def made(kept: Kept) -> dict[str, Any]:
    """The dashboard over the tables of an output: its datasets and pages."""
    asked = datasets(kept)
    return {
        "datasets": [dataset.definition() for dataset in asked.values()],
        "pages": pages(asked, charts()),
    }
