"""The notebook runs from end to end, with stand-ins for what Databricks hands it, against the servers."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import watchspan as ws
from support.app_events import SCHEMA, month, row, sample_rows
from watchspan import sample, sources

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "06_azure.py"
WINDOW = {"start": "2000-01-01", "end": "2100-01-01"}


class ExitError(Exception):
    """What `dbutils.notebook.exit` raises."""


class Dbutils:
    """As much of `dbutils` as the notebook uses: widgets with given values, else their defaults."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values, self.made = values, {}
        self.widgets = self.notebook = self

    def text(self, name: str, default: str, label: str) -> None:
        assert isinstance(default, str)
        assert label
        self.made[name] = self.values.get(name, default)

    def dropdown(self, name: str, default: str, choices: list[str], label: str) -> None:
        self.text(name, default, label)
        assert {default, self.made[name]} <= set(choices)

    def get(self, name: str) -> str:
        return self.made[name]

    def exit(self, value: str) -> None:
        raise ExitError(value)


@pytest.fixture
def notebook(log_analytics, credential, trust):
    log_analytics.tables["AppEvents"] = (SCHEMA, sample_rows(month(600)))

    def run(**values: str) -> Any:
        dbutils = Dbutils({"workspace_id": "id", "endpoint": log_analytics.url, **values})
        given = {"dbutils": dbutils, "credential": credential}
        with pytest.raises(ExitError) as done:
            runpy.run_path(str(NOTEBOOK), given, "__main__")
        assert set(values) <= set(dbutils.made), "a value was given for no widget"
        return json.loads(str(done.value))

    return run


def test_by_default_it_only_counts(notebook, tmp_path, capsys):
    out = tmp_path / "rows.parquet"
    done = notebook(out=str(out), **WINDOW)
    assert done["plan"]["events"]["rows"] == month(600).num_rows
    assert not out.exists()
    assert '"sampled": 0' in capsys.readouterr().out


def test_it_writes_what_the_package_computes(notebook, tmp_path, capsys):
    out, videos = tmp_path / "rows.parquet", tmp_path / "videos.parquet"
    sources.write(sample.videos(1), videos)
    done = notebook(out=str(out), videos=str(videos), dry_run="false", **WINDOW)
    expected = ws.aggregate(month(600), videos=sample.videos(1))
    assert pq.read_table(out).drop(["isSampled"]).equals(expected)
    assert done["rows"] == expected.num_rows
    assert "events until" in capsys.readouterr().out


def test_it_writes_to_log_analytics(notebook, ingestion):
    stream = f"{ingestion.url}/dataCollectionRules/dcr-0123456789abcdef/streams/Custom-Engagement"
    done = notebook(out=stream, dry_run="false", columns='{"seekFrom": null}', **WINDOW)
    assert done["written"]["sent"] == len(ingestion.rows) > 10


def test_yesterday_is_the_window_that_nobody_names(notebook, log_analytics, tmp_path):
    notebook(out=str(tmp_path / "rows.parquet"))
    first, last = log_analytics.requests[0].json["timespan"].split("/")
    assert first[10:] == last[10:] == "T00:00:00.000Z"
    assert first < last


def test_names_that_do_not_fit_stop_it(notebook, log_analytics, tmp_path):
    log_analytics.tables["AppEvents"] = (SCHEMA, [row("2026-01-15T10:00:00Z", "PlayStart", {"videoId": "v"})])
    with pytest.raises(RuntimeError, match="None of the 1 events could be used"):
        notebook(out=str(tmp_path / "rows.parquet"), dry_run="false", **WINDOW)
