"""What `watchspan checks` writes for Databricks Labs DQX, run by it on a local Spark.

DQX asks the workspace whether it is there and what it is; a client of its SDK that answers without a network
stands in for that. The checks themselves are DQX's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec

import pyarrow as pa
import pytest
from databricks.labs.dqx.engine import DQEngine
from databricks.sdk import WorkspaceClient
from pyspark.sql import SparkSession

from support.judged_rows import CASES, LAWS, every_break, flags_of, many_random_rows
from support.spark_rows import data_frame
from watchspan.testing import checks

CHECKS: list[dict[str, Any]] = json.loads(checks("gold.engagement"))
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DQEngine]:
    folder: Path = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        # Compiling a plan of so many checks takes longer than running it over few rows.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }
    session = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    yield DQEngine(create_autospec(WorkspaceClient, instance=True), spark=session)
    session.stop()


def judged(engine: DQEngine, rows: pa.Table) -> list[tuple[str | None, set[str], set[str]]]:
    """Each row's user, and the names of the errors and warnings that it has."""
    frame = engine.apply_checks_by_metadata(data_frame(engine.spark, rows), CHECKS)
    found = frame.select("userId", "_errors.name", "_warnings.name").collect()
    return [(user, set(errors or ()), set(warnings or ())) for user, errors, warnings in found]


def test_dqx_accepts_the_checks() -> None:
    status = DQEngine.validate_checks(CHECKS)
    assert not status.has_errors, status.errors
    assert [check["name"] for check in CHECKS if check["criticality"] == "error"] == [
        law.name for law in LAWS
    ]


def test_each_broken_law_is_an_error_of_its_row(engine: DQEngine) -> None:
    found: dict[str, set[str]] = {}
    for user, errors, _ in judged(engine, every_break()):
        found.setdefault("" if user is None else user.partition("/")[0], set()).update(errors)
    missed = [
        (law, n) for law, n in CASES if law not in found.get(f"{law}.{n}", set()) and law != "valid_userId"
    ]
    assert missed == []
    assert "valid_userId" in found[""]  # whose row is nobody's


def test_good_rows_have_their_flags_as_warnings_and_no_errors(engine: DQEngine) -> None:
    rows = many_random_rows()
    found = judged(engine, rows)
    assert len(found) == rows.num_rows >= 100
    assert {name for _, errors, _ in found for name in errors} == set()
    counts = {name: sum(f"flag_{name}" in warnings for _, _, warnings in found) for name in flags_of(rows)}
    assert counts == flags_of(rows)
