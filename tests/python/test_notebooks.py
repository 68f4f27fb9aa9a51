"""The notebooks are in Databricks' source format."""

import ast
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = (
    "01_quickstart.py",
    "02_daily_job.py",
    "03_data_quality.py",
    "04_analytics.py",
    "05_streaming.py",
    "06_azure.py",
    "07_insight.py",
    "databricks_video_aggregation.py",
)
SEPARATOR = "\n\n# COMMAND ----------\n\n"


def cells(name):
    """The cells of a notebook, without its first line."""
    head, text = (FOLDER / name).read_text(encoding="utf-8").split("\n", 1)
    assert head == "# Databricks notebook source"
    return text.split(SEPARATOR)


def test_all_notebooks_are_tested():
    assert tuple(sorted(path.name for path in FOLDER.iterdir() if path.suffix == ".py")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_cells(name):
    found = cells(name)
    assert len(found) >= 2
    assert found[0].startswith("# MAGIC %md\n# MAGIC # "), "a notebook begins with its title"
    for cell in found:
        # A separator that is not exactly one would be a comment, and two cells one.
        assert "COMMAND --" not in cell
        lines = cell.strip().splitlines()
        assert lines
        magic = [line for line in lines if line.startswith("# MAGIC")]
        assert magic in ([], lines), f"magic and code in one cell: {lines[0]}"
        titles = [number for number, line in enumerate(lines) if line.startswith("# DBTITLE")]
        assert titles in ([], [0]), f"a title is a cell's first line: {lines[0]}"
        assert all(re.fullmatch(r"# DBTITLE 1,\S.*", lines[number]) for number in titles)


@pytest.mark.parametrize("name", NAMES)
def test_every_widget_is_read_and_every_read_has_a_widget(name):
    calls = [node for node in ast.walk(ast.parse((FOLDER / name).read_text())) if isinstance(node, ast.Call)]
    widgets = [call for call in calls if re.fullmatch(r"dbutils\.widgets\.\w+", ast.unparse(call.func))]
    made = [call.args[0].value for call in widgets if not ast.unparse(call.func).endswith(".get")]
    assert made or name == "databricks_video_aggregation.py"
    assert len(made) == len(set(made))
    text = (FOLDER / name).read_text(encoding="utf-8")
    for widget in made:
        assert text.count(f'"{widget}"') >= 2, f"nothing reads {widget}"
    read = {call.args[0].value for call in widgets if isinstance(call.args[0], ast.Constant)}
    assert read <= set(made)


@pytest.mark.parametrize("name", NAMES)
def test_only_what_every_compute_offers(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    for banned in ("sparkContext", ".rdd", "_jvm", "_jdf", ".cache()", ".persist()", "toPandas"):
        assert banned not in text, (
            f"{banned} does not work on serverless or shared compute, or collects a table"
        )
