"""The pages of the stories, for `tools/generate.py`."""

from __future__ import annotations

import json
from typing import Any

from markdown_parts import NOTICE, code, table
from stories import THEMES, Story

INDEX_PAGE = """{notice}
# Scenarios

Each story is a file in `tests/scenarios`, computed by hand and checked in every test run, by every engine.
The columns of its rows are those that the story is about.

{themes}"""

THEME_PAGE = """{notice}
# {title}

{about} All themes: [scenarios](index.md).

{contents}

{stories}"""


def scenario_pages(stories: list[Story]) -> dict[str, str]:
    """The pages of docs/scenarios by name: one for each theme, and one that lists them."""
    unknown = {story.theme for story in stories} - set(THEMES)
    if unknown:
        raise ValueError(f"tests/scenarios has the theme {min(unknown)}, but there are: {', '.join(THEMES)}.")
    pages, themes = {}, []
    for theme, (title, about) in THEMES.items():
        told = [story for story in stories if story.theme == theme]
        contents = "\n".join(f"* [{story.content['title']}](#{story.name})" for story in told)
        pages[f"{theme}.md"] = THEME_PAGE.format(
            notice=NOTICE,
            title=title,
            about=about,
            contents=contents,
            stories="\n".join(map(scenario, told)),
        )
        links = "\n".join(f"* {story.link()}" for story in told)
        themes.append(f"## [{title}]({theme}.md)\n\n{about}\n\n{links}\n")
    return {"index.md": INDEX_PAGE.format(notice=NOTICE, themes="\n".join(themes)), **pages}


def scenario(story: Story) -> str:
    """One story: what happened, the events, the rows, and why."""
    content, expected = story.content, story.content["expected"]
    parts = [f'<a id="{story.name}"></a>\n', f"## {content['title']}\n", f"{content['story'].strip()}\n"]
    parts.append(
        table(content["columns"], [[short(value) for value in event] for event in content["events"]])
    )
    if content.get("videos"):
        parts += ["Videos:\n", records(content["videos"])]
    for key in ("vocabulary", "rules", "scoring", "uniqueSeconds"):
        if key in content:
            parts.append(f"`{key}`: `{json.dumps(content[key], ensure_ascii=False)}`\n")
    if expected.get("dropped"):
        dropped = ", ".join(f"`{reason}` {count}" for reason, count in expected["dropped"].items())
        parts.append(f"Dropped: {dropped}\n")
    for key, title in (("sessions", "Sessions"), ("engagement", "Engagement")):
        if expected.get(key):
            parts += [f"{title}:\n", transposed(expected[key])]
    parts.append(f"**Why.** {content['why'].strip()}\n")
    return "\n".join(parts)


def records(rows: list[dict[str, Any]]) -> str:
    """Objects as a table, one line each."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return table(names, [[short(row.get(name, "")) for name in names] for row in rows])


def transposed(rows: list[dict[str, Any]]) -> str:
    """Objects as a table, one column each: rows of results have many columns."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = ["column", *(f"row {number}" for number in range(1, len(rows) + 1))]
    return table(head, [[code(name), *(short(row.get(name, "")) for row in rows)] for name in names])


def short(value: Any) -> str:
    """A JSON value in a table; text stands without quotes."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:80]}… ({len(text):,} characters)"
