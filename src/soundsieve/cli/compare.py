"""`soundsieve compare`: finished runs beside each other."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from soundsieve.errors import MissingExtraError, SettingsError


def command(
    runs: Annotated[list[Path] | None, typer.Argument(help="Run folders of `soundsieve train tag`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print it as a Markdown table.")] = False,
) -> None:
    """Compare finished runs of classifiers: how often they are right against what they cost.

    Each clip is named by the model that was tested on it. Costs are those of
    the network on a clip of 5 s; its time is measured here, on one processor
    core. Runs that differ in nothing but the seed are averaged below the table.
    """
    if not runs:
        raise SettingsError("name at least one run folder to compare")
    try:
        from soundsieve.systems.compare_tag import across_seeds, compare, render, to_markdown
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"comparing needs {error.name}: pip install 'soundsieve[train]'") from None
    rows = compare(runs)
    seeds = across_seeds(runs, rows)
    if as_json:
        found = {"runs": [asdict(row) for row in rows], "seeds": [asdict(row) for row in seeds]}
        typer.echo(json.dumps(found, allow_nan=False))
        return
    if markdown:
        typer.echo(to_markdown(rows, seeds))
        return
    from rich.console import Console

    Console(highlight=False, markup=False, soft_wrap=True, width=160).print(render(rows, seeds))
