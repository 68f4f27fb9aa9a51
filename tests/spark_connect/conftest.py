"""One Spark Connect session, with a local server, for all tests of the folder.

A process holds either a classic session or a Connect server, so these tests are run on their own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from support.spark_session import connect_session, pytest_configure

__all__ = ["connect", "pytest_configure"]


@pytest.fixture(scope="session")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    session = connect_session(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()
