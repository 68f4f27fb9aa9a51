"""Raw records of every source that has a preset, and what was computed by hand of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import watchspan as ws

SAMPLES = Path(__file__).parents[1] / "presets"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.jsonl"))


def assert_by_hand(table: Any, name: str) -> None:
    """Asserts that a table of engagement is what was computed by hand of a preset's sample."""
    expected = json.loads((SAMPLES / f"{name}.expected.json").read_text())
    dropped = {reason: count for reason, count in ws.report(table)["dropped"].items() if count}
    assert dropped == expected["dropped"]
    rows = {(row["userId"], row["videoId"]): row for row in table.to_pylist()}
    assert len(rows) == len(expected["rows"]) > 0
    for by_hand in expected["rows"]:
        row = rows[str(by_hand["userId"]), str(by_hand["videoId"])]
        figures = {column: value for column, value in by_hand.items() if column not in ("userId", "videoId")}
        assert {column: row[column] for column in figures} == pytest.approx(figures), by_hand["userId"]
