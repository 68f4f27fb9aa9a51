"""The options that several commands share, and how their values are read."""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Optional, TypeVar

import click

from watchspan import _core, presets, sources
from watchspan.columns import Column, Place
from watchspan.errors import OptionError, SourceError
from watchspan.rules import Rules, Scoring
from watchspan.sources import format_of

if TYPE_CHECKING:
    from watchspan._core import OptionSpec

_Command = TypeVar("_Command", bound=Callable[..., Any])

_SWITCHES = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
STDOUT = "-"
# Settings and vocabularies are small; a file that is not was named by mistake.
_LARGEST_SETTINGS = 10_000_000


def _pairs(example: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], dict[str, list[str]]]:
    """A reader of options such as `example`: each name -> what it was given, in order."""

    def read(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, list[str]]:
        pairs: dict[str, list[str]] = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not equals or not name:
                raise click.BadParameter(f"{text!r} is not of the form {example}.", ctx, option)
            pairs.setdefault(name.strip(), []).append(value.strip())
        return pairs

    return read


def _columns(
    column: Mapping[str, list[str]],
    unit: Mapping[str, list[str]],
    constant: Mapping[str, list[str]],
    missing: Mapping[str, list[str]],
) -> Optional[dict[str, Place]]:
    """Where columns are, as these options say; None if they say nothing."""
    places: dict[str, Place] = {}
    for name in dict.fromkeys([*column, *unit, *constant, *missing]):
        paths = [path for path in column.get(name, ()) if path]
        units, values = unit.get(name, [None]), constant.get(name, [None])
        if name in unit or name in constant or name in missing:
            words = tuple(missing.get(name, ()))
            places[name] = Column(*paths, unit=units[-1], value=values[-1], missing=words)
        else:
            places[name] = paths if len(paths) > 1 else paths[0] if paths else None
    return places or None


def _rule_settings(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, Any]:
    return settings_of("rules", _core.rule_specs(), texts)


