"""The command that tells of presets: presets."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional

import click

from watchspan import _core
from watchspan import presets as known
from watchspan.cli import display
from watchspan.cli.terminal import print_json
from watchspan.columns import PARTS

__all__ = ["COMMANDS"]


@click.command(short_help="Say whose raw records can be read, and how.")
@click.argument("name", metavar="[NAME|FILE.toml]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option(
    "--toml", "as_toml", is_flag=True, help="Print the description in TOML: a start for one of your own."
)
def presets(name: Optional[str], as_json: bool, as_toml: bool) -> None:
    """List the presets, or say what one of them reads and what to know before trusting it.

    A description of your own can be looked at by its path, and `--preset our_player.toml` reads by it.

    \b
    Examples:
      watchspan presets
      watchspan presets edx
      watchspan presets html5 --toml > our_player.toml
    """
    if as_json and as_toml:
        raise click.UsageError("--json and --toml exclude each other.")
    if as_toml and name is None:
        raise click.UsageError("--toml describes one preset: name it.")
    specs = _core.preset_specs() if name is None else [known.described(name)]
    if as_json:
        shown = [_figures(spec) for spec in specs]
        print_json(shown if name is None else shown[0])
    elif as_toml:
        click.echo(known.description(specs[0]), nl=False)
    elif name is None:
        display.grid(["name", "title"], [[spec["name"], spec["title"]] for spec in specs])
    else:
        _tell(specs[0])


def _figures(spec: Any) -> dict[str, Any]:
    """A preset as it is described: events and columns by their names."""
    columns = {column: _parts(place) for column, place in spec["columns"].items()}
    texts = {part: spec[part] for part in ("name", "title", "source", "notes")}
    parts = {"rules": spec["rules"], "unnest": spec["unnest"], "fill": spec["fill"]}
    return {**texts, "events": dict(spec["names"]), "columns": columns, **parts}


def _parts(place: Mapping[str, Any]) -> dict[str, Any]:
    return {part: place[part] for part in ("paths", *PARTS)}


def _tell(spec: Any) -> None:
    display.heading(f"{spec['name']}: {spec['title']}" if spec["title"] else spec["name"])
    if spec["notes"]:
        display.lines(spec["notes"].split("\n"))
    display.heading("Columns")
    rows = [
        [column, " or ".join(place["paths"]), place["unit"] or "", place["timezone"] or "",
         place["value"] or "", ", ".join(map(repr, place["missing"]))]
        for column, place in spec["columns"].items()
    ]  # fmt: skip
    head = ["column", "where", "unit", "timezone", "else", "missing"]
    used = [n for n, _ in enumerate(head) if n < 2 or any(row[n] for row in rows)]
    display.grid([head[n] for n in used], [[row[n] for n in used] for row in rows])
    display.lines(known.of_records(spec))
    if spec["rules"]:
        display.heading("Rules")
        display.grid(["rule", "value"], [[rule, f"{value:g}"] for rule, value in spec["rules"].items()])
    display.heading("Event names")
    display.grid(["event name", "meaning"], [list(pair) for pair in spec["names"]])
    if spec["source"]:
        display.heading("Source")
        display.lines([spec["source"]])


COMMANDS: Iterable[click.Command] = (presets,)
