"""Files that would run code when pyarrow opens them (CVE-2023-47248), made harmless.

Before 14.0.1, pyarrow unpickles what a file's schema says of a column whose extension type is called
`arrow.py_extension_type`, whoever wrote the file. Later versions do not.
"""

from __future__ import annotations

import pyarrow as pa

_NAME = "arrow.py_extension_type"
_FIRST_THAT_IS_SAFE = (14, 0, 1)


def disarm() -> None:
    """Makes pyarrow read such columns as what they are stored as, everywhere in this process.

    Pyarrow's own type is replaced by one that keeps the pickle as bytes and never opens it. Nothing changes
    where pyarrow is new enough, or somebody else (the package pyarrow_hotfix) has refused these types.
    """
    if _version() >= _FIRST_THAT_IS_SAFE or getattr(pa, "_hotfix_installed", False):
        return
    pa.unregister_extension_type(_NAME)
    pa.register_extension_type(_Unopened(pa.null(), b""))


def _version() -> tuple[int, ...]:
    return tuple(int(part) for part in pa.__version__.split(".")[:3] if part.isdigit())


class _Unopened(pa.ExtensionType):  # type: ignore[misc]
    """A column with a pickle that stays closed; it is written again as it was read."""

    def __init__(self, storage: pa.DataType, pickled: bytes) -> None:
        self._pickled = pickled
        super().__init__(storage, _NAME)

    def __arrow_ext_serialize__(self) -> bytes:
        return self._pickled

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: pa.DataType, pickled: bytes) -> _Unopened:
        return cls(storage, pickled)
