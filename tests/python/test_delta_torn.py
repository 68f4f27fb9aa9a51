"""Torn tables, settings that nobody wrote, arguments beyond reason: a sentence, never a traceback."""

import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

import watchspan as ws
from support.events import PETER
from watchspan.cli.app import app

pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")

from deltalake import DeltaTable

from support.commands import RUNNER
from support.delta_tables import Place, rows
from watchspan import delta
from watchspan.delta.engine import DeltaEngine
from watchspan.errors import DataError, OptionError, SourceError, WatchspanError
from watchspan.refresh import PROPERTY

NOTHING_NEW = ("2030-01-01", "2030-01-02")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Made once: each test tears a copy."""
    place = Place(tmp_path_factory.mktemp("made"))
    place.arrive(*(rows(user, "v1", f"of {user}", PETER) for user in ("peter", "ann", "bob")))
    place.update()
    place.update()  # more than one commit, as tables have
    return place


@pytest.fixture
def place(made, tmp_path):
    copy = Place(tmp_path / "copy")
    shutil.copytree(Path(made.raw).parent, tmp_path / "copy")
    copy.arrived = [*made.arrived]
    return copy


def last(folder, pattern):
    return max(Path(folder).glob(pattern))


def _checkpoint(folder):
    DeltaTable(folder).create_checkpoint()
    last(folder, "_delta_log/*.parquet").write_bytes(b"PAR1 no checkpoint PAR1")


def _every(folder, pattern, tear):
    for path in Path(folder).glob(pattern):
        tear(path)


TEARS = {
    "the log": lambda folder: shutil.rmtree(f"{folder}/_delta_log"),
    "the files of the log": lambda folder: _every(folder, "_delta_log/*", os.unlink),
    "the first commit": lambda folder: os.unlink(f"{folder}/_delta_log/{0:020}.json"),
    "a commit between": lambda folder: os.unlink(f"{folder}/_delta_log/{1:020}.json"),
    "half of a commit": lambda folder: last(folder, "_delta_log/*.json").write_text('{"add": {"pa'),
    "a commit of noise": lambda folder: last(folder, "_delta_log/*.json").write_bytes(b"\xff\0" * 99),
    "a commit that is deep": lambda folder: last(folder, "_delta_log/*.json").write_text("[" * 100_000),
    "the checkpoint": _checkpoint,
    "the rows": lambda folder: _every(folder, "*.parquet", os.unlink),
    "half of the rows": lambda folder: _every(
        folder, "*.parquet", lambda path: path.write_bytes(b"PAR1 PAR1")
    ),
    "the folder": lambda folder: (shutil.rmtree(folder), Path(folder).write_text("a file")),
}


@pytest.mark.parametrize("tear", TEARS)
@pytest.mark.parametrize("suffix", ["", "_sessions", "raw"])
def test_torn_tables_are_told(place, suffix, tear):
    folder = place.raw if suffix == "raw" else place.table + suffix
    TEARS[tear](folder)
    before = {path: path.stat().st_mtime_ns for path in Path(folder).rglob("*")}
    calls = [place.update]
    if suffix != "raw":
        calls += [lambda: delta.rescore(place.table), lambda: delta.delete_user(place.table, "ann")]
    for call in calls:
        with pytest.raises(SourceError) as caught:
            call()
        message = str(caught.value)
        assert folder in message or place.table in message or "The table of events" in message
        assert "copy" in message or "no Delta table" in message
        assert "\n" not in message and "<unknown>" not in message and "\x1b" not in message
        assert len(message) < 1500
    # Nothing was written over what may still be of use.
    assert {path: path.stat().st_mtime_ns for path in Path(folder).rglob("*")} == before
    told = RUNNER.invoke(app, ["update", place.raw, place.table], prog_name="watchspan")
    assert (told.exit_code, told.stderr.startswith("Error: ")) == (1, True), told.output


def test_a_folder_of_other_data_is_left_alone(place, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "rows.parquet").write_bytes(b"my data")
    for call in (
        lambda: delta.update(place.raw, folder),
        lambda: delta.write(ws.aggregate(place.arrived[0]), folder),
    ):
        with pytest.raises(SourceError, match=r"mine' holds 'rows.parquet', but no log of a Delta table"):
            call()
    assert [path.name for path in folder.iterdir()] == ["rows.parquet"]
    # What is nobody's data is in nobody's way.
    (folder / "rows.parquet").rename(folder / ".hidden")
    delta.update(place.raw, folder)


@pytest.mark.parametrize("suffix", ["", "_sessions", "_pending"])
def test_tables_of_others_are_not_taken_over(place, suffix):
    """Somebody's own table may have the name that one of ours would have."""
    shutil.rmtree(place.table + suffix)
    DeltaTable.create(place.table + suffix, pa.schema([("userId", pa.string()), ("videoId", pa.string())]))
    for call in (place.update, lambda: delta.rescore(place.table)):
        with pytest.raises(SourceError, match=r"update\(\) did not make|has lost the property"):
            call()
    assert DeltaTable(place.table + suffix).version() == 0


