"""Puts queries together: a question, and before it each part and setting that it mentions.

A part is a file with one `let` statement of that name, so what a query needs can be read off its text.
Nothing here imports the package: `tools/generate.py` uses it where the package cannot be imported yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parent
PREFIX_OF_SCORING = "scoring_"
PREFIX_OF_COLUMNS = "column_"
# Columns of the source that stand in where no property is named, as `column_userId` and the like say.
OWN_COLUMNS = {
    "timestamp": "TimeGenerated",
    "userId": "UserAuthenticatedId, or UserId where that is empty",
    "sessionId": "SessionId",
    "eventName": "Name",
}
_TEXT_OR_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*')
_WORD = re.compile(r"[A-Za-z_]\w*")
# A setting says what it means, which no other statement does.
_SETTING = re.compile(r"let (\w+) = (.*?); // (.*)")


class Setting(NamedTuple):
    """A value that a reader may change: a `let` at the top of the query.

    Attributes:
        text: The value, as KQL.
        doc: What it means.
    """

    text: str
    doc: str


class Question(NamedTuple):
    """What a query answers.

    Attributes:
        asks: What it answers.
        columns: The columns of its result and what they mean, by name; empty for a table of docs/columns.md.
        comment: Both, as its first lines say it.
        settings: Settings that only this query has.
        body: The query, without what it mentions.
    """

    asks: str
    columns: dict[str, str]
    comment: str
    settings: dict[str, Setting]
    body: str


def names() -> list[str]:
    """The names of all queries."""
    return sorted(path.stem for path in (FOLDER / "questions").glob("*.kql"))


def question(name: str) -> Question:
    """The question of that name, which must exist."""
    lines = (FOLDER / "questions" / f"{name}.kql").read_text(encoding="utf-8").splitlines()
    comments = _while(lines, lambda line: line.startswith("//"))
    rest = lines[len(comments) :]
    matches = [match for line in rest if (match := _SETTING.fullmatch(line))]
    settings = {match[1]: Setting(match[2], match[3]) for match in matches}
    asks, columns = _explained([line[2:].strip() for line in comments])
    return Question(asks, columns, "\n".join(comments), settings, "\n".join(rest[len(settings) :]))


def _explained(lines: list[str]) -> tuple[str, dict[str, str]]:
    """The question of a query and its columns, as its first lines say them: `a, b: meaning`."""
    start = next(number for number, line in enumerate(lines) if line.startswith("Columns:"))
    columns = {}
    for line in lines[start + 1 :]:
        named, _, meaning = line.partition(":")
        columns.update(dict.fromkeys(named.split(", "), meaning.strip()))
    return " ".join(lines[:start]), columns


def settings(core: Any, vocabulary: Mapping[str, str] | None = None) -> dict[str, Setting]:
    """All settings that queries share, with the defaults that the core states.

    Args:
        core: `watchspan._core`.
        vocabulary: Event name -> kind; None: the default.
    """
    found = {spec["name"]: Setting(literal(spec["default"]), spec["doc"]) for spec in core.rule_specs()}
    for spec in core.scoring_specs():
        found[PREFIX_OF_SCORING + spec["name"]] = Setting(literal(spec["default"]), spec["doc"])
    found["default_session_timeout"] = Setting(
        literal(core.default_session_timeout), "The timeout in seconds where there are no session ids."
    )
    found["use_session_id"] = Setting("true", "Whether sessions have ids; without, silence alone cuts them.")
    for spec in core.input_column_specs():
        if spec["table"] == "events":
            found[PREFIX_OF_COLUMNS + spec["name"]] = _column(spec)
    if vocabulary is None:
        default = next(preset for preset in core.preset_specs() if preset["name"] == "default")
        vocabulary = dict(default["names"])
    found["vocabulary"] = Setting(literal(vocabulary), "What each event name means.")
    found["meanings_in_order"] = Setting(
        literal([kind for kind in core.meanings() if kind != "ignore"]),
        "Which of two events at the same instant comes first.",
    )
    found["Videos"] = Setting(videos_table([]), 'Durations and titles, as in ["v1", 300.0, "Welcome"].')
    return found


def _column(spec: Any) -> Setting:
    name = spec["name"]
    own = OWN_COLUMNS.get(name)
    if own is None:
        places = "measurement or property" if spec["is_number"] else "property"
        return Setting(literal(name), f"The {places} that holds {name}.")
    return Setting(literal(""), f"The property that holds {name}; none: {own}.")


def assemble(name: str, shared: Mapping[str, Setting], parts: Mapping[str, str] | None = None) -> str:
    """The text of a query.

    Args:
        name: Which one.
        shared: The settings, from `settings`; those of the question itself may be among them.
        parts: Texts that replace parts, by name.
    """
    asked = question(name)
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (FOLDER / "parts").glob("*.kql")}
    texts.update(parts or {})
    order: list[str] = []
    _need(asked.body, texts, order)
    available = {**shared, **{key: shared.get(key, own) for key, own in asked.settings.items()}}
    mentioned = _words("\n".join([asked.body, *(texts[part] for part in order)]))
    chosen = [*asked.settings, *(key for key in available if key not in asked.settings)]
    lets = [_let(key, available[key]) for key in chosen if key in mentioned]
    blocks = [asked.comment, *lets, *(texts[part].strip("\n") for part in order), asked.body]
    return "\n".join(blocks) + "\n"


def _let(name: str, setting: Setting) -> str:
    meaning = setting.doc.splitlines()[0].replace("None", "real(null)")
    return f"let {name} = {setting.text}; // {meaning}"


def _need(text: str, texts: Mapping[str, str], order: list[str]) -> None:
    """Adds the parts that a text mentions, each after what it mentions itself."""
    for part in sorted(_words(text) & set(texts)):
        if part not in order:
            _need(_without(texts[part], part), texts, order)
            order.append(part)


def _without(text: str, name: str) -> str:
    """A part's text without its own name, which is not a mention."""
    return re.sub(rf"\blet {name}\b", "", text, count=1)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_TEXT_OR_COMMENT.sub(" ", text)))


