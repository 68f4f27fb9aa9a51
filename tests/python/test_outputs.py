"""What is written is whole or not there, private where it was, and nobody's file by accident."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from watchspan import sources
from watchspan.errors import OptionError, SourceError
from watchspan.sources import outputs

TABLE = pa.table({"a": [1, 2]})
NAMES = ["rows.parquet", "rows.csv", "rows.csv.gz", "rows.CSV.GZ", "rows.jsonl", "rows.arrow"]
posix = pytest.mark.skipif(os.name != "posix", reason="rights and links are those of POSIX")


@pytest.fixture(params=["nameless", "named"])
def kind(request, monkeypatch):
    """How partial files are kept: some file systems have no files without a name."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    return request.param


# Whole or not at all.


@pytest.mark.parametrize("name", NAMES)
def test_only_the_file_is_left(kind, tmp_path, name):
    sources.write(TABLE, tmp_path / "new" / name)
    assert os.listdir(tmp_path / "new") == [name]
    text = (tmp_path / "new" / name).read_bytes()
    assert (gzip.decompress(text) if name.lower().endswith("gz") else text) != b""


@posix
def test_rights_are_those_of_any_new_file_and_of_the_old_one(kind, tmp_path):
    path = tmp_path / "rows.csv"
    before = os.umask(0o027)
    try:
        sources.write(TABLE, path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        sources.write(TABLE, path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


@posix
def test_a_link_is_replaced_and_not_followed(kind, tmp_path):
    (tmp_path / "precious.csv").write_text("precious")
    (tmp_path / "rows.csv").symlink_to("precious.csv")
    sources.write(TABLE, tmp_path / "rows.csv")
    assert (tmp_path / "precious.csv").read_text() == "precious"
    assert not (tmp_path / "rows.csv").is_symlink()
    assert csv.read_csv(tmp_path / "rows.csv").equals(TABLE)


@posix
def test_a_planted_partial_file_is_neither_followed_nor_written(kind, tmp_path, monkeypatch):
    # The worst case: somebody knows the name, by whatever means.
    monkeypatch.setattr(outputs.secrets, "token_hex", lambda count: "0" * 2 * count)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / f".watchspan-{'0' * 32}.part").symlink_to("precious")
    with pytest.raises(SourceError, match="exists"):
        sources.write(TABLE, tmp_path / "rows.csv")
    assert (tmp_path / "precious").read_text() == "precious"


def test_names_of_partial_files_cannot_be_guessed(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    seen = set()
    for _ in range(20):
        with outputs.whole_file(tmp_path / "rows.csv") as stream:
            stream.write(b"x")
            seen |= {name for name in os.listdir(tmp_path) if name.endswith(".part")}
    assert len(seen) == 20


def test_two_writers_of_one_file_do_not_mix(kind, tmp_path):
    path = tmp_path / "rows.csv"
    with outputs.whole_file(path) as one, outputs.whole_file(path) as other:
        one.write(b"one " * 100_000)
        other.write(b"other " * 100_000)
    assert path.read_bytes() == b"one " * 100_000
    assert os.listdir(tmp_path) == ["rows.csv"]


def test_a_name_may_be_as_long_as_the_system_allows(kind, tmp_path):
    path = tmp_path / ("n" * 251 + ".csv")
    sources.check_output(path)
    sources.write(TABLE, path)
    assert path.is_file()
    with pytest.raises(SourceError, match=r"Cannot write '.*nnn\.csv': File name too long"):
        sources.check_output(tmp_path / ("n" * 252 + ".csv"))


@posix
def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("")
    for name, message in {
        "pipe.csv": "a pipe",
        "folder.csv": "is a directory",
        "file/rows.csv": "exists|Not a directory",
    }.items():
        for function in (sources.check_output, lambda path: sources.write(TABLE, path)):
            with pytest.raises(SourceError, match=message):
                function(tmp_path / name)
    assert stat.S_ISFIFO((tmp_path / "pipe.csv").stat().st_mode)


def test_checking_leaves_everything_as_it_is(kind, tmp_path):
    path = tmp_path / "rows.csv"
    sources.check_output(path)
    assert os.listdir(tmp_path) == []
    path.write_text("old")
    sources.check_output(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["rows.csv"]


def test_a_name_that_is_not_utf8_can_be_written(kind, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.parquet"
    with contextlib.suppress(OSError):  # macOS has no such names
        with open(path, "wb"):
            pass
        sources.write(TABLE, path)
        with open(path, "rb") as file:
            assert pq.read_table(file).equals(TABLE)


KILLED = """
import os, sys, time, watchspan
from watchspan.sources import outputs
if sys.argv[2] == "named" and hasattr(os, "O_TMPFILE"):
    del os.O_TMPFILE
with outputs.whole_file(sys.argv[1]) as stream:
    stream.write(b"x" * 10_000_000)
    print("writing", flush=True)
    time.sleep(60)
"""


@posix
def test_nothing_stays_of_a_run_that_was_killed(kind, tmp_path):
    path = tmp_path / "rows.csv"
    program = [sys.executable, "-W", "ignore", "-c", KILLED, str(path), kind]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.kill()
    if kind == "nameless":
        outputs._create(str(tmp_path), "unused")[1] and pytest.skip("this file system knows only names")
        assert os.listdir(tmp_path) == []
        return
    (left,) = os.listdir(tmp_path)
    sources.write(TABLE, path)  # somebody may still be at work on it
    assert sorted(os.listdir(tmp_path)) == sorted([left, "rows.csv"])
    old = time.time() - 2 * 86_400
    os.utime(tmp_path / left, (old, old))
    precious = tmp_path / f"{left}.mine"
    precious.write_text("")
    os.utime(precious, (old, old))
    sources.write(TABLE, path)
    assert sorted(os.listdir(tmp_path)) == sorted(["rows.csv", precious.name])


# Nothing that is read is overwritten.


def test_an_output_that_is_an_input_is_refused_by_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "in.csv"
    path.write_text("a\n1\n")
    (tmp_path / "below").mkdir()
    os.link(path, tmp_path / "hard.csv")
    (tmp_path / "soft.csv").symlink_to(path)
    (tmp_path / "dir").symlink_to("below/..")
    (tmp_path / "below" / "soft.csv").symlink_to("../in.csv")
    names = [
        "in.csv", str(path), path.as_uri(), "below/../in.csv", "hard.csv", "soft.csv", "dir/in.csv", "i*.csv",
        "[i]n.csv", "./**/in.csv", ".", str(tmp_path), tmp_path.as_uri(), "below", "dir",
        path.as_uri().replace("in.csv", "below/../in.csv"), path.as_uri().replace("in.csv", "*n.csv"),
    ]  # fmt: skip
    for given in names:
        outs = ["in.csv", str(path), path.as_uri(), "hard.csv", "soft.csv", "dir/in.csv"]
        for out in outs:
            for inputs in ([given], [["elsewhere.csv", given]], [None, given], [Path(given)]):
                if isinstance(inputs[0], Path) and "://" in given:
                    continue
                with pytest.raises(OptionError, match=f"{out}.*also an input"):
                    sources.refuse_overwriting(out, *inputs)


def test_an_output_among_the_files_of_a_directory_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("a\n")
    for out in (tmp_path / "in" / "new.csv", tmp_path / "in" / "new" / "rows.csv"):
        with pytest.raises(OptionError, match=r"lies in .*also an input"):
            sources.refuse_overwriting(out, tmp_path / "in")
    for out in (tmp_path / "in.csv", tmp_path / "new.csv"):
        sources.refuse_overwriting(out, tmp_path / "in", tmp_path / "missing", None, TABLE)
    sources.refuse_overwriting(
        tmp_path / "in" / "b.csv", tmp_path / "in" / "a.csv", tmp_path / "in" / "a*.csv"
    )


def test_objects_in_a_store_are_compared_by_name():
    s3 = "s3://bucket/days/{}?region=eu-west-1"
    for given in ("in.csv", "./in.csv", "x/../in.csv", "/in.csv"):
        with pytest.raises(OptionError, match="also an input"):
            sources.refuse_overwriting(
                "s3://key:secret@bucket/days/in.csv?region=us-east-1", s3.format(given)
            )
    with pytest.raises(OptionError, match="also an input"):
        sources.refuse_overwriting("s3://bucket/days/new.csv?region=eu-west-1", s3.format(""))
    with pytest.raises(OptionError) as told:
        sources.refuse_overwriting("s3://key:secret@bucket/days/in.csv?region=eu-west-1", s3.format(""))
    assert "secret" not in str(told.value)
    sources.refuse_overwriting("s3://bucket/days/out.csv?region=eu-west-1", s3.format("in.csv"))
    sources.refuse_overwriting("out.csv", s3.format("in.csv"))
    elsewhere = "s3://bucket/days/in.csv?endpoint_override=localhost%3A9000"
    sources.refuse_overwriting(elsewhere, s3.format("in.csv"))


# What text and numbers become.


def test_json_has_no_numbers_that_are_none(tmp_path):
    odd = [float("inf"), -float("inf"), float("nan"), 1.5]
    table = pa.table({"x": odd, "l": [[value] for value in odd], "s": [[{"end": value}] for value in odd]})
    sources.write(table, tmp_path / "rows.jsonl")

    def refuse(name: str) -> None:
        raise AssertionError(name)

    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    rows = [json.loads(line, parse_constant=refuse) for line in lines]
    assert [row["x"] for row in rows] == [None, None, None, 1.5]
    assert [row["l"] for row in rows] == [[None], [None], [None], [1.5]]
    assert rows[0]["s"] == [{"end": None}]
    sources.write(table, tmp_path / "rows.csv")
    found = csv.read_csv(tmp_path / "rows.csv")
    assert json.loads(found["l"][0].as_py(), parse_constant=refuse) == [None]


def test_json_says_what_cannot_be_seen(tmp_path):
    text = "\x1b[31m\x9b31m\u202ecaf\u00e9\u2028\U000e0041\x7f \u0645\u06cc\u200c\u062e"
    sources.write(pa.table({"t": [text], text: [1]}), tmp_path / "rows.jsonl")
    line = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").rstrip("\n")
    assert json.loads(line) == {"t": text, text: 1}
    assert line.isprintable() or set(line) - {"\u200c"} == {c for c in line if c.isprintable()}
    assert "caf\u00e9" in line and "\u06cc\u200c\u062e" in line


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]


def test_formulas_are_escaped_in_csv_where_that_is_asked_for(tmp_path):
    plain = ["ann", "a=1", "", None, "'=1"]
    table = pa.table({"t": FORMULAS + plain, "n": pa.array([-1] * 13), "x": pa.array([-1.5] * 13)})
    dictionary = table.set_column(0, "t", table["t"].dictionary_encode())
    large = table.set_column(0, "t", table["t"].cast(pa.large_string()))
    options = csv.ConvertOptions(strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=False)
    parse = csv.ParseOptions(newlines_in_values=True)
    for given in (table, dictionary, large):
        sources.write(given, tmp_path / "rows.csv", escape_formulas=True)
        found = csv.read_csv(tmp_path / "rows.csv", convert_options=options, parse_options=parse)
        assert found["t"].to_pylist() == [f"'{text}" for text in FORMULAS] + plain
        assert found["n"].to_pylist() == [-1] * 13
    sources.write(table, tmp_path / "rows.csv")
    found = csv.read_csv(tmp_path / "rows.csv", convert_options=options, parse_options=parse)
    assert found["t"].to_pylist() == FORMULAS + plain
    sources.write(table, tmp_path / "rows.parquet", escape_formulas=True)
    assert pq.read_table(tmp_path / "rows.parquet")["t"].to_pylist() == FORMULAS + plain


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is /dev/full")
def test_rows_that_do_not_fit_into_a_temporary_file_are_told(monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: io.FileIO("/dev/full", "wb"))
    (batch,) = TABLE.to_batches()
    with sources.Overflow(batch.nbytes) as rows:
        rows.add(batch)
        with pytest.raises(SourceError, match=r"do not fit.*No space left.*TMPDIR"):
            rows.add(batch)
