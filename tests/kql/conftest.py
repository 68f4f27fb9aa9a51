"""What the tests of KQL share."""

from __future__ import annotations

from typing import Iterator

import pytest

from support.kusto import Kusto


@pytest.fixture(scope="session")
def kusto() -> Iterator[Kusto]:
    """One process of node for all tests."""
    with Kusto() as running:
        yield running