def _while(lines: Iterable[str], fits: Callable[[str], bool]) -> list[str]:
    found = []
    for line in lines:
        if not fits(line):
            break
        found.append(line)
    return found


def literal(value: Any) -> str:
    """A value as KQL: None is a null number, a mapping or a list a dynamic."""
    if value is None:
        return "real(null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"real({value!r})" if value < 0 else repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"dynamic({json.dumps(value, ensure_ascii=False)})"


def legs() -> dict[str, str]:
    """How each table of Application Insights is read, by its name: the legs of the union in `Source`."""
    text = (FOLDER / "parts" / "Source.kql").read_text(encoding="utf-8")
    return {match[2]: match[1] for match in re.finditer(r"\(((\w+) \| project [^()]*)\)", text)}


def own_source(
    table: str, columns: Mapping[str, str | None], known: Mapping[str, bool], more: Iterable[str]
) -> str:
    """The part `Source` for a table of the user's own.

    Args:
        table: Its name.
        columns: Default column name -> its name; None: there is no such column.
        known: Default name of each column of events -> whether it is needed.
        more: Names of properties that queries read besides.
    """
    values = {name: optional(name) for name in more}
    for name, required in known.items():
        own = columns.get(name, name)
        if own is not None:
            values[name] = name_of(own) if required else optional(own)
    own_values = {name: values.pop(name, literal("")) for name in OWN_COLUMNS}
    pairs = ", ".join(f"{literal(name)}, {value}" for name, value in values.items())
    return f"""let Source = {name_of(table)}
    | project eventTime = todatetime({own_values["timestamp"]}), name = tostring({own_values["eventName"]}),
        session = tostring({own_values["sessionId"]}), anonymousUser = tostring({own_values["userId"]}),
        authenticatedUser = {literal("")}, itemCount = 1, measurements = dynamic(null),
        properties = bag_pack({pairs});
"""


def optional(column: str, otherwise: str = '""') -> str:
    """A column that may be missing, and what then stands for it, as KQL."""
    return f"column_ifexists({literal(column)}, {otherwise})"


def source(table: str) -> str:
    """The part `Source` for one table of Application Insights."""
    return f"let Source = {legs()[table]};"


def name_of(table: str) -> str:
    """A table's or column's name, quoted so that nothing in it can end it."""
    return f"[{json.dumps(table, ensure_ascii=False)}]"


def videos_table(rows: Iterable[tuple[str, float | None, str | None]]) -> str:
    """The videos as a datatable."""
    cells = ", ".join(f"{literal(key)}, {literal(d)}, {literal(title or '')}" for key, d, title in rows)
    return f"datatable(videoId: string, duration: real, videoTitle: string)[{cells}]"
