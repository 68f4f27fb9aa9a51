"""The pages of the presets, and the one that lists them, for `tools/generate.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markdown_parts import NOTICE, code, shown, table

INDEX_PAGE = """{notice}
# Presets and vocabularies

A **preset** is all that is special about a source: where its raw records have the columns, what its event
names mean, which rules its conventions ask for, and what to know before trusting it. `preset="edx"`, or
`--preset edx`, reads the records of that source as they are; events that are flat tables with the default
column names are read by it too.

A **vocabulary** is one part of that: what event names mean. Pass a preset's name, or a mapping of your own:
`vocabulary="html5"`, or `vocabulary={{**watchspan.vocabulary("html5"), "my_start": "play"}}`.

`watchspan presets` lists the presets, `watchspan presets NAME` tells of one, and with `--toml` it prints a
description to [start your own from](your_events.md#a-preset-of-your-own). What to send where you write the
player's page yourself: [if you build a tracker](your_events.md#if-you-build-a-tracker).

## Presets

{presets}
## Meanings

{meanings}"""

MEANINGS = {
    "play": "The player was told to play.",
    "resume": "The same, after a pause.",
    "pause": "It stopped, and may go on.",
    "end": "It came to the end of the video.",
    "seek": "It jumped: `currentTime` is where it went, `seekFrom` where it was.",
    "seek_start": "A jump begins: `currentTime` is where the player was.",
    "heartbeat": "A sign of life: it is here, and plays unless it was known to stand still here.",
    "close": "The page or the player was closed.",
    "rate_change": "Its speed changed: `playbackRate` is the new one.",
    "ignore": "Known, and nothing about playback: quality, volume, adverts, buffering.",
}

WIDTH = 110

PAGE = """{notice}
# {name}

{title}. One of the [presets](../vocabularies.md).

```python
import watchspan as ws

rows = ws.aggregate("{file}", preset="{name}")
```

```sh
watchspan aggregate {file} --preset {name}
```
"""

COLUMNS = """The first place counts where there is something that is not null. Of a table that has none of
these places the column of the default name is read, so that flat events have the same preset."""


def preset_pages(core: Any, samples: Path) -> dict[str, str]:
    """The text of each preset's page by the file's name, with a record of its sample in `samples`."""
    return {
        f"{preset['name']}.md": page(core, preset, samples / f"{preset['name']}.jsonl")
        for preset in core.preset_specs()
    }


def vocabularies_page(core: Any) -> str:
    """docs/vocabularies.md."""
    presets = core.preset_specs()
    unknown = set(core.meanings()) ^ set(MEANINGS)
    if unknown:
        raise ValueError(
            f"tools/preset_pages.py says too much or too little of {', '.join(sorted(unknown))}."
        )
    return INDEX_PAGE.format(
        notice=NOTICE,
        presets="".join(
            f"* [{each['name']}](presets/{each['name']}.md): {each['title']}\n" for each in presets
        ),
        meanings=table(["meaning", "of an event"], [[code(name), text] for name, text in MEANINGS.items()]),
    )


def page(core: Any, preset: Any, sample: Path) -> str:
    """The page of one preset."""
    record = first_record(core, preset, sample) if preset["columns"] else None
    places = [place_cells(column, place) for column, place in preset["columns"].items()]
    rules = [[code(rule), shown(value)] for rule, value in preset["rules"].items()]
    lacks = "".join(f"- {text}\n" for text in unknown_to(core, preset))
    names = [[code(name), code(meaning)] for name, meaning in preset["names"]]
    sections = {
        "What to send, and what to know": preset["notes"].strip() + "\n",
        "What it cannot know": lacks,
        "Columns": f"{columns_told(preset)}\n\n{columns_table(places)}" if places else "",
        "Rules": table(["rule", "value"], rules) if rules else "",
        "Event names": table(["event name", "meaning"], names),
        "A record": f"As it comes, but for the line breaks:\n\n```json\n{record}\n```\n" if record else "",
        "Source": f"{preset['source']}\n",
    }
    head = PAGE.format(
        notice=NOTICE,
        name=preset["name"],
        title=preset["title"],
        file="events.jsonl" if preset["columns"] else "events.parquet",
    )
    return head + "".join(f"\n## {title}\n\n{text}" for title, text in sections.items() if text)


def columns_told(preset: Any) -> str:
    """What stands before the table of columns."""
    from watchspan.presets import of_records

    return "\n\n".join([*of_records(preset), COLUMNS])


def place_cells(column: str, place: Any) -> list[str]:
    """The line of one column."""
    value = code(place["value"]) if place["value"] else ""
    missing = ", ".join(code(repr(each)) for each in place["missing"])
    where = " or ".join(map(code, place["paths"]))
    return [code(column), where, place["unit"] or "", place["timezone"] or "", value, missing]


def columns_table(places: list[list[str]]) -> str:
    """Where the columns are; a kind of detail that no column has is left out."""
    head = [
        "column",
        "where",
        "unit of numbers",
        "zone of stamps without one",
        "where nothing is found",
        "stands for nothing",
    ]
    used = [number for number in range(len(head)) if number < 2 or any(place[number] for place in places)]
    return table([head[n] for n in used], [[place[n] for n in used] for place in places])


def unknown_to(core: Any, preset: Any) -> Iterator[str]:
    """What follows from columns and events that the source does not have, a sentence each."""
    columns: Mapping[str, Any] = preset["columns"]
    tells = {meaning for _, meaning in preset["names"]}
    speed = next(rule["default"] for rule in core.rule_specs() if rule["name"] == "max_unstated_speed")
    if columns and "sessionId" not in columns:
        minutes = f"{core.default_session_timeout / 60:g}"
        yield f"Sessions: they are cut where more than {minutes} minutes pass that were not played through."
    if columns and "playbackRate" not in columns:
        yield f"The speed: playback up to {speed:g} times as fast as the clock is believed."
    if columns and "videoDuration" not in columns:
        yield "The length of a video: pass a videos table; without one it is as far as anybody watched."
    if "seek" not in tells:
        yield "Seeks: a jump while it plays is positions that do not fit; what played before is unobserved."
    elif columns and "seekFrom" not in columns and "seek_start" not in tells:
        yield "Where a seek began: what played since the event before it is unobserved."
    if "pause" not in tells:
        yield "Pauses: they are not counted."
    if "end" not in tells:
        yield "The end: a video is completed by watching up to it."
    if "close" not in tells:
        yield "When the page is closed: " + (
            "what played since the last heartbeat is unobserved."
            if "heartbeat" in tells
            else "what played since the last event is unobserved."
        )
    elif "heartbeat" not in tells:
        yield "Whether it still plays: what played since the last event is unobserved if nothing follows."
    yield "Whether anybody looked at the screen: that is in no event."


def first_record(core: Any, preset: Any, sample: Path) -> str:
    """The first record of a sample that says something about playback, as JSON of several lines."""
    meanings, place = dict(preset["names"]), preset["columns"]["eventName"]
    for line in sample.read_text(encoding="utf-8").splitlines():
        rows = core.json_lines(line.encode() + b"\n", place["paths"], unnest=preset["unnest"]).to_pylist()
        names = [next((row[path] for path in place["paths"] if row[path] is not None), place["value"])
                 for row in rows]  # fmt: skip
        if any(meanings.get(name, "ignore") != "ignore" for name in names):
            return laid_out(json.loads(line))
    raise ValueError(f"No record in {sample} says anything about playback.")


def laid_out(value: Any, indent: int = 0) -> str:
    """A value as JSON: on one line where that is not too long."""
    text = json.dumps(value, ensure_ascii=False)
    if indent + len(text) <= WIDTH or not value or not isinstance(value, (dict, list)):
        return text
    inner = indent + 2
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {laid_out(part, inner)}" for name, part in value.items()]
    else:
        parts = [laid_out(part, inner) for part in value]
    begin, end = ("{", "}") if isinstance(value, dict) else ("[", "]")
    lines = (",\n" + " " * inner).join(parts)
    return f"{begin}\n{' ' * inner}{lines}\n{' ' * indent}{end}"
