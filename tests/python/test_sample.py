"""The sample events: what callers may rely on, and that everything an engagement table can show occurs."""

import functools
import hashlib
import subprocess
import sys
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import watchspan as ws
from watchspan import sample

ROWS = 60_000
PETER = {
    "videoDuration": 300,
    "totalWatchTime": 130,
    "totalUniqueSecondsWatched": 120,
    "maxPositionReached": 120,
    "watchPercentage": 43.33,
    "completionPercentage": 40,
    "uniqueWatchPercentage": 40,
    "sessionCount": 1,
    "totalBackwardSkips": 1,
    "totalForwardSkips": 0,
    "completionCount": 0,
    "engagementScore": 28.33,
    "engagementTier": "Low",
    "dataQualityFlag": "ok",
    "unobservedWatchTime": 0,
    "eventCount": 6,
}


def as_text(table):
    # Not equals(): some positions are NaN, which equals nothing.
    times = table["timestamp"].cast(pa.int64())
    return repr([times.to_pylist(), *(column.to_pylist() for column in table.columns[1:])])


@pytest.fixture(scope="module")
def events():
    return sample.events(ROWS)


@pytest.fixture(scope="module")
def rows(events):
    return ws.aggregate(events, videos=sample.videos())


@pytest.mark.parametrize("count", [6, 7, 100, 4097, 20_000])
def test_exactly_as_many_rows_as_asked(count):
    table = sample.events(count, seed=3)
    assert table.num_rows == count
    assert table.schema == sample.EVENTS_SCHEMA


def test_batches_have_the_size_asked():
    sizes = [batch.num_rows for batch in sample.generate(1000, batch_rows=300)]
    assert sizes == [300, 300, 300, 100]


def test_events_depend_on_rows_and_seed_alone():
    table = sample.events(5000, seed=1)
    assert as_text(sample.generate(5000, seed=1, batch_rows=77).read_all()) == as_text(table)
    assert as_text(sample.events(5000, seed=2)) != as_text(table)
    assert not sample.videos(1).equals(sample.videos(2))


def test_the_same_events_on_every_python():
    # If this fails because the generator was changed on purpose, put the new digest here.
    digest = hashlib.sha256(as_text(sample.events(3000, seed=5)).encode()).hexdigest()
    assert digest == "f38cfcec48a684194cad67d8aea98335cf50ca76fe5d4c5c7c9cd90cce0e2e72"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 5}, "rows is 5, but a whole number from 6 up is needed."),
        ({"rows": 10.0}, "rows is 10.0"),
        ({"rows": 100, "users": 0}, "users is 0"),
        ({"rows": 100, "batch_rows": 0}, "batch_rows is 0"),
    ],
)
def test_numbers_that_are_too_small_are_refused(arguments, message):
    with pytest.raises(ws.errors.OptionError, match=message):
        sample.generate(**arguments)


@pytest.mark.parametrize(("count", "seed"), [(6, 0), (50, 1), (2000, 2), (20_000, 3)])
def test_peter_is_always_the_worked_example(count, seed):
    table = ws.aggregate(sample.events(count, seed), videos=sample.videos(seed))
    peter = table.filter(pc.equal(table["userId"], "peter")).select(["videoId", *PETER])
    assert peter.to_pylist() == [{"videoId": "welcome", **PETER}]


def test_users_can_be_chosen():
    table = sample.generate(5000, users=3).read_all()
    users = set(table["userId"].to_pylist()) - {None, ""}
    assert users == {"peter", "user-000000", "user-000001", "user-000002"}


def test_a_month_goes_by(events):
    days = pc.days_between(pc.min(events["timestamp"]), pc.max(events["timestamp"])).as_py()
    assert 20 <= days <= 40


def test_every_reason_to_drop_an_event_occurs(events):
    meanings = {**ws.vocabulary(), "video_quality_change": "ignore"}
    report = ws.validate(events, vocabulary=meanings, examples=0)
    # No event in memory is a line that cannot be read.
    assert [reason for reason, count in report.dropped.items() if not count] == ["unreadable"]
    assert 0.95 < report.kept / report.read < 0.995


def test_every_kind_of_event_occurs(events):
    meanings = ws.vocabulary()
    kinds = {meanings.get(name) for name in events["eventName"].to_pylist()} - {None}
    assert kinds == set(meanings.values()) - {"ignore"}


def test_every_tier_and_flag_occurs(rows):
    figures = ws.summarize(rows)
    assert all(figures["tiers"][tier] for tier in ("High", "Medium", "Low", "Minimal"))
    # A video without metadata that nobody watched would be missing_duration: too rare to wait for.
    flags = {flag: count for flag, count in figures["flags"].items() if flag != "missing_duration"}
    assert all(flags.values()), flags
    assert 0.2 < figures["completion_rate"] < 0.7
    assert figures["flags"]["ok"] > figures["rows"] / 2


