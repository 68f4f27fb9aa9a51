"""Addresses and names as callers give them: what goes into a URL is what was meant, without secrets."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from watchspan import sources
from watchspan.errors import OptionError, SourceError
from watchspan.masking import masked

__all__ = [
    "QUERY_ENDPOINT", "cluster_argument", "endpoint_argument", "ingestion_argument", "is_address", "is_file",
    "name_argument", "parts_of", "resource_argument", "rule_argument", "segment", "stream_argument",
    "table_argument",
]  # fmt: skip

QUERY_ENDPOINT = "https://api.loganalytics.io"
_STREAM, _RULE = re.compile(r"(?:Custom|Microsoft)-\w+"), re.compile(r"dcr-\w+")

_ADDRESS = re.compile(
    r"(https?)://([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(:\d{1,5})?((?:/.*)?)", re.I
)
_PATH = re.compile(r"[^\\\x00-\x1f\x7f]*")
_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]{0,30}://")
_HIGHEST_PORT = 65_535
# Storage accounts. Their addresses look like those of tables of Data Explorer, and often carry a signature.
_STORAGE = re.compile(
    r"\.(blob|dfs|file|queue|table|web)\.(core\.|storage\.azure\.)|\.amazonaws\.com$|^storage\.googleapis\.com$",
    re.I,
)
_RESOURCE = re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/[^/]+(?:/[^/]+/[^/]+)+", re.I)


def is_address(text: str) -> bool:
    """Whether a text is a URL, of whatever kind."""
    return bool(_SCHEME.match(text))


def parts_of(option: str, given: Any, needed: str, *, plain: bool = False) -> tuple[str, list[str]]:
    """The origin of an address, as in `https://host:port`, and the segments of its path, decoded.

    Args:
        option: What messages call it.
        given: The address.
        needed: What messages say is needed.
        plain: Whether `http://` will do.

    Raises:
        OptionError: If it is no address, of another kind, or more than that. No secret is shown.
    """
    shown = masked(repr(given))
    if not isinstance(given, str) or not is_address(given):
        raise OptionError(f"{option} is {shown}, but {needed} is needed.")
    rest = given.strip().partition("://")[2]
    if "@" in re.split(r"[/?#;]", rest, maxsplit=1)[0]:
        raise OptionError(
            f"{option} is {shown}, but a user name or password in an address is not used: leave it out, and "
            "pass credential or set AZURE_TOKEN_CREDENTIALS."
        )
    if re.search("[?#;]", rest):
        raise OptionError(
            f"{option} is {shown}, but what follows the path, such as a shared access signature, is not "
            f"used: {needed} is needed."
        )
    found = _ADDRESS.fullmatch(given.strip())
    if found is None or not _PATH.fullmatch(found[4]) or int((found[3] or ":0")[1:]) > _HIGHEST_PORT:
        raise OptionError(f"{option} is {shown}, but {needed} is needed.")
    if _STORAGE.search(found[2]):
        raise OptionError(f"{option} is {shown}, which is a storage account, but {needed} is needed.")
    if found[1].lower() == "http" and not plain:
        raise OptionError(f"{option} is {shown}, but tokens are sent only over https://.")
    segments = [unquote(part) for part in found[4].split("/") if part]
    for name in segments:
        segment(option, name)
    return f"{found[1].lower()}://{found[2]}{found[3] or ''}", segments


def _address(option: str, given: Any, example: str, *, plain: bool = False, path: bool = False) -> str:
    """The address of a service without a slash at its end.

    Args:
        option: What messages call it.
        given: The address.
        example: One that would do.
        plain: Whether `http://` will do.
        path: Whether it may have a path.

    Raises:
        OptionError: As `parts_of` does.
    """
    needed = f"an address such as '{example}'"
    origin, segments = parts_of(option, given, needed, plain=plain)
    if segments and not path:
        raise OptionError(f"{option} is {masked(repr(given))}, but {needed} is needed, without a path.")
    return "/".join([origin, *map(quote, segments)])


def name_argument(option: str, given: Any, needed: str) -> str:
    """The name of something in a service.

    Raises:
        OptionError: If it is no text, empty, or an address.
    """
    if not isinstance(given, str) or not given.strip() or is_address(given):
        raise OptionError(f"{option} is {masked(repr(given))}, but {needed} is needed.")
    return given


def segment(option: str, name: str) -> str:
    """A name as a segment of a URL's path, whatever is in it.

    Raises:
        OptionError: If it would be a step in the path.
    """
    # Clients take these out again, even if they are encoded.
    if name in (".", ".."):
        raise OptionError(f"{option} is {name!r}, which is no name but a step in a path.")
    try:
        return quote(name, safe="")
    except UnicodeEncodeError as error:
        raise OptionError(f"{option} is {name!r}, which is not Unicode text.") from error


def resource_argument(option: str, given: str) -> str:
    """The id of a resource of Azure, as it stands in a URL.

    Raises:
        OptionError: If it is none.
    """
    if not _RESOURCE.fullmatch(given.rstrip("/")) or re.search("[?#]", given):
        raise OptionError(
            f"{option} is {masked(repr(given))}, but the id of a workspace, or a resource id such as "
            "'/subscriptions/…/resourceGroups/…/providers/microsoft.insights/components/…', is needed."
        )
    return "/" + "/".join(segment(option, part) for part in given.strip("/").split("/"))


def is_file(name: str) -> bool:
    """Whether a name ends as that of a file does."""
    try:
        sources.format_of(name)
    except SourceError:
        return False
    return True


def cluster_argument(given: Any) -> str:
    """The address of a cluster.

    Raises:
        OptionError: If it is none.
    """
    # Clients read more than an address from it, such as passwords, unless it is no more.
    return _address("cluster", given, "https://<name>.<region>.kusto.windows.net", plain=True, path=True)


def table_argument(option: str, given: Any) -> str:
    """The name of a table to write to.

    Raises:
        OptionError: If it is none.
    """
    name = name_argument(option, given, "the name of a table")
    segment(option, name)
    return name


def endpoint_argument(given: Any) -> str:
    """The address of a query service; that of its version will do, too.

    Raises:
        OptionError: If it is none.
    """
    address = _address("endpoint", given, QUERY_ENDPOINT, path=True)
    origin, _, version = address.partition("/v1")
    if version or "/" in origin.partition("://")[2]:
        raise OptionError(f"endpoint is {address!r}, but an address such as {QUERY_ENDPOINT!r} is needed.")
    return origin


def ingestion_argument(given: Any) -> str:
    """The address of a logs ingestion endpoint.

    Raises:
        OptionError: If it is none.
    """
    return _address("dce_endpoint", given, "https://<name>.<region>.ingest.monitor.azure.com")


def rule_argument(given: Any) -> str:
    """The immutable id of a data collection rule.

    Raises:
        OptionError: If it is none.
    """
    needed = "the immutable id of a data collection rule, 'dcr-…', which is not its name,"
    return _matching(_RULE, "rule_id", given, needed)


def stream_argument(given: Any) -> str:
    """The stream of a data collection rule.

    Raises:
        OptionError: If it is none.
    """
    return _matching(_STREAM, "stream", given, "a name such as 'Custom-VideoEngagement'")


def _matching(pattern: re.Pattern[str], option: str, given: Any, needed: str) -> str:
    if isinstance(given, str) and pattern.fullmatch(given):
        return given
    raise OptionError(f"{option} is {masked(repr(given))}, but {needed} is needed.")
