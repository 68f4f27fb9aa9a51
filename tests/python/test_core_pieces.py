"""The core in pieces, as other engines call it: each piece against the whole."""

import datetime as dt

import pyarrow as pa
import pytest

import watchspan as ws
from support.core_calls import (
    MICROS,
    START,
    START_MICROS,
    batches,
    furthest,
    random_events,
    rows,
)
from watchspan import _core, sources

# Spark's layout.


def round_trip(batch):
    laid_out = _core.to_spark_layout(batch)
    laid_out.validate(full=True)
    back = _core.from_spark_layout(laid_out)
    back.validate(full=True)
    return laid_out, back


@pytest.mark.parametrize("unique_seconds", [True, False])
def test_our_tables_come_back_from_sparks_layout_as_they_went(events, videos, unique_seconds):
    sessions = ws.sessions(events)
    engagement = ws.aggregate(events, videos=videos, unique_seconds=unique_seconds)
    for whole in (sessions, engagement):
        batch = whole.combine_chunks().to_batches()[0]
        for part in (batch, batch.slice(1, 1), batch.slice(1), batch.slice(0, 0), batch.slice(len(batch))):
            laid_out, back = round_trip(part)
            assert back.equals(part)
            assert back.schema.equals(part.schema, check_metadata=True)
            assert not any(pa.types.is_struct(f.type) or is_list_of_structs(f) for f in laid_out.schema)


def is_list_of_structs(field):
    return pa.types.is_list(field.type) and pa.types.is_struct(field.type.value_type)


def test_the_columns_of_sparks_layout(events, videos):
    laid_out = _core.to_spark_layout(ws.sessions(events).combine_chunks().to_batches()[0])
    assert laid_out.schema.names[9:11] == ["watchedIntervals_start", "watchedIntervals_end"]
    assert laid_out.schema.names[-2:] == ["unobserved_start", "unobserved_seconds"]
    spans = laid_out.to_pydict()
    assert spans["watchedIntervals_start"] == [[0.0], [0.0], [0.0]]
    assert spans["watchedIntervals_end"] == [[290.0], [20.0], [120.0]]
    doubles = [
        laid_out.schema.field(name).type for name in spans if name.endswith(("_start", "_end", "_seconds"))
    ]
    assert all(type_.value_type == pa.float64() for type_ in doubles)


@pytest.mark.parametrize("width", [pa.int8(), pa.uint8(), pa.int32(), pa.uint32(), pa.int64()])
def test_integer_keys_are_int64_in_sparks_layout(events, width):
    codes = pa.array([len(user) for user in events["userId"].to_pylist()], width)
    whole = ws.aggregate(events.set_column(1, "userId", codes))
    laid_out, back = round_trip(whole.combine_chunks().to_batches()[0])
    assert laid_out.schema.field("userId").type == pa.int64()
    assert laid_out.schema.field("videoId").type == pa.string()
    assert back.to_pydict() == whole.to_pydict()


def test_lists_that_another_engine_wrote_anew_come_back(events):
    """Engines name list items as they like, and some give lists 64-bit offsets."""
    whole = ws.sessions(events).combine_chunks().to_batches()[0]
    laid_out = _core.to_spark_layout(whole)
    element = pa.list_(pa.field("element", pa.float64(), nullable=False))
    for kind in (element, pa.large_list(pa.float64())):
        columns, fields = [], []
        for field, column in zip(laid_out.schema, laid_out.columns):
            rewritten = field.name.endswith("_start")
            columns.append(pa.array(column.to_pylist(), kind) if rewritten else column)
            fields.append(pa.field(field.name, columns[-1].type, field.nullable))
        mixed = pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))
        assert _core.from_spark_layout(mixed).to_pydict() == whole.to_pydict()


def test_halves_that_do_not_fit_are_refused():
    batch = pa.RecordBatch.from_arrays(
        [pa.array([[0.0], [1.0, 2.0]]), pa.array([[1.0], [2.0]])], ["x_start", "x_end"]
    )
    with pytest.raises(ws.errors.DataError, match="row 1"):
        _core.from_spark_layout(batch)


