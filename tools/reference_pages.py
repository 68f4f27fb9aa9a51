"""The reference pages of options and columns, for `tools/generate.py`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from markdown_parts import NOTICE, code, shown, table
from stories import Story

RULES_PAGE = """{notice}
# Rules and scoring

`watchspan.Rules` and `watchspan.Scoring` hold every threshold and weight. What is not given keeps its
default. How they enter the numbers is in [metrics.md](metrics.md).

## Rules that shape sessions

Changing one of these needs the events again.

{shaping}
## Rules that read sessions

These can be changed with `watchspan.engagement` on session rows, without the events.

{reading}
## Scoring

`engagementScore` is the sum of weight times feature over the weights below, kept between `minimum` and
`maximum`. `Scoring.additive()` is a preset that needs no duration.

{scoring}
## Segments

`watchspan.segments` tells kinds of users apart by the thresholds of `watchspan.Segments`. A user's `segment`
is the first of these that applies; what they are made from is in [insight.md](insight.md#segments).

{segments}
{thresholds}"""


def rules_page(core: Any, thresholds: Any, stories: dict[str, Story]) -> str:
    """docs/rules.md."""
    additive = core.additive_scoring()

    def lines(shapes_walk: bool) -> str:
        chosen = [spec for spec in core.rule_specs() if spec["shapes_walk"] is shapes_walk]
        rows = [option(s, [s["accepted"], s["doc"]], stories) for s in chosen]
        return table(["option", "default", "accepts", "meaning", "shown by"], rows)

    scoring = [
        option(s, [code(shown(additive[s["name"]])), s["accepted"], s["doc"]], stories)
        for s in core.scoring_specs()
    ]
    return RULES_PAGE.format(
        notice=NOTICE,
        shaping=lines(True),
        reading=lines(False),
        scoring=table(["option", "default", "`additive()`", "accepts", "meaning", "shown by"], scoring),
        segments=table(
            ["segment", "applies when"],
            [[code(name), doc] for name, doc in (*thresholds.SEGMENTS, thresholds.REST)],
        ),
        thresholds=table(
            ["option", "default", "accepts", "meaning"],
            [[code(t.name), code(shown(t.default)), t.accepted, t.doc] for t in thresholds.THRESHOLDS],
        ),
    )


def option(spec: Any, cells: list[str], stories: dict[str, Story]) -> list[str]:
    """The line of one option, with the story that shows it."""
    name = spec["name"]
    return [code(name), code(shown(spec["default"])), *cells, link(name, stories)]


COLUMNS_PAGE = """{notice}
# Columns

## Input

Other names are mapped: `columns={{"userId": "uid"}}`. `None` as a name means that the column is not used.

{inputs}
{outputs}
## Metrics of experiments

What `watchspan.compare` compares by default. Each is a sum over the users of a group by another, or by the
number of users; `watchspan.Metric` makes others. A sum is a column of [engagement rows](#engagement) that
holds numbers or yes and no, null as 0, or one of the second list. How they are compared is in
[experiments.md](experiments.md).

{metrics}
{quantities}
## Data quality flags

`dataQualityFlags` lists all that apply, in this order; `dataQualityFlag` is the first, or `ok`.

{flags}
## Why events are dropped

The first reason that applies counts. `watchspan.report` gives the numbers, `watchspan.validate` examples.

{reasons}"""

OUTPUTS = {
    "sessions": "One row per user, video and session: `watchspan.sessions`.",
    "engagement": "One row per user and video: `watchspan.aggregate` and `watchspan.engagement`.",
    "retention": "One row per video and bucket of positions: `watchspan.retention`.",
    "explanation": "One row per event of one user on one video: `watchspan.explain`.",
}


def columns_page(core: Any, insight: Any, experiments: Any, stories: dict[str, Story]) -> str:
    """docs/columns.md."""
    inputs = [
        [code(s["name"]), s["table"], yes(s["required"]), s["accepted"], s["doc"]]
        for s in core.input_column_specs()
    ]
    outputs = [section(name.title(), doc, core.column_specs(name)) for name, doc in OUTPUTS.items()]
    outputs += [section(t.title, t.doc, map(asdict, t.columns)) for t in insight.TABLES.values()]
    return COLUMNS_PAGE.format(
        notice=NOTICE,
        inputs=table(["column", "table", "needed", "accepts", "meaning"], inputs),
        outputs="\n".join(outputs),
        metrics=table(
            ["metric", "sum of", "by", "meaning"],
            [
                [code(m.name), code(m.numerator), code(m.denominator) if m.denominator else "users", m.doc]
                for m in experiments.BUILT_INS
            ],
        ),
        quantities=table(["sum", "meaning"], [[code(q.name), q.doc] for q in experiments.QUANTITIES]),
        flags=causes("flag", core.flag_specs(), stories),
        reasons=causes("reason", core.drop_reasons(), stories),
    )


# What no event in memory can be.
IN_FILES = {"unreadable": "[files](files.md)"}


def link(name: str, stories: dict[str, Story]) -> str:
    """A link to the story that shows what has that name."""
    if name in IN_FILES:
        return IN_FILES[name]
    if name not in stories:
        raise ValueError(f"No story in tests/scenarios shows {name}: write one that has it in `shows`.")
    return stories[name].link("scenarios/")


def causes(what: str, specs: list[tuple[str, str]], stories: dict[str, Story]) -> str:
    """Flags or reasons: when each applies, with a story in which it does."""
    rows = [[code(name), doc, link(name, stories)] for name, doc in specs]
    return table([what, "applies when", "shown by"], rows)


def section(title: str, doc: str, specs: Iterable[Any]) -> str:
    """What is said of one output table."""
    rows = [[code(s["name"]), s["type"], yes(s["nullable"]), s["unit"], s["doc"]] for s in specs]
    head = ["column", "type", "can be null", "unit", "meaning"]
    return f"## {title}\n\n{doc}\n\n{table(head, rows)}"


def yes(answer: bool) -> str:
    """Yes or no."""
    return "yes" if answer else "no"
