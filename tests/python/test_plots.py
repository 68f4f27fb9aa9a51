"""Charts: they show the figures of their tables, look alike, and become files without a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable

import pyarrow as pa
import pytest

import watchspan as ws
from support.insight_rows import sample_events, sample_rows, with_column
from watchspan.insight.completion import wilson

pytest.importorskip("altair", reason="the extra plots is not installed")
pytest.importorskip("vl_convert", reason="the extra plots is not installed")

from watchspan import plots
from watchspan.plots import style

VIDEO = "welcome"
MOMENTS = {
    "videoId": [VIDEO, VIDEO, VIDEO, "another"],
    "kind": ["spike", "drop", "intro", "dip"],
    "startSeconds": [60.0, 120.0, 0.0, 0.0],
    "endSeconds": [90.0, 123.0, 30.0, 10.0],
    "size": [0.2, 0.1, 0.9, -0.1],
}
TYPICAL = {
    "lengthClass": ["3-10 min"] * 100,
    "bucket": list(range(100)),
    "p25": [0.3] * 100,
    "median": [None] + [0.5] * 99,
    "p75": [0.7] * 100,
}

COMPARED = {
    "metric": ["coverage", "completionRate", "activeUsers", "watchTimePerUser"],
    "group": ["new"] * 4,
    "control": ["old"] * 4,
    "users": [1_000] * 4,
    "usersControl": [990] * 4,
    "relative": [0.1, -0.02, 0.0, None],
    "relativeLow": [0.05, -0.06, None, None],
    "relativeHigh": [0.16, 0.02, None, None],
    "pValueAdjusted": [0.001, 0.7, None, None],
    "isSignificant": [True, False, None, None],
}


@lru_cache
def curves() -> pa.Table:
    return ws.retention(sample_rows())


@lru_cache
def completions() -> pa.Table:
    return ws.completion_curve(sample_rows(), mature_days=0)


CHARTS: dict[str, Callable[[], Any]] = {
    "retention": lambda: plots.retention(curves(), MOMENTS, TYPICAL, video=VIDEO),
    "rewatched": lambda: plots.rewatched(curves(), video=VIDEO),
    "drop_off": lambda: plots.drop_off(completions(), video=VIDEO),
    "completion": lambda: plots.completion(completions(), video=VIDEO),
    "scores": lambda: plots.scores(sample_rows()),
    "tiers": lambda: plots.tiers(sample_rows()),
    "cohorts": lambda: plots.cohorts(ws.cohorts(ws.sessions(sample_events()))),
    "comparison": lambda: plots.comparison(COMPARED),
}
NOTHING: dict[str, Callable[[], Any]] = {
    "retention": lambda: plots.retention(curves().slice(0, 0), MOMENTS, TYPICAL),
    "rewatched": lambda: plots.rewatched(curves().slice(0, 0)),
    "drop_off": lambda: plots.drop_off(completions().slice(0, 0)),
    "completion": lambda: plots.completion(completions().slice(0, 0)),
    "scores": lambda: plots.scores(ws.aggregate([])),
    "tiers": lambda: plots.tiers(ws.aggregate([])),
    "cohorts": lambda: plots.cohorts(ws.cohorts(ws.sessions([]))),
    "comparison": lambda: plots.comparison({name: [] for name in COMPARED}),
}


def values(chart: Any, name: str) -> list[dict[str, Any]]:
    """The rows that a chart, or a layer of it, draws under that name."""
    found = []
    for part in every(chart.to_dict()):
        if isinstance(part.get("data"), dict) and part["data"].get("name") == name:
            found += part["data"].get("values", [])
    datasets = chart.to_dict().get("datasets", {})
    return found or datasets.get(name, [])


def every(part: Any) -> Any:
    if isinstance(part, dict):
        yield part
    for below in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from every(below)


def test_every_chart_is_tried() -> None:
    assert set(CHARTS) == set(NOTHING) == set(plots.__all__) - {"html", "save", "dark"}


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_says_what_it_shows_and_leaves_nothing_to_defaults(name: str) -> None:
    spec = CHARTS[name]().to_dict()
    assert len(spec["description"]) > 20
    assert re.search(r"\d", spec["description"])
    config = spec["config"]
    assert config["background"] == "transparent"
    for part in ("axis", "legend"):
        assert {config[part]["labelColor"], config[part]["titleColor"]} == {style.INK["light"][0]}
        assert "Font" not in config[part]["labelFont"].split(",")
    assert config["title"]["color"] == config["text"]["color"] == style.INK["light"][0]
    assert all(isinstance(size, (int, dict)) for size in (spec["width"], spec["height"]))
    colours = {c for part in every(spec) for c in part.values() if isinstance(c, str) and c.startswith("#")}
    assert len(colours) >= 2
    dark = plots.dark(CHARTS[name]()).to_dict()
    assert dark["config"]["axis"]["labelColor"] == style.INK["dark"][0]
    assert {**dark, "config": 0} == {**spec, "config": 0}


@pytest.mark.parametrize("ground", ["light", "dark"])
def test_text_is_read_on_its_ground(ground: str) -> None:
    behind = {"light": ("#ffffff", "#f4f4f4"), "dark": ("#000000", "#1c1c1c")}[ground]
    ink, _ = style.INK[ground]
    assert min(contrast(ink, each) for each in behind) >= 7
    lines = (style.BLUE, style.VERMILLION, style.GREEN, style.GREY)
    assert min(contrast(line, each) for line in lines for each in behind) >= 3


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear))


def test_figures_in_cells_are_read_on_every_shade() -> None:
    from watchspan.plots.people import _DEEP, _SHADES

    for percent in range(101):
        mixed = [
            round(int(a, 16) + (int(b, 16) - int(a, 16)) * percent / 100)
            for a, b in ((_SHADES[0][n : n + 2], _SHADES[1][n : n + 2]) for n in (1, 3, 5))
        ]
        ink = "#ffffff" if percent / 100 > _DEEP else "#000000"
        assert contrast(ink, "#" + "".join(f"{part:02x}" for part in mixed)) >= 4.4, percent


def test_retention_draws_the_curve_its_moments_and_what_is_typical() -> None:
    of_video = curves().filter(pa.compute.equal(curves()["videoId"], VIDEO)).to_pylist()
    drawn = values(CHARTS["retention"](), "curve")
    assert [point["retention"] for point in drawn[:-1]] == [row["retention"] for row in of_video]
    assert drawn[-1]["startSeconds"] == of_video[-1]["endSeconds"]
    marks = values(CHARTS["retention"](), "moments")
    assert [(mark["kind"], mark["middle"]) for mark in marks] == [("spike", 75), ("drop", 121.5)]
    assert marks[0]["height"] == next(row["retention"] for row in of_video if row["endSeconds"] > 75)
    typical = values(CHARTS["retention"](), "typical")
    assert [row["bucket"] for row in typical] == [*range(1, 100), 99]
    again = [point["again"] for point in values(CHARTS["rewatched"](), "curve")[:-1]]
    assert again == [row["plays"] / row["users"] for row in of_video]


def test_who_leaves_adds_up_to_who_did_not_finish() -> None:
    rows = [row for row in completions().to_pylist() if row["videoId"] == VIDEO]
    parts = values(CHARTS["drop_off"](), "leaving")
    assert len(parts) == 20
    assert sum(part["left"] for part in parts) == rows[0]["viewers"] - rows[0]["completed"] > 0
    for part in parts:
        assert (part["share"], part["low"], part["high"]) == wilson(part["left"], rows[0]["viewers"])
    shown = values(CHARTS["completion"](), "completion")
    assert [row["probability"] for row in shown] == [row["probability"] for row in rows]


def test_charts_of_rows_count_them_all() -> None:
    rows = sample_rows()
    scored = rows.num_rows - rows["engagementScore"].null_count
    assert sum(row["rows"] for row in values(CHARTS["scores"](), "scores")) == scored > 0
    assert sum(row["rows"] for row in values(CHARTS["tiers"](), "tiers")) == rows.num_rows
    beyond = with_column(rows, "engagementScore", [-7.0, 123.0] + [100.0] * (rows.num_rows - 2), pa.float64())
    bins = {row["from"]: row["rows"] for row in values(plots.scores(beyond), "scores")}
    assert (bins[-10], bins[95], bins[120]) == (1, rows.num_rows - 2, 1)


@pytest.mark.parametrize("name", ["scores", "tiers"])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_few_rows_are_counted_one_by_one(name: str, count: int) -> None:
    """No number is on the axis twice, as halves would be once they are rounded."""
    row = sample_rows().filter(sample_rows()["engagementScore"].is_valid()).slice(0, 1)
    chart = getattr(plots, name)(pa.concat_tables([row] * count) if count else row.slice(0, 0))
    drawn = chart.to_dict(format="vega")
    (axis,) = [axis for axis in drawn["axes"] if axis.get("title") == "Viewers of a video"]
    assert axis["values"] == list(range(count + 1))


def test_the_scores_axis_goes_to_its_end() -> None:
    axes = CHARTS["scores"]().to_dict()["encoding"]["x"]["axis"]
    assert axes["values"] == [*range(0, 101, 10)]


BEGINS = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "html": b"<!DOCTYPE html>"}


# Two charts, of layers and of text, show that the slower kinds work.
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in CHARTS for kind in BEGINS if kind == "svg" or name in ("retention", "cohorts")],
)
def test_charts_become_files(name: str, kind: str, tmp_path: Path) -> None:
    plots.save(CHARTS[name](), tmp_path / f"chart.{kind}")
    assert (tmp_path / f"chart.{kind}").read_bytes().lstrip(b"\n").startswith(BEGINS[kind])


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_is_drawn_as_nothing(name: str, tmp_path: Path) -> None:
    plots.save(NOTHING[name](), tmp_path / "chart.svg")
    assert (tmp_path / "chart.svg").stat().st_size > 100


def test_titles_of_others_stay_text(tmp_path: Path) -> None:
    title = "</script><script>alert(1)</script><b onerror=alert(2)>\u202eev"
    table = with_column(curves(), "videoTitle", [title] * curves().num_rows, pa.string())
    for kind in ("svg", "html"):
        plots.save(plots.retention(table, video=VIDEO), tmp_path / f"chart.{kind}")
        text = (tmp_path / f"chart.{kind}").read_text(encoding="utf-8")
        assert "alert(1)" in text
        assert "<script>alert" not in text
        assert "<b onerror" not in text
        assert "\u202e" not in text


def test_what_is_wrong_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ws.errors.OptionError, match="video is None, but the id of one of the table's"):
        plots.retention(curves())
    with pytest.raises(ws.errors.OptionError, match="video is 'nowhere'"):
        plots.drop_off(completions(), video="nowhere")
    with pytest.raises(ws.errors.MissingColumnError, match=r"no column 'probability'.*completion_curve"):
        plots.completion(
            {"videoId": ["v"], "bucket": [0], "startSeconds": [0.0], "viewers": [1], "completed": [1]}
        )
    with pytest.raises(ws.errors.MissingColumnError, match=r"no column 'kind'.*watchspan\.moments"):
        plots.retention(curves(), {"videoId": ["v"]}, video=VIDEO)
    with pytest.raises(ws.errors.OptionError, match=r"'chart\.bmp', but a name in"):
        plots.save(CHARTS["tiers"](), "chart.bmp")


@pytest.mark.parametrize("package", ["altair", "vl_convert"])
def test_without_the_extra_one_is_told_what_to_install(package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; import watchspan; import watchspan.plots"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingDependencyError: Charts need the packages" in done.stderr
    assert 'pip install "watchspan[plots]"' in done.stderr


def test_a_comparison_draws_each_change_with_its_interval() -> None:
    chart = CHARTS["comparison"]()
    drawn = values(chart, "comparison")
    marked = [(row["what"], row["relative"], row["relativeLow"], row["told"]) for row in drawn[:3]]
    assert marked == [
        ("coverage", 0.1, 0.05, "differs"),
        ("completionRate", -0.02, -0.06, "not told apart"),
        ("activeUsers", 0.0, None, "not to be judged"),
    ]
    assert {row["metric"] for row in drawn} == {"coverage", "completionRate", "activeUsers"}
    assert chart.description == (
        "Of 4 differences from old these are told from chance: coverage · new +10.0%."
    )
    two = {name: [*column[:1], *column[:1]] for name, column in COMPARED.items()}
    both = values(plots.comparison({**two, "group": ["new", "newer"]}), "comparison")
    assert [row["what"] for row in both[:2]] == ["coverage · new", "coverage · newer"]


def test_a_comparison_is_drawn_as_it_comes() -> None:
    pytest.importorskip("scipy", reason="the extra experiments is not installed")
    users = sorted(set(sample_rows()["userId"].to_pylist()))
    groups = {"userId": users, "group": [("a", "b")[n % 2] for n in range(len(users))]}
    found = ws.compare(sample_rows(), groups)
    assert plots.comparison(found).to_dict() == plots.comparison(found.table).to_dict()
