"""The wheel has the licences of what it links and nothing of where it was built; what checks it can fail."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

check_wheels = pytest.importorskip("check_wheels", reason="these tests need the tools in .ci/release/")
licenses = pytest.importorskip("licenses")
bill = pytest.importorskip("bill")

INFO = "watchspan-0.1.0.dist-info"
BILL = f"{INFO}/sboms/watchspan.cyclonedx.json"
POINTS = f"{INFO}/entry_points.txt"
METADATA = "\n".join(
    ["Metadata-Version: 2.4", "Name: watchspan", "Version: 0.1.0", "License-Expression: MIT"]
    + [f"License-File: {name}" for name in check_wheels.LICENSES]
)


def good() -> dict[str, bytes]:
    """What a wheel has to have, without the engine."""
    files = {
        f"{INFO}/licenses/{name}": (check_wheels.ROOT / name).read_bytes() for name in check_wheels.LICENSES
    }
    files[f"{INFO}/METADATA"] = METADATA.encode()
    files.update({f"{name}/__init__.py": b"" for name in check_wheels.PACKAGES})
    files[POINTS] = b"[pytest11]\nwatchspan = pytest_watchspan\n"
    files[BILL] = check_wheels.BILL.read_bytes()
    files["watchspan/_core.abi3.so"] = b"\x7fELF src/lib.rs /crates/rayon-core-1.13.0/src/lib.rs"
    return files


def faults(folder: Path, files: dict[str, bytes], *, unlisted: str | None = None) -> list[str]:
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')},\n"
        for name, content in files.items()
        if name != unlisted
    )
    wheel = folder / "watchspan-0.1.0-cp39-abi3-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {**files, f"{INFO}/RECORD": record.encode()}.items():
            archive.writestr(name, content)
    return list(check_wheels.check(wheel))


def test_a_good_wheel_has_no_faults(tmp_path: Path) -> None:
    assert faults(tmp_path, good()) == []


def test_a_package_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    assert check_wheels.PACKAGES == ["pytest_watchspan", "watchspan"]
    for package in check_wheels.PACKAGES:
        without = {name: text for name, text in good().items() if name != f"{package}/__init__.py"}
        assert faults(tmp_path, without) == [f"it has not the package {package}"]


def test_a_plugin_that_is_not_pointed_to_is_a_fault(tmp_path: Path) -> None:
    fault = "its entry points do not have the plugin of pytest, watchspan=pytest_watchspan"
    assert faults(tmp_path, {name: text for name, text in good().items() if name != POINTS}) == [fault]
    assert faults(tmp_path, {**good(), POINTS: b"[pytest11]\nwatchspan = other\n"}) == [fault]


@pytest.mark.parametrize("name", check_wheels.LICENSES)
def test_a_licence_that_is_missing_or_another_is_a_fault(tmp_path: Path, name: str) -> None:
    file = f"{INFO}/licenses/{name}"
    without = {key: content for key, content in good().items() if key != file}
    assert faults(tmp_path, without) == [f"it has not {name} as it is here"]
    assert faults(tmp_path, {**good(), file: b"All rights reserved."}) == [f"it has not {name} as it is here"]
    unnamed = METADATA.replace(f"License-File: {name}", "Comment: none").encode()
    assert faults(tmp_path, {**good(), f"{INFO}/METADATA": unnamed}) == [f"its metadata does not name {name}"]


def test_metadata_without_a_licence_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, {**good(), f"{INFO}/METADATA": METADATA.replace("-Expression", "").encode()})
    assert "gives the licence as None" in fault


@pytest.mark.parametrize(
    "path",
    [
        str(check_wheels.ROOT / "src/lib.rs"),
        f"path+file://{check_wheels.ROOT}#watchspan@0.1.0",
        str(Path.home() / "x.rs"),
        "/home/ann/.cargo/registry/src/index/rayon-1.12.0/src/lib.rs",
        "/Users/ann/watchspan/src/lib.rs",
        r"C:\Users\ann\watchspan\src\lib.rs",
        "/opt/rust/registry/src/index/rayon-1.12.0/src/lib.rs",
    ],
)
@pytest.mark.parametrize("file", ["watchspan/_core.abi3.so", "watchspan/notes.txt"])
def test_a_path_of_the_machine_is_a_fault(tmp_path: Path, path: str, file: str) -> None:
    found = faults(tmp_path, {**good(), file: b"\x00panicked at\x01" + path.encode() + b"\x00"})
    assert found
    assert all(fault.startswith(f"{file} tells of ") for fault in found)


def test_a_list_of_parts_that_is_missing_or_another_is_a_fault(tmp_path: Path) -> None:
    fault = "it has not watchspan.cyclonedx.json as it is here"
    assert faults(tmp_path, {name: text for name, text in good().items() if name != BILL}) == [fault]
    assert faults(tmp_path, {**good(), BILL: b"{}"}) == [fault]


def test_a_file_that_is_not_recorded_is_a_fault(tmp_path: Path) -> None:
    assert faults(tmp_path, good(), unlisted=BILL) == [f"RECORD does not have {BILL} as it is"]


def test_no_wheel_is_a_fault(tmp_path: Path) -> None:
    assert check_wheels.main([]) == 1


def test_the_installed_package_has_its_licences() -> None:
    package = importlib.metadata.distribution("watchspan")
    assert package.metadata["License-Expression"] == "MIT"
    for name in check_wheels.LICENSES:
        installed = [
            file for file in package.files or () if str(file).endswith(f".dist-info/licenses/{name}")
        ]
        assert [file.read_text(encoding="utf-8") for file in installed] == [
            (check_wheels.ROOT / name).read_text(encoding="utf-8")
        ]


@pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo knows what is linked")
@pytest.mark.parametrize(
    ("tool", "name", "crate"),
    [(licenses, "CRATES", r"^rayon 1.*\n.*\n"), (bill, "FILE", r'^   "name": "rayon",\n')],
    ids=["licences", "list of parts"],
)
def test_a_linked_crate_that_is_not_named_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    tool: ModuleType, name: str, crate: str,
) -> None:  # fmt: skip
    assert tool.main(["--check"]) == 0
    whole = getattr(tool, name).read_text(encoding="utf-8")
    less = re.sub(crate, "", whole, count=1, flags=re.MULTILINE)
    assert less != whole
    file = tmp_path / "less.txt"
    file.write_text(less, encoding="utf-8")
    monkeypatch.setattr(tool, name, file)
    assert tool.main(["--check"]) == 1
    assert "what is linked" in capsys.readouterr().err


def test_the_list_of_parts_names_what_has_a_licence_and_leads_to_each() -> None:
    listed = json.loads(check_wheels.BILL.read_text(encoding="utf-8"))
    names = {f"{part['name']} {part['version']}" for part in listed["components"]}
    texts = [licenses.CRATES, licenses.ROOT / "docs/licenses/javascript.txt"]
    told = "\n".join(file.read_text(encoding="utf-8") for file in texts)
    assert names == set(re.findall(r"^(\S+ \d\S*)\n    ", told, re.MULTILINE))
    edges = {edge["ref"]: edge["dependsOn"] for edge in listed["dependencies"]}
    reached: set[str] = set()
    waiting = [listed["metadata"]["component"]["bom-ref"]]
    while waiting:
        for reference in edges[waiting.pop()]:
            if reference not in reached:
                reached.add(reference)
                waiting.append(reference)
    assert reached == {part["bom-ref"] for part in listed["components"]}


def test_what_has_no_text_is_refused() -> None:
    bare = licenses.Part("bare 1.0", "MIT", "https://example.org", {})
    with pytest.raises(SystemExit, match=r"bare 1\.0 has no licence text"):
        licenses.page([bare], "Parts")


def test_notices_are_there() -> None:
    assert "Apache Arrow\nCopyright" in licenses.CRATES.read_text(encoding="utf-8")
    assert "the Rust standard library" in licenses.TOOLCHAIN.read_text(encoding="utf-8")


@pytest.mark.skipif(
    shutil.which("make") is None or shutil.which("rustc") is None, reason="asks make and rustc"
)
def test_the_profile_is_made_for_the_target_that_it_is_used_for() -> None:
    """A build that names no target has other names of functions; a profile of other names does nothing."""
    printed = subprocess.run(
        ["make", "--dry-run", "--always-make", "wheel"],
        cwd=check_wheels.ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    made = re.findall(r"-Cprofile-generate=.* --target (\S+) ", printed)
    used = re.findall(r"-Cprofile-use=.* --target (\S+) ", printed)
    assert len(made) == len(used) == 1
    assert made == used
