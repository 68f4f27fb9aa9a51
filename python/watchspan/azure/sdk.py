"""The Azure SDKs, imported where they are used, and the credential that is used if none is given."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Callable, TypeVar

from watchspan.azure.failures import ServiceError
from watchspan.errors import MissingDependencyError, OptionError

__all__ = ["default_credential", "module", "patiently", "retry_policy", "words_of"]

_Answer = TypeVar("_Answer")
_GATEWAY_TIMEOUT = 504

PINNED_BY = "AZURE_TOKEN_CREDENTIALS"
# How often a request is tried where the SDK does not try again by itself, and how long the pauses are.
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0


def module(name: str) -> Any:
    """A module of the Azure SDKs.

    Raises:
        MissingDependencyError: If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = "-".join(name.split(".")[:3])
        raise MissingDependencyError(
            f'Reading from and writing to Azure needs the package {package}: pip install "watchspan[azure]".'
        ) from error


def default_credential() -> Any:
    """The credential of the environment: `DefaultAzureCredential`, pinned to one kind.

    Unpinned it asks one place after the other, among them an address on the network, and may end up with
    somebody else's rights. So the variable AZURE_TOKEN_CREDENTIALS has to say which to use.

    Raises:
        OptionError: If the variable is not set, or names no credential.
        MissingDependencyError: If azure-identity is not installed.
    """
    if not os.environ.get(PINNED_BY):
        raise OptionError(
            f"No credential was given and {PINNED_BY} is not set: pass one of azure-identity, or set "
            f"{PINNED_BY} to the one to use, such as 'ManagedIdentityCredential', 'AzureCliCredential', or "
            "'prod' for those of deployed programs."
        )
    try:
        return module("azure.identity").DefaultAzureCredential(require_envvar=True)
    except ValueError as error:
        raise OptionError(
            f"{PINNED_BY} is {os.environ[PINNED_BY]!r}, which is not accepted: {error}"
        ) from error


def words_of(error: BaseException) -> str:
    """What the service said, which is often nested: the innermost message."""
    found = getattr(getattr(error, "error", None), "innererror", None)
    texts = [str(getattr(error, "message", None) or error).partition("\nInner error:")[0]]
    while isinstance(found, Mapping):
        texts.append(str(found.get("message") or ""))
        found = found.get("innererror")
    return " ".join(dict.fromkeys(text.strip() for text in texts if text.strip())) or type(error).__name__


def retry_policy(**options: Any) -> Any:
    """The SDK's policy of trying again, except after a gateway timeout: the same request would take as long.

    Args:
        **options: What `azure.core.pipeline.policies.RetryPolicy` is to be made with.
    """
    policies = module("azure.core.pipeline.policies")

    class Retries(policies.RetryPolicy):  # type: ignore[name-defined, misc]
        def is_retry(self, settings: Any, response: Any) -> bool:
            timed_out = response.http_response.status_code == _GATEWAY_TIMEOUT
            return not timed_out and bool(super().is_retry(settings, response))

    return Retries(**options)


def patiently(
    ask: Callable[[], _Answer],
    pause_after: Callable[[Exception], float | None],
    attempts: int = _ATTEMPTS,
    sleep: Callable[[float], None] = time.sleep,
) -> _Answer:
    """Asks until there is an answer, for clients that do not try again by themselves.

    Args:
        ask: The request.
        pause_after: How many seconds the service wants to be left alone after an error; 0: it does not say;
            None: another attempt is of no use.
        attempts: How often to ask at most.
        sleep: What waits.
    """
    for attempt in range(attempts):
        try:
            return ask()
        except Exception as error:
            pause = pause_after(error)
            if pause is None or attempt == attempts - 1:
                raise
            # To come back sooner than the service says would only be refused again.
            sleep(pause or min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS))
    raise ServiceError("The service was not asked at all: the number of attempts has to be at least 1.")
