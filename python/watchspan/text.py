"""Text that others wrote, where somebody or something might obey it: JSON, spreadsheets, terminals."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchspan import instants
from watchspan.masking import masked

# What is not seen and changes how the rest is: controls, marks of direction, separators of lines, characters
# without width, tags. The joiners are parts of words in many scripts, and of emoji, but not after ASCII.
_UNSEEN = (
    "\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_JOINERS = r"(?<![^\x00-\x7f])[\u200c\u200d]"
_HIDDEN = re.compile(rf"[\x00-\x1f{_UNSEEN}\ud800-\udfff]|{_JOINERS}")
_HIDDEN_IN_JSON = re.compile(rf"[{_UNSEEN}]|{_JOINERS}")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# With what a spreadsheet lets a formula begin, or passes over before one.
_FORMULA = "^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
_LONGEST_SHOWN = 200


def visible(text: str) -> str:
    r"""The text with everything in it that a terminal might obey, or not show, as an escape.

    >>> print(visible("\x1b[31mred\u202e"))
    \x1b[31mred\u202e
    """
    return _HIDDEN.sub(lambda found: _escape(found[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file's name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown(value: Any) -> str:
    """A value as a message shows it: never too long, whatever it is."""
    try:
        text = repr(value)
    except Exception:  # such as an integer of more digits than Python writes, or somebody's own __repr__
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def shown_path(path: str) -> str:
    """A path or URI as a message shows it: without the keys that a URI may carry.

    >>> print(shown_path("s3://key:secret@bucket/rows.csv?access_key=key"))
    's3://***@bucket/rows.csv?***'
    """
    # A URI has no space: what stands behind one may still be a part of what must not be shown.
    return repr(masked(path.replace(" ", "%20")) if "://" in path else path)


def is_unicode(text: str) -> bool:
    """Whether a text can be written: one half of a surrogate pair, as names of files may hold, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def to_json(value: Any, *, ascii_only: bool = False) -> str:
    r"""A value as JSON: null for numbers that are not finite, RFC 3339 text in UTC for instants.

    Characters that are not seen, or all but ASCII, are written as escapes, which mean the same.

    >>> print(to_json({"a": [float("inf"), "caf\xe9\u202e"]}))
    {"a": [null, "café\u202e"]}
    >>> print(to_json([datetime(2026, 1, 15, 10)]))
    ["2026-01-15T10:00:00.000000Z"]
    """
    encoder = _ENCODERS[ascii_only]
    try:
        text = encoder.encode(value)
    except ValueError:
        text = encoder.encode(finite(value))
    return json_visible(text)


def json_visible(text: str) -> str:
    """JSON, or what quotes text as it does, with the characters that are not seen as escapes."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _HIDDEN_IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1].replace("\x7f", r"\u007f"), text)


def json_lines(names: Iterable[str], columns: Iterable[Iterable[Any]]) -> str:
    """Rows as JSON lines."""
    keys = list(names)
    return "".join(f"{to_json(dict(zip(keys, row)))}\n" for row in zip(*columns))


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return instants.text(value)
    return str(value)


# One for all rows: making it takes longer than using it.
_ENCODERS = {
    ascii_only: json.JSONEncoder(ensure_ascii=ascii_only, allow_nan=False, default=_as_text)
    for ascii_only in (False, True)
}


def finite(value: Any) -> Any:
    """A value of JSON's kinds with null for the numbers that JSON has not."""
    if isinstance(value, Mapping):
        return {name: finite(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def without_formulas(column: pa.Array) -> pa.Array:
    """A column of text in which a quote stands before what a spreadsheet would compute."""
    if pa.types.is_dictionary(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
    if not pa.types.is_string(column.type):
        return column
    quoted = pc.binary_join_element_wise(pa.scalar("'"), column, pa.scalar(""))
    return pc.if_else(pc.match_substring_regex(column, _FORMULA), quoted, column)
