"""What the core says a call would give or refuse is what the call gives and refuses."""

import pyarrow as pa
import pytest

import watchspan as ws
from watchspan import _core, columns, errors
from watchspan.planning import aggregate_schema

KEYS = [pa.string(), pa.large_string(), pa.int8(), pa.uint16(), pa.int64(), pa.null()]
SESSION_COLUMNS = [spec["name"] for spec in _core.column_specs("sessions")]
DICTIONARY = pa.dictionary(pa.int32(), pa.string())


def events_schema(key=None, session=True, **types):
    """The schema of events with keys of one type, and some columns of others."""
    chosen = {name: it.type for name, it in columns.EVENTS.items() if it.required or name == "sessionId"}
    keys = dict.fromkeys(("userId", "videoId", "sessionId"), pa.string() if key is None else key)
    chosen.update(keys, **types)
    return pa.schema([(name, kind) for name, kind in chosen.items() if session or name != "sessionId"])


def no_rows(schema):
    return pa.Table.from_batches([], schema)


def told(call):
    """The class and the text of the error that a call ends with."""
    with pytest.raises(errors.WatchspanError) as found:
        call()
    return type(found.value), str(found.value)


@pytest.mark.parametrize("key", [*KEYS, DICTIONARY], ids=str)
@pytest.mark.parametrize("session", [True, False])
@pytest.mark.parametrize("rules", [ws.Rules(), ws.Rules(session_timeout_seconds=60)], ids=["ids", "timeout"])
def test_schemas_are_those_of_the_calls(key, session, rules):
    events = events_schema(key, session)
    made = ws.sessions(no_rows(events), rules=rules).schema.remove_metadata()
    assert _core.sessions_schema(events, None, rules) == made
    engagement = ws.aggregate(no_rows(events), rules=rules).schema.remove_metadata()
    for schema in (
        _core.aggregate_schema(events, None),
        _core.engagement_schema(made),
        _core.output_schema("engagement", made),
        aggregate_schema(events, rules=rules),
    ):
        assert schema == engagement
    keys = pa.schema([made.field(name) for name in ("userId", "videoId", "sessionId")])
    assert _core.output_schema("sessions", keys) == made


def test_the_schemas_of_nothing():
    assert _core.aggregate_schema(None, None) == ws.aggregate(iter(())).schema.remove_metadata()
    for rules in (ws.Rules(), ws.Rules(session_timeout_seconds=60)):
        assert (
            _core.sessions_schema(None, None, rules)
            == ws.sessions(iter(()), rules=rules).schema.remove_metadata()
        )


def test_without_events_names_are_not_looked_up_but_must_be_those_of_columns():
    def schemas(names):
        return _core.aggregate_schema(None, names), _core.sessions_schema(None, names, ws.Rules())

    assert schemas({"userId": "uid", "sessionId": None}) == schemas(None)
    for wrong in ({"user": "uid"}, {"userId": None}):
        expected = told(lambda: _core.aggregate_schema(events_schema(), wrong))  # noqa: B023
        assert expected[0] is errors.OptionError
        assert told(lambda: _core.aggregate_schema(None, wrong)) == expected  # noqa: B023
        assert told(lambda: _core.sessions_schema(None, wrong, ws.Rules())) == expected  # noqa: B023


@pytest.mark.parametrize(
    ("events", "names"),
    [
        (events_schema().remove(0), None),
        (events_schema(timestamp=pa.int64()), None),
        (events_schema(userId=pa.float64()), None),
        (events_schema(currentTime=pa.binary()), None),
        (events_schema(), {"userId": "who"}),
        (events_schema(), {"user": "userId"}),
        (events_schema(), {"userId": None}),
        (events_schema().append(pa.field("userId", pa.string())), None),
        (pa.schema([]), None),
    ],
)
def test_events_that_a_call_refuses_have_no_schema(events, names):
    expected = told(lambda: _core.aggregate(
        no_rows(events), None, names, None, ws.Rules(), ws.Scoring(), True, 1
    ))  # fmt: skip
    assert told(lambda: _core.aggregate_schema(events, names)) == expected
    assert told(lambda: _core.sessions_schema(events, names, ws.Rules())) == expected


@pytest.mark.parametrize("column", [name for name in SESSION_COLUMNS if name != "uniqueSecondsWatched"])
def test_session_rows_that_engagement_refuses_have_no_schema(column):
    whole = _core.sessions_schema(None, None, ws.Rules())
    place = whole.names.index(column)
    for broken in (whole.remove(place), whole.set(place, pa.field(column, pa.binary()))):
        expected = told(lambda: ws.engagement(no_rows(broken)))  # noqa: B023 - it is called here
        assert told(lambda: _core.engagement_schema(broken)) == expected  # noqa: B023


def test_unique_seconds_follow_from_the_intervals_and_are_not_read():
    whole = _core.sessions_schema(None, None, ws.Rules())
    without = whole.remove(whole.names.index("uniqueSecondsWatched"))
    assert _core.engagement_schema(without) == ws.engagement(no_rows(without)).schema.remove_metadata()


