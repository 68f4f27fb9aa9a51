"""Holds the JavaScript in the package to what npm has: `python .ci/release/vendored.py [--check] [--npm]`.

python/watchspan/report_page/vendored/npm.json says which files of which packages are there, with npm's
checksum of each package and one of each file. With `--check` the files are held to theirs, which needs no
network; with `--npm` the packages are fetched, held to npm's checksums, and compared file by file. Without
`--check`, docs/licenses/javascript.txt is written; with it, held to what it would be.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from licenses import ROOT, Part, page

FOLDER = ROOT / "python/watchspan/report_page/vendored"
LICENSES = ROOT / "docs/licenses/javascript.txt"
LIST = "npm.json"


def packages() -> list[dict[str, Any]]:
    """What is vendored, as npm.json has it."""
    return list(json.loads((FOLDER / LIST).read_text(encoding="utf-8")))


def parts() -> list[Part]:
    """The packages with their terms, as the other lists of licences have theirs."""
    return [
        Part(
            f"{package['name']} {package['version']}",
            package["license"],
            package["address"],
            {package["text"]: (FOLDER / package["text"]).read_text(encoding="utf-8")},
        )
        for package in packages()
    ]


def licences() -> str:
    """The text of docs/licenses/javascript.txt."""
    return page(parts(), "The JavaScript in the package")


def changed(folder: Path = FOLDER) -> Iterator[str]:
    """What is not as npm.json says, in sentences.

    Args:
        folder: Where the files are.
    """
    listed = {LIST, "vega.License.txt"}
    for package in packages():
        for name, digest in package["sha256"].items():
            listed.add(name)
            file = folder / name
            if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
                yield f"{name} is not that of {package['name']} {package['version']}"
    for file in sorted(folder.iterdir()):
        if file.name not in listed:
            yield f"{file.name} is in no package of {LIST}"


def different_at_npm() -> Iterator[str]:
    """What is not as npm has it, in sentences; the packages are fetched."""
    for package in packages():
        archive = _fetched(f"{package['name']}@{package['version']}")
        digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
        if f"sha512-{digest}" != package["integrity"]:
            yield f"npm has another {package['name']} {package['version']}"
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            for theirs, ours in package["files"].items():
                member = files.extractfile(f"package/{theirs}")
                if member is None or member.read() != (FOLDER / ours).read_bytes():
                    yield f"{ours} is not {theirs} of {package['name']} {package['version']}"


def _fetched(name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", folder, name], check=True)
        (archive,) = Path(folder).iterdir()
        return archive.read_bytes()


def main(arguments: list[str]) -> int:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("--npm", action="store_true", help="compare with what npm has, too")
    options = parser.parse_args(arguments)
    faults = list(changed())
    if options.npm:
        faults += different_at_npm()
    if not options.check:
        LICENSES.write_text(licences(), encoding="utf-8")
    elif not LICENSES.exists() or LICENSES.read_text(encoding="utf-8") != licences():
        faults.append(f"{LICENSES.name} does not say what is there: run .ci/release/vendored.py")
    print(*(f"{fault}." for fault in faults), sep="\n", end="\n" if faults else "", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
