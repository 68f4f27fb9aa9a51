"""The page on tests, for `tools/generate.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markdown_parts import NOTICE, code, table

TESTING_PAGE = """{notice}
# Tests of your events

Players change, exports change, and numbers go wrong without a word. Three things find that in a test run:
**stories**, which say what should come of a few events; **assertions** on events and rows; and **checks**,
the same laws where your tables lie. All files of this page are in `examples/testing`.

## In five minutes

```sh
pip install "watchspan[test]"
```

1. Write down what one viewer did, as your player sends it, and what should come of it. Here the rows were
   worked out by hand; `why` says how. This is `rewatch.story.json`:

```json
{story}```

2. Run `pytest`. Files named `*.story.json` are tests, wherever pytest looks for tests; nothing has to be
   set up.

```text
rewatch.story.json .                                                     [100%]
```

3. If what comes of the events is something else, the failure shows what was expected, what came, and how
   each event was judged, as `watchspan.explain` does. With `"totalWatchTime": 50`:

```text
{failure}```

A line of your own log is quickly made a story: copy the records of one viewer under `events`, say where
the columns are, and look at what comes with `watchspan show`. The [stories of this
project](scenarios/index.md) are files of the same kind.

## What is in a story

An object of these fields. A field that is not among them is an error, as is a story that expects nothing.

{fields}
`expected` holds any of these. A row holds only the columns to compare; there are as many rows as come.

{expected}
The plugin is `pytest_watchspan`. It imports watchspan only once there is a story, so it costs other test
runs nothing; `pytest -p no:watchspan`, by the name that pytest has for it, leaves it and its fixture out. A
file that is no story is a test that fails, with a sentence that says what is wrong in it.

## Stories in Python

The fixture `story` takes compact text, a line for each event: when, its name, the position, and what else
is known. `expect` compares columns of the one engagement row, or `engagement=`, `sessions=` and `dropped=`
as in a file.

* When: a time since the beginning, `0:30` or `1:00:30`, or an instant, `2026-01-15T10:00:00Z`.
* Position: seconds, `90`, or a time, `1:30`; `-` if the event has none.
* What else: `user=`, `video=`, `session=`, `rate=` (the speed), `from=` (where a seek came from),
  `sequence=`, `videoDuration=`. The user is `user`, the video `video`, and there are no sessions unless a
  line says so.
* What follows a `#` is a remark.

`story(text, duration=300)` says how long the video `video` is; `videos=` is as in a file, and `vocabulary=`,
`rules=`, `scoring=` and `unique_seconds=` are those of `watchspan.aggregate`.

This is `test_our_events.py`:

```python
{tests}```

## Assertions

They need no pytest, and raise `AssertionError`. All take whatever speaks Arrow, and paths of files.

* `assert_events(events, max_dropped=0.05, **max_by_reason)`: there are events, and few are dropped. What
  the vocabulary ignores, and duplicates, do not count, unless they are named: a reason that is named
  ([all](columns.md#why-events-are-dropped)) has its own share, and does not count with the others.
  `preset=`, `columns=` and `vocabulary=` are those of `watchspan.aggregate`.
* `assert_engagement(rows)`: the rows keep the laws below. Rules and scoring come from the table, where it
  still says with which it was made; otherwise `rules=` and `scoring=` do.
* `assert_same_rows(a, b, tolerance=1e-6, ignore=())`: the same rows in any order; a failure shows the
  first ten differences. For a new version, another engine, another way to the same table.

## Laws of engagement rows

A law is broken where its condition is false, not where it is unknown (null). The conditions of the last
table are written as they are in `python/watchspan/testing/laws.py`; numbers of options are those of the
rows.

{columns}
{laws}
## Where your tables lie

`watchspan checks TABLE` prints the same laws as errors, and every [data quality
flag](columns.md#data-quality-flags) as a warning:

```sh
watchspan checks gold.engagement > checks.yml
watchspan checks gold.engagement --format sql > checks.sql
watchspan checks engagement --format sql --dialect duckdb --scoring additive
```

* `--format dqx`: metadata of [Databricks Labs DQX](https://databrickslabs.github.io/dqx/), as JSON, which
  is YAML too. `DQEngine(...).apply_checks_by_metadata(frame, checks)` adds `_errors` and `_warnings` to
  each row. The tests run it with DQX 0.17 on a local Spark 4.2; no workspace has confirmed it.
* `--format sql`: one query, with a row for each law and flag: `law`, `criticality` (`error` or `warn`),
  `brokenRows`, `meaning`. It reads the table once. An alert asks whether any `error` has `brokenRows > 0`.
  It is run on Spark 4.2 and on DuckDB.

Give `--rules` and `--scoring` as the table was made with.
"""


def testing_page(laws: Any, story_format: Any, columns: list[Mapping[str, Any]], examples: Path) -> str:
    """docs/testing.md.

    Args:
        laws: The module of the laws.
        story_format: The module of the fields of a story.
        columns: The columns of engagement rows.
        examples: The folder of the files that the page shows.
    """
    kept = laws.laws(columns)
    of_columns = [law for law in kept if law.name.startswith("valid_")]
    others = [law for law in kept if law not in of_columns]
    return TESTING_PAGE.format(
        notice=NOTICE,
        story=(examples / "rewatch.story.json").read_text(encoding="utf-8"),
        failure=(examples / "failure.txt").read_text(encoding="utf-8"),
        tests=(examples / "test_our_events.py").read_text(encoding="utf-8"),
        fields=fields(story_format.FIELDS),
        expected=fields(story_format.EXPECTED),
        columns=table(["law", "says"], [[code(law.name), law.doc] for law in of_columns]),
        laws=table(
            ["law", "says", "condition"],
            [[code(law.name), law.doc, code(law.condition)] for law in others],
        ),
    )


def fields(specs: Mapping[str, Any]) -> str:
    """The fields of a story as a table."""
    rows = [[code(name), spec.needs, spec.default or "needed", spec.doc] for name, spec in specs.items()]
    return table(["field", "is", "left out", "meaning"], rows)
