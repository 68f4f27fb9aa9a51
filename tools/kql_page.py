"""The page of the queries in KQL, for `tools/generate.py`."""

from __future__ import annotations

from typing import Any

from markdown_parts import NOTICE, code, table

KQL_PAGE = """{notice}
# Queries in KQL

The numbers of [metrics.md](metrics.md) where events lie in Application Insights (a Log Analytics workspace or
a classic resource) or in Azure Data Explorer, without moving them. Each query is one file in the folder
`queries`, which runs as it is in the portal: paste it, choose a time range, and change the `let` lines at the
top. The files are put together from the folders `questions` and `parts` of `python/watchspan/kql`, so that
each definition exists once. With thresholds and names filled in:

```python
import watchspan as ws

text = ws.kql.query(
    "engagement",
    rules=ws.Rules(heartbeat_seconds=30),
    scoring=ws.Scoring.additive(),
    columns={{"userId": "uid"}},
    videos={{"videoId": ["v1"], "duration": [300], "title": ["Welcome"]}},
)
```

or `watchspan kql engagement --rules heartbeat_seconds=30 --scoring additive --column userId=uid`; `watchspan
kql --list` says what there is. The settings are those of `Rules` and `Scoring` ([rules.md](rules.md)), so
that a number means the same in both worlds. `sessions` and `engagement` have the columns of
[columns.md](columns.md).

## The queries

{contents}
{queries}
## What events must look like

* Without `events=` the queries read `AppEvents` (a workspace) and `customEvents` (a classic resource),
  whichever there is. Where both names show the same events, each is read twice, and dropped once as a
  duplicate.
* `timestamp`, `userId`, `sessionId` and `eventName` are columns of these tables: the authenticated user if
  there is one, else the anonymous one, who is another in each browser. `columns=` names properties to use
  instead; other columns of these tables cannot be named.
* `videoId`, `currentTime` and the optional `playbackRate`, `seekFrom`, `sequence` and `videoDuration` are
  properties, or, numbers, also measurements. The SDK for browsers sends every property as text, and null as
  `"null"`: both are understood.
* `columns={{"sessionId": None}}` cuts sessions by silence in which nobody watched on, as does
  `Rules(session_timeout_seconds=...)`.
* `events="MyTable"` reads a table of your own, as in Data Explorer: each of its columns counts as a property
  of that name. The names are the default ones unless `columns=` says otherwise. A column that is not there is
  empty; if that is `sessionId`, every event is dropped unless `columns={{"sessionId": None}}` says so.
* Every kind of event is read, seeks and changes of speed included. `vocabulary=` says what your names mean.
* `videos=` takes a table of yours, which is written into the query, or the name of one that lies beside the
  events. In the portal, fill in `let Videos` by hand.

## Limits

* Keys are text: a number becomes text, and rows are sorted as text. Text has no null: a title, source or tier
  that is null in the engine is empty here. `unique_seconds=False` does not exist.
* Two different rows of `Videos` for one video are an error in Python. In a table that is read by name the
  longer duration is taken. Whatever `Videos` says is `metadata`, also where a table of yours calls a duration
  `reported`.
* The time range bounds the events: a session that it cuts is judged by what lies within. Events that arrive
  late change the result of the next run.
* An `eventId` is not looked at: of copies only those are dropped that are the same in time, kind, position
  and `sequence`. What [azure.md](azure.md) describes tells copies by it.
* Sampling: of an event whose `ItemCount` is above 1 others were left out, so that watch time between them is
  rejected or unobserved. `dropped_events` counts them. Send video events unsampled.
* Cost: the events are sorted four times, and four passes over the sorted rows (`scan`) cannot be spread over
  nodes. Apart from the sorting, the work grows with the number of events; in `overlapping_playback` with the
  square of a user's stretches. For many events narrow the time range, or let the engine do the work.
* Numbers that exceed the largest float are infinite here; in the engine they end at it.
* Sums of floats are made in another order than in the engine and may differ in the last digits; a value that
  lies within that of a limit or of a rounding border may fall on its other side.

## How this was tested

Every query passes Microsoft's own parser and binder, and is executed in the tests by an evaluator on the
parser's syntax tree. `sessions`, `engagement` and `retention` are compared with the engine on the
[stories](scenarios/index.md) and on random streams under random rules; the others with results computed by
hand. They were not run by the service itself: what it adds, such as limits of time and memory, is not
covered.
"""


def kql_page(assembly: Any) -> str:
    """docs/kql.md."""
    questions = {name: assembly.question(name) for name in assembly.names()}
    return KQL_PAGE.format(
        notice=NOTICE,
        contents=table(
            ["query", "answers", "file"],
            [[f"[`{n}`](#{n})", q.asks, f"[{n}.kql](../queries/{n}.kql)"] for n, q in questions.items()],
        ),
        queries="\n".join(query_section(name, asked) for name, asked in questions.items()),
    )


def query_section(name: str, asked: Any) -> str:
    """One query: its own settings and its columns."""
    text = f"### {name}\n\n{asked.asks}\n\n"
    if asked.settings:
        rows = [[code(key), code(setting.text), setting.doc] for key, setting in asked.settings.items()]
        text += table(["setting", "default", "meaning"], rows) + "\n"
    if not asked.columns:
        return f"{text}Columns: see [columns.md](columns.md).\n"
    return text + table(["column", "meaning"], [[code(key), doc] for key, doc in asked.columns.items()])
