"""What the package's modules import of each other: pyproject.toml says what they may."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import watchspan

PACKAGE = Path(watchspan.__file__).parent
CONFIG = Path(__file__).parents[2] / "pyproject.toml"

# What finds circles needs Python 3.11: `make test` runs this with the newest Python too.
pytest.importorskip("importlinter")


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    """What the linter says of the package in `folder`, from a process of its own: it silences all loggers."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--config", str(CONFIG), "--no-cache"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )  # fmt: skip


def test_imports_point_down_and_never_in_a_circle() -> None:
    done = linted(PACKAGE.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts: 2 kept, 0 broken" in done.stdout


def test_every_module_is_looked_at() -> None:
    import grimp

    files = (path.relative_to(PACKAGE.parent).with_suffix("") for path in PACKAGE.rglob("*.py"))
    names = {".".join(file.parts).removesuffix(".__init__") for file in files}
    assert len(names) > 80
    assert grimp.build_graph("watchspan", cache_dir=None).modules == names


@pytest.mark.parametrize(
    ("path", "imported", "told"),
    [
        ("text.py", "watchspan.sources", "watchspan.text is not allowed to import watchspan.sources"),
        ("spark/layout.py", "watchspan.delta.storage", "spark is not allowed to import watchspan.delta"),
        ("newcomer.py", "watchspan.errors", "newcomer"),
        ("spark/layout.py", "watchspan.spark.storage", "each other in a circle BROKEN"),
    ],
)
def test_what_is_not_allowed_is_found(path: str, imported: str, told: str, tmp_path: Path) -> None:
    copy = tmp_path / "watchspan"
    for file in PACKAGE.rglob("*.py"):
        place = copy / file.relative_to(PACKAGE)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    with (copy / path).open("a") as module:
        module.write(f"\n\ndef late():\n    import {imported}\n")
    done = linted(tmp_path)
    assert done.returncode == 1, done.stderr
    assert told in done.stdout
