"""`soundsieve unmix`: take songs apart into stems."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from soundsieve.cli._jobs import PLOT, Job, Wanted, find, plan_found
from soundsieve.cli._terminal import complain, progress_bar, reported
from soundsieve.cli._writing import Format, cut_off, refuse_options
from soundsieve.errors import OutputError

if TYPE_CHECKING:
    from soundsieve.inference.unmixed import UnmixReport
    from soundsieve.systems.unmix import Unmixer

_MODEL = "An engine (spleeter, stacked), a released model, a checkpoint, or a run folder; the best there is."


def command(
    files: Annotated[
        list[Path] | None, typer.Argument(readable=False, help="Songs, videos with sound, or folders of them.")
    ] = None,
    stems: Annotated[
        str | None, typer.Option(help="4, 2 (vocals, accompaniment), or names: vocals,drums. Without a model 4.")
    ] = None,
    mixdown: Annotated[
        list[str] | None, typer.Option(help="The song without a stem too: minus-vocals; repeat it for several.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", readable=False, help="Folder for the results.")] = Path(),
    model: Annotated[str | None, typer.Option(help=_MODEL)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    suffix: Annotated[Format, typer.Option("--format", help="Type of the results.")] = Format.wav,
    subtype: Annotated[str | None, typer.Option(help="Encoding, for example PCM_16; WAV is float by default.")] = None,
    segment: Annotated[
        float | None, typer.Option(help="Seconds worked on at once; fewer need less memory. The engine's own.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw how loud the stems are over time.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Write only the results that are not there.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace existing results.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a file, also where one fails.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors, warnings and JSON.")] = False,
) -> None:
    """Take songs of any length apart into vocals, drums, bass and the rest.

    For each song writes NAME.vocals.wav, NAME.drums.wav, NAME.bass.wav and
    NAME.other.wav, or NAME.vocals.wav and NAME.accompaniment.wav, shaped like
    the song. They add up to it. What works on two stems or four depends on
    what is installed; docs/unmix.md says what to install.
    """
    found = find(files or [])
    refuse_options(device, segment, suffix.value, subtype)
    unmixer = _open(model, stems, mixdown or [], device, segment, plot=plot)
    parts = tuple(part.name for part in unmixer.parts(stems, mixdown or []))
    wanted = Wanted(parts, output, plot=plot, resume=resume, force=force, quiet=quiet or as_json)
    recordings = _own(found, files or [], wanted, unmixer.stems)
    jobs = plan_found(recordings, wanted, {**{name: f"{name}.{suffix.value}" for name in parts}, PLOT: "stems.png"})
    _refuse_inputs(jobs, [path for path, _ in recordings])
    written = {"subtype": subtype, "force": force}
    with ExitStack() as folders:
        ready = [job for job in jobs if _usable(job, folders, written, as_json=as_json)]
        done = sum(_work(unmixer, job, written, as_json=as_json, quiet=quiet) for job in ready)
    if done < len(jobs):
        raise typer.Exit(2)


def _open(
    model: str | None, stems: str | None, mixdowns: Sequence[str], device: str, segment_s: float | None, *, plot: bool
) -> Unmixer:
    from soundsieve.inference.stem_figure import require_matplotlib
    from soundsieve.systems.unmix import Unmixer

    if plot:
        require_matplotlib()
    return Unmixer.open(model, stems, mixdowns=mixdowns, device=device, segment_s=segment_s)


def _own(
    found: Sequence[tuple[Path, Path]], named: Iterable[Path], wanted: Wanted, stems: Iterable[str]
) -> list[tuple[Path, Path]]:
    """Leave out stems that an earlier run has left in a folder of songs."""
    from soundsieve.datasets import ACCOMPANIMENT
    from soundsieve.inference.stem_parts import FOUR, MINUS
    from soundsieve.inference.walk import without_results

    kinds = dict.fromkeys([*stems, *FOUR, ACCOMPANIMENT])
    own = without_results(found, named, wanted.output or Path(), [*(MINUS + kind for kind in kinds), *kinds])
    if not wanted.quiet and len(own) < len(found):
        complain(f"{len(found) - len(own)} of {len(found)} recordings are stems of others and are passed over")
    return own


def _refuse_inputs(jobs: Iterable[Job], recordings: Iterable[Path]) -> None:
    """Refuse, before any work, a result that would be written over an input."""
    inputs = {path.resolve() for path in recordings}
    for job in jobs:
        for place in job.results.values():
            if place.resolve() in inputs:
                raise OutputError(f"{place}: is an input and would be a result of {job.file}; choose another folder")


def _usable(job: Job, folders: ExitStack, written: dict[str, Any], *, as_json: bool) -> bool:
    """Refuse, before any work, an input that cannot be opened or an output that cannot be written."""
    from soundsieve import audio
    from soundsieve.inference.group_writer import GroupWriter, made_folder

    with reported(job.file, as_json=as_json):
        info = audio.probe(job.file)
        sounds, figure = _places(job)
        folders.enter_context(made_folder(next(iter(job.results.values())).parent))
        new = [place for place in sounds.values() if place is not None]
        GroupWriter(new, info.sample_rate, info.channels, beside=figure, **written)
        return True
    return False


def _places(job: Job) -> tuple[dict[str, Path | None], Path | None]:
    """Where a job's sounds are written, None for those that are there already, and its figure."""
    places = {name: None if place in job.there else place for name, place in job.results.items()}
    figure = places.pop(PLOT, None)
    return places, figure


def _work(unmixer: Unmixer, job: Job, written: dict[str, Any], *, as_json: bool, quiet: bool) -> bool:
    """Do one song and say so; say what is wrong with it where it cannot be done."""
    sounds, figure = _places(job)
    with reported(job.file, as_json=as_json):
        with progress_bar(job.file.name, shown=not quiet) as progress:
            report = unmixer.process_file(job.file, sounds, figure=figure, progress=progress, **written)
        if as_json:
            typer.echo(json.dumps(report.to_dict(), allow_nan=False))
        elif not quiet:
            typer.echo(_line(report))
        if report.clipped:
            complain(cut_off(report.file, report.clipped))
        return True
    return False


def _line(report: UnmixReport) -> str:
    levels = (f"{name} {'silent' if level is None else f'{level:.1f} dB'}" for name, level in report.levels_db.items())
    places = [*report.outputs.values(), *([] if report.figure is None else [report.figure])]
    times = f"{report.duration_s:.1f} s of audio in {report.seconds_taken:.1f} s"
    return f"{report.file}: {', '.join(levels)}; wrote {', '.join(map(str, places))}; {times}"
