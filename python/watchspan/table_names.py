"""Tables by name or by path, as SQL spells them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from watchspan.errors import OptionError

_PART = r"(?:`(?:[^`]|``)+`|[^`./\s]+)"
_NAME = re.compile(rf"{_PART}(?:\.{_PART})*")


@dataclass(frozen=True)
class Table:
    """A table of the catalog, or the Delta table in a folder.

    Attributes:
        parts: Its name, such as catalog, schema and table; for a folder the format and its path.
    """

    parts: tuple[str, ...]

    @property
    def path(self) -> str | None:
        """The folder; None if it is a table of the catalog."""
        return self.parts[1] if self.parts[0] == "delta" and "/" in self.parts[-1] else None

    @property
    def sql(self) -> str:
        """The table as SQL names it."""
        return ".".join("`" + part.replace("`", "``") + "`" for part in self.parts)

    def beside(self, suffix: str) -> Table:
        """The table beside it whose name ends with this suffix."""
        *front, last = self.parts
        return Table((*front, last + suffix))


def table_name(option: str, name: Any) -> Table:
    """Reads a name (`a`, `schema.a`, `catalog.schema.a`) or a path (what has a `/`) of a table.

    Raises:
        OptionError: If it is neither.
    """
    if isinstance(name, str) and _NAME.fullmatch(name.strip()):
        parts = [
            part[1:-1].replace("``", "`") if part.startswith("`") else part
            for part in re.findall(_PART, name)
        ]
        return Table((*parts[:-1], parts[-1].rstrip("/")))
    if isinstance(name, str) and "/" in name:
        return Table(("delta", name.strip().rstrip("/")))
    raise OptionError(
        f"{option} is {name!r}, but the name of a table ('events', 'schema.events', 'catalog.schema.events') "
        "or the path of a Delta table is needed."
    )
