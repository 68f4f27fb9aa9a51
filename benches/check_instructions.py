"""Counts the core's instructions on a fixed input and compares them with those that were stored.

Instructions do not depend on what else the machine does, so a regression shows even on a busy one. They
depend on the compiler: with another one than that of the stored counts, differences are shown and none is an
error.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

STORED = Path(__file__).with_name("instructions.json")
EVENTS = 200_000
# Measured: repeated counts differ by less than 0.1%, because threads wait for each other.
TOLERANCE = 0.02
# A stage, and what it is counted beyond.
STAGES = {
    "group": "make",
    "sessions": "group",
    "engagement": "group",
    "estimated": "group",
    "group-coded": "make-coded",
}


def main() -> int:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the counts")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("valgrind counts the instructions and is not installed: apt-get install valgrind.")
    program = build()
    totals = {stage: _count(program, stage) for stage in {*STAGES, *STAGES.values()}}
    counts = {stage: round((totals[stage] - totals[base]) / EVENTS) for stage, base in STAGES.items()}
    compiler = subprocess.run(
        ["rustc", "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    found = {"compiler": compiler, "instructionsPerEvent": counts}
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else None
    print(_table(counts, stored))
    if options.write:
        STORED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        return 0
    if stored is None:
        print(f"No counts are stored: store these with `make bench-check WRITE=--write` in {STORED}.")
        return 1
    if stored["compiler"] != compiler:
        print(f"The stored counts are of {stored['compiler']}, these of {compiler}: nothing is checked.")
        return 0
    return _judge(counts, stored["instructionsPerEvent"])


def build() -> str:
    """The program's path."""
    command = ["cargo", "bench", "--locked", "--quiet", "--profile", "ci", "--no-default-features"]
    command += ["--bench", "instructions", "--no-run", "--message-format", "json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return next(found for message in messages if (found := message.get("executable")))


def _count(program: str, stage: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "valgrind",
            "--tool=callgrind",
            f"--callgrind-out-file={folder}/out",
            program,
            stage,
            str(EVENTS),
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"`{' '.join(command)}` failed: {done.stderr}")
    return int(found[1])


def _table(counts: dict[str, int], stored: dict | None) -> str:
    before = stored["instructionsPerEvent"] if stored else {}
    lines = [f"{'stage':<14}{'now':>8}{'stored':>8}  instructions per event"]
    lines += [f"{stage:<14}{count:>8}{before.get(stage, '-'):>8}" for stage, count in counts.items()]
    return "\n".join(lines)


def _judge(counts: dict[str, int], stored: dict[str, int]) -> int:
    wrong = [stage for stage, count in counts.items() if count > stored.get(stage, 0) * (1 + TOLERANCE)]
    better = [stage for stage, count in counts.items() if count < stored.get(stage, 0) * (1 - TOLERANCE)]
    for stage in wrong:
        print(f"{stage} takes {counts[stage]} instructions per event, {stored.get(stage, 0)} are stored.")
    if better and not wrong:
        print(f"{', '.join(better)} got cheaper: store the counts with `make bench-check WRITE=--write`.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
