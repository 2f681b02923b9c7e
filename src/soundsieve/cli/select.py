"""`soundsieve select`: keep or remove chosen sounds in recordings."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from soundsieve import checkpoint
from soundsieve.cli._terminal import complain, progress_bar, reported
from soundsieve.cli._writing import Format, cut_off, refuse_options
from soundsieve.errors import AudioError, CheckpointError, OutputError, SettingsError

if TYPE_CHECKING:
    from soundsieve.inference.result import Report
    from soundsieve.inference.separate import Mode
    from soundsieve.systems.select import Selector

Job: TypeAlias = tuple[Path, tuple[Path, Path]]
"""An input and its two outputs."""

# One file that may not be read must not stop the others, so it is looked at with the rest and not by the option parser.
_FILES = "Recordings, or videos with sound."
AUTO = "auto"  # --keep: what the tagger hears


def command(
    files: Annotated[list[Path] | None, typer.Argument(readable=False, help=_FILES)] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="Class to keep; repeat it, or list them: dog,rain; auto: what is heard.")
    ] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Class to remove; likewise.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", readable=False, help="Folder for the results.")] = Path(),
    model: Annotated[str, typer.Option(help="A released model, a checkpoint, or a run folder.")] = "select",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    suffix: Annotated[Format, typer.Option("--format", help="Type of the results.")] = Format.wav,
    subtype: Annotated[str | None, typer.Option(help="Encoding, for example PCM_16; WAV is float by default.")] = None,
    segment: Annotated[float, typer.Option(help="Seconds worked on at once; fewer need less memory.")] = 20.0,
    gate: Annotated[bool, typer.Option(help="Hand over nothing of a class that is not there.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace existing results.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a file, also where one fails.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors, warnings and JSON.")] = False,
    classes: Annotated[bool, typer.Option("--classes", help="List the classes the model knows, and stop.")] = False,
) -> None:
    """Keep or remove chosen sounds in recordings of any length.

    For each file writes NAME.selected.wav, which is what you asked for (the
    kept classes, or everything but the removed ones), and NAME.rest.wav, the
    other part. The two add up to the input.
    """
    from soundsieve.inference.group_writer import made_folder

    path = checkpoint.locate(model)
    header = checkpoint.load(path, weights=False)
    if header.task != "select":
        raise CheckpointError(f"{path}: a model for the task {header.task!r} cannot select")
    if classes:
        typer.echo(json.dumps(header.classes) if as_json else "\n".join(header.classes))
        return
    listen = keep == [AUTO] and not remove
    mode, asked = ("keep", ()) if listen else _request(keep, remove, header.classes)
    jobs = _plan(files or [], output, suffix.value)
    refuse_options(device, segment, suffix.value, subtype)
    written = {"subtype": subtype, "force": force}
    done = 0
    with made_folder(output):
        ready = [job for job in jobs if _usable(job, written, as_json=as_json)]
        if ready:
            selector = _open(path, device, {"chunks": {"segment_s": segment}, "gate": {"enabled": gate}})
            wanted = _listener(header.classes, device, quiet=quiet) if listen else lambda _: asked
            done = sum(_work(selector, job, wanted, mode, written, as_json=as_json, quiet=quiet) for job in ready)
    if done < len(jobs):
        raise typer.Exit(2)


def _request(keep: list[str] | None, remove: list[str] | None, known: Sequence[str]) -> tuple[Mode, tuple[str, ...]]:
    from soundsieve.inference.classes import match_classes

    if bool(keep) == bool(remove):
        raise SettingsError("say what to --keep or what to --remove, one of the two; --classes lists what there is")
    return "keep" if keep else "remove", match_classes(keep or remove or [], known)


def _listener(known: tuple[str, ...], device: str, *, quiet: bool) -> Callable[[Path], tuple[str, ...]]:
    """Make what chooses the classes of a file: those that the released tagger hears and the selector knows."""
    from soundsieve.systems.describe_recording import known_to
    from soundsieve.systems.tag import Tagger

    tagger = Tagger(checkpoint.load(checkpoint.locate("tag")), device)

    def heard_in(file: Path) -> tuple[str, ...]:
        heard = tagger.tag(file).labels
        said = ", ".join(f"{found.label} {found.score:.2f}" for found in heard)
        chosen = known_to(heard, known)
        if not chosen:
            raise AudioError(f"{file}: nothing is heard that this model can keep ({said}); name classes with --keep")
        if not quiet:
            complain(f"{file}: heard {said}")
        return tuple(chosen)

    return heard_in


def _plan(files: Sequence[Path], folder: Path, suffix: str) -> list[Job]:
    """Name the outputs; refuse before any work what would be written twice or over an input."""
    from soundsieve.inference.pair import output_paths

    if not files:
        raise SettingsError("name at least one recording to work on")
    for file in files:
        if files.count(file) > 1:
            raise SettingsError(f"{file}: is named twice")
    jobs = [(file, output_paths(file, folder, suffix)) for file in files]
    inputs = {file.resolve(): file for file in files}
    owners: dict[Path, Path] = {}
    for file, outputs in jobs:
        for output in outputs:
            place = output.resolve()
            if place in owners:
                raise OutputError(f"{output}: would hold a result of {owners[place]} and of {file}; run them apart")
            if place in inputs:
                raise OutputError(f"{output}: is an input and would be a result of {file}; choose another folder")
            owners[place] = file
    return jobs


def _usable(job: Job, written: dict[str, Any], *, as_json: bool) -> bool:
    """Refuse, before a network is loaded, an input that cannot be opened or an output that cannot be written."""
    from soundsieve import audio
    from soundsieve.inference.group_writer import GroupWriter

    with reported(job[0], as_json=as_json):
        info = audio.probe(job[0])
        GroupWriter(job[1], info.sample_rate, info.channels, **written)
        return True
    return False


def _open(path: Path, device: str, settings: dict[str, Any]) -> Selector:
    from soundsieve.inference.separate import SeparationSettings
    from soundsieve.systems.select import Selector

    return Selector(checkpoint.load(path), device, SeparationSettings.parse(settings))


def _work(
    selector: Selector,
    job: Job,
    wanted: Callable[[Path], tuple[str, ...]],
    mode: Mode,
    written: dict[str, Any],
    *,
    as_json: bool,
    quiet: bool,
) -> bool:
    """Do one file and say so; say what is wrong with it where it cannot be done."""
    file, outputs = job
    with reported(file, as_json=as_json):
        asked = wanted(file)
        with progress_bar(file.name, shown=not quiet) as progress:
            report = selector.process_file(file, outputs, asked, mode=mode, progress=progress, **written)
        _tell(report, as_json=as_json, quiet=quiet)
        return True
    return False


def _tell(report: Report, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.to_dict(), allow_nan=False))
    elif not quiet:
        typer.echo(_line(report))
    if report.clipped:
        complain(cut_off(report.file, report.clipped))


def _line(report: Report) -> str:
    found = (
        f"{name} ({seen.level_db:+.1f} dB)" if seen.present else f"{name} (not found)"
        for name, seen in report.presence.items()
    )
    verb = "kept" if report.mode == "keep" else "removed"
    outputs = " and ".join(map(str, report.outputs or ()))
    times = f"{report.duration_s:.1f} s of audio in {report.seconds_taken:.1f} s"
    return f"{report.file}: {verb} {', '.join(found)}; wrote {outputs}; {times}"
