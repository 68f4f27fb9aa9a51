"""Views, a metric view and a dashboard over kept tables, as text for Databricks SQL and Spark.

Nothing is run here: the statements say once, in SQL, what `watchspan.video_totals` and the other functions on
rows compute, so that whoever asks the tables gets the same numbers.

>>> import watchspan as ws
>>> list(ws.views.statements("main.video.engagement"))[:2]
['main.video.engagement_video_totals', 'main.video.engagement_user_totals']
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from watchspan.comments import comments as core_comments
from watchspan.errors import OptionError
from watchspan.insight.columns import comments
from watchspan.table_names import Table, table_name
from watchspan.text import shown
from watchspan.views import queries
from watchspan.views.measures import OF_ANY, day_of, monday_of
from watchspan.views.queries import Kept

__all__ = ["VERSIONS", "dashboard", "metric_view", "statements"]

# Each view by what its name ends in.
_VIEWS: dict[str, Callable[[Kept], str]] = {
    "video_totals": queries.video_totals,
    "user_totals": queries.user_totals,
    "daily": queries.daily,
    "cohorts": queries.cohorts,
    "retention": queries.retention,
}
# Where a kept table may have the name: a view would take its place.
_OR_TABLE = "retention"
# Of the specification of metric views; the first is the one that most know.
VERSIONS = ("0.1", "1.1")
_DIMENSIONS = {
    "video": ("videoId", "The video."),
    "title": ("videoTitle", "Its title."),
    "tier": ("engagementTier", "The engagement tier of a viewer of a video."),
    "firstWeek": (
        monday_of(day_of("firstWatchDate")),
        "The Monday (UTC) of the week of a viewer's first event on a video.",
    ),
    "flag": ("dataQualityFlag", "The first data quality flag that applies, or `ok`."),
}
# What a measure means that is not what the column of that name does.
_MEANINGS = {"viewers": "Users with a row.", "videos": "Videos with a row."}
# Columns of views that say less than those of the functions, and those that have nothing to say.
_NARROWER = {
    ("daily", "day"): "The day (UTC).",
    ("cohorts", "cohort"): "The Monday (UTC) of the week in which its users began.",
    ("cohorts", "period"): "How many weeks after the cohort's, from 0.",
    ("cohorts", "isPartial"): "Whether the newest session is in the week: more may come.",
}
_NONE = (("daily", "hour"), ("cohorts", "group"))


def statements(table: str) -> dict[str, str]:
    """The statements that create the views beside an engagement table, whose rows equal those of Python.

    `<table>_video_totals`, `_user_totals`, `_daily` (by day in UTC), `_cohorts` (by week), and `_retention`,
    which is created only where no table of that name is kept (`retention_table` of `update`). They read
    `<table>` and `<table>_sessions` as they are when they are asked.

    Args:
        table: The name of the engagement table: `engagement`, `video.engagement` or `main.video.engagement`.

    Returns:
        The name of a view -> the statement that creates it, in one piece and without a semicolon.

    Raises:
        OptionError: If `table` is no name of a table in a catalog.

    >>> import watchspan as ws
    >>> print(ws.views.statements("engagement")["engagement_daily"].splitlines()[0])
    CREATE OR REPLACE VIEW `engagement_daily` (
    """
    named = _named(table)
    kept = kept_tables(named)
    made = {}
    for name, query in _VIEWS.items():
        view = named.beside(f"_{name}")
        how = "CREATE VIEW IF NOT EXISTS" if name == _OR_TABLE else "CREATE OR REPLACE VIEW"
        made[_spoken(view)] = f"{how} {view.sql} (\n{_columns(name)}\n) AS\n{query(kept)}"
    return made


def metric_view(table: str, version: str = "0.1") -> str:
    """The statement that creates `<table>_metrics`: the measures of an engagement table, by any dimension.

    A metric view adds up right whatever it is grouped by: a viewer of two videos is one viewer of both. Its
    dimensions are `video`, `title`, `tier`, `firstWeek` and `flag`; its measures are those of the totals.

    Args:
        table: As for `statements`.
        version: Of the specification of metric views: `0.1`, which Databricks runtimes from 16.4 and Spark
            4.2 know, or `1.1`, which runtimes from 17.2 know and which says what each column means.

    Raises:
        OptionError: If `table` or `version` is not accepted.

    >>> import watchspan as ws
    >>> print(ws.views.metric_view("engagement").splitlines()[4])
    version: 0.1
    """
    if version not in VERSIONS:
        raise OptionError(f"version is {shown(version)}, but one of {', '.join(VERSIONS)} is needed.")
    named = _named(table)
    says_more = version != "0.1"
    meanings = {**comments("user_totals"), **comments("video_totals"), **_MEANINGS}
    lines = [f"version: {version}", f"source: {_yaml(named.sql)}"]
    if says_more:
        lines.append(f"comment: {_yaml('Video engagement: any measure by any dimension.')}")
    lines.append("dimensions:")
    for name, (expression, meaning) in _DIMENSIONS.items():
        lines += _field(name, expression, meaning if says_more else None)
    lines.append("measures:")
    for name, expression in OF_ANY.items():
        lines += _field(name, expression, meanings[name] if says_more else None)
    text = "\n".join(lines)
    view = named.beside("_metrics").sql
    return f"CREATE OR REPLACE VIEW {view}\nWITH METRICS\nLANGUAGE YAML\nAS $$\n{text}\n$$\n"


def dashboard(table: str = "aggregated_user_video_engagement") -> str:
    """An AI/BI dashboard over an engagement table and those beside it, as the text of a `.lvdash.json` file.

    Its pages are quality, overview, video and cohorts. Tables are named without catalog and schema, which the
    dashboard's resource gives (`dataset_catalog`, `dataset_schema`). Needs the extra `plots`.

    Args:
        table: As for `statements`; only the last part of the name counts.

    Raises:
        OptionError: If `table` is not accepted.
        MissingDependencyError: If the extra is not installed.
    """
    named = Table(_named(table).parts[-1:])
    # Charts are an extra, which views do without.
    from watchspan.views.lakeview import made

    return json.dumps(made(kept_tables(named)), indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def kept_tables(table: Table) -> Kept:
    """The tables beside an engagement table, as SQL names them."""
    return Kept(table.sql, table.beside("_sessions").sql, table.beside("_retention").sql)


def _named(table: Any) -> Table:
    named = table_name("table", table)
    if named.path is not None or len(named.parts) > 3:
        raise OptionError(
            f"table is {shown(table)}, but the name of a table in a catalog is needed, such as "
            "'main.video.engagement': a view has no place beside a folder."
        )
    return named


def _spoken(table: Table) -> str:
    return ".".join(table.parts)


def _columns(view: str) -> str:
    """The columns of a view with what they mean, as its statement lists them."""
    meanings = core_comments("retention") if view == _OR_TABLE else comments(view)
    said = {name: _NARROWER.get((view, name), meaning) for name, meaning in meanings.items()}
    return ",\n".join(
        f"  {name} COMMENT {_text(meaning)}" for name, meaning in said.items() if (view, name) not in _NONE
    )


def _text(text: str) -> str:
    """Text as SQL spells it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _field(name: str, expression: str, meaning: str | None) -> list[str]:
    lines = [f"  - name: {name}", f"    expr: {_yaml(expression)}"]
    return lines if meaning is None else [*lines, f"    comment: {_yaml(meaning)}"]


def _yaml(text: str) -> str:
    """Text as YAML spells it, which JSON's spelling is too."""
    return json.dumps(text)
