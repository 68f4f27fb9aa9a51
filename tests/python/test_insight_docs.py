"""What the page on insight shows can be run, and its tables of columns are those of the functions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchspan as ws
from support.insight_rows import sample_events
from watchspan import sample
from watchspan.insight.columns import TABLES, comments
from watchspan.insight.tables import names

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "insight.md").read_text(encoding="utf-8")
# An extra makes them, and a page of its own shows them: see test_predict_docs.py.
ELSEWHERE = ("predictions", "calibration", "features")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page's examples make, one after another, of files of the names that they use."""
    (tmp_path / "events").mkdir()
    pq.write_table(sample_events(), tmp_path / "events" / "a.parquet")
    pq.write_table(sample.videos(3), tmp_path / "videos.parquet")
    users = sorted(set(ws.aggregate(sample_events())["userId"].to_pylist()))
    named = "".join(f"{user},{('old', 'new')[n % 2]}\n" for n, user in enumerate(users))
    (tmp_path / "groups.csv").write_text(f"userId,group\n{named}")
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 6
    for block in blocks:
        exec(compile(block, "docs/insight.md", "exec"), found)
    return found


def test_every_example_runs_and_every_function_has_one(made: dict[str, Any]) -> None:
    tables = {name: value for name, value in made.items() if isinstance(value, pa.Table)}
    assert {name for name, table in tables.items() if not table.num_rows} == set()
    shown = {tuple(table.column_names) for table in tables.values()}
    assert len(TABLES) >= 6
    assert [name for name in TABLES if tuple(names(name)) not in shown] == list(ELSEWHERE)
    assert made["strict"]["segment"].to_pylist() != made["kinds"]["segment"].to_pylist()


def test_schemas_are_those_of_the_list(made: dict[str, Any]) -> None:
    seen = 0
    for table in (value for value in made.values() if isinstance(value, pa.Table)):
        for spec in TABLES.values():
            if [column.name for column in spec.columns] != table.column_names:
                continue
            seen += 1
            for column, field in zip(spec.columns, table.schema):
                assert str(field.type) in (column.type, "string"), column.name
                assert field.nullable == column.nullable, column.name
                assert column.nullable or not table[field.name].null_count, column.name
    assert seen >= len(TABLES) - len(ELSEWHERE)


def test_every_column_is_documented_and_has_a_comment() -> None:
    page = (DOCS / "columns.md").read_text(encoding="utf-8")
    for name, table in TABLES.items():
        section = page.split(f"## {table.title}\n", 1)[1].split("\n## ", 1)[0]
        told = comments(name)
        assert list(told) == names(name)
        for column in table.columns:
            assert f"| `{column.name}` | {column.type} |" in section
            assert column.doc.endswith(".")
            assert told[column.name].startswith(column.doc)
            assert bool(column.unit) == told[column.name].endswith(f" Unit: {column.unit}.")
    assert ws.video_totals(ws.aggregate([])).column_names == names("video_totals")
