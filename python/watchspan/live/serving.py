"""Starts the page: Streamlit, which serves it, with everything off that the page has no use for."""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from watchspan import arguments
from watchspan.delta import storage
from watchspan.errors import OptionError, WatchspanWarning
from watchspan.live.kept import Kept
from watchspan.text import shown

_SCRIPT = Path(__file__).with_name("__main__.py")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Asked:
    """What to show.

    Attributes:
        kept: The tables.
        every: How often to look whether they changed, in seconds.
    """

    kept: Kept
    every: float


# What Streamlit's script is to show: it takes no arguments that others may not see.
_asked: list[Asked] = []


def serve(
    table: str | os.PathLike[str],
    *,
    port: int = 8501,
    every: float = 10,
    host: str = "127.0.0.1",
    storage_options: Mapping[str, str] | None = None,
) -> None:
    """Serves a page that shows what kept tables come to, and follows each update, until it is stopped.

    Args:
        table: Where the engagement table is, which `watchspan.delta.update`, Spark or a stream keeps.
        port: Where to listen.
        every: How often to look whether the table changed, in seconds.
        host: On which address to listen. The page has no login: with another one than this machine's own,
            whoever reaches it sees the page.
        storage_options: What deltalake needs to reach the storage.

    Raises:
        OptionError: If an option is not accepted, or something else listens on that port.
        SourceError: If there is no table.
    """
    place, options = storage.place("table", table), storage.options_argument(storage_options)
    number = arguments.whole_number("port", port, "an integer from 1 to 65535", most=65_535)
    seconds = arguments.number_argument("every", every, "a number of seconds of at least 1", least=1)
    if not isinstance(host, str) or not host:
        raise OptionError(f"host is {shown(host)}, but an address to listen on is needed, as in '127.0.0.1'.")
    kept = Kept(place, options)
    kept.standing()
    _refuse_taken(host, number)
    if not _is_loopback(host):
        warnings.warn(
            f"The page has no login: whoever reaches port {number} of {host} sees it. Put something that "
            "asks who it is before it.",
            WatchspanWarning,
            stacklevel=2,
        )
    _asked[:] = [Asked(kept, seconds)]
    _run(host, number)


def asked() -> Asked:
    """What the page is to show."""
    return _asked[0]


def _run(host: str, port: int) -> None:
    # Nothing of Streamlit is imported sooner: it takes a second.
    from streamlit import net_util
    from streamlit.web import cli

    # Before it refuses somebody else's page, Streamlit asks the internet for this machine's address.
    net_util.get_external_ip = lambda: None
    settings = {**_SETTINGS, "server.address": host, "server.port": port}
    flags = [f"--{name}={value}" for name, value in settings.items()]
    if _is_loopback(host):
        # A page of somebody else whose name leads here is not answered.
        flags += [f"--server.allowedHosts={name}" for name in dict.fromkeys((*_LOOPBACK, host))]
    cli.main(["run", str(_SCRIPT), *flags], standalone_mode=False)


_SETTINGS = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "server.enableStaticServing": "false",
    "server.enableAgentApi": "false",
    "browser.gatherUsageStats": "false",
    # Neither "Deploy" nor what developers use.
    "client.toolbarMode": "minimal",
    # Its CSV lets spreadsheets compute what titles say; the page has a button for one that does not.
    "client.disableDataExport": "true",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "logger.hideWelcomeMessage": "true",
    "logger.level": "error",
}


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_taken(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        raise OptionError(
            f"Nothing can listen on port {port} of {host}: {error.strerror or error}. Choose another port or "
            "host."
        ) from error
