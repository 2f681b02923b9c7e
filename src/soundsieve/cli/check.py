"""`soundsieve check`: what a copy of a data set lacks."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from soundsieve import datasets

_NAMES = sorted([*datasets.names(), *datasets.song_names(), *datasets.video_names()])


def command(
    dataset: Annotated[str, typer.Argument(help="One of: " + ", ".join(_NAMES) + ".")],
    folder: Annotated[Path, typer.Argument(help="The folder of your copy.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Say what a copy of a data set lacks and which recordings cannot be read; exit with 2 when it is not complete."""
    state = datasets.check_copy(dataset, folder)
    if as_json:
        typer.echo(json.dumps({**asdict(state), "ok": state.ok}))
    else:
        typer.echo(state.sentence())
        for kind, entries in (("missing", state.missing), ("damaged", state.damaged)):
            for entry in entries:
                typer.echo(f"  {kind}: {entry}")
    if not state.ok:
        raise typer.Exit(2)
