"""Writes the licences of what the wheel links: `python .ci/release/licenses.py [--check] [--toolchain]`.

The core links crates, Rust's standard library and, where zig links it, zig's runtime, so their terms have
to come with it. docs/licenses/crates.txt follows from Cargo.lock. docs/licenses/toolchain.txt, which
`--toolchain` is about, follows from the Rust and the zig that a release is made with, so it needs rustup's
rust-src and the package ziglang. With `--check` nothing is written, and the exit code is 1 if the file
would be another.
"""

from __future__ import annotations

import argparse
import html
import importlib.util
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CRATES = ROOT / "docs/licenses/crates.txt"
TOOLCHAIN = ROOT / "docs/licenses/toolchain.txt"
# What wheels are made for: some crates are linked on one system only.
TARGETS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-gnu",
)
TERMS = re.compile(r"licen[cs]e|copying|notice|copyright|unlicense", re.IGNORECASE)
RULE = "=" * 80


@dataclass(frozen=True)
class Part:
    """Something that is linked: its name and version, terms, address, and texts by their files' names."""

    name: str
    terms: str
    address: str
    texts: dict[str, str]


def crates() -> list[Part]:
    """The crates that are linked for any of the targets, each with all texts that its package has."""
    return _linked(ROOT / "Cargo.toml", "watchspan")


def toolchain() -> list[Part]:
    """Rust's standard library and the crates in it, and what zig adds."""
    sysroot = Path(_output("rustc", "--print", "sysroot").strip())
    manifest = sysroot / "lib/rustlib/src/rust/library/Cargo.toml"
    if not manifest.exists():
        raise SystemExit("The standard library's sources are needed: rustup component add rust-src")
    return [
        _standard_library(sysroot / "share/doc/rust"),
        *_linked(manifest, "std", "--features", "backtrace,panic-unwind"),
        _zig(),
    ]


def _linked(manifest: Path, root: str, *features: str) -> list[Part]:
    """What a package of that workspace links, for all targets. What is in its tree has its own terms."""
    command = (
        "metadata",
        "--format-version=1",
        "--all-features",
        "--locked",
        "--manifest-path",
        str(manifest),
    )
    packages = json.loads(_cargo(*command))["packages"]
    found = {(package["name"], package["version"]): package for package in packages}
    parts = []
    for key in sorted(_names(manifest, root, *features)):
        package = found[key]
        texts = {} if package["name"] == root else _texts(Path(package["manifest_path"]).parent)
        if not texts and package["source"] is None:
            continue
        if not texts and "Apache-2.0" in package["license"]:
            texts = {"the Apache License": _apache(found)}
        if not texts:
            texts = _sibling(package, found)
        address = package["repository"] or package["homepage"] or "https://crates.io"
        parts.append(Part(f"{package['name']} {package['version']}", package["license"], address, texts))
    return parts


def _names(manifest: Path, root: str, *features: str) -> set[tuple[str, str]]:
    """Names and versions of what is linked: what tests, builds and macros need is not."""
    names = set()
    for target in TARGETS:
        tree = _cargo(
            "tree", "--locked", "--manifest-path", str(manifest), "--package", root, *features,
            "--target", target, "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}",
        )  # fmt: skip
        for line in tree.splitlines():
            name, version, *_ = line.split()
            names.add((name, version.removeprefix("v")))
    return names


def _texts(folder: Path) -> dict[str, str]:
    """A package's texts, or those of the folder around it, where several share them."""
    return _texts_in(folder) or _texts_in(folder.parent)


def _texts_in(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and TERMS.match(path.name))
    return {path.name: path.read_text(encoding="utf-8") for path in files}


def _apache(packages: dict[tuple[str, str], dict[str, str]]) -> str:
    """The licence's own text, for crates that come without it."""
    (rayon,) = (package for package in packages.values() if package["name"] == "rayon")
    return _texts(Path(rayon["manifest_path"]).parent)["LICENSE-APACHE"]


