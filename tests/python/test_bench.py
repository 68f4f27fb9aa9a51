"""The benchmark measures the same job: the queries of the other engines give watchspan's numbers."""

import importlib
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import watchspan

BENCHES = Path(__file__).resolve().parents[2] / "benches"
# A sum of floats in another order may fall on the other side of where a value is rounded.
ROUNDED = {"watchPercentage", "completionPercentage", "uniqueWatchPercentage", "engagementScore"}
# Bounded by the next event on the same video, so it may be more.
NOT_LESS = "unobservedWatchTime"


@pytest.fixture
def benches(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHES))
    return importlib.import_module


@pytest.fixture
def tables(benches, tmp_path):
    pytest.importorskip("numpy")
    generated = benches("generated_events")
    generated.write_events(tmp_path / "events", 20_000)
    pq.write_table(generated.videos(), tmp_path / "videos.parquet")
    return pq.read_table(tmp_path / "events" / "events-0000.parquet"), generated.videos()


def by_polars(benches, events, videos, engine):
    pl = pytest.importorskip("polars", minversion="2")
    peer = benches("peers_polars")
    return peer.aggregate(pl.from_arrow(events), pl.from_arrow(videos), engine).to_arrow()


def by_duckdb(benches, events, videos):
    duckdb = pytest.importorskip("duckdb")
    peer = benches("peers_duckdb")
    with duckdb.connect() as connection:
        peer.load(connection, "events", events)
        peer.load(connection, "videos", videos)
        peer.aggregate(connection)
        return connection.sql("FROM engagement").to_arrow_table()


@pytest.fixture
def clickhouse(benches, tables, tmp_path):
    """A session with the events and videos as what `names` makes of their files."""
    pytest.importorskip("chdb")
    peer = benches("peers_clickhouse")
    session = peer.connect(tmp_path, 2)

    def holding(names):
        names(session, "events", tmp_path / "events" / "*.parquet")
        names(session, "videos", tmp_path / "videos.parquet")
        return session

    yield holding
    session.close()


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_polars_does_the_same_job(benches, tables, engine):
    assert_same(watchspan.aggregate(tables[0], videos=tables[1]), by_polars(benches, *tables, engine))


def test_duckdb_does_the_same_job(benches, tables):
    assert_same(watchspan.aggregate(tables[0], videos=tables[1]), by_duckdb(benches, *tables))


def test_clickhouse_does_the_same_job(benches, tables, clickhouse):
    peer = benches("peers_clickhouse")
    session = clickhouse(peer.load)
    peer.aggregate(session)
    assert_same(
        watchspan.aggregate(tables[0], videos=tables[1]),
        peer.rows(session, benches("peers_rules").COLUMNS),
    )


def test_polars_writes_what_it_gives(benches, tables, tmp_path):
    pl = pytest.importorskip("polars", minversion="2")
    events, videos = (pl.scan_parquet(tmp_path / name) for name in ("events/*.parquet", "videos.parquet"))
    benches("peers_polars").write(events, videos, tmp_path / "rows.parquet")
    assert_written(tables, tmp_path / "rows.parquet")


