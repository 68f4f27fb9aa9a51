"""Measures where the core's time goes, stage by stage, on one thread.

    python benches/stages.py --events 2M --rounds 5 --write docs/stages.md

Each measurement is a process of its own that ends after a stage (`instructions.rs`) and says how long that
took once its input was made; a stage costs what a process takes longer than one that ends before it. The
least of all rounds counts, as whatever else runs can only add to it.
"""

from __future__ import annotations

import argparse
import json
import subprocess

from check_instructions import STAGES, STORED, build
from reported import command, conditions, parser, publish, table

# What no engine can do without.
_LIMITS = ("read", "hash", "touch")
_MEANING = {
    "read": "read every byte of the input once",
    "hash": "hash the three keys of every event",
    "touch": "write to as much fresh memory as the engagement table needs beside the input",
    "group": "read, clean and group events into fragments",
    "group-coded": "the same where keys are dictionaries",
    "sessions": "order fragments, walk, and build the session table",
    "engagement": "order fragments, walk, combine sessions, and build the engagement table",
    "estimated": "the same where every duration is estimated: sessions are walked twice",
}
_INTRODUCTION = """\
<!-- Written by `python benches/stages.py`: do not edit. -->

# Stages

What the core takes per event on one thread, without Python and without reading files, on an input of its own
(`benches/input/mod.rs`): neighbouring events are of different sessions, of which 500 are open at a time.
Nanoseconds are the least of all rounds. Those of tables are beyond `group`. Instructions are those that
`make bench-check` guards.
"""


def main() -> int:
    """Runs from the command line."""
    options, about = _options(), conditions()
    program = build()
    found: dict[str, list[float]] = {stage: [] for stage in (*STAGES, *_LIMITS)}
    for _ in range(options.rounds):
        for stage, nanoseconds in found.items():
            nanoseconds.append(_nanoseconds(program, stage, options.events))
    text = _markdown(about, {stage: min(nanoseconds) for stage, nanoseconds in found.items()})
    publish(text, options.write)
    return 0


def _options() -> argparse.Namespace:
    return parser(__doc__, events="2M", rounds=5, data=False).parse_args()


def _nanoseconds(program: str, stage: str, events: int) -> float:
    """What the program says that the stage took, per event."""
    done = subprocess.run([program, stage, str(events)], check=True, capture_output=True, text=True)
    return int(done.stdout.split()[1]) / events


def _markdown(about: dict[str, str], took: dict[str, float]) -> str:
    instructions = json.loads(STORED.read_text(encoding="utf-8"))["instructionsPerEvent"]
    stages = [
        (
            f"`{stage}`",
            f"{took[stage] - took.get(base, 0):.0f}",
            str(instructions[stage]),
            _MEANING[stage],
        )
        for stage, base in STAGES.items()
    ]
    limits = [(_MEANING[limit], f"{took[limit]:.0f}") for limit in _LIMITS]
    head = ("stage", "ns per event", "instructions per event", "what it does")
    parts = [_INTRODUCTION, table(head, stages), "## Limits\n"]
    parts += [table(("what no engine can do without", "ns per event"), limits), "## The run\n"]
    parts += [f"`{command('benches/stages.py')}`\n", table(("what", "value"), about.items())]
    return "\n".join(parts)


if __name__ == "__main__":
    raise SystemExit(main())