def test_only_the_keys_decide_what_a_kept_table_looks_like():
    keys = pa.schema([("userId", pa.int32()), ("videoId", pa.string()), ("sessionId", pa.string())])
    assert _core.output_schema("engagement", keys).field("userId").type == pa.int32()
    with pytest.raises(errors.MissingColumnError, match="sessionId"):
        _core.output_schema("engagement", keys.remove(2))
    with pytest.raises(errors.OptionError, match='table is "retention", but sessions or engagement'):
        _core.output_schema("retention", keys)


# Videos.

WATCHED = {
    "timestamp": pa.array([0], pa.timestamp("us", "UTC")),
    "userId": pa.array(["ann"]),
    "eventName": pa.array(["play"]),
    "currentTime": pa.array([0.0]),
}


def aggregated(videos, names, key):
    """The computation over an event on a video whose id is of the type `key`."""
    video = pa.array([1 if pa.types.is_integer(key) else "1"], key)
    events = pa.table({**WATCHED, (names or {}).get("videoId", "videoId"): video})
    return _core.aggregate(events, videos, names, None, ws.Rules(), ws.Scoring(), True, 1)


@pytest.mark.parametrize("key", [pa.string(), pa.int32()], ids=str)
@pytest.mark.parametrize(
    ("row", "names"),
    [
        ({"videoId": "1", "duration": 5.0}, None),
        ({"videoId": 1, "duration": 5, "durationSource": "estimated", "title": None}, None),
        ({"videoId": "1"}, None),
        ({"duration": 5.0}, None),
        ({"videoId": 1.5, "duration": 5.0}, None),
        ({"videoId": "1", "duration": "long"}, None),
        ({"videoId": "1", "duration": 5.0, "title": 7}, None),
        ({"asset": 1, "length": 5.0}, {"videoId": "asset", "duration": "length"}),
        ({"asset": 1, "length": 5.0}, {"videoId": "asset", "duration": "size"}),
        ({"videoId": 1, "duration": 5.0}, {"videoId": "asset"}),
        ({"videoId": "1", "duration": 5.0}, {"duration": None}),
        ({"videoId": None, "duration": None}, None),
    ],
)
def test_columns_of_videos_are_refused_as_by_the_call(key, row, names):
    videos = pa.Table.from_pylist([row])
    try:
        aggregated(videos, names, key)
    except errors.WatchspanError as error:
        expected = type(error), str(error)
        assert told(lambda: _core.check_videos_schema(videos.schema, names, key)) == expected
    else:
        _core.check_videos_schema(videos.schema, names, key)


def test_a_key_of_no_type_that_keys_have_is_told():
    with pytest.raises(errors.ColumnTypeError, match=r"videoId.*Float64"):
        _core.check_videos_schema(columns.videos_schema(pa.string()), None, pa.float64())


def test_rows_of_videos_are_refused_as_by_the_call():
    good = pa.table({"videoId": ["a", "b", "b"], "duration": [1.0, 2.0, 2.0]})
    _core.check_videos(good, None)
    bad = pa.table({"videoId": ["a", "b", "b"], "duration": [1.0, 2.0, 3.0]})
    for broken in (bad, iter(bad.to_batches()), pa.table({"videoId": ["a"]})):
        kept = list(broken) if not isinstance(broken, pa.Table) else broken
        again = (lambda: iter(kept)) if isinstance(kept, list) else (lambda: kept)  # noqa: B023
        expected = told(lambda: aggregated(again(), None, pa.string()))  # noqa: B023
        assert told(lambda: _core.check_videos(again(), None)) == expected  # noqa: B023


# Options, and what is no schema.


def test_options_are_refused_as_by_the_call():
    events = events_schema()
    for options in (
        {"vocabulary": "nobody's"},
        {"vocabulary": {"go": "fly"}},
        {"columns": {"user": "userId"}},
        {"rules": 1},
        {"scoring": 1},
        {"unique_seconds": 1},
        {"threads": 0},
        {"threads": 5000},
        {"memory_limit": "much"},
    ):
        expected = told(lambda: ws.aggregate(no_rows(events), **options))  # noqa: B023 - it is called here
        assert told(lambda: aggregate_schema(events, **options)) == expected  # noqa: B023


@pytest.mark.parametrize("other", [None, 1, "text", [], object(), pa.string], ids=repr)
def test_what_is_no_schema_is_told(other):
    with pytest.raises(errors.SourceError, match="is needed, but this is of type"):
        _core.engagement_schema(other)
    with pytest.raises(errors.SourceError, match="is needed, but this is of type"):
        _core.check_videos_schema(columns.videos_schema(pa.string()), None, other)


def test_a_type_is_no_schema():
    with pytest.raises(errors.SourceError, match="single column"):
        _core.engagement_schema(pa.string())
