"""`soundsieve release`: a finished run becomes a checkpoint that can be handed on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundsieve.errors import MissingExtraError, unknown_name

TASKS = ("select", "unmix", "watch", "tag", "genre")


def command(
    task: Annotated[str, typer.Argument(help="What was trained: " + ", ".join(TASKS) + ".")],
    run: Annotated[Path, typer.Argument(help="The run folder.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The checkpoint to write, NAME.safetensors.")],
    data: Annotated[
        Path,
        typer.Option(
            help="The folder that holds the data sets; for unmix, the songs to test on; for watch, made videos."
        ),
    ] = Path("data"),
    licence: Annotated[str, typer.Option(help="Licence of the weights.")] = "MIT",
    made_by: Annotated[str, typer.Option(help="The command that made the run, for the card.")] = "",
    note: Annotated[str, typer.Option(help="What a reader of the results must know, for the card.")] = "",
    mixtures: Annotated[int, typer.Option(min=1, help="Mixtures in each set.")] = 500,
    jobs: Annotated[int | None, typer.Option(min=1, help="watch: processes that evaluate, of one thread each.")] = None,
    force: Annotated[bool, typer.Option(help="Replace what is there.")] = False,
    quiet: Annotated[bool, typer.Option(help="No progress.")] = False,
) -> None:
    """Score a run's model on test, calibrated on validation, and write it with its card."""
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    from soundsieve.cli._terminal import progress_bar

    try:
        from soundsieve.systems import release_genre, release_select, release_tag, release_unmix, release_watch
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"releasing needs {error.name}: pip install 'soundsieve[train]'") from None
    command = made_by or f"soundsieve train {task} --recipe {run.name} --data DATA"
    if task == "genre":  # what it said of its test rows is known
        done = release_genre.release(run, out, command=command, licence=licence, note=note, force=force)
        typer.echo(f"{done.weights} and {done.card}")
        return
    if task == "unmix":
        with progress_bar("songs", shown=not quiet) as progress:
            unmixed = release_unmix.release(
                run, data, out, command=command, licence=licence, note=note, force=force, progress=progress
            )
        typer.echo(f"{unmixed.weights} and {unmixed.card}")
        return
    if task == "watch":
        with progress_bar("videos", shown=not quiet) as progress:
            watched = release_watch.release(
                run,
                [str(data)],
                out,
                command=command,
                licence=licence,
                note=note,
                force=force,
                jobs=jobs,
                progress=progress,
            )
        typer.echo(f"{watched.weights} and {watched.card}")
        return
    release = release_tag.release if task == "tag" else release_select.release
    with progress_bar("mixtures", shown=not quiet) as progress:
        made = release(
            run,
            data,
            out,
            command=command,
            licence=licence,
            note=note,
            mixtures=mixtures,
            force=force,
            progress=progress,
        )
    typer.echo(f"{made.weights} and {made.card}")
