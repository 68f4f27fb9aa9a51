"""Makes the recipe of a finding smaller while it still ends the same way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

Recipe = dict[str, Any]


def _smaller(made: Recipe) -> Iterator[Recipe]:
    changes = made.get("changes", [])
    for number in range(len(changes) if len(changes) > 1 else 0):
        yield {**made, "changes": changes[:number] + changes[number + 1 :]}
    parts = made.get("parts", [])
    if len(parts) > 1 and all(change[0] < 1 for change in changes) and not made.get("at"):
        yield {**made, "parts": parts[:1]}
    if made.get("form") == "stream" and len(parts) == 1 and "stream" not in made:
        yield {**made, "form": "array"}
    if made.get("layout"):
        yield {**made, "layout": 0}
    if any(parts):
        yield {**made, "parts": [0] * len(parts)}
    if made.get("kind") == "events" and made.get("verb") != "aggregate":
        yield {**made, "verb": "aggregate"}


def shrunk(made: Recipe, ends_alike: Callable[[Recipe], bool]) -> Recipe:
    """The smallest recipe found that ends alike."""
    found = True
    while found:
        found = False
        for smaller in _smaller(made):
            if ends_alike(smaller):
                made, found = smaller, True
                break
    return made
