"""The widgets of a dashboard, each as its file has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watchspan.views.lakeview.charts import Spec, fields_of, text_of
from watchspan.views.lakeview.datasets import VIDEO, Dataset

Widget = dict[str, Any]
# How numbers are told.
SHARE = {"type": "number-percent", "decimalPlaces": {"type": "max", "places": 1}}
NUMBER = {"type": "number-plain", "abbreviation": "compact", "decimalPlaces": {"type": "max", "places": 1}}
_QUERY = "main_query"


def text(name: str, lines: str) -> Widget:
    """Words, in Markdown."""
    return {"name": name, "multilineTextboxSpec": {"lines": lines.splitlines(keepends=True)}}


def counter(name: str, title: str, dataset: Dataset, column: str, form: dict[str, Any] | None) -> Widget:
    """One figure of a dataset of one row; `form` is how a number is told, None if it is none."""
    value: dict[str, Any] = {"fieldName": column, "displayName": title}
    if form is not None:
        value["format"] = form
    return _widget(name, title, dataset, [column], {"version": 2, "widgetType": "counter"}, {"value": value})


def table(name: str, title: str, dataset: Dataset, columns: dict[str, str]) -> Widget:
    """A table of columns -> how each is headed."""
    shown = [{"fieldName": column, "displayName": head} for column, head in columns.items()]
    kind = {"version": 2, "widgetType": "table"}
    return _widget(name, title, dataset, list(columns), kind, {"columns": shown})


def xy(
    name: str, title: str, dataset: Dataset, kind: str, x: tuple[str, str, str], y: Sequence[tuple[str, str]]
) -> Widget:
    """A built-in chart.

    Args:
        name: What the widget is called.
        title: What stands above it.
        dataset: What it shows.
        kind: `line`, `bar` or `area`.
        x: A column, how it is called, and the type of its scale.
        y: Columns of numbers, and how each is called.
    """
    column, head, scale = x
    lines = [{"fieldName": field, "displayName": called} for field, called in y]
    many: dict[str, Any] = lines[0] if len(lines) == 1 else {"fields": lines}
    encodings = {
        "x": {"fieldName": column, "displayName": head, "scale": {"type": scale}},
        "y": {**many, "scale": {"type": "quantitative"}},
    }
    fields = [column, *(field for field, _ in y)]
    return _widget(name, title, dataset, fields, {"version": 3, "widgetType": kind}, encodings)


def heatmap(name: str, title: str, dataset: Dataset, x: str, y: str, color: str) -> Widget:
    """A built-in chart of cells."""
    encodings = {
        "x": {"fieldName": x, "displayName": x, "scale": {"type": "categorical"}},
        "y": {"fieldName": y, "displayName": y, "scale": {"type": "categorical"}},
        "color": {"fieldName": color, "displayName": color, "scale": {"type": "quantitative"}},
    }
    return _widget(name, title, dataset, [x, y, color], {"version": 3, "widgetType": "heatmap"}, encodings)


def vega(name: str, title: str, dataset: Dataset, spec: Spec) -> Widget:
    """A chart of `watchspan.plots`."""
    fields = fields_of(spec, dataset.columns)
    kind = {
        "version": 1,
        "widgetType": "custom-vega-viz",
        "jsonSpec": {"type": "vega-lite", "spec": text_of(spec)},
        "data": {"queryName": _QUERY},
    }
    return _widget(name, title, dataset, fields, kind, {"fields": [{"fieldName": field} for field in fields]})


def picker(name: str, title: str, values: Dataset, targets: Sequence[Dataset]) -> Widget:
    """A choice of one video for all datasets that are about one."""
    asked: list[dict[str, Any]] = [
        {"name": f"parameter_{dataset.name}", "query": _parameter(dataset)} for dataset in targets
    ]
    listed: dict[str, Any] = {
        "name": "values",
        "query": {
            "datasetName": values.name,
            "fields": [
                _field(VIDEO),
                {
                    "name": f"{VIDEO}_associativity",
                    "expression": "COUNT_IF(`associative_filter_predicate_group`)",
                },
            ],
            "disaggregated": False,
        },
    }
    fields: list[dict[str, str]] = [{"fieldName": VIDEO, "displayName": title, "queryName": "values"}]
    fields += [{"parameterName": VIDEO, "queryName": query["name"]} for query in asked]
    return {
        "name": name,
        "queries": [listed, *asked],
        "spec": {
            "version": 2,
            "widgetType": "filter-single-select",
            "encodings": {"fields": fields},
            "frame": {"showTitle": True, "title": title},
        },
    }


def _parameter(dataset: Dataset) -> dict[str, Any]:
    return {
        "datasetName": dataset.name,
        "parameters": [{"name": VIDEO, "keyword": VIDEO}],
        "disaggregated": False,
    }


def _widget(
    name: str,
    title: str,
    dataset: Dataset,
    fields: Sequence[str],
    kind: dict[str, Any],
    encodings: dict[str, Any],
) -> Widget:
    query = {
        "datasetName": dataset.name,
        "fields": [_field(field) for field in fields],
        # Datasets are summed up already.
        "disaggregated": True,
    }
    frame = {"showTitle": True, "title": title}
    return {
        "name": name,
        "queries": [{"name": _QUERY, "query": query}],
        "spec": {**kind, "encodings": encodings, "frame": frame},
    }


def _field(name: str) -> dict[str, str]:
    return {"name": name, "expression": f"`{name}`"}
