"""The page as a file: what is in it, what it refuses, and that what draws it is what npm has."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import zlib
from array import array
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner

import watchspan as ws
from support.report_rows import HOSTILE, pages_rows
from watchspan.cli.app import app
from watchspan.errors import OptionError

pytest.importorskip("altair", reason="the extra report is not installed")
pytest.importorskip("vl_convert", reason="the extra report is not installed")

from watchspan.report_page.curves import packed


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sessions, rows, videos = pages_rows(12)
    path = tmp_path_factory.mktemp("pages") / "report.html"
    ws.write_report(rows, path, sessions=sessions, videos=videos, title="<b>Ours</b> & yours")
    return path


def block(page: Path, name: str) -> Any:
    text = page.read_text(encoding="utf-8")
    (found,) = re.findall(
        rf'<script type="application/json" id="data-{name}">(.*?)</script>', text, re.DOTALL
    )
    assert "<" not in found
    return json.loads(found)


def test_frames_of_polars_are_rows_too(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars is not here")
    sessions, rows, _ = pages_rows(12)
    for path, both in (("a.html", (rows, sessions)), ("b.html", map(polars.from_arrow, (rows, sessions)))):
        table, visits = both
        ws.write_report(table, tmp_path / path, sessions=visits, top=3)
    for name in ("cells", "moments", "curves"):
        assert block(tmp_path / "a.html", name) == block(tmp_path / "b.html", name)


def test_the_page_is_one_file_that_allows_nothing_but_itself(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    assert "<title>&lt;b&gt;Ours&lt;/b&gt; &amp; yours</title>" in text
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    bodies = re.findall(r"<script>(.*?)</script>", text, re.DOTALL) + re.findall(
        r"<style>(.*?)</style>", text, re.DOTALL
    )
    hashes = {base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies}
    assert hashes == set(re.findall(r"'sha256-([^']*)'", policy))
    assert len(hashes) == 7
    outside = re.findall(
        r'(?:src|href)="(?!#)([^"]*)"', re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    )
    assert outside == []


def test_the_figures_are_those_of_the_totals(written: Path) -> None:
    _, rows, _ = pages_rows(12)
    cells, totals = block(written, "cells"), ws.video_totals(rows)
    by_id = {row["videoId"]: row for row in totals.to_pylist()}
    assert [column["name"] for column in cells["columns"]] == totals.column_names
    assert sorted(cells["values"]["videoId"]) == sorted(by_id)
    hours = cells["values"]["watchHours"]
    assert hours == sorted(hours, reverse=True)
    for place, video in enumerate(cells["values"]["videoId"]):
        for name in totals.column_names:
            expected, found = by_id[video][name], cells["values"][name][place]
            if name == "lastWatchDate":
                assert found == int(expected.timestamp())
            elif isinstance(expected, float):
                assert found == pytest.approx(expected, abs=0.000001)
            else:
                assert found == expected, name


def test_the_curves_are_those_of_the_functions(written: Path) -> None:
    _, rows, videos = pages_rows(12)
    cells = block(written, "cells")
    deltas = array("h", zlib.decompress(base64.b64decode(block(written, "curves"))))
    values, total = [], 0
    for delta in deltas:
        total = (total + delta + 32_768) % 65_536 - 32_768
        values.append(total)
    curve = ws.retention(rows, videos=videos)
    assert cells["layout"]["videos"] == len(set(curve["videoId"].to_pylist())) == 11
    assert [name for name, _ in cells["layout"]["series"]][:2] == ["retention", "again"]
    expected = [round(value * 1000) for value in curve["retention"].to_pylist()]
    assert values[: len(expected)] == expected
    assert cells["curve"][cells["values"]["videoId"].index("video-00006")] == -1


def test_where_most_leave_is_told(written: Path) -> None:
    cells = block(written, "cells")
    part, left, of, share, low, high = cells["leaving"][cells["values"]["videoId"].index("v1")]
    assert (part, of) == (6, 60)
    assert 30 <= left <= 40
    assert low < share < high
    assert share == pytest.approx(left / of, abs=0.0001)


def test_numbers_wrap_around_there_and_back() -> None:
    text = packed([None, 100.0, 0.0, 32.0])
    found = array("h", zlib.decompress(base64.b64decode(text)))
    total, values = 0, []
    for delta in found:
        total = (total + delta + 32_768) % 65_536 - 32_768
        values.append(total)
    assert values == [-1, 32_000, 0, 32_000]


def test_users_are_named_only_when_asked_for(written: Path, tmp_path: Path) -> None:
    sessions, rows, videos = pages_rows(12)
    assert "user-00" not in written.read_text(encoding="utf-8")
    ws.write_report(rows, tmp_path / "named.html", sessions=sessions, videos=videos, users=True)
    named = block(tmp_path / "named.html", "page")["users"]
    totals = ws.user_totals(rows).sort_by([("watchHours", "descending"), ("userId", "ascending")])
    assert named["values"]["userId"] == totals["userId"].to_pylist()[:20]


def test_more_videos_than_asked_for_are_in_the_totals_only(tmp_path: Path) -> None:
    _, rows, videos = pages_rows(12)
    ws.write_report(rows, tmp_path / "short.html", videos=videos, top=3)
    page, cells = block(tmp_path / "short.html", "page"), block(tmp_path / "short.html", "cells")
    totals = ws.video_totals(rows).sort_by([("watchHours", "descending"), ("videoId", "ascending")])
    assert cells["values"]["videoId"] == totals["videoId"].to_pylist()[:3]
    overview = page["overview"]
    assert (overview["shown"], overview["videos"], page["cohorts"]) == (3, 12, None)
    assert overview["hiddenHours"] == pytest.approx(sum(totals["watchHours"].to_pylist()[3:]))


def test_a_clock_that_is_centuries_off_leaves_the_page_readable(tmp_path: Path) -> None:
    times = ["0001-01-01T00:00:00Z", "0001-01-01T00:01:00Z", "2026-03-02T10:00:00Z", "2026-03-02T10:01:00Z"]
    events = {
        "timestamp": times, "userId": ["ann", "ann", "ben", "ben"], "videoId": ["v"] * 4,
        "eventName": ["play", "pause"] * 2, "currentTime": [0, 60] * 2,
    }  # fmt: skip
    ws.write_report(ws.aggregate(events), tmp_path / "r.html", sessions=ws.sessions(events))
    shown = block(tmp_path / "r.html", "page")["cohorts"]
    # Week 0 and the 25 after it of the one, who never came back; the other's only week.
    assert [row["period"] for row in shown] == [*range(26), 0]
    assert [row["activeUsers"] for row in shown] == [1, *[0] * 25, 1]


def test_an_experiment_is_told_as_it_is_printed(tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="the extra experiments is not installed")
    sessions, rows, videos = pages_rows(6)
    users = sorted(set(rows["userId"].to_pylist()))
    groups = {"userId": users, "group": ["control", "<b>new</b>"] * (len(users) // 2)}
    found, page = ws.compare(rows, groups), tmp_path / "r.html"
    ws.write_report(rows, page, groups=groups)
    told = block(page, "page")["experiment"]
    assert [tuple(row) for row in told["rows"]] == list(found.cells())[1:]
    assert len(told["rows"]) == found.table.num_rows > 0
    assert len(told["notes"]) == 2
    assert all(text in str(found) for _, text in told["notes"])
    assert "comparison" in block(page, "charts")
    # Since when each user counts is asked of the sessions.
    exposed = {**groups, "exposedAt": ["2026-01-10T00:00:00Z"] * len(users)}
    ws.write_report(rows, page, groups=exposed, sessions=sessions, videos=videos)
    told = block(page, "page")["experiment"]
    assert [tuple(row) for row in told["rows"]] == list(ws.compare(sessions, exposed, videos=videos).cells())[
        1:
    ]
    with pytest.raises(OptionError, match="pass the sessions"):
        ws.write_report(rows, page, groups=exposed)


def test_without_groups_there_is_no_experiment(written: Path) -> None:
    assert block(written, "page")["experiment"] is None
    assert "comparison" not in block(written, "charts")


def test_quality_is_what_the_rows_say_of_themselves(tmp_path: Path) -> None:
    rows = ws.aggregate(
        {
            "timestamp": ["2026-01-15T10:00:00Z", "2026-01-15T10:00:30Z", None],
            "userId": ["ann"] * 3,
            "videoId": ["v1"] * 3,
            "eventName": ["play", "pause", "play"],
            "currentTime": [0, 30, 30],
        }
    )
    ws.write_report(rows, tmp_path / "kept.html")
    quality = block(tmp_path / "kept.html", "page")["quality"]
    assert (quality["read"], quality["kept"]) == (3, 2)
    assert {drop["name"]: drop["count"] for drop in quality["drops"]} == ws.report(rows)["dropped"]
    flags = {flag["name"]: flag["count"] for flag in quality["flags"]}
    assert {"ok": quality["clean"], **flags} == ws.summarize(rows)["flags"]
    assert [flag["examples"] for flag in quality["flags"] if flag["name"] == "estimated_duration"] == [["v1"]]
    ws.write_report(rows.replace_schema_metadata(None), tmp_path / "lost.html")
    assert block(tmp_path / "lost.html", "page")["quality"]["drops"] is None


def test_what_is_wrong_is_a_sentence(tmp_path: Path) -> None:
    rows = ws.aggregate([])
    for options, told in (
        ({"top": 0}, "top is 0"),
        ({"title": 3}, "title is 3, but text is needed"),
        ({"users": 1}, "users is 1"),
    ):
        with pytest.raises(ws.errors.OptionError, match=told):
            ws.write_report(rows, tmp_path / "report.html", **options)
    with pytest.raises(ws.errors.OptionError, match=r"but a name that ends in \.html is needed"):
        ws.write_report(rows, tmp_path / "report.pdf")
    with pytest.raises(ws.errors.MissingColumnError, match="engagement rows"):
        ws.write_report(ws.sessions([]), tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sessions, rows, _ = pages_rows(12)
    pa.parquet.write_table(rows, "rows.parquet")
    pa.parquet.write_table(sessions, "sessions.parquet")
    arguments = [
        "report",
        "rows.parquet",
        "-o",
        "page.html",
        "--sessions",
        "sessions.parquet",
        "--title",
        "Ours",
    ]
    done = CliRunner().invoke(app, [*arguments, "--users"])
    assert done.exit_code == 0, done.output
    assert "The report is in page.html" in done.stderr
    assert "<title>Ours</title>" in Path("page.html").read_text(encoding="utf-8")
    assert block(Path("page.html"), "page")["users"]
    done = CliRunner().invoke(app, ["report", "rows.parquet", "-o", "rows.parquet"])
    assert done.exit_code == 2
    done = CliRunner().invoke(app, ["report", "sessions.parquet", "-o", "page.html"])
    assert (done.exit_code, "engagement rows" in done.stderr) == (1, True)


def test_the_demo_ends_with_a_page_and_says_where_it_is(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["demo", "--rows", "2000", "--out", str(tmp_path / "demo"), "-q"])
    assert done.exit_code == 0, done.output
    assert f"The report is {tmp_path / 'demo' / 'report.html'}" in done.stdout.replace("\n", " ").replace(
        "  ", " "
    )
    assert block(tmp_path / "demo" / "report.html", "page")["overview"]["events"] > 1000
    (tmp_path / "demo" / "report.html").write_text("somebody else's", encoding="utf-8")
    done = CliRunner().invoke(app, ["demo", "--rows", "2000", "--out", str(tmp_path / "demo"), "-q"])
    assert (done.exit_code, "did not make it" in done.stderr) == (2, True)


@pytest.mark.parametrize("package", ["altair", "vl_convert"])
def test_without_the_extra_one_is_told_what_to_install(package: str, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None; import watchspan as ws; "
        f"ws.write_report(ws.aggregate([]), {str(tmp_path / 'report.html')!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingDependencyError: Charts need the packages" in done.stderr


def test_hostile_titles_are_in_the_data_alone(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    assert all(title in block(written, "cells")["values"]["videoTitle"] for title in HOSTILE.values())
    assert "onerror=" not in re.sub(r"<script[^>]*>.*?</script>", "", text, flags=re.DOTALL)


def test_the_vendored_scripts_are_those_of_their_packages(tmp_path: Path) -> None:
    vendored = pytest.importorskip("vendored", reason="these tests need the tools in .ci/release/")
    assert vendored.main(["--check"]) == 0
    for file in vendored.FOLDER.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "dataTables.min.js").write_text("window.ours = 1;", encoding="utf-8")
    (tmp_path / "other.js").touch()
    assert list(vendored.changed(tmp_path)) == [
        "dataTables.min.js is not that of datatables.net 3.1.5",
        "other.js is in no package of npm.json",
    ]


def test_kinds_of_viewers_are_told_with_the_values_of_their_thresholds(written: Path) -> None:
    told = {kind["name"]: kind["doc"] for kind in block(written, "page")["segments"]}
    assert told["lapsed"] == "Last seen at least `lapsed_days` (14) before `as_of`."
    assert "`finisher_completion` (0.6)" in told["finisher"]
