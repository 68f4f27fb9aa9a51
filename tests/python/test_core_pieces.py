"""The core in pieces, as other engines call it: each piece against the whole."""

import datetime as dt
import random

import pyarrow as pa
import pytest

import watchspan as ws
from support.random_streams import any_rules, stream, table
from watchspan import _core, sources

START = dt.datetime(2026, 1, 15, 10, tzinfo=dt.timezone.utc)
START_MICROS = 1_768_471_200_000_000
MICROS = 1_000_000
OPTIONAL = {"seekFrom": [None, 5.0], "playbackRate": [None, 1.0, 2.0], "sequence": [None, 1, 2]}
KNOWN = {"v1": 100.0, "v2": 45.5, "v3": 0.25}


def rows(result):
    """The rows of a result of the core: its batches and their schema."""
    return pa.Table.from_batches(*result[:2]).to_pylist()


def batches(whole, rng):
    return whole.to_batches(max_chunksize=rng.randrange(1, 40))


def random_events(seed):
    rng = random.Random(seed)
    has_session = rng.random() < 0.6
    optional = OPTIONAL if rng.random() < 0.3 else {}
    events = stream(rng, has_session, optional)
    return rng, table(events, list(events[0])), any_rules(rng)


def joined(events, durations, source):
    """The events, each with its video's duration and where that comes from: all from `source`."""
    return joined_as_told(events, {video: (seconds, source) for video, seconds in durations.items()})


def joined_as_told(events, told):
    """The events, each with its video's duration and where that comes from, as `told` by video."""
    pairs = [told.get(video, (None, None)) for video in events["videoId"].to_pylist()]
    found = [seconds for seconds, _ in pairs]
    sources = [None if seconds is None else source for seconds, source in pairs]
    events = events.append_column("_duration", pa.array(found, pa.float64()))
    return events.append_column("_durationSource", pa.array(sources, pa.string()))


def aggregate_joined(events, rules=None, scoring=None, unique_seconds=True, columns=None):
    rules, scoring = rules or ws.Rules(), scoring or ws.Scoring()
    events = sources.read(events, None)
    return _core.aggregate_joined(events, columns, None, rules, scoring, unique_seconds, None)


def assert_same(result, expected):
    found, schema, report = result
    assert pa.Table.from_batches(found, schema).equals(expected.replace_schema_metadata())
    assert report == ws.report(expected)


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


# How far anybody got.


def furthest(events, rules=None):
    return rows(_core.furthest(sources.read(events, None), None, None, rules or ws.Rules(), None))


def test_furthest_of_the_example(events):
    nothing = {"reportedSecond": None, "reportedDuration": None, "reportingUsers": 0}
    assert furthest(events) == [
        {"videoId": "v1", "watchedEnd": 290.0, "maxPosition": 290.0, **nothing},
        {"videoId": "v2", "watchedEnd": 20.0, "maxPosition": 20.0, **nothing},
    ]


def test_furthest_counts_the_users_who_report_a_second(events):
    users = events["userId"].to_pylist()
    reported = pa.array([300.25 if user == "ann" else 300.75 for user in users], pa.float64())
    found = [
        row for row in furthest(events.append_column("videoDuration", reported)) if row["videoId"] == "v1"
    ]
    watching = {user for user, video in zip(users, events["videoId"].to_pylist()) if video == "v1"}
    assert {"ann"} < watching
    expected = {"reportedSecond": 300.0, "reportedDuration": 300.75, "reportingUsers": len(watching)}
    assert [{name: row[name] for name in expected} for row in found] == [expected]


