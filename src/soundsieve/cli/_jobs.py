"""What verbs that read many recordings share: which there are, where their results go, and which are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from soundsieve.cli._terminal import complain, progress_bar, reported
from soundsieve.errors import OutputError, SettingsError, unknown_name

if TYPE_CHECKING:
    from soundsieve.inference.progress import Progress
    from soundsieve.inference.tags import Tags

PLOT = "png"


@dataclass(frozen=True)
class Job:
    """A recording, and where each kind of result goes; no kind where all is printed.

    Attributes:
        file: The recording.
        results: Kind → where it goes.
        there: Of these, what an earlier run has left and this one leaves alone.
    """

    file: Path
    results: dict[str, Path]
    there: frozenset[Path] = frozenset()

    @property
    def done(self) -> bool:
        """Whether every result is there."""
        return bool(self.results) and all(path.exists() for path in self.results.values())


@dataclass(frozen=True)
class Wanted:
    """What is to be written.

    Attributes:
        kinds: Of results: of `soundsieve.inference.tags.FORMATS`, or stems.
        output: The folder for the results; None prints them.
        plot: Draw each recording too.
        resume: Pass over recordings whose results are there.
        force: Replace results that are there.
        quiet: Print nothing but results and errors.
    """

    kinds: tuple[str, ...]
    output: Path | None
    plot: bool
    resume: bool
    force: bool
    quiet: bool


def choose_kinds(kinds: Sequence[str], formats: Sequence[str], output: Path | None, *, plot: bool) -> tuple[str, ...]:
    """Read the kinds of results asked for, one or more with commas in each.

    Raises:
        UnknownNameError: when there is no such kind.
        SettingsError: when they can only be written to files and no folder is named.
    """
    chosen = tuple(dict.fromkeys(part.strip() for kind in kinds for part in kind.split(",")))
    for kind in chosen:
        if kind not in formats:
            raise unknown_name("format", kind, formats)
    if output is None and (plot or len(chosen) > 1):
        what = "a plot is" if plot else "several formats are"
        raise SettingsError(f"{what} written to files; give a folder for them with -o")
    return chosen


def plan(files: Sequence[Path], wanted: Wanted, suffixes: Mapping[str, str]) -> list[Job]:
    """List the recordings that are still to do; refuses, before an hour of work, to write over anything.

    Args:
        files: Recordings, or folders of them.
        wanted: What is to be written.
        suffixes: Kind → what a result's name ends with.

    Raises:
        SettingsError: when there is none.
        AudioError: when a folder holds no recording.
        OutputError: when two recordings would share a result, or one is there already.
    """
    return plan_found(find(files), wanted, suffixes)


def find(files: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Find recordings, each with its place below the folder it was found in.

    Raises:
        SettingsError: when none is named.
        AudioError: when a folder holds no recording.
    """
    from soundsieve.inference.walk import find_recordings

    if not files:
        raise SettingsError("name at least one recording, or a folder of them")
    return find_recordings(files)


def plan_found(found: Sequence[tuple[Path, Path]], wanted: Wanted, suffixes: Mapping[str, str]) -> list[Job]:
    """List which of the recordings found are still to do; see `plan`.

    Raises:
        OutputError: when two recordings would share a result, or one is there already.
    """
    from soundsieve.inference.walk import name_results

    if wanted.output is None:
        return [Job(path, {}) for path, _ in found]
    chosen = [*wanted.kinds, *([PLOT] if wanted.plot else [])]
    inside = [place for _, place in found]
    names = {kind: name_results(inside, suffixes[kind]) for kind in chosen}
    jobs = [
        Job(path, {kind: wanted.output / names[kind][row] for kind in chosen}) for row, (path, _) in enumerate(found)
    ]
    owners: dict[Path, Path] = {}
    for job in jobs:
        for place in job.results.values():
            if place in owners:
                raise OutputError(f"{place}: would hold results of {owners[place]} and of {job.file}; name them apart")
            owners[place] = job.file
    waiting = [job for job in jobs if not (wanted.resume and job.done)]
    if wanted.resume and not wanted.force:
        waiting = [replace(job, there=frozenset(filter(Path.is_file, job.results.values()))) for job in waiting]
    if not (wanted.force or wanted.resume):
        for place in (place for job in waiting for place in job.results.values()):
            if place.exists():
                raise OutputError(f"{place}: exists already; use --resume to pass over it or --force to replace it")
    if not wanted.quiet and len(waiting) < len(jobs):
        complain(f"{len(jobs) - len(waiting)} of {len(jobs)} recordings were done before")
    return waiting


def work(
    jobs: Sequence[Job],
    wanted: Wanted,
    find: Callable[[Path, Progress | None], Tags],
    draw: Callable[[Tags, Path, Path], None],
) -> None:
    """Do the jobs; what is wrong with a recording is said, and the others go on.

    Args:
        jobs: The recordings.
        wanted: What is to be written.
        find: Names what is in a recording.
        draw: Draws what was found in a recording to a file.

    Raises:
        typer.Exit: with code 2 when a recording could not be done.
    """
    from soundsieve.inference.tags import CSV_HEADING

    if jobs and wanted.output is None and wanted.kinds == ("csv",):
        typer.echo(CSV_HEADING, nl=False)
    failed = [job.file for job in jobs if not _done(job, wanted, find, draw)]
    if failed:
        if len(jobs) > 1:
            complain(f"{len(failed)} of {len(jobs)} could not be done: {', '.join(map(str, failed))}")
        raise typer.Exit(2)


def _done(
    job: Job,
    wanted: Wanted,
    find: Callable[[Path, Progress | None], Tags],
    draw: Callable[[Tags, Path, Path], None],
) -> bool:
    with reported(job.file, as_json=wanted.output is None and wanted.kinds == ("json",)):
        with progress_bar(job.file.name, shown=not wanted.quiet) as progress:
            found = find(job.file, progress)
        if not job.results:
            kind = wanted.kinds[0]
            typer.echo(found.to_csv(heading=False) if kind == "csv" else found.to_text(kind), nl=False)
            return True
        for kind in wanted.kinds:
            found.save(job.results[kind], kind, force=True)
        if PLOT in job.results:
            draw(found, job.file, job.results[PLOT])
        if not wanted.quiet:
            names = ", ".join(f"{label.label} {label.score:.2f}" for label in found.labels)
            typer.echo(f"{job.file}: {names}; wrote {', '.join(map(str, job.results.values()))}")
        return True
    return False
