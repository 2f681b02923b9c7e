"""`soundsieve watch`: one track for each object seen in a video."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soundsieve.cli._terminal import complain, progress_bar, reported
from soundsieve.cli._writing import Format, cut_off, refuse_options
from soundsieve.errors import OutputError, SettingsError, VideoError

if TYPE_CHECKING:
    from soundsieve.inference.watched import WatchReport
    from soundsieve.systems.watch import Watcher

AUTO = "auto"
_REST, _FIGURE, _COPY = "rest", "objects.png", "{} video"


@dataclass(frozen=True)
class _Wanted:
    """What is to be written: `labels` are those named, None where pictures decide."""

    labels: tuple[str, ...] | None
    suffix: str
    subtype: str | None
    plot: bool
    copies: bool
    resume: bool
    force: bool

    def results(self, job: _Job, labels: Iterable[str]) -> dict[str, Path]:
        """Name the file of each result, where these objects have tracks."""
        labels, container = tuple(labels), job.container
        names = {
            **{label: f"{label}.{self.suffix}" for label in (*labels, _REST)},
            **({_FIGURE: _FIGURE} if self.plot else {}),
            **({_COPY.format(label): f"{label}{container}" for label in labels} if self.copies else {}),
        }
        return {kind: job.base.with_name(f"{job.base.name}.{name}") for kind, name in names.items()}


@dataclass(frozen=True)
class _Job:
    """A video, and what the names of its results begin with."""

    video: Path
    base: Path

    @property
    def container(self) -> str:
        """The suffix of copies."""
        from soundsieve.video.remux import CODECS

        return self.video.suffix if self.video.suffix.lower() in CODECS else ".mkv"


def command(
    videos: Annotated[
        list[Path] | None, typer.Argument(readable=False, help="Videos with sound, or folders of them.")
    ] = None,
    labels: Annotated[
        str, typer.Option(help="Objects that are there, with commas: violin,dog. Or auto: those that are seen.")
    ] = AUTO,
    engine: Annotated[
        str | None, typer.Option(help="nmf (bases) or network (masks); the better one that is there.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="A released model, a checkpoint, or a run folder.")] = None,
    vision: Annotated[
        str, typer.Option(help="Who looks at the pictures: efficientnet-lite0, resnet152, or an .onnx file.")
    ] = "efficientnet-lite0",
    rule: Annotated[str, typer.Option(help="What counts as seen: evidence, or published.")] = "evidence",
    output: Annotated[Path, typer.Option("--output", "-o", readable=False, help="Folder for the results.")] = Path(),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    suffix: Annotated[Format, typer.Option("--format", help="Type of the results.")] = Format.wav,
    subtype: Annotated[str | None, typer.Option(help="Encoding, for example PCM_16; WAV is float by default.")] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw a frame, the basis–object map and the tracks.")] = False,
    copies: Annotated[
        bool, typer.Option("--remux", help="Write a copy of the video for each object, with only its sound.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Pass over videos whose results are there.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace existing results.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a video, also where one fails.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors, warnings and JSON.")] = False,
) -> None:
    """Give each object that is seen in a video a track of its own.

    For each video writes NAME.violin.wav and so on for the objects, and
    NAME.rest.wav for what they leave. They add up to the sound of the video.
    """
    refuse_options(device, None, suffix.value, subtype)
    found = _find(videos or [], output, quiet=quiet or as_json)
    watcher = _open(engine, model, vision, device, rule, plot=plot)
    asked = None if labels.strip().lower() == AUTO else watcher.named(labels)
    wanted = _Wanted(asked, suffix.value, subtype, plot, copies, resume, force)
    jobs = _waiting(_plan(found, output), wanted, watcher.objects, quiet=quiet or as_json)
    inputs = {video.resolve() for video, _ in found}
    done = sum(_work(watcher, job, wanted, inputs, as_json=as_json, quiet=quiet) for job in jobs)
    if done < len(jobs):
        raise typer.Exit(2)


def _find(places: Sequence[Path], output: Path, *, quiet: bool) -> list[tuple[Path, Path]]:
    """Find videos, each once, with its place below the folder it was found in; copies of earlier runs are none.

    Raises:
        SettingsError: when none is named.
        VideoError: when a folder holds none.
    """
    from soundsieve.datasets.object_groups import NAMES
    from soundsieve.datasets.video import videos_below, without_copies
    from soundsieve.inference.walk import without_results

    if not places:
        raise SettingsError("name at least one video, or a folder of them")
    found: dict[Path, tuple[Path, Path]] = {}
    copies = 0
    for place in places:
        inside = videos_below(place) if place.is_dir() else [place]
        if not inside:
            raise VideoError(f"{place}: no video in this folder or below it")
        own = without_copies(inside, NAMES) if place.is_dir() else inside
        copies += len(inside) - len(own)
        for video in own:
            found.setdefault(video.resolve(), (video, video.relative_to(place) if place.is_dir() else Path(video.name)))
    kept = without_results(found.values(), places, output, NAMES)
    copies += len(found) - len(kept)
    if copies and not quiet:
        complain(f"{copies} of {len(kept) + copies} videos are copies with the sound of one object and are passed over")
    return kept


def _plan(found: Sequence[tuple[Path, Path]], output: Path) -> list[_Job]:
    """Give the results of each video a name of their own.

    Raises:
        OutputError: when two videos would share it.
    """
    from soundsieve.inference.walk import name_results

    owners: dict[Path, Path] = {}
    for (video, _), name in zip(found, name_results([inside for _, inside in found], _REST), strict=True):
        base = output / name.with_suffix("")
        if base in owners:
            raise OutputError(f"{base}.{_REST}: would be a result of {owners[base]} and of {video}; do them one by one")
        owners[base] = video
    return [_Job(video, base) for base, video in owners.items()]


def _waiting(jobs: Sequence[_Job], wanted: _Wanted, objects: Sequence[str], *, quiet: bool) -> list[_Job]:
    """Leave out what was done before; refuse, before any picture is looked at, to write over anything.

    Raises:
        OutputError: when a result is there already.
    """
    if wanted.force:
        return list(jobs)
    if not wanted.resume:
        for job in jobs:
            for place in wanted.results(job, wanted.labels or ()).values():
                if place.exists():
                    raise OutputError(f"{place}: exists already; use --resume to pass over it or --force to replace it")
        return list(jobs)
    waiting = [job for job in jobs if not _done(job, wanted, objects)]
    if len(waiting) < len(jobs) and not quiet:
        complain(f"{len(jobs) - len(waiting)} of {len(jobs)} videos were done before")
    return waiting


def _done(job: _Job, wanted: _Wanted, objects: Sequence[str]) -> bool:
    """Say whether an earlier run has left all results; they appear together, so the tracks that are there are all."""
    every = wanted.results(job, objects)
    labels = wanted.labels or tuple(label for label in objects if every[label].exists())
    return bool(labels) and all(place.exists() for place in wanted.results(job, labels).values())


def _open(engine: str | None, model: str | None, vision: str, device: str, rule: str, *, plot: bool) -> Watcher:
    from soundsieve.inference.seen import SeenSettings
    from soundsieve.inference.watch_figure import require_matplotlib
    from soundsieve.systems.watch import Watcher

    if plot:
        require_matplotlib()
    return Watcher.open(engine, model, vision, device, seen=SeenSettings.parse({"rule": rule}))


def _work(watcher: Watcher, job: _Job, wanted: _Wanted, inputs: set[Path], *, as_json: bool, quiet: bool) -> bool:
    """Do one video and say so; say what is wrong with it where it cannot be done."""
    with reported(job.video, as_json=as_json):
        report = _watch(watcher, job, wanted, inputs, quiet=quiet)
        if as_json:
            typer.echo(json.dumps(report.to_dict(), allow_nan=False))
        elif not quiet:
            typer.echo(_line(report))
        if report.note:
            complain(report.note)
        if report.clipped:
            complain(cut_off(job.video, report.clipped))
        return True
    return False


def _watch(watcher: Watcher, job: _Job, wanted: _Wanted, inputs: set[Path], *, quiet: bool) -> WatchReport:
    """Look at the pictures of a video and take its sound apart."""
    from soundsieve.inference.group_writer import made_folder

    with progress_bar(f"{job.video.name}: pictures", shown=not quiet) as progress:
        looked = watcher.look(job.video, progress=progress)
    labels = wanted.labels or watcher.choose(looked)
    unknown = [] if wanted.labels else [label for label in watcher.seen(looked) if label not in watcher.objects]
    if unknown:
        complain(f"{job.video}: shows {', '.join(unknown)} too, which the model does not know; the rest has its sound")
    results = wanted.results(job, labels)
    for place in results.values():
        if place.resolve() in inputs:
            raise OutputError(f"{place}: is an input and would be a result of {job.video}; choose another folder")
    with made_folder(job.base.parent), progress_bar(f"{job.video.name}: sound", shown=not quiet) as progress:
        return watcher.process_file(
            job.video,
            {name: results[name] for name in (*labels, _REST)},
            looked=looked,
            named=wanted.labels is not None,
            figure=results.get(_FIGURE),
            videos={name: results[_COPY.format(name)] for name in labels} if wanted.copies else None,
            subtype=wanted.subtype,
            force=wanted.force or wanted.resume,
            progress=progress,
        )


def _line(report: WatchReport) -> str:
    objects = (
        f"{found.label} (seen {found.visual:.2f}, {'silent' if found.silent else f'{100 * found.audible:.0f} %'})"
        for found in report.objects
    )
    figure = [] if report.figure is None else [report.figure]
    places = ", ".join(map(str, [*report.outputs.values(), *report.videos.values(), *figure]))
    times = f"{report.duration_s:.1f} s of sound in {report.seconds_taken:.1f} s"
    return f"{report.file}: {', '.join(objects)}; wrote {places}; {times}"
