"""File formats by suffix."""

from __future__ import annotations

from watchspan.errors import SourceError

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
    known = [form for suffix, form in _SUFFIXES.items() if path.lower().endswith(suffix)]
    if not known:
        raise SourceError(
            f"The format of {path!r} is unknown: its name must end in one of {', '.join(_SUFFIXES)}."
        )
    return known[0]
