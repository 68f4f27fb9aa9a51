"""The commands that sum rows up: they write what the functions return."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import watchspan as ws
from support.insight_rows import sample_events, sample_rows
from watchspan import sample, sources
from watchspan.cli.app import app

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("rows")
    sources.write(sample_rows(), made / "engagement.parquet")
    sources.write(ws.sessions(sample_events()), made / "sessions.parquet")
    sources.write(ws.retention(sample_rows(), buckets=10), made / "retention.parquet")
    videos = sorted(set(sample_rows()["videoId"].to_pylist()))[::2]
    groups = pa.table({"videoId": videos, "group": [video[:3] for video in videos]})
    sources.write(groups, made / "groups.csv")
    sources.write(sample.videos(3), made / "videos.csv")
    users = sorted(set(sample_rows()["userId"].to_pylist()))
    arms = {"userId": users, "group": [("a", "b")[n % 2] for n in range(len(users))]}
    sources.write(pa.table(arms), made / "arms.csv")
    exposed = {**arms, "exposedAt": ["2026-01-16T00:00:00Z"] * len(users)}
    sources.write(pa.table(exposed), made / "exposed.csv")
    (made / "segments.json").write_text('{"loyal_weeks": 1}')
    return made


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(folder)

    def invoke(*arguments: Any, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="watchspan")
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    return invoke


CALLS: dict[str, tuple[list[str], Callable[[], Any]]] = {
    "totals": (["totals", "engagement.parquet"], lambda: ws.video_totals("engagement.parquet")),
    "totals by user": (
        ["totals", "engagement.parquet", "--by", "user"],
        lambda: ws.user_totals("engagement.parquet"),
    ),
    "cohorts": (["cohorts", "sessions.parquet"], lambda: ws.cohorts("sessions.parquet")),
    "cohorts by month": (
        [
            "cohorts",
            "sessions.parquet",
            "--by",
            "month",
            "--videos-group",
            "groups.csv",
            "--as-of",
            "2026-01-20",
        ],
        lambda: ws.cohorts("sessions.parquet", by="month", videos_group="groups.csv", as_of="2026-01-20"),
    ),
    "completion": (["completion", "engagement.parquet"], lambda: ws.completion_curve("engagement.parquet")),
    "completion of all": (
        [
            "completion",
            "engagement.parquet",
            "--by",
            "all",
            "--buckets",
            "5",
            "--mature-days",
            "2.5",
            "--videos",
            "videos.csv",
            "--as-of",
            "2026-01-25",
        ],
        lambda: ws.completion_curve(
            "engagement.parquet",
            by="all",
            buckets=5,
            mature_days=2.5,
            videos="videos.csv",
            as_of="2026-01-25",
        ),
    ),
    "segments": (["segments", "engagement.parquet"], lambda: ws.segments("engagement.parquet")),
    "segments of sessions": (
        [
            "segments",
            "sessions.parquet",
            "--videos",
            "videos.csv",
            "--as-of",
            "2026-01-25",
            "--rules",
            "lapsed_days=5,loyal_weeks=2",
            "--rules",
            "segments.json",
        ],
        lambda: ws.segments(
            "sessions.parquet",
            videos="videos.csv",
            as_of="2026-01-25",
            rules=ws.Segments(lapsed_days=5, loyal_weeks=1),
        ),
    ),
    "moments": (["moments", "engagement.parquet"], lambda: ws.moments("engagement.parquet")),
    "moments of sessions": (
        [
            "moments",
            "sessions.parquet",
            "--videos",
            "videos.csv",
            "--bucket-seconds",
            "6",
            "--confidence",
            "0.9",
            "--min-viewers",
            "2",
            "--min-share",
            "0.2",
            "--max-each",
            "1",
            "--threads",
            "1",
        ],
        lambda: ws.moments(
            "sessions.parquet",
            videos="videos.csv",
            bucket_seconds=6,
            confidence=0.9,
            min_viewers=2,
            min_share=0.2,
            max_each=1,
        ),
    ),
    "typical": (["typical", "retention.parquet"], lambda: ws.typical("retention.parquet")),
    "compare": (
        ["compare", "engagement.parquet", "--groups", "arms.csv"],
        lambda: ws.compare("engagement.parquet", "arms.csv").table,
    ),
    "compare sessions": (
        [
            "compare",
            "sessions.parquet",
            "--groups",
            "exposed.csv",
            "--videos",
            "videos.csv",
            "--control",
            "b",
            "--metric",
            "completionRate",
            "--metric",
            "skips=totalForwardSkips/sessionCount",
            "--confidence",
            "0.9",
            "--power",
            "0.7",
            "--shares",
            "a=2,b=1",
            "--before-days",
            "5",
        ],
        lambda: (
            ws.compare(
                "sessions.parquet",
                "exposed.csv",
                videos="videos.csv",
                control="b",
                metrics=["completionRate", ws.Metric("skips", "totalForwardSkips", "sessionCount")],
                confidence=0.9,
                power=0.7,
                shares={"a": 2, "b": 1},
                before_days=5,
            ).table
        ),
    ),
    "daily": (["daily", "sessions.parquet"], lambda: ws.daily("sessions.parquet")),
    "daily by hour": (
        ["daily", "sessions.parquet", "--by", "hour", "--timezone", "Asia/Tokyo"],
        lambda: ws.daily("sessions.parquet", by="hour", timezone="Asia/Tokyo"),
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_command_writes_what_its_function_returns(call: str, run: Run, tmp_path: Path) -> None:
    arguments, function = CALLS[call]
    told = run(*arguments, "-o", tmp_path / "rows.parquet").stderr
    found, expected = pq.read_table(tmp_path / "rows.parquet"), function()
    assert found.num_rows > 0
    assert found.equals(expected)
    assert f"{expected.num_rows:,} rows after" in told
    lines = run(*arguments, "-q", "-o", "-")
    assert len(lines.stdout.splitlines()) == expected.num_rows
    assert list(json.loads(lines.stdout.splitlines()[0])) == expected.column_names
    # So few users are always warned of.
    assert lines.stderr.startswith("Warning: Fewer than 100 users" if "compare" in call else "")
    assert len(lines.stderr.splitlines()) == ("compare" in call)


@pytest.mark.parametrize("call", CALLS)
def test_without_an_output_the_first_rows_are_shown(call: str, run: Run, tmp_path: Path) -> None:
    arguments, function = CALLS[call]
    shown = run(*arguments, "-q").stdout
    if arguments[0] == "compare":
        assert "adjusted p" in shown
        return
    assert f"of {function().num_rows:,} rows" in shown
    assert function().column_names[0] in shown


@pytest.mark.parametrize("call", CALLS)
def test_an_input_is_not_overwritten(call: str, run: Run) -> None:
    arguments, _ = CALLS[call]
    assert "input" in run(*arguments, "-o", arguments[1], code=2).stderr.lower()


def test_bad_data_and_bad_usage_are_a_sentence(run: Run) -> None:
    assert "engagement rows" in run("totals", "sessions.parquet", code=1).stderr
    assert "nowhere.parquet" in run("totals", "nowhere.parquet", code=1).stderr
    assert "session rows" in run("daily", "engagement.parquet", code=1).stderr
    nowhere = ("daily", "sessions.parquet", "--timezone", "Nowhere/Land")
    assert "time zone" in run(*nowhere, code=2).stderr
    assert "as_of is" in run("cohorts", "sessions.parquet", "--as-of", "soon", code=2).stderr
    grouped = ("cohorts", "sessions.parquet", "--videos-group", "sessions.parquet")
    assert 'no column "group"' in run(*grouped, code=1).stderr
    none = ("completion", "engagement.parquet", "--mature-days", "nan")
    assert "mature_days is nan" in run(*none, code=2).stderr
    unknown = ("segments", "engagement.parquet", "--rules", "lapsed_day=3")
    assert "did you mean lapsed_days?" in run(*unknown, code=2).stderr
    outside = ("segments", "engagement.parquet", "--rules", "finisher_completion=60")
    assert "Segments.finisher_completion is 60.0" in run(*outside, code=2).stderr
    both = ("moments", "engagement.parquet", "--buckets", 30, "--bucket-seconds", 5)
    assert "exclude each other" in run(*both, code=2).stderr
    assert "confidence is 2" in run("moments", "engagement.parquet", "--confidence", 2, code=2).stderr
    assert "buckets is 7, but" in run("moments", "engagement.parquet", "--buckets", 7, code=2).stderr
    assert "retention" in run("typical", "engagement.parquet", code=1).stderr
    assert "'tier' is not one of" in run("totals", "engagement.parquet", "--by", "tier", code=2).stderr


def test_compare_prints_what_it_found_and_warns(run: Run, tmp_path: Path) -> None:
    found = ws.compare("engagement.parquet", "arms.csv", before="engagement.parquet")
    call = ("compare", "engagement.parquet", "--groups", "arms.csv", "--before", "engagement.parquet")
    assert run(*call, "-q").stdout.splitlines() == str(found).splitlines()
    figures = json.loads(run(*call, "-q", "--json").stdout)
    assert list(figures) == ["table", "sample_ratio", "warnings", "left_out"]
    assert figures["table"] == found.table.to_pylist()
    assert figures["warnings"] == list(found.warnings) != []
    assert figures["sample_ratio"]["is_mismatch"] is False
    assert figures["left_out"] == found.left_out
    told = run(*call, "-q", "-o", tmp_path / "effects.csv").stderr
    assert told.splitlines() == [f"Warning: {text}" for text in found.warnings]
    assert (tmp_path / "effects.csv").read_text().startswith('"metric","group","control"')
    assert "exclude each other" in run(*call, "--json", "-o", "-", code=2).stderr
    assert "as in control=9,new=1" in run(*call, "--shares", "a:1", code=2).stderr
    twice = run(*call, "--shares", "a=1, b=2,a=3", code=2).stderr
    assert "--shares names 'a' more than once: give each group one share." in twice
    assert "numerator of the metric 'x'" in run(*call, "--metric", "x=y", code=2).stderr
    assert "built in (watchTimePerUser" in run(*call, "--metric", "watched", code=2).stderr
    assert "control is 'c', but groups has 'a', 'b'" in run(*call, "--control", "c", code=1).stderr
    exposed = run("compare", "engagement.parquet", "--groups", "exposed.csv", code=2).stderr
    assert "pass the sessions" in exposed
    nothing = run("compare", "engagement.parquet", "--groups", "videos.csv", code=1).stderr
    assert "groups" in nothing and "userId" in nothing
