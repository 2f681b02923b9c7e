"""`soundsieve tag`: name the sounds in recordings, with times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundsieve import checkpoint
from soundsieve.cli._terminal import complain, progress_bar, reported
from soundsieve.errors import CheckpointError, OutputError, SettingsError, unknown_name

if TYPE_CHECKING:
    from soundsieve.systems.tag import Tagger

DEFAULT = "tag"
_PLOT = "png"


@dataclass(frozen=True)
class Job:
    """A recording, and where each kind of result goes; no kind where all is printed."""

    file: Path
    results: dict[str, Path]

    @property
    def done(self) -> bool:
        """Whether every result is there."""
        return bool(self.results) and all(path.exists() for path in self.results.values())


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
    from soundsieve.inference.tags import CSV_HEADING

    if model == DEFAULT and DEFAULT not in checkpoint.released():
        raise CheckpointError("no tagger comes with this copy yet; train one (docs/tag.md) and give it with --model")
    path = checkpoint.locate(model)
    header = checkpoint.load(path, weights=False)
    if header.task != "tag":
        raise CheckpointError(f"{path}: a model for the task {header.task!r} cannot tag")
    if classes:
        typer.echo("\n".join(header.classes))
        return
    chosen = _formats(kinds or ["table"], output, plot=plot)
    jobs = _plan(files or [], chosen, output, plot=plot)
    waiting = [job for job in jobs if not (resume and job.done)]
    _refuse_overwriting(waiting, force=force or resume)
    if not quiet and len(waiting) < len(jobs):
        complain(f"{len(jobs) - len(waiting)} of {len(jobs)} recordings were done before")
    failed = []
    if waiting:
        tagger = _open(path, device, threshold, window, hop)
        if output is None and chosen == ["csv"]:
            typer.echo(CSV_HEADING, nl=False)
        failed = [job.file for job in waiting if not _work(tagger, job, chosen, top, quiet=quiet)]
    if failed:
        if len(jobs) > 1:
            complain(f"{len(failed)} of {len(jobs)} could not be tagged: {', '.join(map(str, failed))}")
        raise typer.Exit(2)


def _formats(kinds: Sequence[str], output: Path | None, *, plot: bool) -> list[str]:
    from soundsieve.inference.tags import FORMATS

    chosen = list(dict.fromkeys(part.strip() for kind in kinds for part in kind.split(",")))
    for kind in chosen:
        if kind not in FORMATS:
            raise unknown_name("format", kind, FORMATS)
    if output is None and (plot or len(chosen) > 1):
        what = "a plot is" if plot else "several formats are"
        raise SettingsError(f"{what} written to files; give a folder for them with -o")
    return chosen


def _plan(files: Sequence[Path], kinds: Sequence[str], output: Path | None, *, plot: bool) -> list[Job]:
    from soundsieve.inference.tags import FORMATS
    from soundsieve.inference.walk import find_recordings, name_results

    if not files:
        raise SettingsError("name at least one recording, or a folder of them")
    found = find_recordings(files)
    if output is None:
        return [Job(path, {}) for path, _ in found]
    suffixes = {**{kind: FORMATS[kind] for kind in kinds}, **({_PLOT: "tags.png"} if plot else {})}
    names = {kind: name_results([inside for _, inside in found], suffix) for kind, suffix in suffixes.items()}
    jobs = [Job(path, {kind: output / names[kind][row] for kind in suffixes}) for row, (path, _) in enumerate(found)]
    owners: dict[Path, Path] = {}
    for job in jobs:
        for place in job.results.values():
            if place in owners:
                raise OutputError(f"{place}: would hold results of {owners[place]} and of {job.file}; tag them apart")
            owners[place] = job.file
    return jobs


def _refuse_overwriting(jobs: Sequence[Job], *, force: bool) -> None:
    for job in jobs:
        for place in job.results.values():
            if place.exists() and not force:
                raise OutputError(f"{place}: exists already; use --resume to pass over it or --force to replace it")


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


def _work(tagger: Tagger, job: Job, kinds: Sequence[str], top: int, *, quiet: bool) -> bool:
    """Do one recording; say what is wrong with it where it cannot be done."""
    from soundsieve.inference.tag_figure import draw

    as_json = not job.results and kinds == ["json"]
    with reported(job.file, as_json=as_json):
        with progress_bar(job.file.name, shown=not quiet) as progress:
            found = tagger.tag(job.file, top=top, progress=progress)
        if not job.results:
            typer.echo(found.to_csv(heading=False) if kinds == ["csv"] else found.to_text(kinds[0]), nl=False)
            return True
        for kind in kinds:
            found.save(job.results[kind], kind, force=True)
        if _PLOT in job.results:
            draw(found, job.file, job.results[_PLOT])
        if not quiet:
            names = ", ".join(f"{label.label} {label.score:.2f}" for label in found.labels)
            typer.echo(f"{job.file}: {names}; wrote {', '.join(map(str, job.results.values()))}")
        return True
    return False
