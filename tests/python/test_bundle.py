"""The bundle of the daily job and the dashboard, checked without a workspace."""

import fnmatch
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("dev", "serverless", "classic")
RESOURCES = ("daily.job.yml", "insight.dashboard.yml")

yaml = pytest.importorskip("yaml")
jobs = pytest.importorskip("databricks.bundles.jobs", reason="databricks-bundles needs Python 3.10")
dashboards = pytest.importorskip("databricks.bundles.dashboards")


def load(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def merged(common, target):
    """A job with what a target adds to it; tasks are matched by their key, as Databricks does."""
    tasks = {task["task_key"]: dict(task) for task in common["tasks"]}
    for task in target["tasks"]:
        tasks[task["task_key"]].update(task)
    return {**common, **target, "tasks": list(tasks.values())}


@pytest.fixture(params=TARGETS)
def job(request):
    common = load("resources/daily.job.yml")["resources"]["jobs"]["watchspan_daily"]
    target = load("databricks.yml")["targets"][request.param]["resources"]["jobs"]["watchspan_daily"]
    return merged(common, target)


def test_all_targets_are_tested():
    assert set(load("databricks.yml")["targets"]) == set(TARGETS)
    assert load("databricks.yml")["include"] == ["resources/*.yml"]
    assert {path.name for path in (ROOT / "resources").glob("*.yml")} == set(RESOURCES)


def test_a_job_has_fields_that_databricks_knows(job):
    made = jobs.Job.from_dict(job)
    assert made.max_concurrent_runs == 1
    assert [task.task_key for task in made.tasks] == ["refresh", "check"]
    with pytest.raises(ValueError, match="notebook_tsk"):
        jobs.Job.from_dict({**job, "tasks": [{"task_key": "x", "notebook_tsk": {}}]})


def test_each_task_runs_on_compute_that_has_the_wheel(job):
    environments = {entry["environment_key"]: entry["spec"] for entry in job.get("environments", [])}
    clusters = {entry["job_cluster_key"] for entry in job.get("job_clusters", [])}
    for task in job["tasks"]:
        if "job_cluster_key" in task:
            assert task["job_cluster_key"] in clusters
            (wheel,) = [library["whl"] for library in task["libraries"]]
        else:
            (wheel,) = environments[task["environment_key"]]["dependencies"]
        name = "watchspan-0.1.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
        assert fnmatch.fnmatch(f"./dist/{name}", wheel)


def test_a_failure_sends_a_mail_whichever_task_it_is(job):
    assert job["email_notifications"]["on_failure"]
    needed = {entry["task_key"] for task in job["tasks"] for entry in task.get("depends_on", ())}
    assert needed == {"refresh"}
    for task in job["tasks"]:
        # Only tasks that no other depends on decide whether a run has failed.
        if task["task_key"] in needed:
            assert task["email_notifications"] == job["email_notifications"]
            assert task["notification_settings"] == {"alert_on_last_attempt": True}


def test_notebooks_exist_and_have_a_widget_for_each_parameter(job):
    widgets = {}
    for task in job["tasks"]:
        notebook = (ROOT / "resources" / task["notebook_task"]["notebook_path"]).resolve()
        names = re.findall(r'dbutils\.widgets\.\w+\(\s*"(\w+)",', notebook.read_text(encoding="utf-8"))
        widgets[notebook.name] = set(names)
    assert set(widgets) == {"02_daily_job.py", "03_data_quality.py"}
    parameters = {entry["name"] for entry in job["parameters"]}
    assert parameters <= set.union(*widgets.values())
    assert widgets["02_daily_job.py"] - parameters == {"fail_on_shrunk"}


def test_the_job_keeps_what_the_dashboard_reads(job):
    parameters = {entry["name"]: entry["default"] for entry in job["parameters"]}
    assert parameters["retention_table"] == "true"


def test_variables_are_declared():
    declared = load("databricks.yml")["variables"]
    names = ("databricks.yml", *(f"resources/{name}" for name in RESOURCES))
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in names)
    assert set(re.findall(r"\$\{var\.(\w+)\}", text)) == set(declared)
    # Only a workspace knows its warehouses.
    assert [name for name, variable in declared.items() if "default" not in variable] == ["warehouse_id"]


def test_a_dashboard_has_fields_that_databricks_knows():
    found = load("resources/insight.dashboard.yml")["resources"]["dashboards"]["watchspan_insight"]
    made = dashboards.Dashboard.from_dict(found)
    assert str(made.warehouse_id) == "${var.warehouse_id}"
    assert made.as_dict() == found
    # The path is from the file that names it.
    assert (ROOT / "resources" / made.file_path).is_file()
    with pytest.raises(ValueError, match="warehouse"):
        dashboards.Dashboard.from_dict({**found, "warehouse": "x"})


def test_the_wheel_is_where_make_puts_it():
    printed = subprocess.run(
        ["make", "--dry-run", "wheel"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "--out dist" in printed
