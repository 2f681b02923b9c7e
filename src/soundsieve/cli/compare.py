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
) -> None:
    """Compare finished runs of classifiers: how often they are right against what they cost.

    Each clip is named by the model that was tested on it. Costs are those of
    the network on one clip; its time is measured here, on one processor core.
    """
    if not runs:
        raise SettingsError("name at least one run folder to compare")
    try:
        from soundsieve.systems.compare_tag import compare, render
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"comparing needs {error.name}: pip install 'soundsieve[train]'") from None
    rows = compare(runs)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], allow_nan=False))
        return
    from rich.console import Console

    Console(highlight=False, markup=False, soft_wrap=True, width=160).print(render(rows))
