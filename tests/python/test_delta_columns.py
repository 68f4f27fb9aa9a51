"""Columns of the kept tables that are not ours: they keep their values, and never stand in our way."""

from datetime import timedelta

import pyarrow as pa
import pytest

import watchspan as ws
from support.events import PETER, START

pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")

from deltalake import DeltaTable, Field, write_deltalake
from deltalake.schema import Schema

from support.delta_tables import VIDEOS, Place, rows
from watchspan import delta

DAY = timedelta(days=1)
SUFFIXES = ("", "_sessions", "_pending")
LATER = [(200, "play", 120), (230, "pause", 150)]


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    place.arrive(rows("peter", "v1", "s1", PETER), rows("ann", "v1", "s2", PETER, start=START + DAY))
    place.update(videos=VIDEOS)
    return place


def add(path, *fields):
    DeltaTable(path).alter.add_columns(Schema.from_arrow(pa.schema(fields)).fields)


def more(place, **options):
    """An old pair gets new events, and a new one comes."""
    place.arrive(rows("peter", "v1", "s1", LATER), rows("bob", "v1", "s3", PETER))
    done = place.update(**{"videos": VIDEOS, **options})
    assert done.pairs == 3
    return done


def ours(place, suffix, names):
    return [{name: row[name] for name in names} for row in place.kept(suffix)]


def assert_right(place):
    everything = pa.concat_tables(place.arrived)
    for suffix, expected in (
        ("", ws.aggregate(everything, videos=VIDEOS)),
        ("_sessions", ws.sessions(everything)),
    ):
        assert ours(place, suffix, expected.column_names) == expected.to_pylist()
    assert place.read("_pending") == []


def fill(path, columns):
    """Adds columns, all of whose rows have the same value."""
    add(path, *(pa.field(name, kind) for name, (kind, _) in columns.items()))
    rows = pa.table(DeltaTable(path).scan())
    for name, (kind, value) in columns.items():
        values = pa.array([value] * rows.num_rows, kind)
        rows = rows.set_column(rows.schema.get_field_index(name), name, values)
    write_deltalake(path, rows, mode="overwrite")


# Names that statements of ours use for helpers and keys, and such as have to be quoted; all kinds of values.
THEIRS = {
    **dict.fromkeys(
        ("_delete", "_scopeId", "_storedEvents", "_first", "scopeId", "startTime"), (pa.string(), "mine")
    ),
    **dict.fromkeys(("my note", "a.b", "it's", 'say "so"', "`tick`", "${x}", "ünï"), (pa.string(), "mine")),
    "whole": (pa.int64(), 7),
    "day": (pa.date32(), START.date()),
    "time": (pa.timestamp("us", "UTC"), START),
    "switch": (pa.bool_(), True),
    "number": (pa.float64(), 1.5),
    # With parts named like ours, under the names by which a merge calls its two sides.
    "s": (pa.struct([("userId", pa.string()), ("_delete", pa.bool_())]), {"userId": "x", "_delete": True}),
    "t": (pa.struct([("userId", pa.string()), ("videoId", pa.string())]), {"userId": "x", "videoId": "y"}),
}


def test_columns_of_users_keep_their_values(place):
    for suffix in SUFFIXES:
        fill(place.table + suffix, THEIRS)
    more(place)
    mine = {name: value for name, (_, value) in THEIRS.items()}
    for suffix in ("", "_sessions"):
        found = {row["userId"]: {name: row[name] for name in mine} for row in place.read(suffix)}
        assert found == {"ann": mine, "peter": mine, "bob": dict.fromkeys(mine)}
    assert_right(place)
    delta.rescore(place.table, videos=VIDEOS, scoring=ws.Scoring.additive())
    assert {row["userId"]: row["day"] for row in place.read()} == {
        "ann": START.date(),
        "peter": START.date(),
        "bob": None,
    }
    assert delta.delete_user(place.table, "ann", videos=VIDEOS).sessions_deleted == 1
    assert {row["userId"] for row in place.read()} == {"bob", "peter"}


