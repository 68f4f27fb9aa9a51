"""Ctrl-C while the command is being loaded, or has done its work, ends it at once and without a traceback."""

from __future__ import annotations

import os
import signal
import sys
import threading

# What the program is called: by its own name, or (while this is being imported) as a module.
_NAMES = ("watchspan", "watchspan.exe", "-m")


def hold() -> None:
    """Lets Ctrl-C end the process as it ends programs of other languages, if this is the command."""
    name = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    # Who ignores Ctrl-C, or does something of their own at it, goes on so. Only the main thread may ask.
    is_ours = name in _NAMES and threading.current_thread() is threading.main_thread()
    if is_ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _held.append(True)


def release() -> None:
    """Makes Ctrl-C a KeyboardInterrupt again, which whoever is at work can clean up after."""
    if _held:
        _held.clear()
        signal.signal(signal.SIGINT, signal.default_int_handler)


# Whether it is held.
_held: list[bool] = []
hold()
