"""`soundsieve train`: a recipe and recordings become a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundsieve.errors import MissingExtraError, SettingsError, unknown_name

TASKS = ("select",)


def command(
    task: Annotated[str, typer.Argument(help="What to train: " + ", ".join(TASKS) + ".")],
    recipe: Annotated[str | None, typer.Option(help="A recipe's name, or a YAML file.")] = None,
    data: Annotated[Path, typer.Option(help="The folder that holds the data sets.")] = Path("data"),
    run: Annotated[Path | None, typer.Option("--run", help="The run folder; runs/<recipe> when not given.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Override a setting: training.epochs=10.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with the run in this folder.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, gpu, mps.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="Devices (processes on a CPU) on each machine.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines.")] = 1,
    quiet: Annotated[bool, typer.Option(help="No progress bar.")] = False,
) -> None:
    """Train a model from a recipe; a stopped run goes on with --resume."""
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    if (recipe is None) == (resume is None):
        raise SettingsError("give either --recipe NAME|FILE to begin a run or --resume RUN to go on with one")
    if resume is not None and run is not None:
        raise SettingsError(f"--run {run}: a resumed run stays in its folder, {resume}")
    try:
        from soundsieve.systems import train_select
        from soundsieve.training.recipe import SelectRecipe
        from soundsieve.training.run import RECIPE_FILE, Hardware, is_first_process
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"training needs {error.name}: pip install 'soundsieve[train]'") from None
    from soundsieve import recipes
    from soundsieve.settings import override, read_yaml

    source = resume / RECIPE_FILE if resume is not None else recipes.locate(task, recipe or "")
    values = override(read_yaml(source), settings or [])
    folder = resume or run or Path("runs") / source.stem
    hardware = Hardware(device=device, devices=devices, nodes=nodes, quiet=quiet)
    trained = train_select.train(SelectRecipe.parse(values), data, folder, resume=resume is not None, hardware=hardware)
    if not is_first_process():  # of several devices, each is a process
        return
    typer.echo(
        f"{trained.model}: validation SDR improvement {trained.validation_db:.2f} dB; curves in {trained.curves}"
    )