def test_users_count_as_often_as_they_are_even_where_some_of_their_sessions_do_not():
    """Two of three users report 101: of one of these the first session is on a video of known length."""
    events = [("ann", "s1", "v3", 101.0), ("ann", "s2", "v3", 250.0), ("bob", "s1", "v1", None)]
    events += [("bob", "s2", "v3", 101.0), *((f"u{number:03}", "s1", "v1", None) for number in range(2000))]
    users, ids, videos, reported = zip(*events)
    table = pa.table(
        {
            "timestamp": pa.array(range(len(events)), pa.timestamp("us", "UTC")),
            "userId": users,
            "videoId": videos,
            "sessionId": ids,
            "eventName": ["play"] * len(events),
            "currentTime": [0.0] * len(events),
            "videoDuration": pa.array(reported, pa.float64()),
        }
    )
    known = {"videoId": ["v1"], "duration": [100.0]}
    whole = ws.aggregate(table, videos=known, threads=1)
    assert {row["videoDuration"] for row in whole.to_pylist() if row["videoId"] == "v3"} == {101.0}
    assert whole.equals(ws.engagement(ws.sessions(table), videos=known))


def told_by(rows):
    """The duration of each video and its source, as the rows of the furthest table tell them."""
    videos = {}
    for row in rows:
        videos.setdefault(row["videoId"], []).append(row)
    return {video: told_of_one(rows) for video, rows in videos.items()}


def told_of_one(rows):
    votes = [
        (row["reportingUsers"], row["reportedSecond"], row["reportedDuration"])
        for row in rows
        if row["reportingUsers"]
    ]
    if votes:
        return max(votes)[2], "reported"
    (row,) = rows
    guess = row["watchedEnd"] or row["maxPosition"] or None
    return guess, None if guess is None else "estimated"


@pytest.mark.parametrize("seed", range(60))
def test_furthest_gives_the_durations_that_aggregate_estimates(seed):
    rng, events, rules = random_events(seed)
    rules = ws.Rules(**{**rules, "estimate_duration": True})
    found = furthest(iter(batches(events, rng)), rules)
    assert [row["videoId"] for row in found] == sorted(row["videoId"] for row in found)
    whole = ws.aggregate(events, rules=rules).to_pylist()
    assert told_by(found) == {row["videoId"]: (row["videoDuration"], row["durationSource"]) for row in whole}


# Events that state their video's duration.


def test_joined_durations_are_those_of_the_videos_table(events, videos):
    known = dict(zip(videos["videoId"].to_pylist(), videos["duration"].to_pylist()))
    assert_same(
        aggregate_joined(joined(events, known, "metadata")),
        ws.aggregate(events, videos=videos.drop(["title"])),
    )


@pytest.mark.parametrize("seed", range(60))
def test_joined_durations_give_the_same_rows(seed):
    rng, events, rules = random_events(seed)
    rules, unique = ws.Rules(**rules), rng.random() < 0.8
    scoring = rng.choice([ws.Scoring(), ws.Scoring(skips=-1.0, high=60.0)])
    options = {"rules": rules, "scoring": scoring, "unique_seconds": unique}
    expected = ws.aggregate(
        events, videos={"videoId": list(KNOWN), "duration": list(KNOWN.values())}, **options
    )
    stated = joined(events, KNOWN, rng.choice(["metadata", None]))
    assert_same(aggregate_joined(iter(batches(stated, rng)), **options), expected)


@pytest.mark.parametrize("seed", range(60))
def test_joined_estimates_give_the_same_rows(seed):
    rng, events, rules = random_events(seed)
    rules = ws.Rules(**{**rules, "estimate_duration": True})
    told = told_by(furthest(events, rules))
    stated = joined_as_told(events, told)
    expected = ws.aggregate(events, rules=rules)
    assert_same(aggregate_joined(iter(batches(stated, rng)), rules), expected)


