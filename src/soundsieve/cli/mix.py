"""`soundsieve mix`: the mixtures of a recipe as files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from soundsieve.errors import SettingsError


def command(
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a YAML file.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write to.")],
    data: Annotated[Path, typer.Option(help="The folder that holds the data sets.")] = Path("data"),
    count: Annotated[int, typer.Option(min=1, help="How many mixtures.")] = 100,
    subset: Annotated[str, typer.Option(help="Which of the recordings: train, validation or test.")] = "train",
    seed: Annotated[int, typer.Option(min=0, help="Decides every mixture.")] = 0,
    classes: Annotated[str | None, typer.Option(help="Classes in a mixture: 3-5, or 4.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="Override a setting: mixture.events=4.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the set that is in the folder.")] = False,
    force: Annotated[bool, typer.Option(help="Replace the set that is in the folder.")] = False,
    quiet: Annotated[bool, typer.Option(help="No progress.")] = False,
) -> None:
    """Write mixtures to disk: the mixture, each class and the background as float WAV, with a manifest."""
    if resume and force:
        raise SettingsError("give either --resume to go on with the set or --force to replace it")
    from soundsieve import recipes
    from soundsieve.cli._terminal import progress_bar
    from soundsieve.settings import override, read_yaml
    from soundsieve.systems.mix_select import MixSettings, write_mixtures
    from soundsieve.training.recipe import SelectRecipe

    group = "mixture" if subset == "train" else "protocol"
    assignments = [*([f"{group}.classes={_span(classes)}"] if classes else []), *(settings or [])]
    chosen = SelectRecipe.parse(override(read_yaml(recipes.locate("select", recipe)), assignments))
    which = MixSettings(count=count, subset=subset, seed=seed)
    with progress_bar("mixtures", shown=not quiet) as progress:
        made = write_mixtures(chosen, data, out, which, resume=resume, force=force, progress=progress)
    typer.echo(f"{made.folder}: {made.mixtures} mixtures, {made.written} of them written now")


def _span(text: str) -> str:
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text.strip())
    if found is None:
        raise SettingsError(f"--classes {text!r}: expected the least and the most, for example 3-5, or one number")
    return f"[{found[1]}, {found[2] or found[1]}]"
