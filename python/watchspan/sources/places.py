"""Where files are: what a path or URI names, and whether two of them are one file."""

from __future__ import annotations

import glob
import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa

from watchspan.errors import OptionError, SourceError
from watchspan.masking import masked
from watchspan.text import is_unicode, shown_path

# Stores whose names of buckets are known everywhere, unless another endpoint is named.
_GLOBAL = frozenset({"s3", "gcs"})
_ALSO, _AMONG = "is also an input", "lies in {}, so that it is also an input"


def locate(path: str) -> tuple[Any, str]:
    """The file system of a path or URI, and the place in it.

    Raises:
        SourceError: If there is no such file system, or the path is empty.
    """
    from pyarrow import fs

    if not path:
        raise SourceError("A path is empty, so it names no file: give '.' for the folder that you are in.")
    if "\0" in path:
        raise SourceError(f"Cannot open {shown_path(path)}: no file's name holds a NUL character.")
    if "://" not in path:
        return fs.LocalFileSystem(), os.path.abspath(path)
    try:
        return fs.FileSystem.from_uri(path)  # type: ignore[no-any-return]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceError(
            f"Cannot open {shown_path(path)}: {masked(str(error).replace(repr(path), 'it'))}"
        ) from None


def find_places(path: str) -> tuple[Any, list[str]]:
    """The file system of a path, glob or URI, and the files and directories that are there by that name.

    Raises:
        SourceError: If nothing matches a glob, or `locate` does not know the file system.
    """
    if "://" in path:
        name, mark, options = path.partition("?")
        fixed = re.split(r"[^/]*[*\[]", name, maxsplit=1)[0]
        filesystem, base = locate(fixed + mark + options)
        places = _remote_glob(filesystem, base, name[len(fixed) :]) if fixed != name else [base]
    else:
        filesystem, place = locate(path)
        is_glob = glob.has_magic(path) and not os.path.lexists(path)
        places = [os.path.abspath(p) for p in sorted(glob.glob(path, recursive=True))] if is_glob else [place]
    if not places:
        raise SourceError(f"No file matches {shown_path(path)}.")
    return filesystem, places


def _remote_glob(filesystem: Any, base: str, pattern: str) -> list[str]:
    from pyarrow import fs

    base = base.rstrip("/")
    infos = filesystem.get_file_info(fs.FileSelector(base, recursive=True))
    return sorted(info.path for info in infos if info.is_file and fnmatch(info.path, f"{base}/{pattern}"))


def files_at(filesystem: Any, place: str, asked: str) -> list[str]:
    """The files that a place stands for: itself, or all files in the directory that it is.

    Raises:
        SourceError: If there are none, or it is a Delta table, which is read by its log.
    """
    from pyarrow import fs

    if not is_unicode(place):
        raise SourceError(
            f"Cannot open {shown_path(asked)}: its name is not UTF-8. Rename it, or make a link to it."
        )
    info = filesystem.get_file_info(place)
    if info.type == fs.FileType.NotFound:
        raise SourceError(f"There is no file or directory {shown_path(asked)}.")
    if info.is_file:
        return [place]
    if filesystem.get_file_info(f"{place}/_delta_log").type == fs.FileType.Directory:
        raise SourceError(
            f"{shown_path(asked)} is a Delta table, whose directory also holds deleted rows: pass its path "
            "alone, or a deltalake.DeltaTable of it."
        )
    # Names that begin with a dot or an underscore are a writer's notes, such as _SUCCESS.
    hidden = re.compile(r"(^|/)[._]")
    try:
        infos = filesystem.get_file_info(fs.FileSelector(place, recursive=True))
        paths = sorted(info.path for info in infos if info.is_file)
    except UnicodeDecodeError as error:
        name = os.fsdecode(error.object)
        raise SourceError(
            f"Cannot read the directory {shown_path(asked)}: the name of {name!r} in it is not UTF-8. "
            "Rename it."
        ) from error
    found = [path for path in paths if not hidden.search(path[len(place.rstrip("/")) + 1 :])]
    if not found:
        raise SourceError(f"The directory {shown_path(asked)} holds no files.")
    return found


def refuse_overwriting(output: str | os.PathLike[str], *inputs: Any) -> None:
    """Refuses an output that is one of the inputs, under whatever name, or that lies among them.

    Args:
        output: Where is to be written.
        inputs: Paths, globs or URIs that are read, or lists of them; anything else is passed over.

    Raises:
        OptionError: If what is written would take the place of what is read, or be read the next time.
        SourceError: If the output's file system is not known.
    """
    target = os.fsdecode(output)
    filesystem, place = locate(target)
    for path in _paths(inputs):
        try:
            others, found = find_places(path)
            if not _is_one_store((filesystem, target), (others, path)):
                continue
            clashes = _clashes_locally if is_local(filesystem) else _clashes_remotely
            clash = next((word for there in found if (word := clashes(filesystem, there, place))), None)
        except (SourceError, pa.ArrowException, OSError):
            # Nothing is there that could be lost; whoever reads it says so.
            continue
        if clash:
            what = f"{shown_path(target)} {clash.format(shown_path(path))}"
            raise OptionError(f"{what}, which would be lost: name another output.")


def _paths(inputs: Iterable[Any]) -> Iterator[str]:
    for given in inputs:
        if isinstance(given, (str, os.PathLike)):
            yield os.fsdecode(given)
        elif isinstance(given, (list, tuple)):
            yield from _paths(given)


def is_local(filesystem: Any) -> bool:
    """Whether files are opened by the operating system."""
    return bool(filesystem.type_name == "local")


def _is_one_store(one: tuple[Any, str], other: tuple[Any, str]) -> bool:
    """Whether two file systems, each with a URI in it, hold the same files."""
    kind = one[0].type_name
    if kind != other[0].type_name:
        return False
    if kind in _GLOBAL:
        endpoints = [parse_qs(urlsplit(uri).query).get("endpoint_override") for _, uri in (one, other)]
        return endpoints[0] == endpoints[1]
    return bool(is_local(one[0]) or one[0] == other[0])


def _clashes_locally(filesystem: Any, there: str, place: str) -> str | None:
    if os.path.isdir(there) and _lies_in(place, there):
        return _AMONG
    # What has no name yet takes nobody's place.
    files = files_at(filesystem, there, there) if os.path.lexists(place) else []
    return _ALSO if any(_is_same_file(file, place) for file in files) else None


def _lies_in(place: str, directory: str) -> bool:
    folder = os.path.dirname(os.path.realpath(place))
    while not _is_same_file(folder, directory):
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return False
    return True


def _is_same_file(one: str, other: str) -> bool:
    """Whether two paths lead to one file, by links of any kind or by another spelling too."""
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them is not there
        return os.path.realpath(one) == os.path.realpath(other)


def _clashes_remotely(filesystem: Any, there: str, place: str) -> str | None:
    there, place = posixpath.normpath(there), posixpath.normpath(place)
    if there == place:
        return _ALSO
    return _AMONG if place.startswith(f"{there}/") else None
