"""`soundsieve watch`: one track for each object seen in a video."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from soundsieve.cli._terminal import complain, progress_bar, reported
from soundsieve.cli._writing import Format, cut_off, refuse_options
from soundsieve.errors import OutputError, SettingsError, VideoError

if TYPE_CHECKING:
    from soundsieve.inference.watched import WatchReport
    from soundsieve.systems.watch import Watcher

AUTO = "auto"
_REST, _FIGURE = "rest", "objects.png"


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
    NAME.rest.wav for what is nobody's. They add up to the sound of the video.
    """
    refuse_options(device, None, suffix.value, subtype)
    found = _find(videos or [])
    watcher = _open(engine, model, vision, device, rule, plot=plot)
    asked = None if labels == AUTO else watcher.named(labels)
    written = {"suffix": suffix.value, "subtype": subtype, "force": force, "resume": resume}
    done = 0
    for video, inside in found:
        with reported(video, as_json=as_json):
            _work(watcher, video, output / inside.parent, asked, written, plot, copies, as_json=as_json, quiet=quiet)
            done += 1
    if done < len(found):
        raise typer.Exit(2)


def _find(places: list[Path]) -> list[tuple[Path, Path]]:
    """Find videos, each with its place below the folder it was found in."""
    from soundsieve.datasets.video import videos_below

    if not places:
        raise SettingsError("name at least one video, or a folder of them")
    found = []
    for place in places:
        inside = videos_below(place) if place.is_dir() else []
        if place.is_dir() and not inside:
            raise VideoError(f"{place}: no video in this folder or below it")
        found += [(video, video.relative_to(place)) for video in inside] or [(place, Path(place.name))]
    stems: dict[Path, Path] = {}
    for video, below in found:
        if below.with_suffix("") in stems:
            raise OutputError(f"{video}: its results would have the names of those of {stems[below.with_suffix('')]}")
        stems[below.with_suffix("")] = video
    return found


def _open(engine: str | None, model: str | None, vision: str, device: str, rule: str, *, plot: bool) -> Watcher:
    from soundsieve.inference.seen import SeenSettings
    from soundsieve.inference.watch_figure import require_matplotlib
    from soundsieve.systems.watch import Watcher

    if plot:
        require_matplotlib()
    return Watcher.open(engine, model, vision, device, seen=SeenSettings.parse({"rule": rule}))


def _work(
    watcher: Watcher,
    video: Path,
    folder: Path,
    asked: tuple[str, ...] | None,
    written: dict[str, Any],
    plot: bool,
    copies: bool,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Do one video and say so."""
    from soundsieve.inference.group_writer import made_folder

    looked = watcher.look(video)
    labels = asked or watcher.choose(looked)
    if not labels:
        raise VideoError(watcher.nothing_seen(video))
    results = _results(video, folder, labels, written["suffix"], plot, copies)
    if written["resume"] and all(path.exists() for path in results.values()):
        if not quiet:
            complain(f"{video}: was done before")
        return
    if not (written["force"] or written["resume"]):
        for path in results.values():
            if path.exists():
                raise OutputError(f"{path}: exists already; use --resume to pass over it or --force to replace it")
    with made_folder(folder), progress_bar(video.name, shown=not quiet) as progress:
        report = watcher.process_file(
            video,
            {name: results[name] for name in (*labels, _REST)},
            looked=looked,
            named=asked is not None,
            figure=results.get(_FIGURE),
            videos={name: results[f"{name} video"] for name in labels} if copies else None,
            subtype=written["subtype"],
            force=written["force"] or written["resume"],
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(report.to_dict(), allow_nan=False))
    elif not quiet:
        typer.echo(_line(report))
    if report.note:
        complain(report.note)
    if report.clipped:
        complain(cut_off(video, report.clipped))


def _results(
    video: Path, folder: Path, labels: tuple[str, ...], suffix: str, plot: bool, copies: bool
) -> dict[str, Path]:
    """Name the file of each result."""
    from soundsieve.video.remux import CODECS

    name, container = video.stem, video.suffix if video.suffix.lower() in CODECS else ".mkv"
    return {
        **{label: folder / f"{name}.{label}.{suffix}" for label in (*labels, _REST)},
        **({f"{label} video": folder / f"{name}.{label}{container}" for label in labels} if copies else {}),
        **({_FIGURE: folder / f"{name}.{_FIGURE}"} if plot else {}),
    }


def _line(report: WatchReport) -> str:
    objects = (
        f"{found.label} (seen {found.visual:.2f}, {'silent' if found.silent else f'{100 * found.audible:.0f} %'})"
        for found in report.objects
    )
    figure = [] if report.figure is None else [report.figure]
    places = ", ".join(map(str, [*report.outputs.values(), *report.videos.values(), *figure]))
    times = f"{report.duration_s:.1f} s of video in {report.seconds_taken:.1f} s"
    return f"{report.file}: {', '.join(objects)}; wrote {places}; {times}"
