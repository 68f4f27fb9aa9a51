"""Writes the list of what is in the package (SBOM), in CycloneDX: `python .ci/release/bill.py [--check]`.

docs/licenses/watchspan.cyclonedx.json has the crates whose licences are in docs/licenses/crates.txt, with
what Cargo.lock says of each, and the JavaScript in the package. It has neither paths nor dates, so it is the
same wherever it is made. With
`--check` nothing is written, and the exit code is 1 if the file would be another.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from typing import Any

from licenses import ROOT, Part, crates
from vendored import packages

FILE = ROOT / "docs/licenses/watchspan.cyclonedx.json"
ENTRY = re.compile(r'^name = "(.*)"\nversion = "(.*)"\n(?:.+\n)*', re.MULTILINE)


def bill(parts: list[Part]) -> dict[str, Any]:
    """The list, with the package itself as what the parts are in."""
    entries = _locked()
    linked = {part.name for part in parts}
    (version,) = (name.split()[1] for name in entries if name.startswith("watchspan "))
    package = {
        "type": "library",
        "bom-ref": f"pkg:pypi/watchspan@{version}",
        "name": "watchspan",
        "version": version,
        "licenses": [{"expression": "MIT"}],
        "purl": f"pkg:pypi/watchspan@{version}",
    }
    edges = []
    for name in [f"watchspan {version}", *sorted(linked)]:
        needed = re.findall(r'^ "(.*)",$', entries[name], re.MULTILINE)
        found = {full for full in linked for need in needed if f"{full} ".startswith(f"{need} ")}
        is_root = name.startswith("watchspan ")
        needs = [_address(full) for full in found] + [_npm(each) for each in packages() if is_root]
        edges.append({"ref": package["bom-ref"] if is_root else _address(name), "dependsOn": sorted(needs)})
    edges += [{"ref": _npm(each), "dependsOn": []} for each in packages()]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": package},
        "components": [*(_component(part, entries[part.name]) for part in parts), *map(_script, packages())],
        "dependencies": edges,
    }


def _locked() -> dict[str, str]:
    """What Cargo.lock says of each package, by name and version."""
    text = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    return {f"{found[1]} {found[2]}": found[0] for found in ENTRY.finditer(text)}


def _component(part: Part, entry: str) -> dict[str, Any]:
    name, version = part.name.split()
    (checksum,) = re.findall(r'^checksum = "(.*)"$', entry, re.MULTILINE)
    return {
        "type": "library",
        "bom-ref": _address(part.name),
        "name": name,
        "version": version,
        "hashes": [{"alg": "SHA-256", "content": checksum}],
        "licenses": [{"expression": part.terms.replace("/", " OR ")}],
        "purl": _address(part.name),
        "externalReferences": [{"type": "vcs", "url": part.address}],
    }


def _script(package: dict[str, Any]) -> dict[str, Any]:
    """What is said of a package of npm's."""
    digest = base64.b64decode(package["integrity"].removeprefix("sha512-")).hex()
    return {
        "type": "library",
        "bom-ref": _npm(package),
        "name": package["name"],
        "version": package["version"],
        "hashes": [{"alg": "SHA-512", "content": digest}],
        "licenses": [{"expression": package["license"]}],
        "purl": _npm(package),
        "externalReferences": [{"type": "website", "url": package["address"]}],
    }


def _npm(package: dict[str, Any]) -> str:
    return f"pkg:npm/{package['name']}@{package['version']}"


def _address(name: str) -> str:
    return f"pkg:cargo/{name.replace(' ', '@')}"


def main(arguments: list[str]) -> int:
    """Runs from the command line."""
    text = json.dumps(bill(crates()), indent=1) + "\n"
    if "--check" not in arguments:
        FILE.write_text(text, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
        print(f"{FILE.name} does not list what is linked: run .ci/release/bill.py.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
