"""`soundsieve genre`: name the style of music."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundsieve import checkpoint
from soundsieve.cli._jobs import PLOT, Wanted, choose_kinds, plan, work
from soundsieve.errors import CheckpointError

if TYPE_CHECKING:
    from soundsieve.inference.progress import Progress
    from soundsieve.inference.tags import Tags

DEFAULT = "genre"
_SUFFIXES = {"json": "genre.json", "csv": "genre.csv", "audacity": "genre-labels.txt", "table": "genre.txt"}
_HOP_S = 5.0  # of a timeline


def command(
    files: Annotated[
        list[Path] | None, typer.Argument(readable=False, help="Music, videos with sound, or folders of them.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Genres at most for the whole recording.")] = 3,
    kinds: Annotated[
        list[str] | None, typer.Option("--format", help="table, json, csv or audacity; repeat it for several.")
    ] = None,
    timeline: Annotated[bool, typer.Option("--timeline", help="Say which genre is heard when.")] = False,
    hop: Annotated[float, typer.Option(min=0.5, help="Seconds from one answer of the timeline to the next.")] = _HOP_S,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", readable=False, help="Folder for the results; printed if not given."),
    ] = None,
    model: Annotated[str, typer.Option(help="A released model, a checkpoint, or a run folder.")] = DEFAULT,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    plot: Annotated[bool, typer.Option("--plot", help="Draw each recording with its genres; needs -o.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Pass over recordings whose results are there.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace existing results.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but results and errors.")] = False,
    classes: Annotated[bool, typer.Option("--classes", help="List the genres the model knows, and stop.")] = False,
) -> None:
    """Name the style of music, of any length.

    Scores are probabilities. What is silent, or unlike all the music that the
    model was trained on, is answered "unknown". With --timeline a long mix is
    named every few seconds, each time by the half minute around.
    """
    path = checkpoint.locate(model)
    header = checkpoint.load(path, weights=False)
    if header.task != "genre":
        raise CheckpointError(f"{path}: a model for the task {header.task!r} names no genres")
    if classes:
        typer.echo("\n".join(header.classes))
        return
    chosen = choose_kinds(kinds or ["table"], tuple(_SUFFIXES), output, plot=plot)
    wanted = Wanted(chosen, output, plot=plot, resume=resume, force=force, quiet=quiet)
    jobs = plan(files or [], wanted, {**_SUFFIXES, PLOT: "genre.png"})
    if not jobs:
        return
    from soundsieve.inference.genres import GenreTimelineSettings
    from soundsieve.inference.tag_figure import draw
    from soundsieve.systems.genre import GenreNamer

    namer = GenreNamer(checkpoint.load(path), device, GenreTimelineSettings.parse({"hop_s": hop}) if timeline else None)

    def find(file: Path, progress: Progress | None) -> Tags:
        found = namer.name(file, top=top, progress=progress)
        return found if timeline else replace(found, whole=True)

    work(jobs, wanted, find, draw)
