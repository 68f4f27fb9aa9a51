"""Folders for what does not fit into memory, of which nothing stays: not even of a run that was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: there nothing tells a folder that is in use from one that was left
    fcntl = None

_PREFIX = "watchspan-scratch-"
# Between making a folder and locking it there is a moment.
_YOUNG_SECONDS = 60.0


@contextlib.contextmanager
def folder() -> Iterator[str]:
    """A new folder that nobody else can read, deleted at the end; those of runs that were killed go first.

    It is locked for as long as its process lives. The lock ends with the process, however that ends, and is
    seen from other containers too, where process ids mean nothing.
    """
    sweep()
    path = tempfile.mkdtemp(prefix=_PREFIX)
    lock = _locked(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def sweep() -> None:
    """Deletes the folders of this user's runs that no longer live, and never through a link."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX):
                with contextlib.suppress(OSError):
                    _delete_left(entry.path)


def _delete_left(path: str) -> None:
    lock = _locked(path)
    if lock is None:
        return
    try:
        found = os.fstat(lock)
        if found.st_uid == os.getuid() and time.time() - found.st_mtime > _YOUNG_SECONDS:
            # By the folder that was looked at, whatever has its name by now.
            _empty(lock)
            os.rmdir(path)
    finally:
        os.close(lock)


def _empty(directory: int) -> None:
    for _, folders, files, place in os.fwalk(".", topdown=False, dir_fd=directory):
        for name in files:
            os.unlink(name, dir_fd=place)
        for name in folders:
            try:
                os.rmdir(name, dir_fd=place)
            except NotADirectoryError:  # a link to a folder
                os.unlink(name, dir_fd=place)


def _locked(path: str) -> int | None:
    """The folder, opened and locked; None if it is none, a live process has it, or it cannot be locked."""
    if fcntl is None:
        return None
    try:
        opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        return None
    return opened
