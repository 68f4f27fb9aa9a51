"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa

from watchspan.errors import SourceError
from watchspan.sources.places import is_local, locate
from watchspan.text import shown_path

# A file that is being written: hidden, so that nobody reads it as one of a directory's files.
_PARTIAL = re.compile(r"\.watchspan-[0-9a-f]{32}\.part")
# Longer than any write pauses: a file that nobody has touched for so long is that of a run that was killed.
_OLD_SECONDS = 86_400
_BUFFER_BYTES = 1 << 20
_EXCLUSIVE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
# Not every system has these: no link is followed, no child process inherits the file, no line end is changed.
_CAREFUL = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"))


def check_output(path: str | os.PathLike[str]) -> None:
    """Finds out whether a file can be written, before the work whose result it is to hold; only folders stay.

    Raises:
        SourceError: If it cannot: a directory, a name that is too long, a folder without the right to write.
    """
    with contextlib.suppress(_Unwanted), whole_file(path):
        raise _Unwanted


class _Unwanted(Exception):  # noqa: N818 - nothing is wrong
    """What was written so far is not wanted."""


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Any]:
    """A stream of bytes that become the file at `path` when the block ends well, and vanish if it does not.

    Raises:
        SourceError: If the file system refuses.
    """
    asked = os.fsdecode(path)
    filesystem, place = locate(asked)
    try:
        with _local(place) if is_local(filesystem) else _remote(filesystem, place) as stream:
            if place.lower().endswith(".gz"):
                with pa.CompressedOutputStream(stream, "gzip") as packed:
                    yield packed
            else:
                yield stream
    except (OSError, pa.ArrowException) as error:
        raise SourceError(
            f"Cannot write {shown_path(asked)}: {getattr(error, 'strerror', None) or error}."
        ) from error


@contextmanager
def _local(place: str) -> Iterator[IO[bytes]]:
    folder = os.path.dirname(place)
    os.makedirs(folder, exist_ok=True)
    mode = _mode_of_old(place)
    _clear_old(folder)
    partial = os.path.join(folder, f".watchspan-{secrets.token_hex(16)}.part")
    file, is_named = _create(folder, partial)
    try:
        try:
            with os.fdopen(file, "wb", buffering=_BUFFER_BYTES, closefd=False) as stream:
                yield stream
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file, mode)
            # Or a machine that stops might keep the new name and lose the bytes.
            os.fsync(file)
            if not is_named:
                _name(file, folder, partial)
                is_named = True
        finally:
            os.close(file)
        os.replace(partial, place)
    except BaseException:
        if is_named:
            with contextlib.suppress(OSError):
                os.unlink(partial)
        raise


def _mode_of_old(place: str) -> int | None:
    """The rights of the file that will be replaced: a private one stays so. None if there is none.

    A link is replaced, not followed, wherever it leads.
    """
    try:
        old = os.lstat(place)
    except FileNotFoundError:
        return None
    if os.path.isdir(place):
        raise IsADirectoryError(0, "it is a directory")
    if stat.S_ISLNK(old.st_mode):
        return None
    if not stat.S_ISREG(old.st_mode):
        raise OSError(0, "it is no file but a device, a pipe or a socket")
    above = os.stat(os.path.dirname(place))
    # As in /tmp.
    is_owners = bool(above.st_mode & stat.S_ISVTX) and os.name == "posix"
    if is_owners and os.geteuid() not in (0, old.st_uid, above.st_uid):
        raise PermissionError(0, "it is somebody else's, and in its folder only they may replace it")
    return stat.S_IMODE(old.st_mode) & 0o777


def _create(folder: str, partial: str) -> tuple[int, bool]:
    """A new file in a folder, and whether it has a name; without, nothing stays of a run that is killed."""
    if hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd"):
        # Not every file system can.
        with contextlib.suppress(OSError):
            return os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o666), False
    return os.open(partial, _EXCLUSIVE | _CAREFUL, 0o666), True


def _name(file: int, folder: str, partial: str) -> None:
    """Gives a file without a name one."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Only with a directory's descriptor Python follows the link to the file itself.
        os.link(f"/proc/self/fd/{file}", partial, src_dir_fd=directory)
    finally:
        os.close(directory)


def _clear_old(folder: str) -> None:
    """Removes what runs that were killed have left."""
    before = time.time() - _OLD_SECONDS
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _PARTIAL.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_mtime < before:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


@contextmanager
def _remote(filesystem: Any, place: str) -> Iterator[Any]:
    from pyarrow import fs

    if filesystem.get_file_info(place).type == fs.FileType.Directory:
        raise IsADirectoryError(0, "it is a directory")
    folder = place.rpartition("/")[0]
    filesystem.create_dir(folder, recursive=True)
    partial = f"{folder}/.watchspan-{secrets.token_hex(16)}.part"
    try:
        with filesystem.open_output_stream(partial, compression=None) as stream:
            yield stream
        filesystem.move(partial, place)
    except BaseException:
        if filesystem.get_file_info(partial).is_file:
            filesystem.delete_file(partial)
        raise
