"""What the page on prediction shows can be run, and rows as of a time come out of a kept Delta table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import watchspan as ws
from support.returning import LATER, THEN, as_of, keen_ones
from watchspan.insight.columns import TABLES
from watchspan.insight.tables import schema

pytest.importorskip("sklearn", reason="scikit-learn is not here")

from watchspan.predict import CompletionModel

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "prediction.md").read_text(encoding="utf-8")


def test_the_example_runs_and_its_tables_are_those_of_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    made: dict[str, Any] = {}
    exec(compile(block, "docs/prediction.md", "exec"), made)
    assert str(made["model"].score()) in capsys.readouterr().out
    keys = {"userId": pa.string(), "videoId": pa.string()}
    for name, table in (("likely", "predictions"), ("known", "features"), ("bins", "calibration")):
        found = made[name]
        assert found.num_rows > 3
        assert found.schema.remove_metadata() == schema(table, keys)
        for column in TABLES[table].columns:
            assert column.nullable or not found[column.name].null_count, column.name


def test_the_figures_are_of_the_command() -> None:
    """The row that is quick to make again; `python benches/prediction.py` makes all of them."""
    score = CompletionModel().fit(*(as_of(keen_ones(), until) for until in (THEN, LATER))).score()
    row = next(line for line in PAGE.splitlines() if line.startswith("| some viewers come back, 400"))
    figures = [float(cell.replace(",", "")) for cell in row.strip("| ").split(" | ")[1:8]]
    assert figures[:2] == [score.pairs, score.completed]
    found = (score.brier, score.curve_brier, score.completion_curve_brier, score.auc, score.skill)
    assert figures[2:] == pytest.approx(found, abs=0.002)


def test_a_version_of_a_kept_table_is_rows_as_of_then(tmp_path: Path) -> None:
    deltalake = pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")
    pytest.importorskip("duckdb", reason="DuckDB is not here")
    from watchspan import delta

    events, videos = keen_ones(150)
    raw, kept = str(tmp_path / "raw"), str(tmp_path / "engagement")
    deltalake.write_deltalake(raw, events)
    delta.update(raw, kept, end=THEN, videos=videos)
    version = deltalake.DeltaTable(kept).version()
    delta.update(raw, kept, THEN, LATER, videos=videos)
    then = deltalake.DeltaTable(kept, version=version)
    now = deltalake.DeltaTable(kept)
    assert now.version() > version
    model = CompletionModel().fit(then, now)
    expected = CompletionModel().fit(as_of((events, videos), THEN), as_of((events, videos), LATER))
    assert model.score().pairs == expected.score().pairs
    assert model.score() == expected.score()
    assert model.predict(now).equals(expected.predict(as_of((events, videos), LATER)))
    assert ws.video_totals(then).num_rows > 0