def test_a_newer_edition_may_know_more_columns_and_more_of_an_interval(place):
    """As a newer watchspan would leave them: another column, and another part of a nested one."""
    for suffix in ("", "_sessions"):
        path = place.table + suffix
        old = pa.table(DeltaTable(path).scan())
        index = old.schema.get_field_index("watchedIntervals")
        part = pa.struct([("start", pa.float64()), ("end", pa.float64()), ("rate", pa.float64())])
        intervals = [
            [{**pair, "rate": 2.0} for pair in pairs] for pairs in old["watchedIntervals"].to_pylist()
        ]
        newer = old.set_column(index, "watchedIntervals", pa.array(intervals, pa.list_(part)))
        newer = newer.append_column("attention", pa.array([0.5] * old.num_rows))
        write_deltalake(path, newer, mode="overwrite", schema_mode="overwrite")
    more(place)
    for suffix in ("", "_sessions"):
        found = {row["userId"]: row for row in place.read(suffix)}
        assert {user: row["attention"] for user, row in found.items()} == {
            "ann": 0.5,
            "bob": None,
            "peter": 0.5,
        }
        for row in found.values():
            for pair in row["watchedIntervals"]:
                pair.pop("rate")
    expected = ws.aggregate(pa.concat_tables(place.arrived), videos=VIDEOS)
    assert [
        [{name: pair[name] for name in ("start", "end")} for pair in row["watchedIntervals"]]
        for row in place.kept()
    ] == expected["watchedIntervals"].to_pylist()


def test_columns_of_ours_in_another_case_are_ours(place):
    for suffix in SUFFIXES:
        path = place.table + suffix
        old, settings = pa.table(DeltaTable(path).scan()), DeltaTable(path).metadata().configuration
        lower = old.rename_columns([name.lower() for name in old.column_names])
        write_deltalake(path, lower, mode="overwrite", schema_mode="overwrite")
        assert DeltaTable(path).metadata().configuration == settings
    more(place)
    delta.rescore(place.table, videos=VIDEOS)
    everything = pa.concat_tables(place.arrived)
    for suffix, expected in (
        ("", ws.aggregate(everything, videos=VIDEOS)),
        ("_sessions", ws.sessions(everything)),
    ):
        lower = [{name.lower(): value for name, value in row.items()} for row in expected.to_pylist()]
        assert place_rows(place, suffix) == lower
    assert delta.delete_user(place.table, "bob", videos=VIDEOS).sessions_deleted == 1


def place_rows(place, suffix):
    rows = pa.table(DeltaTable(place.table + suffix).scan()).drop_columns(["processedat"]).to_pylist()
    return sorted(rows, key=lambda row: row["userid"])


def replaced(path, schema, *, drop=()):
    """Makes a table anew with other columns, without rows of its own, under the same property."""
    old = DeltaTable(path)
    DeltaTable.create(
        path,
        Schema([*(field for field in old.schema().fields if field.name not in drop), *schema]),
        mode="overwrite",
        configuration=dict(old.metadata().configuration),
        raise_if_key_not_exists=False,
    )


def test_a_column_that_must_not_be_null_is_named_and_nothing_is_lost(place):
    replaced(place.table, [Field("owner", "string", nullable=False)])
    message = r"engagement'.* refuses the rows that watchspan writes.* must not be null.*drop that"
    for _ in range(2):
        with pytest.raises(ws.errors.DataError, match=message):
            place.update(videos=VIDEOS)
    replaced(place.table, [], drop=["owner"])
    # What the failed runs noted down is settled by the next one.
    assert place.update("2030-01-01", videos=VIDEOS).pairs == 2
    assert_right(place)


def test_generated_columns_are_named(place):
    replaced(
        place.table, [Field("twice", "double", metadata={"delta.generationExpression": "totalWatchTime * 2"})]
    )
    with pytest.raises(ws.errors.SourceError, match=r"generated column 'twice'.* keep the table with Spark"):
        place.update(videos=VIDEOS)
    replaced(place.table, [], drop=["twice"])
    place.update(videos=VIDEOS)
    assert_right(place)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tables_without_their_keys_are_refused(place, suffix):
    replaced(place.table + suffix, [], drop=["userId"])
    for work in (
        lambda: place.update(videos=VIDEOS),
        lambda: delta.rescore(place.table, videos=VIDEOS),
        lambda: delta.delete_user(place.table, "ann", videos=VIDEOS),
    ):
        with pytest.raises(
            ws.errors.SourceError, match="table has no column 'userId', which tells its rows apart"
        ):
            work()


def test_written_results_keep_columns_of_users(tmp_path):
    place = Place(tmp_path)
    ann, peter = (ws.aggregate(rows(user, "v1", "s", PETER)) for user in ("ann", "peter"))
    delta.write(ann, place.table)
    add(place.table, pa.field("note", pa.string()))
    DeltaTable(place.table).update(updates={"note": "'mine'"})
    delta.write(pa.concat_tables([ann, peter]), place.table, mode="merge")
    assert {row["userId"]: row["note"] for row in place.read()} == {"ann": "mine", "peter": None}
    delta.write(peter, place.table, mode="append")
    assert [row["note"] for row in place.read() if row["userId"] == "peter"] == [None, None]
    for by, message in (
        ("tier", "no column 'tier'; there are userId"),
        (["userId", 1], "is needed"),
        (7, "is 7"),
    ):
        with pytest.raises(ws.errors.OptionError, match=message):
            delta.write(peter, place.table, partition_by=by)
