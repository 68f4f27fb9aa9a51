"""Files of every format as something of which parts can be looked at: what `check` reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from watchspan.errors import SourceError
from watchspan.sources.delimited import open_text
from watchspan.sources.files import find_files, said_of
from watchspan.sources.formats import compression_of
from watchspan.sources.lines import blocks
from watchspan.sources.scans import open_typed


@dataclass(frozen=True)
class LineFiles:
    """Files of JSON.

    Attributes:
        paths: Where they are.
        filesystem: In which file system.
    """

    paths: list[str]
    filesystem: Any

    def blocks(self, size: int) -> Iterator[bytes]:
        """All lines, in blocks of about `size` bytes."""
        for path in self.paths:
            yield from blocks(path, self.filesystem, size)

    def some(self, count: int, places: int, size: int) -> tuple[list[bytes], int]:
        """About `count` lines from `places` in the files, and how many lines there are, about.

        If it is not much more than `count`, all of them.
        """
        sizes = {path: self._size(path) for path in self.paths}
        total = sum(sizes.values())
        if total <= 4 * size:
            found = [line for block in self.blocks(size) for line in _lines(block)]
            if len(found) <= 2 * count or any(compression_of(path) for path in self.paths):
                return found, len(found)
        chosen = self.paths[:: max(1, len(self.paths) // places)][:places]
        each = max(1, count // places)
        lines: list[bytes] = []
        read = 0
        for path in chosen:
            for start in self._starts(path, sizes[path], max(1, places // len(chosen))):
                block = self._block(path, start, size)
                found = _lines(block)
                read += len(block)
                lines += found[:each]
                per_line = len(block) / max(1, len(found))
        return lines, max(len(lines) + 1, int(total / max(1.0, per_line))) if lines else 0

    def _size(self, path: str) -> int:
        return int(self.filesystem.get_file_info(path).size or 0)

    def _starts(self, path: str, size: int, places: int) -> list[int]:
        """Where to look: only at the start of what cannot be entered in the middle."""
        first = next(blocks(path, self.filesystem, 1 << 16), b"")
        is_array = compression_of(path) is None and self._begins_array(path)
        if compression_of(path) or is_array or not first:
            return [0]
        return [size * place // places for place in range(places)]

    def _begins_array(self, path: str) -> bool:
        with self.filesystem.open_input_stream(path) as stream:
            return bool(stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[")

    def _block(self, path: str, start: int, size: int) -> bytes:
        if start == 0:
            return next(blocks(path, self.filesystem, size), b"")
        with self.filesystem.open_input_file(path) as file:
            file.seek(start)
            text = bytes(file.read(size))
        # The line in whose middle it begins, and the one in whose middle it ends, are somebody else's.
        inner = text.partition(b"\n")[2]
        return inner.rpartition(b"\n")[0] or inner


def _lines(block: bytes) -> list[bytes]:
    return [line for line in block.split(b"\n") if line.strip()]


def open_files(source: Any) -> Any:
    """The files behind one path, directory, glob or URI, or a list of them: a dataset, or `LineFiles`.

    Raises:
        SourceError: If there are none, or they cannot be read.
    """
    form, paths, filesystem = find_files(source)
    with said_of(form):
        if form == "json":
            files = LineFiles(paths, filesystem)
            if not any(line for block in islice(files.blocks(1 << 16), 4) for line in _lines(block)):
                raise SourceError(f"{paths[0]} holds no lines: there is nothing to look at.")
            return files
        return open_text(paths, filesystem) if form == "csv" else open_typed(paths, filesystem, form, None)
