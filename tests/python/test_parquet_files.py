"""From files to a file: the core's threads read and write, and the bytes depend on the rows alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pyarrow import parquet as pq

from watchspan import _core, sample, sources
from watchspan.cli.app import app

EVENTS = sources.wanted("events", None)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of many row groups, so that threads take turns."""
    folder = tmp_path_factory.mktemp("events")
    table = sample.events(60_000)
    for number in range(3):
        rows = table.slice(number * 20_000, 20_000)
        pq.write_table(rows, folder / f"{number}.parquet", row_group_size=3_000)
    return folder


def run(*words: object) -> None:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_what_was_read_once_is_not_read_by_whoever_iterates(events: Path) -> None:
    files = sources.read(str(events), EVENTS)
    assert isinstance(files, _core.ParquetFiles)
    assert sources.read(files, EVENTS) is files


@pytest.mark.parametrize("command", ["aggregate", "sessions"])
def test_commands_let_the_core_read(
    command: str, events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []
    work = getattr(_core, command)

    def noted(source: Any, *more: Any) -> Any:
        taken.append(source)
        return work(source, *more)

    monkeypatch.setattr(_core, command, noted)
    run(command, events, "-o", tmp_path / "out.parquet", "--quiet")
    assert [type(source) for source in taken] == [_core.ParquetFiles]


@pytest.mark.parametrize("command", ["aggregate", "sessions"])
def test_the_same_rows_are_the_same_bytes(command: str, events: Path, tmp_path: Path) -> None:
    found = set()
    for number, how in enumerate(
        [["--threads", "1"], ["--threads", "2"], ["--threads", "3"], ["--memory-limit", "1MB"]]
    ):
        out = tmp_path / f"{number}.parquet"
        run(command, events, "-o", out, "--quiet", *how)
        assert pq.read_metadata(out).num_rows > 5_000
        found.add(out.read_bytes())
    assert len(found) == 1
