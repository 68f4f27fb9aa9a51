"""Texts that are shown, without what opens doors: passwords, keys, signatures and tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import quote

from watchspan.errors import SourceError, WatchspanError

__all__ = ["MASK", "keeps_options_secret", "masked"]

_Function = TypeVar("_Function", bound=Callable[..., Any])

MASK = "***"
# Bounds on lengths, and on what may stand before a match, keep the search linear: it reads servers' texts.
_ADDRESS = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{0,30})://([^\s\"'<>]*)")
_LOGIN = re.compile(r"(?<![^\s\"'(=,])[^\s:/@\"']{1,100}:[^\s/\"'][^\s\"']*@")
_PAIR = re.compile(
    r"(?<![A-Za-z0-9])(sig|signature|account_?key|shared_?access_?(?:key|signature)|api_?key|(?:secret_)?access_?key|"
    r"(?:access|session|sas|security|refresh|id)_?token|token|(?:client_?)?secret|password|passwd|pwd)"
    r"([\"']?\s*=\s*[\"']?|[\"']\s*:\s*[\"'])([^\s;&,\"']+)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\b(Bearer\s+)[\w.~+/=-]+|(?<![\w-])()eyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?", re.IGNORECASE)
# In these a container stands where others have a login.
_WITH_CONTAINERS = frozenset({"abfs", "abfss", "wasb", "wasbs"})
# Options of a storage that say where it is, and values that are no secret. What else one holds may be a key
# under a wrong name.
_PLACE = re.compile(r"region|endpoint|bucket|container|account_name", re.IGNORECASE)
_PLAIN = re.compile(r"true|false|\d{0,6}\w{0,2}", re.IGNORECASE)


def masked(text: str) -> str:
    """The text with `***` for logins and queries in its addresses, for keys, signatures and tokens.

    >>> masked("https://ann:pass@host/a?sv=2026&sig=abc refused it, Bearer eyJhbGci.eyJzdWIi.c2ln")
    'https://***@host/a?*** refused it, Bearer ***'
    >>> masked("AccountName=films;AccountKey=abc==")
    'AccountName=films;AccountKey=***'
    """
    text = _ADDRESS.sub(_masked_address, text)
    text = _LOGIN.sub(f"{MASK}@", text)
    text = _TOKEN.sub(lambda found: f"{found[1] or ''}{MASK}", text)
    return _PAIR.sub(rf"\1\2{MASK}", text)


def _masked_address(found: re.Match[str]) -> str:
    scheme, rest = found[1], found[2]
    host = re.split(r"[/?#;]", rest, maxsplit=1)[0]
    # A password may hold any of these signs: what stands before the last @ is one, as far as one can tell.
    login, at, place = rest.rpartition("@")
    is_login = "@" in host or re.search(r":(?!\d*$)", host)
    if at and is_login and (scheme.lower() not in _WITH_CONTAINERS or re.search("[:/]", login)):
        rest = f"{MASK}@{place}"
    # Data Explorer writes a storage's key behind a semicolon.
    path, sign, query = (
        re.split(r"([?#;])", rest, maxsplit=1) if re.search(r"[?#;]", rest) else (rest, "", "")
    )
    return f"{scheme}://{path}{sign}{MASK if query else ''}"


def keeps_options_secret(function: _Function) -> _Function:
    """The function with errors that do not show what its argument `storage_options` holds.

    Libraries put a value that they cannot read into their messages, and it may be a key in the wrong place.
    """

    @wraps(function)
    def run(*args: Any, **how: Any) -> Any:
        try:
            return function(*args, **how)
        except Exception as error:
            shown = masked(_without(_values(how.get("storage_options")), str(error)))
            if shown == str(error):
                raise
            family = type(error) if isinstance(error, WatchspanError) else SourceError
            # The error itself would be printed with what must not be shown.
            raise family(shown) from None

    return cast(_Function, run)


def _values(options: Any) -> list[str]:
    """What the options of a storage hold that may be secret."""
    if not isinstance(options, Mapping):
        return []
    return [
        str(value)
        for name, value in options.items()
        if not _PLACE.search(str(name)) and not _PLAIN.fullmatch(str(value))
    ]


def _without(secrets: Iterable[str], text: str) -> str:
    forms = {
        form for one in secrets for form in (one, json.dumps(one)[1:-1], quote(one), quote(one, safe=""))
    }
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text
