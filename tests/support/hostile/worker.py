"""Runs inputs one after the other and says of each how it ended, until told no more.

A line in is the number of the first input and how many there are, or a recipe as JSON. A line out is `r` when
all is ready, `b` and the number of an input that begins, `f` and a finding as JSON, `d` and how it ended, or
`e` after the last.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import traceback
import warnings
from typing import Any, Optional

from support.hostile import laws

# More than any of these inputs has reason to take.
MEMORY = 12 << 30


def ending(module: Any, made: Any) -> tuple[str, Optional[BaseException]]:
    """How an input ended: its kind and the exception, if there was one."""
    try:
        return module.run(made), None
    except BaseException as error:
        return laws.verdict(error), error


def finding(seed: Optional[int], made: Any, kind: str, error: Optional[BaseException]) -> dict[str, Any]:
    """What is told of an input that ended as it must not."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__)) if error else ""
    text = f"{type(error).__name__}: {error}"[:600]
    return {"seed": seed, "kind": kind, "error": text, "recipe": made, "trace": trace[-3000:]}


def say(letter: str, text: str) -> None:
    """Writes a line at once: what is not written when a process dies is lost."""
    os.write(1, f"{letter}{text}\n".encode())


def work(module: Any, seeds: list[tuple[Optional[int], Any]]) -> None:
    """Runs these inputs."""
    for seed, given in seeds:
        say("b", str(seed))
        made = module.recipe(seed) if given is None else given
        kind, error = ending(module, made)
        if kind not in ("accepted", "refusal", "passed"):
            say("f", json.dumps(finding(seed, made, kind, error)))
        say("d", kind)
    say("e", "")


def main() -> None:
    """Serves the process that started this one."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    module = importlib.import_module(sys.argv[1])
    say("r", "")
    for line in sys.stdin:
        asked = json.loads(line)
        if isinstance(asked, list):
            work(module, [(seed, None) for seed in range(asked[0], asked[0] + asked[1])])
        else:
            work(module, [(None, asked)])


if __name__ == "__main__":
    main()
