"""The Azure SDKs: imported where they are used, with the credential that is used if none is given.

What they raise leaves here in words of ours: clients hand on whatever an answer breaks in them.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Callable, TypeVar

from watchspan.azure.failures import ServiceError
from watchspan.errors import MissingDependencyError, OptionError, WatchspanError
from watchspan.masking import masked

__all__ = [
    "LONGEST_WAIT_SECONDS",
    "asking",
    "cause_of",
    "credential_argument",
    "default_credential",
    "module",
    "options_argument",
    "patiently",
    "retry_policy",
    "shortened",
    "words_of",
]

_Answer = TypeVar("_Answer")
_GATEWAY_TIMEOUT = 504

PINNED_BY = "AZURE_TOKEN_CREDENTIALS"
# How often a request is tried where the SDK does not try again by itself, and how long the pauses are.
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
# A service that wants to be left alone for longer has refused.
LONGEST_WAIT_SECONDS = 600.0
# How much of a service's words a message holds, and of how much of them it is taken.
_MOST_WORDS, _MOST_TEXT = 2_000, 100_000
_NAME_OF_CREDENTIAL = re.compile(r"[A-Za-z]{1,40}")


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
    named = os.environ.get(PINNED_BY)
    if not named:
        raise OptionError(
            f"No credential was given and {PINNED_BY} is not set: pass one of azure-identity, or set "
            f"{PINNED_BY} to the one to use, such as 'ManagedIdentityCredential', 'AzureCliCredential', or "
            "'prod' for those of deployed programs."
        )
    if not _NAME_OF_CREDENTIAL.fullmatch(named):
        # By what the variable is called, somebody may have put a token there.
        raise OptionError(
            f"{PINNED_BY} holds no name of a credential, such as 'ManagedIdentityCredential' or "
            "'AzureCliCredential'. What it holds is not shown, since it may be secret."
        )
    try:
        return module("azure.identity").DefaultAzureCredential(require_envvar=True)
    except ValueError as error:
        raise OptionError(f"{PINNED_BY} is {named!r}, which is not accepted: {error}") from error


def credential_argument(given: Any) -> Any:
    """The credential that was given, or None.

    Raises:
        OptionError: If it is none; the message does not show it.
    """
    if given is None or any(hasattr(given, name) for name in ("get_token", "get_token_info")):
        return given
    raise OptionError(
        f"credential is a {type(given).__name__}, but a credential of azure-identity, or an object like it, "
        "is needed. It is not shown, since it may be secret."
    )


def options_argument(option: str, given: Any) -> dict[str, Any]:
    """Options by name; their values may be secret, as those of proxies are.

    Raises:
        OptionError: If they are none.
    """
    if given is None:
        return {}
    if isinstance(given, Mapping) and all(isinstance(name, str) for name in given):
        return dict(given)
    raise OptionError(f"{option} is a {type(given).__name__}, but a mapping of names to values is needed.")


@contextmanager
def asking(place: str) -> Iterator[None]:
    """A block in which a client asks a service, and its answer is read.

    Args:
        place: What messages call the service.

    Raises:
        ServiceError: In place of whatever the client raises: an answer may hold anything.
    """
    try:
        yield
    except WatchspanError:
        raise
    except Exception as error:
        raise ServiceError(
            f"{place} did not answer, or its answer cannot be read: {words_of(error)}"
        ) from cause_of(error)


def cause_of(error: BaseException) -> BaseException | None:
    """The error as the cause of another one; None if printing it would show a secret."""
    text = str(error)[:_MOST_TEXT]
    return error if masked(text) == text else None


def words_of(error: BaseException) -> str:
    """What the service said, which is often nested: the innermost message, without secrets, shortened."""
    found = getattr(getattr(error, "error", None), "innererror", None)
    texts = [str(getattr(error, "message", None) or error).partition("\nInner error:")[0]]
    while isinstance(found, Mapping):
        texts.append(str(found.get("message") or ""))
        found = found.get("innererror")
    said = " ".join(dict.fromkeys(text.strip() for text in texts if text.strip()))
    # Errors of Python itself, such as a KeyError, say little without their names.
    said = f"{type(error).__name__}: {said}" if type(error).__module__ == "builtins" else said
    return shortened(masked(said[:_MOST_TEXT])) or type(error).__name__


def shortened(text: str) -> str:
    """A text as far as a message holds it."""
    return text if len(text) <= _MOST_WORDS else f"{text[:_MOST_WORDS]}…"


def retry_policy(*, after_timeout: bool, **options: Any) -> Any:
    """The SDK's policy of trying again, except where that is of no use.

    Nobody waits for hours, and after a gateway timeout the same query would take as long.

    Args:
        after_timeout: Whether to try again after a gateway timeout.
        **options: What `azure.core.pipeline.policies.RetryPolicy` is to be made with.
    """
    policies = module("azure.core.pipeline.policies")

    class Retries(policies.RetryPolicy):  # type: ignore[name-defined, misc]
        def is_retry(self, settings: Any, response: Any) -> bool:
            if not after_timeout and response.http_response.status_code == _GATEWAY_TIMEOUT:
                return False
            wait = self.get_retry_after(response) or 0
            return wait <= LONGEST_WAIT_SECONDS and bool(super().is_retry(settings, response))

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
            if math.isnan(pause) or pause > LONGEST_WAIT_SECONDS:
                raise
            # To come back sooner than the service says would only be refused again.
            sleep(max(pause, 0) or min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS))
    raise ServiceError("The service was not asked at all: the number of attempts has to be at least 1.")
