"""What is known against the packages that watchspan stands on: crates by cargo-deny, Python's by pip-audit.

`make audit` runs it. It fails if something is found, and also if nobody could be asked: silence is no answer.
With `--offline` only what is at hand is asked, and the rest is said to be unknown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

try:
    import tomllib
except ImportError:  # before Python 3.11
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
# What cargo-deny ends with if it had advisories to look at.
LOOKED = ("advisories ok", "advisories FAILED")


def main() -> int:
    """Asks all, says what they say, and returns 0 if all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cargo-deny", required=True, help="the program")
    parser.add_argument("--offline", action="store_true", help="ask only what is at hand")
    given = parser.parse_args()
    results = [_rules(given.cargo_deny), _crates(given.cargo_deny, given.offline), _packages(given.offline)]
    return 0 if all(results) else 1


def _rules(cargo_deny: str) -> bool:
    done = _run(
        [cargo_deny, "--color", "never", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"]
    )
    print(done.stdout + done.stderr, end="")
    return done.returncode == 0


def _crates(cargo_deny: str, offline: bool) -> bool:
    """Whether nothing is known against a crate."""
    fetching = ["--offline"] if offline else []
    done = _run([cargo_deny, "--color", "never", *fetching, "check", "advisories"])
    told = done.stdout + done.stderr
    if not any(words in told for words in LOOKED):
        return _unknown("The advisories on crates could not be fetched", told, offline)
    print(told, end="")
    return done.returncode == 0


def _packages(offline: bool) -> bool:
    """Whether nothing is known against a package of Python that an installation brings today."""
    what = "The advisories on packages of Python could not be fetched"
    if offline:
        return _unknown(what, "", offline)
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text("\n".join(_requirements()))
        how = ["--progress-spinner", "off", "--format", "json", "--requirement", str(wanted)]
        done = _run([sys.executable, "-m", "pip_audit", *how])
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return _unknown(what, done.stderr, offline)
    silent = [one["name"] for one in found if "skip_reason" in one]
    known = [(one, each) for one in found for each in one.get("vulns", [])]
    for one, each in known:
        fixed = ", ".join(each["fix_versions"]) or "no version"
        print(f"{one['name']} {one['version']}: {each['id']}, mended in {fixed}: {each['description']}")
    print(f"packages of Python: {len(found) - len(silent)} looked up, {len(known)} advisories")
    if silent:
        return _unknown(f"{what} for {len(silent)} of {len(found)}", ", ".join(silent), offline)
    return not known


def _requirements() -> list[str]:
    """What the package and its extras need, and what builds it."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = found["project"]["optional-dependencies"].values()
    return [
        *found["build-system"]["requires"],
        *found["project"]["dependencies"],
        *(r for e in extras for r in e),
    ]


def _unknown(what: str, told: str, offline: bool) -> bool:
    last = [line for line in told.strip().splitlines() if line.strip()][-1:]
    print(f"NOT CHECKED: {what}.", *last)
    return offline


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    raise SystemExit(main())
