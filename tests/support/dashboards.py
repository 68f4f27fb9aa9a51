"""Dashboards as their files have them, read by tests."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import vl_convert

Json = dict[str, Any]


def widgets(dashboard: Json) -> list[Json]:
    """All widgets of a dashboard."""
    return [item["widget"] for page in dashboard["pages"] for item in page["layout"]]


def vega_widgets(dashboard: Json) -> list[Json]:
    """Those that draw a chart of Vega-Lite."""
    return [
        widget for widget in widgets(dashboard)
        if widget.get("spec", {}).get("widgetType") == "custom-vega-viz"
    ]  # fmt: skip


def drawn(widget: Json, rows: list[Json]) -> str:
    """The picture that a widget makes of rows, as SVG: it sees the fields that it asks for, and no others."""
    spec = json.loads(widget["spec"]["jsonSpec"]["spec"])
    fields = [field["name"] for field in widget["queries"][0]["query"]["fields"]]
    seen = [{name: _plain(row[name]) for name in fields} for row in rows]
    spec["data"] = {**spec["data"], "values": seen}
    spec.update(width=600, height=240)
    picture: str = vl_convert.vegalite_to_svg(spec, vl_version="5.20")
    return picture


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
