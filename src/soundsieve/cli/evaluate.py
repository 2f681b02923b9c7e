"""`soundsieve evaluate`: how good a model is, and on what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundsieve.errors import unknown_name

TASKS = ("select",)


def command(
    task: Annotated[str, typer.Argument(help="What to evaluate: " + ", ".join(TASKS) + ".")],
    model: Annotated[str, typer.Option(help="A released name, a checkpoint or a run folder.")] = "select",
    data: Annotated[Path, typer.Option(help="The folder that holds the data sets.")] = Path("data"),
    recipe: Annotated[
        str | None, typer.Option(help="Other recordings than those of the model's own recipe: a name or a YAML file.")
    ] = None,
    subset: Annotated[str, typer.Option(help="Which of the recordings.")] = "test",
    mixtures: Annotated[int, typer.Option(min=1, help="Mixtures in each set.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Decides every mixture and every question.")] = 0,
    gate: Annotated[bool, typer.Option("--gate/--no-gate", help="As delivered, or the bare network.")] = True,
    report: Annotated[Path | None, typer.Option(help="A folder for report.json and the figures.")] = None,
    force: Annotated[bool, typer.Option(help="Replace a report that is there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
    quiet: Annotated[bool, typer.Option(help="No progress.")] = False,
) -> None:
    """Evaluate a model on recordings that its training never heard, and print the protocol beside the numbers."""
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    import json

    from soundsieve.cli._terminal import progress_bar
    from soundsieve.evaluation import tables
    from soundsieve.evaluation.report import check_folder
    from soundsieve.systems.evaluate_select import EvaluationSettings, evaluate_selector

    if report is not None:
        check_folder(report, force=force)
    settings = EvaluationSettings(subset=subset, mixtures=mixtures, seed=seed, gate=gate)
    with progress_bar("mixtures", shown=not quiet) as progress:
        found = evaluate_selector(model, data, settings, recipe=recipe, device=device, progress=progress)
    if as_json:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, allow_nan=False))
    else:
        tables.show(found)
    if report is not None:
        for path in found.save(report, force=force):
            typer.echo(f"wrote {path}", err=True)
