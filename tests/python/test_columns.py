"""Input columns are defined once, in the core: the package has no list of its own."""

import ast
from pathlib import Path

import pyarrow as pa
import pytest

import watchspan as ws
from watchspan import _core, columns

PACKAGE = Path(ws.__file__).parent
# The sample makes events rather than reading them.
OWN_LISTS = {"sample/__init__.py", "testing/compact.py", "viewings.py"}
# A query is told three of the columns of videos, and takes no estimates.
OWN_LISTS_OF_VIDEOS = {"kql/videos.py"}
FAMILIES = {
    "instant": pa.timestamp("us", "UTC"),
    "key": pa.string(),
    "seconds": pa.float64(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "text": pa.string(),
}


def test_every_column_has_a_family_and_the_type_of_that():
    specs = _core.input_column_specs()
    assert {spec["family"] for spec in specs} == set(FAMILIES)
    for spec in specs:
        assert spec["type"] == FAMILIES[spec["family"]], spec["name"]
        assert len({other["accepted"] for other in specs if other["family"] == spec["family"]}) == 1


@pytest.mark.parametrize("column", columns.ALL.values(), ids=lambda c: c.name)
def test_the_core_reads_a_column_of_the_type_that_it_names(column):
    events = pa.schema([(name, it.type) for name, it in columns.EVENTS.items()])
    tables = {"events": events, "videos": columns.videos_schema(pa.string())}
    read = {name: pa.Table.from_batches([], schema) for name, schema in tables.items()}
    ws.aggregate(read["events"], videos=read["videos"])
    place = read[column.table].column_names.index(column.name)
    read[column.table] = read[column.table].set_column(place, column.name, pa.array([], pa.binary()))
    with pytest.raises(ws.errors.ColumnTypeError, match=f"{column.name}.*Binary"):
        ws.aggregate(read["events"], videos=read["videos"])


def test_which_columns_are_numbers_follows_from_their_family():
    numbers = {name for name, it in columns.ALL.items() if it.is_number}
    assert numbers == {"currentTime", "playbackRate", "seekFrom", "sequence", "videoDuration", "duration"}


def test_both_tables_have_the_key_of_the_videos():
    assert list(columns.ALL) == list(dict.fromkeys([*columns.EVENTS, *columns.VIDEOS]))
    assert list(columns.VIDEOS) == ["videoId", "duration", "durationSource", "title"]
    assert columns.VIDEOS["videoId"] is columns.EVENTS["videoId"]
    assert columns.videos_schema(pa.int64()).field("videoId").type == pa.int64()


def named(path):
    """The texts in a module that are a name and nothing else, those of its documentation left out."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }


def listed(path):
    """What each list, tuple, set, dictionary and call in a module names, as far as it is plain text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            parts = node.args
        else:
            parts = getattr(node, "elts", None) or getattr(node, "keys", None) or []
        yield {part.value for part in parts if isinstance(part, ast.Constant)}


def modules():
    paths = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    assert len(paths) > 60
    return paths


def test_no_module_has_a_list_of_the_columns_of_videos_of_its_own():
    # Each of them is a word that other tables and messages have too; the key and two more are a list.
    found = {
        name
        for name, path in modules().items()
        if any("videoId" in names and len(names & {*columns.VIDEOS}) > 2 for names in listed(path))
    }
    assert found == OWN_LISTS_OF_VIDEOS


def test_no_module_has_a_list_of_input_columns_of_its_own():
    # Only events have these columns, so whoever names one knows something of them that the core should say;
    # but for what looks for them in raw records, which knows what others call them.
    telling = {"currentTime", "playbackRate", "seekFrom"}
    found = {name for name, path in modules().items() if telling & named(path)}
    looking = {name for name in found if name.startswith("checking/")}
    assert looking and found - looking == OWN_LISTS
