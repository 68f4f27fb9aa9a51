"""Views, the metric view and the dashboard, as text: what stands in them, and the rules that it keeps."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import watchspan as ws
from watchspan.errors import OptionError
from watchspan.insight.columns import TABLES
from watchspan.views.measures import OF_ANY, OF_USERS, OF_VIDEOS

yaml = pytest.importorskip("yaml")
pytest.importorskip("altair")
pytest.importorskip("vl_convert")

from support.dashboards import drawn, vega_widgets, widgets  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
# What Databricks wants of each kind of widget.
VERSIONS = {
    "counter": 2, "table": 2, "filter-single-select": 2, "line": 3, "bar": 3, "heatmap": 3,
    "custom-vega-viz": 1,
}  # fmt: skip
WIDTH = 12


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ws.views.dashboard())
    return found


# Statements.


def test_each_measure_is_a_column_of_the_totals() -> None:
    for table, measures in (("video_totals", OF_VIDEOS), ("user_totals", OF_USERS)):
        assert {column.name for column in TABLES[table].columns[1:]} == set(measures)


def test_views_stand_beside_the_table() -> None:
    found = ws.views.statements(" main.`my video`.engagement ")
    assert list(found) == [
        f"main.my video.engagement_{name}"
        for name in ("video_totals", "user_totals", "daily", "cohorts", "retention")
    ]
    for name, text in found.items():
        head = text.splitlines()[0]
        view = "`main`.`my video`.`" + name.rpartition(".")[2] + "`"
        # A table that is kept under that name stays.
        how = "CREATE VIEW IF NOT EXISTS" if name.endswith("_retention") else "CREATE OR REPLACE VIEW"
        assert head == f"{how} {view} ("
        assert ";" not in re.sub(r"COMMENT '(?:[^'\\]|\\.)*'", "", text)
        assert set(re.findall(r"FROM (`main`\S* ?\S*`)", text)) <= {
            "`main`.`my video`.`engagement`",
            "`main`.`my video`.`engagement_sessions`",
        }


def test_a_metric_view_says_what_columns_mean_where_that_is_known() -> None:
    older, newer = ws.views.metric_view("a.engagement"), ws.views.metric_view("a.engagement", "1.1")
    body = {}
    for text, version in ((older, 0.1), (newer, 1.1)):
        head, _, rest = text.partition("$$\n")
        assert head == "CREATE OR REPLACE VIEW `a`.`engagement_metrics`\nWITH METRICS\nLANGUAGE YAML\nAS "
        body[version] = yaml.safe_load(rest.partition("\n$$")[0])
        assert body[version]["version"] == version
        assert body[version]["source"] == "`a`.`engagement`"
        names = [field["name"] for field in body[version]["dimensions"]]
        assert names == ["video", "title", "tier", "firstWeek", "flag"]
        assert {field["name"]: field["expr"] for field in body[version]["measures"]} == OF_ANY
    fields = body[1.1]["dimensions"] + body[1.1]["measures"]
    assert all(field["comment"] for field in fields)
    assert "comment" not in older


@pytest.mark.parametrize(
    "table", ["", "a..b", None, 3, "folder/engagement", "delta.`/data/engagement`", "a.b.c.d"]
)
def test_what_is_no_name_of_a_table_is_refused(table: Any) -> None:
    for make in (ws.views.statements, ws.views.metric_view, ws.views.dashboard):
        with pytest.raises(OptionError, match="table is"):
            make(table)


def test_a_version_that_is_not_known_is_refused() -> None:
    with pytest.raises(OptionError, match=r"version is '2\.0', but one of 0\.1, 1\.1 is needed"):
        ws.views.metric_view("engagement", "2.0")


def test_names_cannot_end_the_text_that_they_stand_in() -> None:
    text = ws.views.metric_view('`a``b"$$`')
    assert 'source: "`a``b\\"$$`"' in text or "$$" not in text.split("AS $$")[1].rpartition("$$")[0]


# The dashboard.


def test_the_dashboard_is_for_the_table_that_the_bundle_keeps() -> None:
    text = (ROOT / "resources" / "insight.lvdash.json").read_text(encoding="utf-8")
    assert text == ws.views.dashboard()
    default = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))["variables"]
    assert f"FROM `{default['output_table']['default']}`" in text


def test_tables_are_named_without_a_place(dashboard: dict[str, Any]) -> None:
    assert ws.views.dashboard("main.video.aggregated_user_video_engagement") == ws.views.dashboard()
    named = {
        name
        for dataset in dashboard["datasets"]
        for name in re.findall(r"FROM (`[^\n]*`)", "".join(dataset["queryLines"]))
    }
    table = "aggregated_user_video_engagement"
    assert named == {f"`{table}`", f"`{table}_sessions`", f"`{table}_retention`"}


def test_pages_are_in_order_and_rows_fill_them(dashboard: dict[str, Any]) -> None:
    assert [page["name"] for page in dashboard["pages"]] == ["quality", "overview", "video", "cohorts"]
    for page in dashboard["pages"]:
        assert page["pageType"] == "PAGE_TYPE_CANVAS"
        rows: dict[int, list[dict[str, int]]] = {}
        for item in page["layout"]:
            rows.setdefault(item["position"]["y"], []).append(item["position"])
        below = 0
        for y in sorted(rows):
            assert y == below
            x = 0
            for place in rows[y]:
                assert place["x"] == x
                x += place["width"]
            assert x == WIDTH
            (height,) = {place["height"] for place in rows[y]}
            below += height


def test_names_are_unique_and_lines_end(dashboard: dict[str, Any]) -> None:
    for names in (
        [widget["name"] for widget in widgets(dashboard)],
        [dataset["name"] for dataset in dashboard["datasets"]],
    ):
        assert len(names) == len(set(names)) > 5
        assert all(re.fullmatch(r"[a-z0-9_-]+", name) for name in names)
    for dataset in dashboard["datasets"]:
        # They are joined as they are.
        assert all(line.endswith("\n") and line.count("\n") == 1 for line in dataset["queryLines"])
        keywords = {parameter["keyword"] for parameter in dataset.get("parameters", ())}
        assert set(re.findall(r":([a-z]\w*)", "".join(dataset["queryLines"]))) == keywords


def test_widgets_ask_for_what_they_show(dashboard: dict[str, Any]) -> None:
    datasets = {dataset["name"]: dataset for dataset in dashboard["datasets"]}
    used, kinds = set(), set()
    for widget in widgets(dashboard):
        if "multilineTextboxSpec" in widget:
            assert "spec" not in widget
            assert all(line.strip() for line in widget["multilineTextboxSpec"]["lines"])
            continue
        spec, fields = widget["spec"], set()
        kinds.add(spec["widgetType"])
        assert spec["version"] == VERSIONS[spec["widgetType"]]
        assert spec["frame"]["showTitle"] and spec["frame"]["title"]
        for query in widget["queries"]:
            used.add(query["query"]["datasetName"])
            parameters = {one["keyword"] for one in query["query"].get("parameters", ())}
            assert parameters <= {
                one["keyword"] for one in datasets[query["query"]["datasetName"]].get("parameters", ())
            }
            fields |= {field["name"] for field in query["query"].get("fields", ())}
        shown = set(re.findall(r'"fieldName": "(\w+)"', json.dumps(spec["encodings"])))
        assert shown == fields - {name for name in fields if name.endswith("_associativity")}
    assert used == set(datasets)
    assert kinds == set(VERSIONS)


def test_the_choice_of_a_video_reaches_all_that_is_about_one(dashboard: dict[str, Any]) -> None:
    (picker,) = [
        w for w in widgets(dashboard) if w.get("spec", {}).get("widgetType") == "filter-single-select"
    ]
    about_one = {dataset["name"] for dataset in dashboard["datasets"] if "parameters" in dataset}
    asked = {query["name"]: query["query"] for query in picker["queries"]}
    reached = {
        asked[field["queryName"]]["datasetName"]
        for field in picker["spec"]["encodings"]["fields"]
        if "parameterName" in field
    }
    assert reached == about_one
    (page,) = [page for page in dashboard["pages"] if page["name"] == "video"]
    of_page = {
        query["query"]["datasetName"]
        for item in page["layout"]
        if item["widget"] != picker
        for query in item["widget"].get("queries", ())
    }
    assert of_page == about_one


def test_a_chart_of_vega_stands_beside_a_built_in_one(dashboard: dict[str, Any]) -> None:
    drawings = vega_widgets(dashboard)
    assert len(drawings) == 5
    for widget in drawings:
        spec = json.loads(widget["spec"]["jsonSpec"]["spec"])
        assert widget["queries"][0]["query"]["disaggregated"] is True
        assert spec["data"] == {"name": "databricks_query"}
        assert (spec["width"], spec["height"]) == ("container", "container")
        text = json.dumps({key: part for key, part in spec.items() if key != "data"})
        # Rows come from the query alone, and choices are the dashboard's.
        assert not re.search(
            r'"(?:data|datasets|values|params|selection)": (?:\[\{|\{"(?:name|values|url))', text
        )
        assert "params" not in text
        # Axes of numbers of rows go as far as these.
        assert '"values": [0]' not in text
        dataset = widget["queries"][0]["query"]["datasetName"]
        others = [w for w in widgets(dashboard) if w not in drawings and w.get("queries")]
        beside = {
            w["spec"]["widgetType"] for w in others if w["queries"][0]["query"]["datasetName"] == dataset
        }
        assert beside & {"line", "bar", "heatmap"}


ROWS = {
    "tiers": [{"tier": tier, "rows": 5, "share": 0.25} for tier in ("High", "Medium", "Low", "unscored")],
    "scores": [{"from": 5 * place, "to": 5 * place + 5, "rows": place} for place in range(20)],
    "positions": [
        {"startSeconds": 6.0 * place, "retention": 1 - place / 200, "again": 1.5 - place / 200}
        for place in range(101)
    ],
    "cohorts": [
        {"who": f"2026-01-{5 + 7 * week:02} (1,200)", "period": period, "share": 1 / (1 + period),
         "isPartial": week + period == 3}
        for week in range(4) for period in range(4 - week)
    ],
}  # fmt: skip


def test_charts_are_drawn_of_the_rows_of_a_query(dashboard: dict[str, Any]) -> None:
    for widget in vega_widgets(dashboard):
        rows = ROWS[widget["queries"][0]["query"]["datasetName"]]
        with_rows, without = drawn(widget, rows), drawn(widget, [])
        assert with_rows.count("<path") > without.count("<path")
        assert "undefined" not in with_rows and "NaN" not in with_rows
    cohorts = next(w for w in vega_widgets(dashboard) if w["name"] == "cohorts-chart")
    # Weeks are in order, in whichever order the rows come.
    labels = re.findall(r">(2026-01-\d\d) \(1,200\)</text>", drawn(cohorts, ROWS["cohorts"][::-1]))
    assert labels == ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26"]


# The command, and what it costs to have it.


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "watchspan", "views", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_prints_what_the_functions_give() -> None:
    found = run("main.video.engagement")
    assert found.returncode == 0
    for text in ws.views.statements("main.video.engagement").values():
        assert f"{text.rstrip()};\n" in found.stdout
    metric = run("engagement", "--metric-view", "--version", "1.1").stdout
    assert metric == ws.views.metric_view("engagement", "1.1").rstrip() + ";\n"
    assert run("engagement", "--dashboard").stdout == ws.views.dashboard("engagement")


def test_the_command_refuses_in_a_sentence() -> None:
    for arguments in (("folder/engagement",), ("engagement", "--metric-view", "--dashboard")):
        found = run(*arguments)
        assert found.returncode == 2
        assert "Error" in found.stderr and "Traceback" not in found.stderr


def test_views_are_text_that_needs_no_extra() -> None:
    script = (
        "import sys; sys.modules['altair'] = None\n"
        "import watchspan as ws\n"
        "assert ws.views.statements('a') and ws.views.metric_view('a')\n"
        "try: ws.views.dashboard('a')\n"
        "except ws.errors.MissingDependencyError as error: print(error)\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "watchspan[plots]" in found.stdout
