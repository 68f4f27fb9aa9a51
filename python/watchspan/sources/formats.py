"""File formats by suffix."""

from __future__ import annotations

from watchspan.errors import SourceError
from watchspan.text import shown_path

_SUFFIXES = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".arrow": "ipc",
    ".feather": "ipc",
}


def format_of(path: str) -> str:
    """The format that a path's suffix stands for: `parquet`, `csv`, `json` or `ipc`.

    Raises:
        SourceError: If the suffix is none that is known.
    """
    # A URI may go on with options of its file system.
    name = path.partition("?")[0] if "://" in path else path
    known = [form for suffix, form in _SUFFIXES.items() if name.lower().endswith(suffix)]
    if not known:
        raise SourceError(
            f"The format of {shown_path(path)} is unknown: its name must end in one of "
            f"{', '.join(_SUFFIXES)}."
        )
    return known[0]
