"""Ctrl-C while the command is being loaded, or has done its work, ends it at once and without a traceback.

It is the first that the package loads, and loads little itself: until then Ctrl-C is Python's.
"""

from __future__ import annotations

import os
import signal
import sys

# How the program is called.
_NAMES = ("watchspan", "watchspan.exe")


def hold() -> None:
    """Lets Ctrl-C end the process as it ends programs of other languages, if this is the command."""
    # Who ignores Ctrl-C, or does something of their own at it, goes on so.
    is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if (_is_script() or _is_module()) and is_usual:
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        except ValueError:  # Only the main thread may ask.
            return
        _held.append(True)


def release() -> None:
    """Makes Ctrl-C a KeyboardInterrupt again, which whoever is at work can clean up after."""
    if _held:
        _held.clear()
        signal.signal(signal.SIGINT, signal.default_int_handler)


def package_is_loaded() -> None:
    """Releases, unless the command goes on to be loaded: a program of its own may have our name."""
    if not (_is_module() or _is_script_loading()):
        release()


def _is_script() -> bool:
    return bool(getattr(sys, "argv", None)) and os.path.basename(sys.argv[0]) in _NAMES


def _is_module() -> bool:
    """Whether this is `python -m watchspan`; before Python 3.10 nothing tells that while it is imported."""
    given = getattr(sys, "orig_argv", [])
    return any(
        option[:1] == "-" and option[-1:] == "m" and name == "watchspan"
        for option, name in zip(given, given[1:])
    )


def _is_script_loading() -> bool:
    """Whether the package is imported for the sake of its command; only the frames of the import tell."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_locals.get("name") != "watchspan.cli":
        frame = frame.f_back
    return frame.f_code.co_filename.startswith("<frozen importlib")


# Whether it is held.
_held: list[bool] = []
hold()
