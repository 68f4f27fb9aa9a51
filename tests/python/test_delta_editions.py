"""Kept tables whose numbers an older edition of the metrics defined."""

import json

import pytest

import watchspan as ws
from support.delta_tables import VIDEOS, Place, rows, without
from support.events import PETER, START

pytest.importorskip("deltalake", reason="deltalake needs Python 3.10")

from datetime import timedelta

from deltalake import DeltaTable

from watchspan import delta
from watchspan.delta.engine import DeltaEngine

DAY = timedelta(days=1)
WINDOW = ("2026-01-16", "2026-01-17")
# What the first edition did not have.
COLUMNS = {"_sessions": ["replayedIntervals", "reportedDuration"], "": ["replayedIntervals"], "_pending": []}
RULES = ("max_unstated_speed", "completion_slack_seconds")


def settings(place, suffix=""):
    return json.loads(DeltaTable(place.table + suffix).metadata().configuration["watchspan.settings"])


@pytest.fixture
def place(tmp_path):
    """Tables as the first edition left them, but for the numbers."""
    place = Place(tmp_path)
    place.arrive(rows("peter", "v1", "s1", PETER), rows("ann", "v1", "s2", PETER, start=START + DAY))
    place.update(videos=VIDEOS)
    known = settings(place)
    del known["edition"]
    for rule in RULES:
        del known["rules"][rule]
    for suffix, columns in COLUMNS.items():
        without(place.table + suffix, *columns, settings=json.dumps(known))
    return place


def refused(place):
    message = r"numbers of edition 1 .* edition 2: run update\(\) over all dates once"
    for work in (
        lambda: place.update(*WINDOW, videos=VIDEOS),
        lambda: delta.rescore(place.table, videos=VIDEOS),
        lambda: delta.delete_user(place.table, "ann", videos=VIDEOS),
    ):
        with pytest.raises(ws.errors.SourceError, match=message):
            work()


def test_older_numbers_are_refused_until_an_update_over_all_dates(place):
    refused(place)
    assert place.update(videos=VIDEOS).sessions_written == 2
    assert [settings(place, suffix)["edition"] for suffix in COLUMNS] == [2, 2, 2]
    place.check(videos=VIDEOS)
    place.arrive(rows("bob", "v1", "s3", PETER, start=START + DAY))
    assert place.update(*WINDOW, videos=VIDEOS).scopes == 2
    place.check(videos=VIDEOS)


def test_an_update_that_stops_on_the_way_is_done_again(place, monkeypatch):
    commit, done = DeltaEngine._commit, []
    for allowed in range(50):
        left = [allowed]

        def dying(engine, write, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise ZeroDivisionError
            commit(engine, write)

        with monkeypatch.context() as patch:
            patch.setattr(DeltaEngine, "_commit", dying)
            try:
                place.update(videos=VIDEOS)
            except ZeroDivisionError:
                done.append(settings(place, "_sessions").get("edition", 1))
            else:
                break
        if done[-1] == 1:
            refused(place)
        else:
            place.update(*WINDOW, videos=VIDEOS)
            place.check(videos=VIDEOS)
            break
    assert 1 in done
    place.update(videos=VIDEOS)
    place.check(videos=VIDEOS)


def test_rows_whose_events_are_gone_keep_their_numbers_and_are_counted(place, caplog):
    DeltaTable(place.raw).delete("\"userId\" = 'ann'")
    place.update(videos=VIDEOS)
    assert "1 session rows keep the numbers of an older edition" in caplog.text
    kept = {row["userId"]: row["replayedIntervals"] for row in place.kept("_sessions")}
    assert kept == {"ann": None, "peter": [{"start": 110.0, "end": 120.0}]}
    assert delta.rescore(place.table, videos=VIDEOS).pairs == 2


def test_tables_of_a_newer_edition_are_refused(place):
    known = {**settings(place), "edition": 3, "version": "9.9.9"}
    for suffix in COLUMNS:
        without(place.table + suffix, settings=json.dumps(known))
    with pytest.raises(
        ws.errors.DataError, match=r"by watchspan 9.9.9 by edition 3 .* install 9.9.9 or newer"
    ):
        place.update(videos=VIDEOS)
