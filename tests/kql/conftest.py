"""What the tests of KQL share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kusto import Kusto


@pytest.fixture(scope="session")
def kusto() -> Iterator[Kusto]:
    """One process of node for all tests."""
    with Kusto() as running:
        yield running