@pytest.mark.parametrize(
    "function", [_core.to_spark_layout, _core.from_spark_layout, lambda batch: _core.within(batch, None)]
)
def test_only_a_record_batch_will_do(function):
    for other in ({"x": [1]}, pa.table({"x": [1]}), None):
        with pytest.raises(ws.errors.SourceError, match="record batches are needed"):
            function(other)


def test_sparks_layout_is_enough_for_engagement(events, videos):
    sessions = ws.sessions(events)
    back = [_core.from_spark_layout(_core.to_spark_layout(batch)) for batch in sessions.to_batches()]
    expected = ws.engagement(sessions, videos=videos)
    assert ws.engagement(pa.Table.from_batches(back), videos=videos).equals(expected)


# Events within a span.

SECONDS = [0, 10, 20, 30, None, 15, 15]
FIRST = [0, 0, 0, 0, 0, None, 0]
LAST = [20, 20, 20, 20, 20, 20, None]
INSIDE = [0, 1, 2]


def stamps():
    return [None if second is None else START + dt.timedelta(seconds=second) for second in SECONDS]


def text(stamp):
    return None if stamp is None else stamp.isoformat()


def span_batch(stamped, name="timestamp"):
    def bound(seconds):
        values = [None if second is None else START_MICROS + second * MICROS for second in seconds]
        return pa.array(values, pa.int64())

    columns = {
        "n": pa.array(range(len(SECONDS))),
        "_first": bound(FIRST),
        name: stamped,
        "_last": bound(LAST),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_within_reads_timestamps_of_any_unit_and_zone(unit, zone):
    naive = [None if stamp is None else stamp.replace(tzinfo=None) for stamp in stamps()]
    batch = span_batch(pa.array(naive, pa.timestamp(unit)).cast(pa.timestamp(unit, zone)))
    found = _core.within(batch, None)
    assert found.schema.names == ["n", "timestamp"]
    assert found.to_pydict()["n"] == INSIDE
    assert _core.within(batch.slice(1, 3), None).to_pydict()["n"] == [1, 2]
    assert _core.within(batch.slice(2, 1), None).to_pydict()["n"] == [2]
    assert _core.within(batch.slice(0, 0), None).num_rows == 0


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_within_reads_text(kind):
    texts = [text(stamp) for stamp in stamps()]
    batch = span_batch(
        pa.array(texts).cast(kind) if pa.types.is_large_string(kind) else dictionary(texts, kind)
    )
    assert _core.within(batch, None).to_pydict()["n"] == INSIDE
    odd = ["yesterday", *texts[1:]]
    batch = span_batch(pa.array(odd))
    assert _core.within(batch, None).to_pydict()["n"] == INSIDE[1:]


def dictionary(texts, kind):
    array = pa.array(texts, pa.string())
    return array.dictionary_encode() if pa.types.is_dictionary(kind) else array


def test_within_finds_a_mapped_column_and_both_ends_to_the_microsecond():
    edge = dt.timedelta(microseconds=1)
    moments = [START - edge, START, START + dt.timedelta(seconds=20), START + dt.timedelta(seconds=20) + edge]
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(moments, pa.timestamp("us", "UTC")),
            pa.array([START_MICROS] * 4),
            pa.array([START_MICROS + 20 * MICROS] * 4),
        ],
        ["when", "_first", "_last"],
    )
    found = _core.within(batch, {"timestamp": "when"})
    assert found.to_pydict() == {"when": moments[1:3]}
    with pytest.raises(ws.errors.MissingColumnError, match="timestamp"):
        _core.within(batch, None)


def test_within_says_what_is_missing_or_wrong():
    batch = span_batch(pa.array(stamps(), pa.timestamp("us", "UTC")))
    lacking = pa.RecordBatch.from_arrays(batch.columns[:3], batch.schema.names[:3])
    with pytest.raises(ws.errors.MissingColumnError, match="_last"):
        _core.within(lacking, None)
    wrong = pa.RecordBatch.from_arrays([*batch.columns[:3], batch.columns[2]], batch.schema.names)
    with pytest.raises(ws.errors.ColumnTypeError, match="_last"):
        _core.within(wrong, None)
    with pytest.raises(ws.errors.ColumnTypeError, match="does not say its unit"):
        _core.within(span_batch(pa.array(range(len(SECONDS)))), None)


