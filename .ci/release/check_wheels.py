"""Checks what is in built wheels: `python .ci/release/check_wheels.py WHEEL...`.

A wheel has to carry the package and the plugin of pytest, its licences and those of what it links, a list of
these parts, and nothing of the machine and the folder that it was built in. What is wrong is printed, a line
each, and makes the exit code 1.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from email.parser import BytesParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LICENSES = ("LICENSE", *(f"docs/licenses/{name}.txt" for name in ("crates", "javascript", "toolchain")))
# The packages in python/. maturin leaves out those that pyproject.toml does not name to it.
PACKAGES = sorted(path.parent.name for path in (ROOT / "python").glob("*/__init__.py"))
PLUGIN = "watchspan=pytest_watchspan"
BILL = ROOT / "docs/licenses/watchspan.cyclonedx.json"
LARGEST = 10_000_000
# What paths of most machines have, whoever builds: homes, and where cargo and rustup keep what they compile.
ANYWHERE = (rb"/home/", rb"[/\\]Users[/\\]", rb"/\.cargo/", rb"/\.rustup/", rb"/registry/src/")


def check(wheel: Path) -> Iterator[str]:
    """What is wrong with the wheel, in sentences."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info"
    if wheel.stat().st_size > LARGEST:
        yield f"it has {wheel.stat().st_size} bytes, more than {LARGEST}"
    yield from _packages(files, info)
    yield from _record(files, f"{info}/RECORD")
    yield from _licenses(files, info)
    yield from _bill(files, info)
    yield from _paths(files)


def _packages(files: dict[str, bytes], info: str) -> Iterator[str]:
    for name in PACKAGES:
        if f"{name}/__init__.py" not in files:
            yield f"it has not the package {name}"
    points = files.get(f"{info}/entry_points.txt", b"").decode()
    if f"[pytest11]\n{PLUGIN}" not in points.replace(" ", ""):
        yield f"its entry points do not have the plugin of pytest, {PLUGIN}"


def _record(files: dict[str, bytes], record: str) -> Iterator[str]:
    listed = {name: digest for name, digest, _ in csv.reader(files[record].decode().splitlines())}
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        if name != record and listed.get(name) != f"sha256={digest}":
            yield f"RECORD does not have {name} as it is"


def _licenses(files: dict[str, bytes], info: str) -> Iterator[str]:
    metadata = BytesParser().parsebytes(files[f"{info}/METADATA"])
    if metadata["License-Expression"] != "MIT":
        yield f"its metadata gives the licence as {metadata['License-Expression']}, not as MIT"
    for name in LICENSES:
        if name not in (metadata.get_all("License-File") or ()):
            yield f"its metadata does not name {name}"
        if files.get(f"{info}/licenses/{name}") != (ROOT / name).read_bytes():
            yield f"it has not {name} as it is here"


def _bill(files: dict[str, bytes], info: str) -> Iterator[str]:
    if files.get(f"{info}/sboms/{BILL.name}") != BILL.read_bytes():
        yield f"it has not {BILL.name} as it is here"


def _paths(files: dict[str, bytes]) -> Iterator[str]:
    for name, content in files.items():
        for path in (*_of_this_machine(), *ANYWHERE):
            for found in re.finditer(path, content):
                yield f"{name} tells of {content[found.start() : found.start() + 120]!r}"
                break


def _of_this_machine() -> set[bytes]:
    """Patterns of its folders: what follows one may be a file in it, or the `#` of an address."""
    kept = ("CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR", "PYENV_ROOT", "VIRTUAL_ENV")
    folders = [ROOT, Path.home(), *(Path(os.environ[name]) for name in kept if name in os.environ)]
    return {re.escape(os.fsencode(folder)) + rb"(?![\w.-])" for folder in folders if len(folder.parts) > 1}


def main(wheels: list[str]) -> int:
    """Runs from the command line."""
    found = [f"{wheel}: {fault}." for wheel in wheels for fault in check(Path(wheel))]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found or not wheels else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
