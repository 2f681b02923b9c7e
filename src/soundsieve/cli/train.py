"""`soundsieve train`: a recipe and recordings become a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from soundsieve.errors import MissingExtraError, SettingsError, unknown_name

if TYPE_CHECKING:
    from soundsieve.training.run import Hardware

TASKS = ("select", "unmix", "watch", "tag", "genre")


def command(
    task: Annotated[str, typer.Argument(help="What to train: " + ", ".join(TASKS) + ".")],
    recipe: Annotated[str | None, typer.Option(help="A recipe's name, or a YAML file.")] = None,
    data: Annotated[
        str,
        typer.Option(
            help="The folder that holds the data sets. For tag also one data set instead of the recipe's: esc50, esc10 "
            "(in the folder data), NAME:PATH, or folder:PATH with a sub-folder for each label. For genre these, or a "
            "table of descriptors. For watch the folder of bags that `soundsieve prepare watch` made."
        ),
    ] = "data",
    folds: Annotated[str, typer.Option(help="tag: which folds to test, all or 1,3.")] = "all",
    split: Annotated[
        str | None, typer.Option(help="genre: random, grouped, folds or fault-filtered; the recipe's if not given.")
    ] = None,
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
    if task != "tag" and folds != "all":
        raise SettingsError(f"--folds {folds}: only the recipes of tag have folds")
    if split is not None and (task != "genre" or resume is not None):
        raise SettingsError(f"--split {split}: chosen when a run of genre begins, and nowhere else")
    if resume is not None and run is not None:
        raise SettingsError(f"--run {run}: a resumed run stays in its folder, {resume}")
    try:
        from soundsieve.training.run import RECIPE_FILE, Hardware
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"training needs {error.name}: pip install 'soundsieve[train]'") from None
    from soundsieve import recipes
    from soundsieve.settings import override, read_yaml

    source = resume / RECIPE_FILE if resume is not None else recipes.locate(task, recipe or "")
    values = read_yaml(source)
    folder = resume or run or Path("runs") / source.stem
    if task == "genre" and "corpus" not in values:
        chosen, place = _chosen_data(data)
        if chosen is not None and resume is None:  # recordings instead of the recipe's table
            values = {**values, "table": {**values.get("table", {}), "file": None, **chosen}}
        chosen_split = [] if split is None else [f"split.kind={split}"]
        _train_genre(
            override(values, [*chosen_split, *(settings or [])]),
            place,
            folder,
            resume=resume is not None,
            quiet=quiet,
        )
        return
    hardware = Hardware(device=device, devices=devices, nodes=nodes, quiet=quiet)
    if task in _BY_RECIPE:
        go = _BY_RECIPE[task]
        go(override(values, settings or []), Path(data), folder, resume=resume is not None, hardware=hardware)
        return
    if split is not None:
        raise SettingsError(f"--split {split}: {source.stem} is trained on recordings, divided as its corpus says")
    chosen, place = _chosen_data(data)
    if chosen is not None and resume is None:
        values = {**values, "corpus": {**values.get("corpus", {}), "events": [chosen]}}
    elif chosen is not None:
        place = Path("data")  # a resumed run's recipe knows the data set
    _train_tag(override(values, settings or []), place, folder, folds, resume=resume is not None, hardware=hardware)


def _train_select(values: dict[str, Any], data: Path, folder: Path, *, resume: bool, hardware: Hardware) -> None:
    from soundsieve.systems import train_select
    from soundsieve.training.recipe import SelectRecipe
    from soundsieve.training.run import is_first_process

    trained = train_select.train(SelectRecipe.parse(values), data, folder, resume=resume, hardware=hardware)
    if not is_first_process():  # of several devices, each is a process
        return
    typer.echo(
        f"{trained.model}: validation SDR improvement {trained.validation_db:.2f} dB; curves in {trained.curves}"
    )


def _train_unmix(values: dict[str, Any], data: Path, folder: Path, *, resume: bool, hardware: Hardware) -> None:
    from soundsieve.systems import train_unmix
    from soundsieve.training.run import is_first_process
    from soundsieve.training.unmix_recipe import UnmixRecipe

    recipe = UnmixRecipe.parse(values)
    trained = train_unmix.train(recipe, data, folder, resume=resume, hardware=hardware)
    if not is_first_process():
        return
    what = "mean SDR" if recipe.training.monitor == "sdr" else "mean square error below full scale"
    typer.echo(f"{trained.model}: validation {what} {trained.validation:.2f} dB; curves in {trained.curves}")


def _train_watch(values: dict[str, Any], data: Path, folder: Path, *, resume: bool, hardware: Hardware) -> None:
    from soundsieve.cli._terminal import complain
    from soundsieve.systems import train_watch
    from soundsieve.training.run import is_first_process
    from soundsieve.training.watch_recipe import WatchRecipe

    if "engine" in values:
        _train_objects(values, data, folder, resume=resume, hardware=hardware)
        return
    recipe = WatchRecipe.parse(values)
    trained = train_watch.train(recipe, data, folder, resume=resume, hardware=hardware)
    if not is_first_process():
        return
    if trained.unlabelled:
        complain(f"left out: {trained.unlabelled} bags in which none of the recipe's labels is seen")
    what = {
        "map": "bases given to the right one of the visible objects",
        "pairs": "bases of two videos sent back to their own",
        "labels": "mean average precision of the labels",
        "loss": "loss below zero",
    }[recipe.training.monitor]
    typer.echo(f"{trained.model}: validation, {what}: {trained.validation:.3f}; curves in {trained.curves}")


def _train_objects(values: dict[str, Any], data: Path, folder: Path, *, resume: bool, hardware: Hardware) -> None:
    from soundsieve.cli._terminal import complain
    from soundsieve.systems import train_objects
    from soundsieve.training.object_recipe import ObjectRecipe
    from soundsieve.training.run import is_first_process

    trained = train_objects.train(ObjectRecipe.parse(values), data, folder, resume=resume, hardware=hardware)
    if not is_first_process():
        return
    if trained.unlabelled:
        complain(f"{trained.unlabelled} videos show none of the recipe's labels; what is heard in them is the rest")
    typer.echo(
        f"{trained.model}: validation SDR improvement {trained.validation_db:.2f} dB; curves in {trained.curves}"
    )


_BY_RECIPE = {"select": _train_select, "unmix": _train_unmix, "watch": _train_watch}
"""Tasks whose recipes say all there is to say."""


def _train_tag(
    values: dict[str, Any], data: Path, folder: Path, folds: str, *, resume: bool, hardware: Hardware
) -> None:
    from soundsieve.systems import train_tag
    from soundsieve.training.run import is_first_process
    from soundsieve.training.tag_recipe import TagRecipe

    trained = train_tag.train(
        TagRecipe.parse(values), data, folder, folds=_numbers(folds), resume=resume, hardware=hardware
    )
    if not is_first_process():
        return
    models = ", ".join(str(run) for run in trained.folds)
    task = values.get("task", "tag")
    typer.echo(
        f"{models}: {100 * trained.accuracy:.1f} % of the clips tested; `soundsieve evaluate {task} --model {folder}`"
    )


def _train_genre(values: dict[str, Any], data: Path, folder: Path, *, resume: bool, quiet: bool) -> None:
    from soundsieve.cli._terminal import complain, progress_bar
    from soundsieve.systems import train_genre
    from soundsieve.training.genre_recipe import GenreRecipe

    with progress_bar("splits", shown=not quiet) as progress:
        trained = train_genre.train(GenreRecipe.parse(values), data, folder, resume=resume, progress=progress)
    for sentence in trained.left_out:
        complain(f"left out: {sentence}")
    how_many = f"{len(trained.runs)} splits" if len(trained.runs) > 1 else "one split"
    typer.echo(
        f"{folder}: {100 * trained.accuracy:.1f} % of the rows tested, {how_many}; `soundsieve evaluate genre --model "
        f"{folder}`"
    )


def _chosen_data(text: str) -> tuple[dict[str, Any] | None, Path]:
    """One data set instead of the recipe's, or None, and the folder that data sets lie in."""
    from soundsieve import datasets

    name, colon, path = text.partition(":")
    if colon and name in datasets.names():
        return {"dataset": name, "root": str(Path(path).absolute())}, Path("data")
    if text in datasets.names() and not Path(text).is_dir():
        return {"dataset": text, "root": text}, Path("data")
    return None, Path(text)


def _numbers(folds: str) -> list[int] | None:
    if folds == "all":
        return None
    try:
        return [int(number) for number in folds.split(",")]
    except ValueError:
        raise SettingsError(f"--folds {folds}: expected all or numbers, for example 1,3") from None