def _sibling(package: dict[str, str], packages: dict[tuple[str, str], dict[str, str]]) -> dict[str, str]:
    """The texts of a crate of the same source and terms, for one that comes without; none if none has any."""
    for other in packages.values():
        if (other["repository"], other["license"]) == (package["repository"], package["license"]):
            texts = _texts(Path(other["manifest_path"]).parent)
            if texts:
                return texts
    return {}


def _standard_library(documents: Path) -> Part:
    library = (documents / "COPYRIGHT-library.html").read_text(encoding="utf-8")
    start = library.index("The Rust Standard Library is dual-licensed")
    own = _plain(library[start : library.index('<h2 id="out-of-tree')])
    texts = {"COPYRIGHT": re.sub(r"\n\s*\n", "\n", own)}
    for name in ("Apache-2.0.txt", "MIT.txt", "Unicode-3.0.txt"):
        texts[name] = (documents / "licenses" / name).read_text(encoding="utf-8")
    version = _output("rustc", "--version").split()[1]
    name = f"the Rust standard library {version}"
    return Part(name, "MIT OR Apache-2.0", "https://www.rust-lang.org", texts)


def _plain(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def _zig() -> Part:
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        raise SystemExit("zig is needed: pip install ziglang")
    folder = Path(found.origin).parent
    version = _output(str(folder / "zig"), "version").strip()
    files = {
        "LICENSE": "LICENSE",
        "LICENSE.TXT of libunwind": "lib/libunwind/LICENSE.TXT",
        "COPYING of mingw-w64, for Windows": "lib/libc/mingw/COPYING",
    }
    texts = {name: (folder / file).read_text(encoding="utf-8") for name, file in files.items()}
    name = f"compiler_rt, libunwind and mingw-w64 of zig {version}"
    return Part(name, "MIT, Apache-2.0 WITH LLVM-exception, ZPL-2.1", "https://ziglang.org", texts)


def page(parts: list[Part], what: str) -> str:
    """The parts, and then each text once, as most crates have the same few."""
    texts: dict[str, str] = {}  # by their words, as they come with other line breaks
    owners: dict[str, list[str]] = {}
    for part in parts:
        if not part.texts:
            raise SystemExit(f"{part.name} has no licence text: say where it is, or why it needs none.")
        for file, text in part.texts.items():
            words = " ".join(text.split())
            texts.setdefault(words, text)
            owners.setdefault(words, []).append(f"{file} of {part.name}")
    numbers = {words: number for number, words in enumerate(texts, 1)}
    lines = [
        f"{what}, as licenses.py found it.",
        "",
        "The texts are below, by their numbers.",
        "",
    ]
    for part in parts:
        found = ", ".join(str(numbers[" ".join(text.split())]) for text in part.texts.values())
        lines += [part.name, f"    {part.terms}; {part.address}; texts: {found}"]
    for words, text in texts.items():
        lines += ["", RULE, f"{numbers[words]}. {', '.join(owners[words])}", RULE, ""]
        lines += [line.rstrip() for line in text.strip("\n").splitlines()]
    return "\n".join(lines) + "\n"


def _cargo(*command: str) -> str:
    # The library's workspace uses features of cargo that are not stable yet.
    return _output("cargo", *command, environment={"RUSTC_BOOTSTRAP": "1"})


def _output(*command: str, environment: dict[str, str] | None = None) -> str:
    environment = {**os.environ, **(environment or {})}
    done = subprocess.run(
        command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return done.stdout


def main(arguments: list[str]) -> int:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("--toolchain", action="store_true", help="the toolchain's licences, not the crates'")
    options = parser.parse_args(arguments)
    if options.toolchain:
        path, text = TOOLCHAIN, page(toolchain(), "What the compiler and the linker add to watchspan's core")
    else:
        path, text = CRATES, page(crates(), "The crates in watchspan's core")
    if not options.check:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        print(f"{path.name} does not say what is linked: run .ci/release/licenses.py.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
