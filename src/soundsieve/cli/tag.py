"""`soundsieve tag`: name the sounds in recordings, with times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundsieve import checkpoint
from soundsieve.cli._jobs import PLOT, Wanted, choose_kinds, plan, work
from soundsieve.errors import CheckpointError, SettingsError

if TYPE_CHECKING:
    from soundsieve.systems.tag import Tagger

DEFAULT = "tag"


def command(
    files: Annotated[
        list[Path] | None, typer.Argument(readable=False, help="Recordings, videos with sound, or folders of them.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Labels at most for the whole recording.")] = 3,
    threshold: Annotated[str, typer.Option(help="Least score to count as heard, or auto: each class's own.")] = "auto",
    kinds: Annotated[
        list[str] | None, typer.Option("--format", help="table, json, csv or audacity; repeat it for several.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", readable=False, help="Folder for the results; printed if not given."),
    ] = None,
    model: Annotated[str, typer.Option(help="A released model, a checkpoint, or a run folder.")] = DEFAULT,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    window: Annotated[float | None, typer.Option(help="Seconds that are named at once; the model's own.")] = None,
    hop: Annotated[float | None, typer.Option(help="Seconds from one window to the next; the model's own.")] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw each recording with its segments; needs -o.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Pass over recordings whose results are there.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace existing results.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but results and errors.")] = False,
    classes: Annotated[bool, typer.Option("--classes", help="List the classes the model knows, and stop.")] = False,
) -> None:
    """Name the sounds in recordings of any length, and when each is heard.

    What is silent or of no known class is answered "unknown". With -o the
    results are written beside each other, one file for each recording and
    format; without it they are printed.
    """
    from soundsieve.inference.tags import FORMATS

    if model == DEFAULT and DEFAULT not in checkpoint.released():
        raise CheckpointError("no tagger comes with this copy yet; train one (docs/tag.md) and give it with --model")
    path = checkpoint.locate(model)
    header = checkpoint.load(path, weights=False)
    if header.task != "tag":
        raise CheckpointError(f"{path}: a model for the task {header.task!r} cannot tag")
    if classes:
        typer.echo("\n".join(header.classes))
        return
    chosen = choose_kinds(kinds or ["table"], tuple(FORMATS), output, plot=plot)
    wanted = Wanted(chosen, output, plot=plot, resume=resume, force=force, quiet=quiet)
    jobs = plan(files or [], wanted, {**FORMATS, PLOT: "tags.png"})
    if jobs:
        from soundsieve.inference.tag_figure import draw

        tagger = _open(path, device, threshold, window, hop)
        work(jobs, wanted, lambda file, progress: tagger.tag(file, top=top, progress=progress), draw)


def _open(path: Path, device: str, threshold: str, window: float | None, hop: float | None) -> Tagger:
    from soundsieve.inference.timeline import TimelineSettings
    from soundsieve.systems.tag import Tagger

    loaded = checkpoint.load(path)
    asked: dict[str, float | None] = {"window_s": window, "hop_s": hop, "threshold": _threshold(threshold)}
    own = loaded.card.get("timeline", {})
    settings = TimelineSettings.parse({**own, **{name: value for name, value in asked.items() if value is not None}})
    return Tagger(loaded, device, settings)


def _threshold(text: str) -> float | None:
    if text == "auto":
        return None
    try:
        return float(text)
    except ValueError:
        raise SettingsError(f"--threshold {text}: expected auto or a number between 0 and 1") from None
