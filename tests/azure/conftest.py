"""Servers on loopback, events in them, and a guard: no test may ask the environment who it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import azure.identity
import pytest
import trustme
from azure.core.credentials import AccessToken

from support.app_events import SCHEMA, rows_of
from support.kusto import Kusto
from support.servers import DataExplorer, Ingestion, LogAnalytics, Run


class StaticCredential:
    """A credential that has its token, and never leaves the machine for it."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        return AccessToken("a-token", int(time.time()) + 3600)


@pytest.fixture(autouse=True)
def no_ambient_credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fails a test in which a credential of the environment is made; the list says which were."""
    made: list[str] = []

    def refuse(name: str) -> Callable[..., None]:
        def init(*_: Any, **__: Any) -> None:
            made.append(name)
            raise AssertionError(f"{name} would ask the environment, and the network, who this is")

        return init

    for name in azure.identity.__all__:
        if name.endswith("Credential"):
            monkeypatch.setattr(getattr(azure.identity, name), "__init__", refuse(name))
    monkeypatch.delenv("AZURE_TOKEN_CREDENTIALS", raising=False)
    yield made
    assert made == []


@pytest.fixture
def credential() -> StaticCredential:
    return StaticCredential()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def trust(ca_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients that have no option for it, and commands, find the authority in the environment."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)


@pytest.fixture(scope="session")
def run_kql() -> Iterator[Run]:
    with Kusto() as kusto:

        def run(query: str, tables: dict[str, Any]) -> tuple[list[tuple[str, str]], list[list[Any]]]:
            result = kusto.run(query, tables=tables)
            return result.columns, result.rows

        yield run


@pytest.fixture
def log_analytics(authority: trustme.CA, run_kql: Run) -> Iterator[LogAnalytics]:
    server = LogAnalytics(authority, run_kql, {"AppEvents": (SCHEMA, rows_of())})
    with server.running():
        yield server


@pytest.fixture
def ingestion(authority: trustme.CA) -> Iterator[Ingestion]:
    with Ingestion(authority).running() as server:
        yield server


@pytest.fixture
def data_explorer(authority: trustme.CA, run_kql: Run) -> Iterator[DataExplorer]:
    with DataExplorer(authority, run_kql, {}).running() as server:
        yield server


@pytest.fixture
def options(ca_file: str) -> dict[str, Any]:
    """How the clients of Azure Monitor reach the servers; short pauses where the server names none."""
    return {"connection_verify": ca_file, "retry_backoff_factor": 0.01}