@pytest.mark.parametrize("seed", range(20))
def test_a_videos_table_of_estimates_gives_the_same_rows(seed):
    _, events, rules = random_events(seed)
    rules = ws.Rules(**{**rules, "estimate_duration": True})
    told = told_by(furthest(events, rules))
    given = pa.table(
        {
            "videoId": pa.array(list(told), pa.string()),
            "duration": pa.array([seconds for seconds, _ in told.values()], pa.float64()),
            "durationSource": pa.array([source for _, source in told.values()], pa.string()),
        }
    )
    expected = ws.aggregate(events, rules=rules)
    never = ws.Rules(**{**{name: getattr(rules, name) for name in any_names()}, "estimate_duration": False})
    assert ws.aggregate(events, videos=given, rules=never).equals(expected)
    assert ws.engagement(ws.sessions(events, rules=rules), videos=given, rules=rules).equals(expected)


def any_names():
    return [spec["name"] for spec in _core.rule_specs()]


def test_an_unknown_duration_stays_unknown(events):
    stated = joined(events, {"v1": 300.0}, "metadata")
    found = {row["videoId"]: row for row in rows(aggregate_joined(stated))}
    assert found["v1"]["durationSource"] == "metadata"
    assert found["v2"]["videoDuration"] is None
    assert found["v2"]["durationSource"] is None
    assert found["v2"]["dataQualityFlags"][0] == "missing_duration"
    nothing = ws.Rules(estimate_duration=False)
    expected = ws.aggregate(events, videos={"videoId": ["v1"], "duration": [300.0]}, rules=nothing)
    assert_same(aggregate_joined(stated), expected)


def test_columns_of_nothing_but_null(events):
    empty = pa.nulls(len(events))
    stated = events.append_column("_duration", empty).append_column("_durationSource", empty)
    assert_same(aggregate_joined(stated), ws.aggregate(events, rules=ws.Rules(estimate_duration=False)))


def test_integer_videos_and_mapped_names(events):
    codes = pa.array([int(video[1:]) for video in events["videoId"].to_pylist()], pa.int64())
    events = events.set_column(2, "video", codes)
    columns = {"videoId": "video"}
    expected = ws.aggregate(events, videos={"videoId": [1, 2], "duration": [300.0, 40.0]}, columns=columns)
    stated = joined(events.append_column("videoId", codes), {1: 300.0, 2: 40.0}, "metadata").drop(["videoId"])
    assert_same(aggregate_joined(stated, columns=columns), expected)


def test_events_that_contradict_each_other(events):
    stated = joined(events, {"v1": 300.0, "v2": 40.0}, "metadata")
    other = joined(events.slice(3, 1), {"v1": 301.0}, "metadata")
    with pytest.raises(ws.errors.DataError, match=r"v1.*300 s.*301 s"):
        aggregate_joined(iter([*stated.to_batches(), *other.to_batches()]))


def test_the_duration_columns_have_to_be_there(events):
    with pytest.raises(ws.errors.MissingColumnError, match="_duration"):
        aggregate_joined(events)
    with pytest.raises(ws.errors.MissingColumnError, match="_durationSource"):
        aggregate_joined(events.append_column("_duration", pa.array([1.0] * len(events))))
    wrong = joined(events, KNOWN, "metadata").drop(["_duration"])
    with pytest.raises(ws.errors.ColumnTypeError, match="_duration"):
        aggregate_joined(wrong.append_column("_duration", pa.array([True] * len(events))))


# Nothing at all.


def test_an_iterator_of_nothing_gives_empty_tables():
    assert scopes(iter([])) == []
    assert furthest(iter([])) == []
    found, schema, report = aggregate_joined(iter([]))
    assert found == []
    assert schema.names == [spec["name"] for spec in _core.column_specs("engagement")]
    assert report["read"] == 0


def test_tables_without_rows_tell_their_columns(events):
    nothing = joined(events.slice(0, 0), {}, None)
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
        (aggregate_joined(nothing), [spec["name"] for spec in _core.column_specs("engagement")]),
    ):
        found, schema = result[:2]
        assert pa.Table.from_batches(found, schema).num_rows == 0
        assert schema.names == expected
        empty = pa.RecordBatch.from_arrays([pa.array([], kind) for kind in schema.types], schema=schema)
        assert _core.from_spark_layout(_core.to_spark_layout(empty)).equals(empty)
