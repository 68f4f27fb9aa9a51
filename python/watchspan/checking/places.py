"""Where presets say that columns are, and what of that is in a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from watchspan import _core
from watchspan.checking.shapes import Leaf


def native_leaves(leaves: Mapping[str, Leaf], preset: str, column: str) -> list[Leaf]:
    """The places of a column by the preset's own account, as far as they are there."""
    spec = specs()[preset]["columns"].get(column)
    paths = list(spec["paths"]) if spec else []
    found = at(leaves, paths)
    roots = {leaf.root for leaf in leaves.values()}
    # The default name counts where none of the preset's own places can be.
    if spec is None or (spec["or_default"] and not any(_steps(path)[0][1] in roots for path in paths)):
        on_top = [leaf for path, leaf in leaves.items() if leaf.root == path]
        alike = [leaf for leaf in on_top if _squeezed(leaf.path) == column.lower()]
        exact = [leaf for leaf in alike if leaf.path == column]
        found += [leaf for leaf in exact or (alike if len(alike) == 1 else []) if leaf not in found]
    return found


def at(leaves: Mapping[str, Leaf], paths: Iterable[str]) -> list[Leaf]:
    """The leaves at paths, however these are written."""
    by_steps = {_steps(path): leaf for path, leaf in leaves.items()}
    found = (leaves.get(path) or by_steps.get(_steps(path)) for path in paths)
    return [leaf for leaf in found if leaf is not None]


def _squeezed(name: str) -> str:
    return name.replace("_", "").lower()


@lru_cache(maxsize=50_000)
def _steps(path: str) -> tuple[Any, ...]:
    try:
        return tuple(map(tuple, _core.path_steps(path)))
    except Exception:  # the name of a column that is no path
        return (("field", path, None),)


@lru_cache(maxsize=1)
def specs() -> dict[str, Any]:
    """Name of a preset -> what the core knows of it."""
    return {spec["name"]: spec for spec in _core.preset_specs()}