def test_some_videos_are_far_more_popular(rows):
    viewers = sorted(Counter(rows["videoId"].to_pylist()).values(), reverse=True)
    assert viewers[0] > 10 * viewers[len(viewers) // 2]


def test_viewers_come_back(rows):
    assert pc.sum(pc.cast(rows["isReplay"], pa.int64())).as_py() > rows.num_rows / 20
    assert pc.max(rows["sessionCount"]).as_py() > 3


def test_players_speed_up_and_browsers_close(rows):
    assert pc.any(pc.greater(rows["totalWatchTime"], pc.multiply(rows["totalPlayTime"], 1.9))).as_py()
    assert pc.sum(rows["openSegmentCount"]).as_py() > 100


def test_events_arrive_late(events):
    times = [time for time in events["timestamp"].cast(pa.int64()).to_pylist() if time is not None]
    late = sum(later < earlier for earlier, later in zip(times, times[1:]))
    assert 0.01 < late / len(times) < 0.4
    hour = 3600 * 1_000_000
    latest = behind = 0
    for time in times:
        behind += latest - time > hour
        latest = max(latest, time)
    assert behind > 10


def test_viewers_open_several_tabs(events):
    spans = {}
    times = events["timestamp"].cast(pa.int64())
    columns = (column.to_pylist() for column in (events["sessionId"], events["videoId"], times))
    for session, video, time in zip(*columns):
        if session and video and time:
            first, last = spans.setdefault(session, {}).get(video, (time, time))
            spans[session][video] = (min(first, time), max(last, time))
    overlapping = 0
    for videos in spans.values():
        ordered = sorted(videos.values())
        overlapping += any(later[0] < earlier[1] for earlier, later in zip(ordered, ordered[1:]))
    assert overlapping > 20


def test_the_catalogue_has_gaps(rows):
    videos = sample.videos()
    assert videos.schema == sample.VIDEOS_SCHEMA
    known = videos["videoId"].to_pylist()
    assert len(set(known)) == len(known)
    assert set(rows["videoId"].to_pylist()) - set(known)
    assert videos["duration"].null_count
    assert pc.min(videos["duration"]).as_py() > 0


def test_numpy_is_not_needed():
    if int(pa.__version__.split(".")[0]) < 18:
        pytest.skip("this pyarrow needs numpy itself")
    code = "import sys; sys.modules['numpy'] = None; from watchspan import sample; sample.events(100)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


@functools.cache
def curves():
    """The durations of the sample's videos with moments, and the curves of these."""
    planted = {row["videoId"]: row for row in sample.moments(4).to_pylist()}
    lengths = {row["videoId"]: row["duration"] for row in sample.videos(4).to_pylist()}
    known = {"videoId": list(planted), "duration": [lengths.get(video) or 600.0 for video in planted]}
    rows = ws.retention(ws.sessions(sample.events(300_000, seed=4)), videos=known, bucket_seconds=10)
    return planted, rows.to_pylist()


def plays(kind):
    """Of the videos with such a moment that many watch: the rows of their curves, and where the moment is."""
    planted, rows = curves()
    return [
        (planted[row["videoId"]], row)
        for row in rows
        if row["videoId"] in planted and planted[row["videoId"]]["kind"] == kind and row["users"] >= 100
    ]


@pytest.mark.parametrize("kind", ["spike", "dip"])
def test_moments_are_seen_in_plays(kind):
    inside, outside = [], []
    for moment, row in plays(kind):
        width = moment["endSeconds"] - moment["startSeconds"]
        middle = (row["startSeconds"] + row["endSeconds"]) / 2
        share = row["plays"] / row["users"]
        if moment["startSeconds"] <= middle <= moment["endSeconds"]:
            inside.append(share)
        elif abs(middle - (moment["startSeconds"] + moment["endSeconds"]) / 2) < 1.5 * width:
            outside.append(share)
    assert len(inside) > 5
    assert len(outside) > 5
    inside, outside = sum(inside) / len(inside), sum(outside) / len(outside)
    assert inside > outside * 1.08 if kind == "spike" else inside < outside * 0.92


def test_viewers_leave_at_a_drop():
    left = [
        (moment["startSeconds"], moment["endSeconds"], row["startSeconds"], row["retention"])
        for moment, row in plays("drop")
    ]
    before = [kept for start, end, at, kept in left if start - (end - start) <= at < start]
    after = [kept for start, end, at, kept in left if end <= at < end + (end - start)]
    assert len(before) > 5
    assert len(after) > 5
    assert sum(after) / len(after) < 0.85 * sum(before) / len(before)


def test_those_who_are_treated_watch_a_tenth_more():
    rows, seed = 300_000, 6
    groups = sample.groups(seed, rows=rows)
    assert groups.schema == sample.GROUPS_SCHEMA
    watched = ws.sessions(sample.events(rows, seed=seed)).select(["userId", "watchTime"])
    means = watched.join(groups, "userId").group_by("group").aggregate([("watchTime", "mean")]).to_pylist()
    mean = {row["group"]: row["watchTime_mean"] for row in means}
    assert 1.04 < mean["treatment"] / mean["control"] < 1.16
