"""File formats by suffix."""

from __future__ import annotations

from watchspan.errors import SourceError
from watchspan.text import shown_path

_SUFFIXES = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".log": "json",
    ".arrow": "ipc",
    ".feather": "ipc",
}
# Files of text are read through these.
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
TEXT_FORMATS = frozenset({"csv", "json"})
TITLES = {"parquet": "Parquet", "csv": "CSV", "json": "JSON lines", "ipc": "Arrow"}


def format_of(path: str) -> str:
    """The format that a path's suffix stands for: `parquet`, `csv`, `json` or `ipc`.

    Raises:
        SourceError: If the suffix is none that is known.
    """
    name = _name(path)
    plain = _without_compression(name)
    known = [form for suffix, form in _SUFFIXES.items() if plain.endswith(suffix)]
    if not known or (plain != name and known[0] not in TEXT_FORMATS):
        text = ", ".join(suffix for suffix, form in _SUFFIXES.items() if form in TEXT_FORMATS)
        others = ", ".join(suffix for suffix, form in _SUFFIXES.items() if form not in TEXT_FORMATS)
        raise SourceError(
            f"The format of {shown_path(path)} is unknown: its name must end in {others}, or in {text}, "
            f"after which {', '.join(_COMPRESSIONS)} may stand."
        )
    return known[0]


def compression_of(path: str) -> str | None:
    """How a file of text is compressed, by its suffix: as pyarrow calls it; None: not at all."""
    name = _name(path)
    return next((kind for suffix, kind in _COMPRESSIONS.items() if name.endswith(suffix)), None)


def _name(path: str) -> str:
    # A URI may go on with options of its file system.
    return (path.partition("?")[0] if "://" in path else path).lower()


def _without_compression(name: str) -> str:
    return next((name[: -len(suffix)] for suffix in _COMPRESSIONS if name.endswith(suffix)), name)
