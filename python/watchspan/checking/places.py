"""Where presets say that columns are, and what of that is in a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from watchspan import _core
from watchspan.checking.shapes import Leaf

# The steps of a path, each what it is and what it names.
Steps = tuple[Any, ...]


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


def moved_leaves(leaves: Mapping[str, Leaf], preset: str, column: str) -> list[Leaf]:
    """The places of a column by the preset, where its records are within others, or a part is renamed."""
    found = enveloped_leaves(leaves, preset, column)
    if found:
        return found
    for wanted in _wanted(preset, column):
        alike = [leaf for path, leaf in leaves.items() if _is_renamed(_steps(path), wanted)]
        if len(alike) == 1 and alike[0] not in found:
            found += alike
    return found


def enveloped_leaves(leaves: Mapping[str, Leaf], preset: str, column: str) -> list[Leaf]:
    """The places of a column by the preset, where all of its records are within something else."""
    by_steps = {_steps(path): leaf for path, leaf in leaves.items()}
    around = _envelopes(by_steps)
    paths = (outer + wanted for wanted in _wanted(preset, column) for outer in around)
    return [by_steps[steps] for steps in dict.fromkeys(paths) if steps in by_steps]


def _wanted(preset: str, column: str) -> list[Steps]:
    place = specs()[preset]["columns"].get(column)
    return [_steps(path) for path in place["paths"]] if place else []


def _envelopes(places: Iterable[Steps]) -> list[Steps]:
    """What most places of a source begin with: its records are within that."""
    every = list(places)
    starts = Counter(steps[:deep] for steps in every for deep in (1, 2, 3) if len(steps) > deep)
    return [start for start, count in starts.items() if count > 0.5 * len(every)]


def _is_renamed(steps: Steps, wanted: Steps) -> bool:
    return len(steps) == len(wanted) > 1 and steps[0] != wanted[0] and steps[1:] == wanted[1:]


def at(leaves: Mapping[str, Leaf], paths: Iterable[str]) -> list[Leaf]:
    """The leaves at paths, however these are written."""
    by_steps = {_steps(path): leaf for path, leaf in leaves.items()}
    found = (leaves.get(path) or by_steps.get(_steps(path)) for path in paths)
    return [leaf for leaf in found if leaf is not None]


def _squeezed(name: str) -> str:
    return name.replace("_", "").lower()


@lru_cache(maxsize=50_000)
def _steps(path: str) -> Steps:
    try:
        return tuple(map(tuple, _core.path_steps(path)))
    except Exception:  # the name of a column that is no path
        return (("field", path, None),)


@lru_cache(maxsize=1)
def specs() -> dict[str, Any]:
    """Name of a preset -> what the core knows of it."""
    return {spec["name"]: spec for spec in _core.preset_specs()}