def test_duckdb_writes_what_it_gives(benches, tables, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    peer = benches("peers_duckdb")
    with duckdb.connect() as connection:
        peer.over_files(connection, "events", tmp_path / "events" / "*.parquet")
        peer.over_files(connection, "videos", tmp_path / "videos.parquet")
        peer.write(connection, tmp_path / "rows.parquet")
    assert_written(tables, tmp_path / "rows.parquet")


def test_clickhouse_writes_what_it_gives(benches, tables, clickhouse, tmp_path):
    peer = benches("peers_clickhouse")
    peer.write(clickhouse(peer.over_files), tmp_path / "rows.parquet")
    assert_written(tables, tmp_path / "rows.parquet")


def assert_written(tables, file):
    assert_same(watchspan.aggregate(tables[0], videos=tables[1]), pq.read_table(file))


def assert_same(own: pa.Table, other: pa.Table) -> None:
    other = other.sort_by([("userId", "ascending"), ("videoId", "ascending")])
    assert own.num_rows > 3000
    assert own.column_names == other.column_names
    for name in own.column_names:
        mine, theirs = own[name].to_pylist(), other[name].to_pylist()
        if name == NOT_LESS:
            assert all(value <= most + 1e-6 for value, most in zip(mine, theirs))
        elif name in ("watchedIntervals", "replayedIntervals"):
            assert [flat(row) for row in theirs] == [flat(row) for row in mine]
        elif pa.types.is_floating(own[name].type):
            assert theirs == pytest.approx(mine, rel=1e-9, abs=0.0101 if name in ROUNDED else 1e-6), name
        else:
            assert theirs == mine, name


def flat(intervals):
    return [(interval["start"], interval["end"]) for interval in intervals]


def a_size(report, **changed):
    sums = {"rows": 3, "totalWatchTime": 100.0, "unobservedWatchTime": 5.0}
    own = report.Measured([2.0, 1.0, 3.0], [1.0], [10 << 20], sums)
    peer = report.Measured([8.0], [4.0], [30 << 20], {**sums, "unobservedWatchTime": 6.0, **changed})
    return report.Size(1_000_000, {"watchspan": own, "duckdb": peer})


def test_ratios_are_those_of_medians(benches):
    size = a_size(benches("compare_report"))
    assert size.ratio("duckdb") == 4
    assert size.ratio("duckdb", figure="memory") == 3
    assert size.ratio("polars") is None


def test_a_sum_that_differs_is_said(benches):
    report = benches("compare_report")
    assert a_size(report).agrees()
    assert a_size(report, totalWatchTime=100.0 + 1e-8).agrees()
    assert a_size(report, totalWatchTime=199.0).agrees()
    wrong = a_size(report, totalWatchTime=201.0)
    assert not wrong.agrees()
    assert list(wrong.disagreements()) == [
        "With 1,000,000 events DuckDB does not agree with watchspan on totalWatchTime: 201.000, not 100.000."
    ]
    assert not a_size(report, rows=4).agrees()


def test_the_page_says_what_did_not_finish(benches):
    report = benches("compare_report")
    size = a_size(report)
    size.measured["polars"] = report.Measured(failure="was killed")
    page = report.markdown("make bench", {"date": "today"}, 3, 1, [size], "benchmarks.svg")
    assert "| DuckDB | 8.000 | 4.000 | 4.00 | 4.00 | 8000 | 30 | 3.00 | 8.000 to 8.000 |" in page
    assert "| Polars, streaming engine | did not finish |" in page
    assert "* Polars, streaming engine was killed." in page
    assert "`unobservedWatchTime` differs as" in page
    assert "](benchmarks.svg)" in page


def test_hard_inputs_are_the_same_events_in_other_forms(benches, tables):
    events, videos = tables
    cases = benches("worst_cases").CASES
    found = {name: watchspan.aggregate(change(events), videos=videos) for name, change in cases.items()}
    usual, *same = list(found.values())[:4]
    assert usual.num_rows > 2000
    assert all(rows.equals(usual) for rows in same)
    assert len(set(found["one video for everybody"]["videoId"].to_pylist())) == 1
    assert len(set(found["one user with all events"]["userId"].to_pylist())) == 1
    assert found["one session with all events"].num_rows == 1
    assert found["a user for each event"].num_rows > 19_000


def a_run(report):
    sums = {"rows": 3, "totalWatchTime": 100.0}
    cases = [report.Measured(*case) for case in report.CASES if case[0] in ("watchspan", "clickhouse")]
    for number, measured in enumerate(cases, 1):
        for wall in (1.0, 2.0, 3.0):
            measured.add({"wall": wall * number, "cpu": wall, "peak": number << 20, "read": None})
    size = report.Size(10, 1, 5 << 20, "2GB", cases, {"watchspan": sums, "clickhouse": dict(sums)})
    return report.Run("make bench-files", {"date": "today"}, [size])


def test_from_file_to_file_cold_is_beside_cold(benches):
    report = benches("files_report")
    run = a_run(report)
    page = report.markdown(run)
    assert "| 10 | cold | 2.000 | 3.00 | - | - |" in page
    assert "| 10 | warm | 4.000 | 2.00 | - | - |" in page
    assert "| ClickHouse | warm | 8.000 | 2.000 | 4 | 2.00 | 1.00 | 2.00 | - | - | 4.000 to 12.000 |" in page
    assert "In 1 file of 5 MiB together. Watchspan was given `--memory-limit 2GB`." in page
    assert "`make bench-files`: 3 processes of each at most." in page


def test_the_page_says_that_the_machine_was_busy(benches):
    report = benches("files_report")
    run = a_run(report)
    run.about = {"threads of each engine": "2", "load before the run": "1.9"}
    assert "busy" not in report.markdown(run)
    run.about["load before the run"] = "2.5"
    assert "**The machine was busy**: 2.5 other processes" in report.markdown(run)


def test_a_stored_run_gives_the_same_page(benches, tmp_path):
    report = benches("files_report")
    run = a_run(report)
    run.write(tmp_path / "run.json")
    assert report.markdown(report.Run.read(tmp_path / "run.json")) == report.markdown(run)
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_what_did_not_finish_is_said_and_sums_that_differ_too(benches):
    report = benches("files_report")
    run = a_run(report)
    assert list(run.disagreements()) == []
    run.sizes[0].of("clickhouse", "warm").failure = "was killed"
    assert list(run.disagreements()) == []
    page = report.markdown(run)
    assert "| ClickHouse | warm | did not finish | - |" in page
    assert "* ClickHouse, warm was killed." in page
    run.sizes[0].of("watchspan", "cold").failure = "was killed"
    run.sizes[0].sums["clickhouse"]["rows"] = 4
    assert list(run.disagreements()) == [
        "With 10 events ClickHouse does not agree with watchspan on rows: 4, not 3.",
        "With 10 events watchspan, cold was killed.",
    ]


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="files leave the cache on Linux only")
def test_from_file_to_file_is_measured_in_processes(benches, tmp_path):
    pytest.importorskip("numpy")
    pytest.importorskip("chdb")
    arguments = ["--sizes", "20k", "--rounds", "1", "--variants", "watchspan,clickhouse,watchspan-in-memory"]
    page = tmp_path / "page.md"
    places = ["--data", str(tmp_path / "data"), "--write", str(page)]
    command = [sys.executable, str(BENCHES / "files.py"), *arguments, *places]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stderr.count("round 1") == 5
    assert "`python benches/files.py --sizes 20k --rounds 1 --variants" in page.read_text(encoding="utf-8")
    again = subprocess.run([*command, "--stored"], capture_output=True, text=True, check=True)
    assert again.stdout == told.stdout
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        *("events-20000", "page.json", "videos.parquet"),
    ]