def _rules(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> Optional[Rules]:
    return Rules(**_rule_settings(ctx, option, texts)) if texts else None


def _scoring(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> Optional[Scoring]:
    if not texts:
        return None
    named: dict[str, Mapping[str, Any]] = {"additive": _core.additive_scoring()}
    return Scoring(**settings_of("scoring", _core.scoring_specs(), texts, named))


def settings_of(
    section: str,
    specs: Iterable[OptionSpec],
    texts: Iterable[str],
    whole: Optional[Mapping[str, Mapping[str, Any]]] = None,
) -> dict[str, Any]:
    """The settings of an option given as name=value,..., as one of `whole` or as a file; later ones win."""
    known = {spec["name"]: spec for spec in specs}
    settings: dict[str, Any] = {}
    for item in (item for text in texts for item in _items(text)):
        name, equals, value = (part.strip() for part in item.partition("="))
        if equals:
            settings[name] = _value(_spec(section, known, name), value)
        elif whole and name in whole:
            settings.update(whole[name])
        elif name.endswith((".toml", ".json")):
            settings.update(_from_file(section, known, name))
        else:
            raise OptionError(
                f"--{section} does not understand {item!r}: give name=value, or a .toml or .json file"
                + (f", or a preset ({', '.join(whole)})." if whole else ".")
            )
    return settings


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _spec(section: str, known: Mapping[str, OptionSpec], name: str) -> OptionSpec:
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
    raise OptionError(f"--{section} has no setting {name!r}: {hint}")


def _value(spec: OptionSpec, text: str) -> Any:
    word = text.lower()
    if spec["type"] == "bool" and word in _SWITCHES:
        return _SWITCHES[word]
    if spec["type"].startswith("Optional") and word in ("none", "null", ""):
        return None
    try:
        if spec["type"] != "bool":
            return float(text)
    except ValueError:
        pass
    raise OptionError(f"{spec['name']} is {text!r}, but {spec['accepted']} is needed.")


def _from_file(section: str, known: Mapping[str, OptionSpec], path: str) -> dict[str, Any]:
    data = _load(path)
    if isinstance(data, dict) and isinstance(data.get(section), dict):
        data = data[section]
    elif not isinstance(data, dict) or any(isinstance(value, dict) for value in data.values()):
        raise OptionError(f"{path} holds no {section}: name = value on top, or in a table named {section}.")
    return {
        name: _value(spec, value) if isinstance(value, str) else value
        for name, value in data.items()
        for spec in [_spec(section, known, name)]
    }


def _load(path: str, parse: Optional[Callable[[str], Any]] = None) -> Any:
    """What a file of settings holds, as `parse` or else the parser for its suffix finds."""
    _files_read().append(path)
    try:
        with open(path, "rb") as file:
            text = file.read(_LARGEST_SETTINGS + 1)
        if len(text) > _LARGEST_SETTINGS:
            raise ValueError(f"it is larger than {_LARGEST_SETTINGS:,} bytes, so it holds no settings")
        return (parse or (json.loads if path.endswith(".json") else _toml))(text.decode())
    except OptionError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionError(f"Cannot read {path}: {reason}") from error


def _toml(text: str) -> Any:
    for reader in ("tomllib", "tomli"):  # the first one came with Python 3.11
        try:
            return import_module(reader).loads(text)
        except ImportError:
            continue
    raise OptionError("TOML needs Python 3.11 or the package tomli: use a .json file instead.")


def _meanings(ctx: click.Context, option: click.Parameter, text: Optional[str]) -> Any:
    """A vocabulary: the name of a preset as it is, or what a file says."""
    if text is None or text in _preset_names():
        return text
    mapping = _load(text)
    if not isinstance(mapping, dict) or not all(isinstance(kind, str) for kind in mapping.values()):
        raise OptionError(f'{text} is no vocabulary: it must be an object such as {{"video_play": "play"}}.')
    return mapping


def _source(ctx: click.Context, option: click.Parameter, text: Optional[str]) -> Optional[str]:
    """A preset, of which a file can be read."""
    if text is not None and text.endswith(".toml"):
        _load(text, str)
    return text


def writable(ctx: click.Context, option: click.Parameter, path: Optional[str]) -> Optional[str]:
    """Refuses what cannot be written before the work begins, not after it."""
    if path is not None and path != STDOUT:
        try:
            format_of(path)
        except SourceError as error:
            raise click.BadParameter(str(error), ctx, option) from error
    return path


def _stack(*options: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _preset_names() -> list[str]:
    return [spec["name"] for spec in _core.preset_specs()]


inputs = click.argument("inputs", metavar="IN...", nargs=-1, required=True)


def columns(command: _Command) -> _Command:
    """Adds the options that say where columns are, which the command takes as `columns`."""

    @wraps(command)
    def run(
        *args: Any,
        column: dict[str, list[str]],
        unit: dict[str, list[str]],
        constant: dict[str, list[str]],
        missing: dict[str, list[str]],
        **options: Any,
    ) -> Any:
        return command(*args, columns=_columns(column, unit, constant, missing), **options)

    named = click.option(
        "--column", metavar="NAME=YOURS", multiple=True, callback=_pairs("userId=uid"),
        help="What your table calls a column, as in --column userId=uid, or where it is in a nested one, as "
        "in --column currentTime=event.currentTime. Given again for the same column: where to look next. "
        "Nothing after the = leaves an optional column out.",
    )  # fmt: skip
    units = ", ".join(_core.units)
    counted = click.option(
        "--unit", metavar="NAME=UNIT", multiple=True, callback=_pairs("currentTime=ms"),
        help=f"What the numbers of a column count ({units}), as in --unit timestamp=ms.",
    )  # fmt: skip
    fixed = click.option(
        "--constant", metavar="NAME=VALUE", multiple=True, callback=_pairs("eventName=heartbeat"),
        help="What a column is where your table does not say it, as in --constant eventName=heartbeat.",
    )  # fmt: skip
    nothing = click.option(
        "--missing", metavar="NAME=WORD", multiple=True, callback=_pairs("userId=undefined"),
        help="A word that stands for nothing in a column, as in --missing userId=undefined.",
    )  # fmt: skip
    return _stack(named, counted, fixed, nothing)(run)  # type: ignore[return-value]


threads = click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="How many threads compute; all by default."
)
memory_limit = click.option(
    "--memory-limit", metavar="SIZE",
    help="How much memory to work with, as in 2GB or 512MiB; beyond it temporary files are used. A quarter "
    "of the machine's by default.",
)  # fmt: skip
videos = click.option(
    "--videos",
    metavar="FILE",
    help="The table of videos: videoId, duration in seconds and, optionally, title.",
)


def _rules_option(read: Callable[..., Any], more: str = "") -> Callable[[_Command], _Command]:
    return click.option(
        "--rules", metavar="NAME=VALUE,...|FILE", multiple=True, callback=read,
        help="Thresholds, as in --rules tolerance_seconds=3,heartbeat_seconds=30, or a .toml or .json file "
        "with them (on top, or in a table named rules). Can be repeated, the last one wins; `none` unsets."
        + more,
    )  # fmt: skip


rules = _rules_option(_rules)


def _rules_beside_preset(command: _Command) -> _Command:
    """Adds --rules, and hands the command, which takes a `preset`, its rules with those in their places."""

    @wraps(command)
    def run(*args: Any, preset: Optional[str], rules: dict[str, Any], **options: Any) -> Any:
        return command(*args, preset=preset, rules=presets.rules_over(preset, rules), **options)

    return _rules_option(_rule_settings, " What is not named here is as the preset has it.")(run)  # type: ignore[return-value]


scoring = click.option(
    "--scoring", metavar="NAME=VALUE,...|FILE|additive", multiple=True, callback=_scoring,
    help="Weights and tiers of the score, as in --scoring coverage=80,completion=0, the preset `additive`, "
    "or a file (a table named scoring). Can be repeated, the last one wins.",
)  # fmt: skip
quiet = click.option("-q", "--quiet", is_flag=True, help="No progress and no closing line on standard error.")
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print the figures as JSON on standard output."
)
output = click.option(
    "-o", "--output", metavar="OUT", callback=writable,
    help="Where to write the table: .parquet, .csv, .jsonl or .arrow; - writes JSON lines to standard "
    "output. Without it the first rows are shown.",
)  # fmt: skip
escape_formulas = click.option(
    "--escape-formulas", is_flag=True,
    help="In CSV, put a quote before text that a spreadsheet would run as a formula, because it begins with "
    "= + - @ or a tab. Off by default: values are exact, so do not open rows of strangers in a spreadsheet.",
)  # fmt: skip
output_file = click.option(
    "-o",
    "--output",
    "--out",
    metavar="OUT",
    required=True,
    callback=writable,
    help="Where to write the table.",
)


_VOCABULARY = click.option(
    "--vocabulary", metavar="NAME|FILE", callback=_meanings,
    help="Whose event names these are, if only the names are as a preset has them; or a .json file that says "
    'what they mean: {"PlayStart": "play"}.',
)  # fmt: skip


def vocabulary(command: _Command) -> _Command:
    """Adds --preset and --vocabulary for tables with named columns: either is taken as `vocabulary`."""

    @wraps(command)
    def run(*args: Any, preset: Optional[str], vocabulary: Any, **options: Any) -> Any:
        if preset and vocabulary:
            raise click.UsageError("--preset and --vocabulary exclude each other.")
        return command(*args, vocabulary=vocabulary or preset, **options)

    names = f"Whose event names these are: {', '.join(_preset_names())}."
    return _stack(click.option("--preset", metavar="NAME", help=names), _VOCABULARY)(run)  # type: ignore[return-value]


_PRESET = click.option(
    "--preset", metavar="NAME|FILE.toml", callback=_source,
    help="Whose raw records these are: it says where columns are, what names mean and which rules hold. "
    f"There are {', '.join(_preset_names())}; your own is a .toml file, for which `watchspan presets NAME "
    "--toml` is a start.",
)  # fmt: skip
reporting = _stack(quiet, as_json)
# How raw records are read, from which files come.
reading = _stack(columns, _PRESET, _VOCABULARY)
of_events = _stack(reading, _rules_beside_preset, threads)
# The same of tables that name their columns.
of_tables = _stack(columns, vocabulary, rules, threads)


def check_output(output: Optional[str], escape_formulas: bool, *inputs: Optional[str]) -> None:
    """Refuses, before the work begins, an output that cannot be written or would take the place of an input.

    Settings and vocabularies that were read from files are inputs too.
    """
    if escape_formulas and not (output and format_of_output(output) == "csv"):
        raise click.UsageError("--escape-formulas is for CSV: name an output that ends in .csv or .csv.gz.")
    if output is None or output == STDOUT:
        return
    refuse_overwriting(output, *inputs)
    sources.check_output(output)


def refuse_overwriting(output: str, *inputs: Optional[str]) -> None:
    """Refuses an output that is one of the files that are read."""
    sources.refuse_overwriting(output, *inputs, list(_files_read()))


def _files_read() -> list[str]:
    """The settings and vocabularies that this run of the command has read."""
    context = click.get_current_context(silent=True)
    found: list[str] = [] if context is None else context.meta.setdefault("watchspan.files", [])
    return found


def format_of_output(path: str) -> str:
    """The format of an output; JSON lines on standard output."""
    return "json" if path == STDOUT else format_of(path)
