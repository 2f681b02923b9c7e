"""Describing music: recordings become rows of 57 descriptors, in the layout of GTZAN's public tables."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from soundsieve.datasets.genre_table import label_of, piece_name, recording_of, row_name
from soundsieve.datasets.table_draft import TableDraft
from soundsieve.datasets.table_formats import Row
from soundsieve.errors import AudioError, OutputError, SettingsError, SoundsieveError
from soundsieve.features.descriptors import NAMES
from soundsieve.inference.music_rows import DescribeSettings, MusicRows, music_rows
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.same_rows import refuse_other_rows
from soundsieve.inference.side_by_side import Step, in_turn, side_by_side
from soundsieve.inference.walk import find_recordings

Existing = Literal["refuse", "resume", "replace"]
"""What is done with a table that is there: it is an error, its rows are kept and others added, or it is replaced."""


@dataclass(frozen=True)
class DescribedMusic:
    """A table that has been written.

    Attributes:
        table: Where.
        rows: How many rows it has.
        recordings: How many recordings were asked for.
        before: How many of them were described before.
        failed: Those that could not be described, and why.
    """

    table: Path
    rows: int
    recordings: int
    before: int
    failed: tuple[tuple[Path, str], ...]


@dataclass(frozen=True, slots=True)
class _Song:
    """A recording, its name in the table, and its label."""

    file: Path
    name: str
    label: str


@dataclass(frozen=True, slots=True)
class _Task:
    """What a process is told: a recording, its name in the table, and what a row is."""

    file: Path
    name: str
    settings: DescribeSettings

    def __str__(self) -> str:
        return str(self.file)


def describe_music(
    files: Sequence[Path],
    table: Path,
    settings: DescribeSettings | None = None,
    *,
    jobs: int | None = None,
    existing: Existing = "refuse",
    progress: Progress | None = None,
    complain: Callable[[SoundsieveError], None] | None = None,
    cancel: CancelToken | None = None,
) -> DescribedMusic:
    """Describe recordings and write the table, which appears when it is complete.

    Rows come in the order in which the recordings are found. They are kept in a hidden file beside the table as they
    are made, with which `existing="resume"` goes on. A recording that cannot be used has no rows and does not stop the
    others.

    Args:
        files: Recordings, and folders of them.
        table: Where to: a `.csv` or `.parquet` file.
        settings: What a row is.
        jobs: How many processes, of one thread each; None works in this one.
        existing: What is done with a table, or the beginning of one, that is there.
        progress: Called with how many recordings are done, and of how many.
        complain: Called with what is wrong with a recording, at once.
        cancel: Stops the work.

    Raises:
        AudioError: when a folder holds no recording.
        SettingsError: when no recording is named.
        OutputError: when two recordings have one name, when the table is there and `existing` is "refuse", when its
            rows were made in another way, or when it cannot be written.
        MissingExtraError: when it is to be Parquet and pyarrow is not installed.
        Cancelled: when it was stopped; what is done is kept.

    >>> import tempfile
    >>> import numpy as np
    >>> from soundsieve import audio
    >>> noise = 0.1 * np.random.default_rng(0).standard_normal((1, 66_150)).astype(np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     audio.write(Path(folder, "blues.00000.wav"), noise, 22_050)
    ...     found = describe_music([Path(folder)], Path(folder, "out.csv"), DescribeSettings(segments=1.0))
    ...     [line.split(",")[0] for line in Path(folder, "out.csv").read_text().splitlines()]
    ['filename', 'blues.00000.0.wav', 'blues.00000.1.wav', 'blues.00000.2.wav']
    """
    settings = settings or DescribeSettings()
    songs = _songs(files)
    with TableDraft(table, NAMES, settings.model_dump(mode="json")) as draft:
        finished = _open(draft, songs, settings, existing)
        known = set(draft.recordings)
        waiting = [song for song in songs if song.name not in known]
        failed: list[tuple[Path, str]] = []
        tasks = [_Task(song.file, song.name, settings) for song in waiting]
        steps = (
            in_turn(_work, tasks, cancel=cancel) if jobs is None else side_by_side(_work, tasks, jobs, cancel=cancel)
        )
        with contextlib.closing(steps):
            for song, error in _keep(draft, waiting, steps, settings, progress):
                failed.append((song.file, str(error)))
                if complain is not None:
                    complain(error)
        if finished and len(failed) == len(waiting):  # there is nothing to add
            draft.discard()
        elif draft.recordings:
            draft.write([song.name for song in songs])
        return DescribedMusic(table, draft.rows, len(songs), len(songs) - len(waiting), tuple(failed))


def _work(task: _Task) -> Iterator[MusicRows]:
    try:
        task.name.encode()
    except UnicodeEncodeError:
        raise AudioError(f"{task.file}: its name is not UTF-8, so that no table can hold it; rename it") from None
    yield from music_rows(task.file, task.settings)


def _songs(files: Sequence[Path]) -> list[_Song]:
    if not files:
        raise SettingsError("name at least one recording, or a folder of them")
    songs = [_Song(file, row_name(inside), label_of(inside)) for file, inside in find_recordings(files)]
    owners: dict[str, Path] = {}
    for song in songs:
        if song.name in owners:
            raise OutputError(
                f"{song.file}: would have the same name in the table as {owners[song.name]}, {song.name}; "
                "name a folder that is above both"
            )
        owners[song.name] = song.file
    return songs


def _keep(
    draft: TableDraft,
    songs: Sequence[_Song],
    steps: Iterable[Step[MusicRows]],
    settings: DescribeSettings,
    progress: Progress | None,
) -> Iterator[tuple[_Song, SoundsieveError]]:
    """Keep rows as they come; yield the recordings that have none, and why."""
    done = 0
    shares: dict[int, float] = {}  # of the recordings that are being described
    numbers: dict[int, int] = {}
    for step in steps:
        song = songs[step.index]
        if step.part is not None:
            first = numbers.get(step.index, 0)
            numbers[step.index] = first + len(step.part.lengths)
            draft.add(song.name, _rows(song, step.part, first, settings))
            shares[step.index] = step.part.share or 0.0
        else:
            done += 1
            shares.pop(step.index, None)
            if step.error is None:
                draft.finish(song.name)
            else:
                draft.forget(song.name)
                yield song, step.error
        if progress is not None:
            progress(done + sum(shares.values()), len(songs))


def _rows(song: _Song, part: MusicRows, first: int, settings: DescribeSettings) -> list[Row]:
    return [
        (piece_name(song.name, number) if settings.segments else song.name, length, *values, song.label)
        for number, (length, values) in enumerate(zip(part.lengths, part.values.tolist(), strict=True), start=first)
    ]


def _open(draft: TableDraft, songs: Sequence[_Song], settings: DescribeSettings, existing: Existing) -> bool:
    """Begin the draft, or go on with what is there; say whether it has just what the finished table has."""
    table = draft.table
    if table.is_dir():
        raise OutputError(f"{table}: is a folder; name a file for the table")
    if existing == "refuse":
        for place, what in ((table, "exists already"), (draft.hidden, "is the beginning of this table")):
            if place.exists():
                raise OutputError(f"{place}: {what}; use --resume to go on with it or --force to replace it")
    if existing == "resume" and draft.hidden.exists():
        draft.go_on()
    elif existing == "resume" and table.exists():
        files = {_first_name(song, settings): song.file for song in songs}
        refuse_other_rows(table, draft.columns, files, settings)
        draft.take_over(recording_of if settings.segments else str)
        return True
    else:
        draft.begin()
    return False


def _first_name(song: _Song, settings: DescribeSettings) -> str:
    return piece_name(song.name, 0) if settings.segments else song.name
