"""The wheel has the licences of what it links and nothing of where it was built; what checks it can fail."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

check_wheels = pytest.importorskip("check_wheels", reason="these tests need the tools in release/")
licenses = pytest.importorskip("licenses")

INFO = "watchspan-0.1.0.dist-info"
BILL = f"{INFO}/sboms/watchspan.cyclonedx.json"
METADATA = "\n".join(
    ["Metadata-Version: 2.4", "Name: watchspan", "Version: 0.1.0", "License-Expression: MIT"]
    + [f"License-File: {name}" for name in check_wheels.LICENSES]
)


def linked() -> list[tuple[str, str]]:
    return re.findall(r"^(\S+) (\d\S*)\n    ", licenses.CRATES.read_text(encoding="utf-8"), re.MULTILINE)


def good() -> dict[str, bytes]:
    """What a wheel has to have, without the engine."""
    crates = [{"name": name, "version": version} for name, version in linked()]
    files = {
        f"{INFO}/licenses/{name}": (check_wheels.ROOT / name).read_bytes() for name in check_wheels.LICENSES
    }
    files[f"{INFO}/METADATA"] = METADATA.encode()
    files[BILL] = json.dumps({"components": crates}).encode()
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


def test_a_list_of_parts_that_lacks_one_is_a_fault(tmp_path: Path) -> None:
    (first, version), *rest = linked()
    bill = json.dumps({"components": [{"name": name, "version": number} for name, number in rest]}).encode()
    assert faults(tmp_path, {**good(), BILL: bill}) == [f"{BILL} lacks {first} {version}"]
    assert faults(tmp_path, {name: text for name, text in good().items() if name != BILL}) == [
        f"it has no {BILL}"
    ]


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
def test_a_linked_crate_without_its_licence_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert licenses.main(["--check"]) == 0
    file = tmp_path / "crates.txt"
    file.write_text(
        re.sub(r"^rayon 1.*\n.*\n", "", licenses.CRATES.read_text("utf-8"), flags=re.MULTILINE), "utf-8"
    )
    monkeypatch.setattr(licenses, "CRATES", file)
    assert licenses.main(["--check"]) == 1
    assert "crates.txt does not say what is linked" in capsys.readouterr().err


def test_what_has_no_text_is_refused() -> None:
    bare = licenses.Part("bare 1.0", "MIT", "https://example.org", {})
    with pytest.raises(SystemExit, match=r"bare 1\.0 has no licence text"):
        licenses.page([bare], "Parts")


def test_notices_are_there() -> None:
    assert "Apache Arrow\nCopyright" in licenses.CRATES.read_text(encoding="utf-8")
    assert "the Rust standard library" in licenses.TOOLCHAIN.read_text(encoding="utf-8")