# Scopes of a window.


def scopes(events, start=None, end=None, columns=None):
    return rows(_core.scopes(sources.read(events, None), columns, None, start, end, None))


def scope(user, session, first, last):
    keys = {"userId": user} if session is None else {"userId": user, "sessionId": session}
    return {**keys, "firstTime": START_MICROS + first * MICROS, "lastTime": START_MICROS + last * MICROS}


def test_scopes_of_the_example(events):
    """The events with a null session id and an unknown name, ann's last two, do not count."""
    assert scopes(events) == [scope("ann", "s2", 0, 320), scope("peter", "s1", 0, 140)]
    assert scopes(events.drop(["sessionId"])) == [scope("ann", None, 0, 330), scope("peter", None, 0, 140)]
    unmapped = scopes(events, columns={"sessionId": None})
    assert unmapped == scopes(events.drop(["sessionId"]))


def test_a_window_has_its_start_and_not_its_end(events):
    at = {second: START_MICROS + second * MICROS for second in (30, 140, 320)}
    assert scopes(events, at[30], at[140]) == [scope("peter", "s1", 30, 130)]
    assert scopes(events, at[140], at[320]) == [scope("ann", "s2", 290, 300), scope("peter", "s1", 140, 140)]
    assert scopes(events, at[320]) == [scope("ann", "s2", 320, 320)]
    assert scopes(events, None, at[30]) == [scope("ann", "s2", 0, 0), scope("peter", "s1", 0, 0)]
    assert scopes(events, at[320] + 1) == []


@pytest.mark.parametrize("seed", range(30))
def test_scopes_are_those_of_the_sessions(seed):
    rng, events, _ = random_events(seed)
    found = scopes(iter(batches(events, rng)))
    expected = {}
    # Session rows together span what their user (and session id) did, however it was cut.
    for row in ws.sessions(events).to_pylist():
        key = (row["userId"], row["sessionId"]) if "sessionId" in events.schema.names else (row["userId"],)
        first, last = micros(row["sessionStart"]), micros(row["sessionEnd"])
        before = expected.get(key, (first, last))
        expected[key] = (min(first, before[0]), max(last, before[1]))
    keys = ["userId", "sessionId"] if "sessionId" in events.schema.names else ["userId"]
    assert {tuple(row[key] for key in keys): (row["firstTime"], row["lastTime"]) for row in found} == expected
    assert len(found) == len(expected)


def micros(moment):
    return (moment - START) // dt.timedelta(microseconds=1) + START_MICROS


@pytest.mark.parametrize("value", ["2026-01-15", 1.5, True, 2**63])
@pytest.mark.parametrize("option", ["start", "end"])
def test_a_bound_is_a_whole_number(events, option, value):
    with pytest.raises(ws.errors.OptionError, match=option):
        scopes(events, **{option: value})


# Nothing at all.


def test_an_iterator_of_nothing_gives_empty_tables():
    assert scopes(iter([])) == []
    assert furthest(iter([])) == []


def test_tables_without_rows_tell_their_columns(events):
    nothing = events.slice(0, 0)
    names = ["userId", "sessionId", "firstTime", "lastTime"]
    for result, expected in (
        (_core.scopes(sources.read(nothing, None), None, None, None, None, None), names),
        (
            _core.furthest(sources.read(nothing, None), None, None, ws.Rules(), None),
            [
                *("videoId", "watchedEnd", "maxPosition"),
                *("reportedSecond", "reportedDuration", "reportingUsers"),
            ],
        ),
    ):
        found, schema = result[:2]
        assert pa.Table.from_batches(found, schema).num_rows == 0
        assert schema.names == expected
        empty = pa.RecordBatch.from_arrays([pa.array([], kind) for kind in schema.types], schema=schema)
        assert _core.from_spark_layout(_core.to_spark_layout(empty)).equals(empty)
