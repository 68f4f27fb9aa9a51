"""Shows the examples of docstrings as code: an extension of griffe, which reads them for the site."""

from __future__ import annotations

import re
from typing import Any

import griffe

# An example goes from its first >>> to the next empty line.
EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)


class Doctests(griffe.Extension):  # type: ignore[misc]  # it is not there where types are checked
    """Puts a fence around each example, which Markdown would otherwise take for a quotation."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Changes the docstring of whatever has one."""
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
