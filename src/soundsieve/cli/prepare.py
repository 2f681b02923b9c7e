"""`soundsieve prepare`: what training needs, made of recordings once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from soundsieve.cli._terminal import complain, progress_bar
from soundsieve.errors import SettingsError, unknown_name

TASKS = ("watch",)


def command(
    task: Annotated[str, typer.Argument(help="What is to be trained: watch.")],
    videos: Annotated[
        list[str] | None,
        typer.Argument(
            help="Videos, folders of them, or data sets: audioset:FOLDER, made_videos:FOLDER, video_folder:FOLDER."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", readable=False, help="Folder for the bags.")] = None,
    vision: Annotated[
        str, typer.Option(help="Who looks at the pictures: efficientnet-lite0, resnet152, or an .onnx file.")
    ] = "efficientnet-lite0",
    components: Annotated[int, typer.Option(min=1, help="Bases of each piece of ten seconds.")] = 25,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; as many as there are processors.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the bags that are there.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the bags that are there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Take the sound of videos apart into bases, and name what their pictures show.

    Every ten seconds of a video become a bag. A video that is missing, broken
    or silent is counted and left out. What is done is kept when the command is
    stopped; --resume goes on with it.
    """
    if task not in TASKS:
        raise unknown_name("task", task, TASKS)
    if not videos:
        raise SettingsError("name at least one video, a folder of them, or a data set (audioset:FOLDER)")
    if output is None:
        raise SettingsError("name the folder for the bags with -o, for example -o bags")
    if resume and force:
        raise SettingsError("give either --resume to go on with the bags or --force to replace them")
    from soundsieve.features.object_stft import ObjectSTFT
    from soundsieve.inference.side_by_side import processors
    from soundsieve.systems.prepare_watch import prepare

    try:
        with progress_bar(output.name, shown=not quiet) as progress:
            made = prepare(
                videos,
                output,
                ObjectSTFT(components=components),
                viewer=vision,
                jobs=jobs or processors(),
                existing="resume" if resume else "replace" if force else "refuse",
                progress=progress,
                complain=complain,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; what is done is kept, go on with the same command and --resume") from None
    if not quiet:
        before = f", {made.before} of them there before" if made.before else ""
        typer.echo(f"{made.folder}: {made.bags} bags{before}")
        if made.left_out:
            complain(f"{len(made.left_out)} left out; {made.folder / 'bags.json'} says why")
        if made.missing:
            complain(f"{len(made.missing)} that the data set names are missing")
    if not made.bags:
        complain(f"{made.folder}: of none of the videos a bag could be made")
        raise typer.Exit(2)
