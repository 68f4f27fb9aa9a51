"""What surrounds the SDKs: credentials are pinned, extras are named, importing is cheap."""

from __future__ import annotations

import subprocess
import sys

import azure.identity
import pytest

from watchspan.azure import ServiceError, sdk
from watchspan.azure.slices import Slice, TooMuchError, in_slices
from watchspan.errors import MissingDependencyError, OptionError


def test_the_guard_sees_credentials_that_are_made(no_ambient_credentials):
    """Without this, the guard of all tests here might guard nothing."""
    with pytest.raises(AssertionError, match="DefaultAzureCredential would ask"):
        azure.identity.DefaultAzureCredential()
    assert no_ambient_credentials == ["DefaultAzureCredential"]
    no_ambient_credentials.clear()


def test_an_unpinned_credential_is_refused():
    with pytest.raises(OptionError, match=r"AZURE_TOKEN_CREDENTIALS is not set.*AzureCliCredential"):
        sdk.default_credential()


def test_a_pinned_credential_is_made(monkeypatch, no_ambient_credentials):
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")
    with pytest.raises(AssertionError, match="DefaultAzureCredential would ask"):
        sdk.default_credential()
    assert no_ambient_credentials.pop() == "DefaultAzureCredential"


def test_a_credential_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.undo()  # The real one, which looks at the name before it asks anybody.
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "managed")
    with pytest.raises(OptionError, match="AZURE_TOKEN_CREDENTIALS is 'managed'"):
        sdk.default_credential()


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(
        MissingDependencyError, match=r'azure-monitor-nothing: pip install "watchspan\[azure\]"'
    ):
        sdk.module("azure.monitor.nothing")


def test_importing_does_not_import_the_sdks():
    program = (
        "import sys, watchspan.azure, watchspan.cli.app\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'azure'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pauses_are_the_services_or_grow():
    waited = []

    def busy():
        raise KeyError

    with pytest.raises(KeyError):
        sdk.patiently(busy, lambda _: 0.0, attempts=4, sleep=waited.append)
    assert waited == [1, 2, 4]
    with pytest.raises(KeyError):
        sdk.patiently(busy, lambda _: 90.0, attempts=2, sleep=waited.append)
    assert waited[-1] == 90
    with pytest.raises(KeyError):
        sdk.patiently(busy, lambda _: None, sleep=waited.append)
    assert len(waited) == 4
    with pytest.raises(ServiceError):
        sdk.patiently(busy, lambda _: 0.0, attempts=0)


def test_slices_cover_each_instant_once():
    """Against any limit, and with failures that have nothing to do with size."""
    moments = [0, 1, 2, 3, 50, 51, 52, 999, 1000, 1001, 5000]
    calls = 0

    def fetch(part):
        nonlocal calls
        calls += 1
        found = [moment for moment in moments if part.start <= moment < part.end]
        if len(found) > 2 or (calls % 7 == 0 and part.end - part.start > 1):
            raise TooMuchError("too much")
        return found

    parts = list(in_slices(Slice(0, 10_000), fetch, len, step=10_000))
    assert [moment for _, rows in parts for moment in rows] == moments
    assert [part.start for part, _ in parts[1:]] == [part.end for part, _ in parts[:-1]]
    assert (parts[0][0].start, parts[-1][0].end) == (0, 10_000)
