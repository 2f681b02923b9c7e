"""`soundsieve models`: what comes with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from soundsieve import checkpoint


def command(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a model.")] = False) -> None:
    """List the released models: task, name, classes, sample rate, size, licence, result."""
    models = [_describe(name, path) for name, path in checkpoint.released().items()]
    if as_json:
        for model in models:
            typer.echo(json.dumps(model))
    elif not models:
        typer.echo("no model comes with this copy; give a checkpoint or the folder of a training run by its path")
    else:
        _print(models)


def _describe(name: str, path: Path) -> dict[str, Any]:
    found = checkpoint.load(path, weights=False)
    return {
        "name": name,
        "task": found.task,
        "architecture": found.model,
        "classes": list(found.classes),
        "sample_rate": found.sample_rate,
        "size_bytes": path.stat().st_size,
        "licence": found.card.get("licence"),
        "result": found.card.get("result", found.card.get("results")),
    }


def _print(models: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "task", "classes", "rate", "size", "licence", "result"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("name", "task", "rate", "size"))
    for model in models:
        table.add_row(
            model["name"],
            model["task"],
            str(len(model["classes"])),
            f"{model['sample_rate'] / 1000:g} kHz",
            f"{model['size_bytes'] / 1e6:.1f} MB",
            _words(model["licence"]),
            _words(model["result"]),
        )
    Console(highlight=False, markup=False).print(table)
    for model in models:
        typer.echo(f"\n{model['name']} knows {', '.join(model['classes'])}")


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {_words(entry)}" for key, entry in value.items())
    if isinstance(value, float):
        return f"{value:g}"
    return "not stated" if value is None else str(value)
