"""Hands watchspan what it should not be handed, each input in a process that may die of it.

    PYTHONPATH=tests python -m support.hostile.run structures --count 30000
    PYTHONPATH=tests python -m support.hostile.run structures --first 1234 --count 1
    PYTHONPATH=tests python -m support.hostile.run structures --recipe '{"kind": "events", ...}'

What ends in a death, a hang, a panic, a violated law or an exception that is none of watchspan's is printed
with the number that brings it back, and written to the folder that --out names.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Optional

from support.hostile.shrink import shrunk

# What the workers import this package from.
TESTS = Path(__file__).parents[2]
MODULES = ("structures", "broken", "files", "streams", "lines")
# Seconds that one input may take.
LIMIT = 60.0
_START_LIMIT = 120.0
_CHUNK = 200


class Worker:
    """A process that runs inputs, and another one when it dies."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.process: Optional[subprocess.Popen[bytes]] = None
        self.errors: Any = None

    def _start(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (the process writes to it)
            command = [sys.executable, "-m", f"{__package__}.worker", full_name(self.module)]
            path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                bufsize=0,
                env={**os.environ, "PYTHONPATH": path},
            )
            self.rest = b""
            self._line(self.process, _START_LIMIT)
        return self.process

    def _line(self, process: subprocess.Popen[bytes], limit: float) -> Optional[bytes]:
        """The next line; empty where the process ended, None where it takes too long."""
        assert process.stdout
        until = time.monotonic() + limit
        while b"\n" not in self.rest:
            with selectors.DefaultSelector() as waiting:
                waiting.register(process.stdout, selectors.EVENT_READ)
                if not waiting.select(max(until - time.monotonic(), 0)):
                    return None
            read = os.read(process.stdout.fileno(), 1 << 20)
            if not read:
                return b""
            self.rest += read
        line, self.rest = self.rest.split(b"\n", 1)
        return line

    def _ended(self, process: subprocess.Popen[bytes], line: Optional[bytes]) -> tuple[str, str]:
        """How a process ended that did not finish, and what it left on standard error."""
        if line is None:
            process.kill()
        code = process.wait()
        self.errors.seek(max(self.errors.seek(0, os.SEEK_END) - 6000, 0))
        told = self.errors.read().decode(errors="replace")
        self.close()
        return ("hang" if line is None else f"death ({code})"), told

    def ask(self, asked: Any) -> tuple[Counter[str], list[dict[str, Any]]]:
        """Runs some inputs: how many ended how, and the findings."""
        counts: Counter[str] = Counter()
        findings = []
        first, count = asked if isinstance(asked, list) else (0, 1)
        last = first + count
        while first < last:
            process = self._start()
            assert process.stdin
            process.stdin.write(
                json.dumps([first, last - first] if isinstance(asked, list) else asked).encode() + b"\n"
            )
            begun = first
            while True:
                line = self._line(process, LIMIT)
                if not line:
                    kind, text = self._ended(process, line)
                    counts[kind.split()[0]] += 1
                    findings.append({"seed": begun, "kind": kind, "error": text, "trace": text})
                    if not isinstance(asked, list):
                        findings[-1]["recipe"] = asked
                    first = begun + 1
                    break
                letter, text = line[:1], line[1:].decode()
                if letter == b"b" and text != "None":
                    begun = int(text)
                elif letter == b"f":
                    findings.append(json.loads(text))
                elif letter == b"d":
                    counts[text] += 1
                elif letter == b"e":
                    first = last
                    break
        return counts, findings

    def close(self) -> None:
        """Ends the process."""
        if self.process is not None:
            for stream in (self.process.stdin, self.process.stdout, self.errors):
                assert stream is not None
                stream.close()
            self.process.wait()
        self.process = None


