"""pytest in environments of their own: `nox -f tests/noxfile.py -s spark42 -- ARGUMENTS`.

Each is described by a file in `environments/`: its first line names the Python, the others the packages.
What is tested is the wheel in target/ci-wheel. A Python that is neither here nor to be fetched is skipped,
which `-s skipped` tells afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Optional

import nox
from nox.command import CommandFailed

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "target" / "nox"
_DESCRIPTION = re.compile(r"# Python ([\d.]+): ")

REPORTS.mkdir(parents=True, exist_ok=True)
# uv trusts whom the machine trusts, as pip does: its own list knows no certificates of a company's.
for _name in ("UV_SYSTEM_CERTS", "UV_NATIVE_TLS"):  # as newer and older versions call it
    os.environ.setdefault(_name, "1")
nox.options.default_venv_backend = "uv"
nox.options.envdir = str(ROOT / ".nox")
nox.options.error_on_missing_interpreters = False


def environment(described: Path) -> None:
    """Makes a session of a file in `environments/`."""
    name, text = described.stem, described.read_text(encoding="utf-8")
    found = _DESCRIPTION.match(text)
    if found is None:
        raise SystemExit(f"The first line of {described} names no Python, as in '# Python 3.11: for what'.")
    installed = ROOT / ".nox" / name / "packages"

    # What is there is used again until its description changes.
    @nox.session(name=name, python=python_of(found[1]), reuse_venv=is_newer(installed, described))
    def tests(session: nox.Session) -> None:
        session.chdir(ROOT)
        java = java_17(session) if "\npyspark" in text else None
        install(session, installed, described, "-r", str(described))
        wheel = newest_wheel(session)
        install(session, installed.with_name("wheel"), wheel, "--no-deps", "--reinstall", str(wheel))
        env = {"JAVA_HOME": java} if java else {}
        if "\nplaywright" in text:
            env["WATCHSPAN_CHROMIUM"] = chromium(session)
        session.run("python", "-m", "pytest", "-p", "no:cacheprovider", *session.posargs, env=env)


def python_of(version: str) -> str:
    """Where pyenv keeps a Python, in which nobody else looks unless it is chosen; else just the version."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return next((str(path) for path in sorted(versions.glob(f"{version}.*/bin/python"))), version)


def install(session: nox.Session, stamp: Path, source: Path, *arguments: str) -> None:
    """Installs what `source` describes, unless `stamp` says that it was."""
    if not is_newer(stamp, source):
        session.install("--quiet", *arguments)
        stamp.touch()


def is_newer(stamp: Path, source: Path) -> bool:
    return stamp.exists() and stamp.stat().st_mtime >= source.stat().st_mtime


def newest_wheel(session: nox.Session) -> Path:
    wheels = sorted((ROOT / "target" / "ci-wheel").glob("*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        session.error("There is no wheel in target/ci-wheel: `make .venv/package` builds it.")
    return wheels[-1]


def java_17(session: nox.Session) -> str:
    """The home of the Java that all these versions of Spark run on; it is installed where apt can do that."""
    home = _java_17()
    if home is None and shutil.which("apt-get"):
        apt_install(session, "openjdk-17-jre-headless")
        home = _java_17()
    if home is None:
        session.error("Spark needs Java 17, which is not here and cannot be installed: set JAVA_HOME to one.")
    return home


def apt_install(session: nox.Session, package: str) -> None:
    """Installs a package of the system, as root or by sudo."""
    as_root = () if os.getuid() == 0 else ("sudo", "-n")
    for arguments in (("update", "-qq"), ("install", "-y", "-qq", package)):
        session.run(*as_root, "apt-get", *arguments, external=True)


def chromium(session: nox.Session) -> str:
    """The path of the system's Chromium, which is installed where apt can do that.

    Elsewhere Playwright fetches its own, and the path is empty.
    """
    if shutil.which("chromium") is None and shutil.which("apt-get"):
        # Not every system with apt has it as a package, and not everybody may install one.
        with contextlib.suppress(CommandFailed):
            apt_install(session, "chromium")
    found = shutil.which("chromium")
    if found is None:
        session.run("playwright", "install", "chromium")
    return found or ""


def _java_17() -> Optional[str]:
    homes = [Path(os.environ.get("JAVA_HOME", "")), *Path("/usr/lib/jvm").glob("*")]
    on_path = shutil.which("java")
    if on_path:
        homes.insert(1, Path(on_path).resolve().parents[1])
    return next((str(home) for home in homes if _is_java_17(home / "bin" / "java")), None)


def _is_java_17(java: Path) -> bool:
    if not java.is_file():
        return False
    told = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False)
    return 'version "17.' in told.stderr


@nox.session(venv_backend="none")
def skipped(session: nox.Session) -> None:
    """Says which environments were skipped by runs whose reports are in target/nox."""
    for report in sorted(REPORTS.glob("*.json")):
        for run in json.loads(report.read_text(encoding="utf-8"))["sessions"]:
            if run["result"] == "skipped":
                session.warn(f"Nothing ran in the environment {run['name']}: {run['reason']}.")


for _described in sorted((ROOT / "tests" / "environments").glob("*.txt")):
    environment(_described)