def test_a_lost_list_of_pairs_is_made_again(place, monkeypatch):
    """It may have held what a stopped run left to do."""
    place.arrive(rows("peter", "v1", "of peter", [(200, "play", 120), (230, "pause", 150)]))
    merge = DeltaEngine.merge

    def stopping(engine, table, source):
        if table == "engagement":
            raise ZeroDivisionError
        merge(engine, table, source)

    with monkeypatch.context() as patch:
        patch.setattr(DeltaEngine, "merge", stopping)
        with pytest.raises(ZeroDivisionError):
            place.update()
    shutil.rmtree(place.table + "_pending")
    # A run that stops once the list is there again, but empty, does not lose it once more.
    with monkeypatch.context() as patch:
        patch.setattr(DeltaEngine, "append", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            place.update(*NOTHING_NEW)
    assert place.read("_pending") == []
    assert place.update(*NOTHING_NEW).pairs == 3
    place.check()
    assert place.update(*NOTHING_NEW).pairs == 0


def set_property(path, text):
    DeltaTable(path).alter.set_table_properties({PROPERTY: text}, raise_if_not_exists=False)


WRONG = {
    "torn": '{"version": "0.1", "rules": {',
    "no object": "[]",
    "a number": "7",
    "empty": "",
    "deep": "[" * 100_000,
    "deep objects": '{"rules":' * 50_000,
    "noise": "\u0000\ufffd",
    "rules of text": {"rules": "none"},
    "rules of a list": {"rules": [["tolerance_seconds", 1]]},
    "an unknown rule": {"rules": {"tolerance": 1}},
    "a rule beyond": {"rules": {"tolerance_seconds": float("inf")}},
    "a rule of text": {"rules": {"tolerance_seconds": "5"}},
    "a huge number": {"rules": {"tolerance_seconds": 10**400}},
    "scoring of null": {"scoring": None},
    "a vocabulary of lists": {"vocabulary": ["play"]},
    "a vocabulary of numbers": {"vocabulary": {"play": 1}},
    "a switch of text": {"uniqueSeconds": "yes"},
    "a switch of null": {"videos": None},
    "another switch": {"sessionColumn": 1},
}


@pytest.mark.parametrize("case", WRONG)
def test_settings_that_nobody_wrote_are_told(place, case):
    wrong, kept = WRONG[case], DeltaTable(place.table).metadata().configuration[PROPERTY]
    if isinstance(wrong, dict):
        wrong = json.dumps({**json.loads(kept), **wrong})
    set_property(place.table + "_sessions", wrong)
    before = place.read()
    for call in (
        place.update,
        lambda: delta.rescore(place.table),
        lambda: delta.delete_user(place.table, "ann"),
    ):
        with pytest.raises(
            DataError, match=r"property watchspan.settings is|which version .* does not know"
        ) as caught:
            call()
        assert len(str(caught.value)) < 1500
    assert place.read() == before
    set_property(place.table + "_sessions", kept)
    place.update()
    place.check()


ARGUMENTS = {
    "a table": ({"table": 7}, "table is 7"),
    "no table": ({"table": ""}, "table is ''"),
    "a table with an end": ({"table": "a\0b"}, "table is 'a"),
    "bytes": ({"table": b"raw"}, "table is b'raw'"),
    "raw events": ({"raw": {"userId": []}}, "raw is {'userId'"),
    "storage options": ({"storage_options": [1]}, "storage_options is of type list"),
    "a storage option": ({"storage_options": {"key": 5}}, "a value of type int for 'key'"),
    "threads": ({"threads": 0}, "threads is 0"),
    "a great many threads": ({"threads": 2**70}, "too large|threads is"),
    "a start": ({"start": float("nan")}, "start is nan"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments_beyond_reason_are_refused(place, case):
    options, message = ARGUMENTS[case]
    with pytest.raises(OptionError, match=message):
        delta.update(**{"raw": place.raw, "table": place.table, **options})


def test_secrets_are_not_repeated(place):
    with pytest.raises(OptionError) as caught:
        delta.update(place.raw, place.table, storage_options={"key": b"hush"})
    assert "hush" not in str(caught.value)


def test_more_threads_than_cores_are_no_more_threads(place):
    # Where the system tells.
    before = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0
    engine = DeltaEngine(place.table, threads=10_000)
    engine.stage("one", "SELECT 1 AS one")
    assert not before or len(os.listdir("/proc/self/task")) < before + 200
    engine.close()


USERS = {
    2**63: "user is 9223372036854775808, but user ids in the tables are string",
    -(2**200): "user ids in the tables are string",
    "\ud800": r"user is '\\ud800', which is no text of Unicode",
}


@pytest.mark.parametrize("user", USERS)
def test_users_that_nobody_can_be_are_told(place, user):
    with pytest.raises(OptionError, match=USERS[user]):
        delta.delete_user(place.table, user)


@pytest.mark.parametrize(
    "user", ["o'neil", "\\", "\\'", "''; --", '"', "$", "${x}", "a\0b", "", "ü\u202e", "{}"]
)
def test_users_of_any_name_are_deleted_and_nobody_else(tmp_path, user):
    place = Place(tmp_path)
    place.arrive(
        pa.concat_tables(rows(name, "v1", "s", PETER) for name in (user, "ann", f"{user} too", "\\\\"))
    )
    place.update()
    there = len(place.read())
    assert delta.delete_user(place.table, user).sessions_deleted == (1 if user else 0)
    assert user not in {row["userId"] for row in place.read()}
    assert len(place.read()) == there - bool(user)


def test_integer_users_that_do_not_fit_are_told(tmp_path):
    place = Place(tmp_path)
    table = rows("", "v1", "s1", PETER)
    users = pa.array([7] * table.num_rows, pa.int32())
    place.arrive(table.set_column(table.schema.get_field_index("userId"), "userId", users))
    place.update()
    for user in (2**31, -(2**31) - 1, 2**200):
        with pytest.raises(OptionError, match="user ids in the tables are int32"):
            delta.delete_user(place.table, user)
    assert delta.delete_user(place.table, -(2**31)).pairs == 0
    assert delta.delete_user(place.table, 7).pairs == 1


@pytest.mark.parametrize(
    "uri", ["s3://bucket/table", "http://127.0.0.1:9/table", "nobody://knows/it", "abfss://x"]
)
def test_places_that_cannot_be_reached_are_told(place, uri, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for call in (lambda: delta.update(place.raw, uri), lambda: delta.update(uri, place.table)):
        with pytest.raises(WatchspanError, match=r"cannot be|no Delta table") as caught:
            call()
        assert "\n" not in str(caught.value)