def run(
    module: str, first: int, count: int, jobs: int = 1, progress: bool = False
) -> tuple[Counter[str], list[Any]]:
    """Runs these inputs on so many processes: how many ended how, and the findings."""
    chunks = [[start, min(_CHUNK, first + count - start)] for start in range(first, first + count, _CHUNK)]
    chunks.reverse()
    counts: Counter[str] = Counter()
    findings: list[Any] = []
    lock = threading.Lock()

    def serve() -> None:
        worker = Worker(module)
        while True:
            with lock:
                if not chunks:
                    break
                chunk = chunks.pop()
            ended, found = worker.ask(chunk)
            with lock:
                counts.update(ended)
                findings.extend(found)
                if progress and len(chunks) % 10 == 0:
                    sys.stderr.write(f"{module}: {sum(counts.values()):,} of {count:,} {dict(counts)}\n")
        worker.close()

    threads = [threading.Thread(target=serve) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts, sorted(findings, key=lambda found: found["seed"])


def summary(found: dict[str, Any]) -> str:
    """The line of a finding that says most: where a process died, the panic's own words."""
    lines = [line for line in found["error"].splitlines() if line.strip()]
    words = ("panicked at", "Check failed", "memory allocation", "Fatal Python error")
    chosen = [number for number, line in enumerate(lines) if any(word in line for word in words)]
    frames = [line.strip() for line in lines if line.lstrip().startswith("File ")]
    told = lines[chosen[-1] : chosen[-1] + 2] if chosen else lines[-1:]
    return " ".join(line[:200] for line in (*told, *frames[:1]))


def grouped(findings: list[Any]) -> list[list[Any]]:
    """The findings that are alike but for numbers, most first."""
    groups: dict[str, list[Any]] = {}
    for found in findings:
        groups.setdefault(
            re.sub(r"0x[0-9a-f]+|[0-9]+|[\"'].*?[\"']", "#", found["kind"] + summary(found)), []
        ).append(found)
    return sorted(groups.values(), key=len, reverse=True)


def smallest(module: str, found: dict[str, Any]) -> dict[str, Any]:
    """The smallest recipe that ends as a finding did."""
    worker, wanted = Worker(module), [found]

    def ends_alike(made: dict[str, Any]) -> bool:
        return any(len(grouped([*wanted, other])) == 1 for other in worker.ask(made)[1])

    recipe = found.get("recipe") or recipe_of(module, found["seed"])
    try:
        return shrunk(recipe, ends_alike) if ends_alike(recipe) else recipe
    finally:
        worker.close()


def full_name(module: str) -> str:
    """What to import for a kind of input: a part of this package, or any other module."""
    return f"{__package__}.{module}" if module in MODULES else module


def recipe_of(module: str, seed: int) -> Any:
    """What an input was that killed its process before that could say."""
    return importlib.import_module(full_name(module)).recipe(seed)


def main() -> int:
    """Runs what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", choices=MODULES)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--recipe", help="one input, as a finding shows it")
    parser.add_argument("--shrink", action="store_true", help="make recipes of what is found smaller")
    parser.add_argument("--out", type=Path, help="a folder for the findings")
    asked = parser.parse_args()
    started = time.monotonic()
    if asked.recipe:
        worker = Worker(asked.module)
        counts, findings = worker.ask(json.loads(asked.recipe))
        worker.close()
    else:
        counts, findings = run(asked.module, asked.first, asked.count, asked.jobs, progress=True)
    if asked.out and findings:
        asked.out.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(found) + "\n" for found in findings)
        (asked.out / f"{asked.module}.jsonl").write_text(lines, encoding="utf-8")
    for alike in grouped(findings):
        first = alike[0]
        print(f"{len(alike)} x {first['kind']}, such as {asked.module} {first['seed']}: {summary(first)}")
        if asked.shrink:
            print("    " + json.dumps(smallest(asked.module, first)))
    took = time.monotonic() - started
    print(f"{asked.module}: {dict(sorted(counts.items()))} in {took:.0f} s, {len(findings)} findings")
    return bool(findings)


if __name__ == "__main__":
    raise SystemExit(main())
