"""Evaluating what takes songs apart: an engine or a checkpoint, songs with stems, a report."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from soundsieve import __version__
from soundsieve.datasets import ACCOMPANIMENT, STEMS, Song
from soundsieve.datasets.find_songs import FoundSongs, find_songs
from soundsieve.errors import OutputError, SettingsError, SoundsieveError, unknown_name
from soundsieve.evaluation.finished_songs import FOLDER, FinishedSongs
from soundsieve.evaluation.stem_groups import stem_groups
from soundsieve.evaluation.unmix import UnmixMeasures, measure_song
from soundsieve.evaluation.unmix_report import UnmixEvaluation, summarise
from soundsieve.evaluation.unmix_scores import SongScores
from soundsieve.evaluation.unmix_tables import FROM_CARDS
from soundsieve.inference.engine_choice import EngineName, find_engine
from soundsieve.inference.engines import Engine
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.side_by_side import in_turn, side_by_side
from soundsieve.settings import Settings


class UnmixEvaluationSettings(Settings):
    """What is evaluated, on what, and how it is measured."""

    subset: str = Field("test", description="part of the data set; all takes every song, as do songs of no part")
    songs: int | None = Field(None, ge=1, description="the first so many songs; None takes all")
    stems: tuple[str, ...] | None = Field(None, description="which rows to report; None reports all")
    jobs: int | None = Field(None, ge=1, description="processes of one thread each; None works in this one")
    device: str = Field("auto", description="auto, cpu, cuda, …")
    measures: UnmixMeasures = UnmixMeasures()


@dataclass(frozen=True)
class _Task:
    """What a process is told."""

    song: Song
    engine: EngineName
    measures: UnmixMeasures

    def __str__(self) -> str:
        return str(self.song.path)


def evaluate_unmix(
    model: str | Path | None,
    data: Path,
    settings: UnmixEvaluationSettings | None = None,
    *,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    complain: Callable[[SoundsieveError], None] | None = None,
    cancel: CancelToken | None = None,
) -> UnmixEvaluation:
    """Evaluate an engine on songs whose stems are known.

    A song that cannot be measured does not stop the others; the report names it.

    Args:
        model: See `find_engine`.
        data: See `datasets.find_songs`.
        settings: On what.
        folder: Where finished songs are kept as they come; None keeps none.
        resume: Pass over songs that are finished there; else all are measured anew.
        progress: Called with how many songs are done, and of how many.
        complain: Called with what is wrong with a song, at once.
        cancel: Stops the work.

    Raises:
        CheckpointError, UnknownNameError, MissingExtraError: when there is no such model, or it is not for `unmix`.
        UnknownNameError: when there is no such stem, or the model does not find it.
        DatasetError: when there are no songs.
        SettingsError: when there are none of that part, or songs in `folder` were measured in another way.
        SoundsieveError: when no song can be measured, why the first one cannot.
        OutputError: when `folder` cannot be written.
        Cancelled: when it was stopped; finished songs are kept.
    """
    settings = settings or UnmixEvaluationSettings()
    if resume and folder is None:
        raise SettingsError("--resume: finished songs are in the folder of a report; name it with --report")
    for stem in settings.stems or ():
        if stem not in (*STEMS, ACCOMPANIMENT):
            raise unknown_name("stem", stem, (*STEMS, ACCOMPANIMENT))
    name = find_engine(model, settings.device)
    engine = name.load()
    _check_stems(engine, settings.stems)
    found = find_songs(data)
    chosen = found.of_part(settings.subset)[: settings.songs]
    finished = None if folder is None else FinishedSongs(folder, _measured(name, engine, found, settings))
    known = {} if finished is None or not resume else _known(finished, chosen)
    tasks = [_Task(song, name, settings.measures) for song in chosen if song not in known]
    done, failed = dict(known), dict[Song, SoundsieveError]()
    for task, result in _measure(tasks, settings.jobs, cancel):
        if isinstance(result, SongScores):
            done[task.song] = result
            if finished is not None:
                finished.keep(task.song, result)
        else:
            failed[task.song] = result
            if complain is not None and len(chosen) > 1:
                complain(result)
        if progress is not None:
            progress(len(done) + len(failed), len(chosen))
    if not done:
        raise next(iter(failed.values()))
    songs = [done[song] for song in chosen if song in done]
    protocol = {
        "model": str(model or name.weights or name.name),
        **_protocol(engine, found, settings),
        "command": _command(model, data, settings),
        "resumed": len(known),
        "song_rates_hz": sorted({song.sample_rate_hz for song in songs}),
    }
    left_out = [(song.name, str(error)) for song, error in failed.items()]
    return summarise(songs, protocol, stems=settings.stems, failed=left_out)


def check_songs_folder(folder: Path, *, force: bool, resume: bool) -> None:
    """Refuse, before an hour of work, to write over songs that were finished in another run.

    Raises:
        OutputError: there are some, and neither `force` nor `resume` is set.
    """
    if not (force or resume) and FinishedSongs(folder, {}).any():
        raise OutputError(f"{folder / FOLDER}: holds finished songs; use --resume to go on or --force to begin again")


def _check_stems(engine: Engine, stems: Sequence[str] | None) -> None:
    known = list(dict.fromkeys(stem for groups in stem_groups(engine.stems) for stem in groups.stems))
    for stem in stems or ():
        if stem not in known:
            raise unknown_name("stem", stem, known)


def _known(finished: FinishedSongs, songs: Sequence[Song]) -> dict[Song, SongScores]:
    read = {song: finished.read(song) for song in songs}
    return {song: scores for song, scores in read.items() if scores is not None}


def _work(task: _Task) -> Iterator[SongScores]:
    yield measure_song(task.engine.load(), task.song, task.measures)


def _measure(
    tasks: Sequence[_Task], jobs: int | None, cancel: CancelToken | None
) -> Iterator[tuple[_Task, SongScores | SoundsieveError]]:
    """Measure songs; yield the figures of each, or why it has none."""
    steps = in_turn(_work, tasks, cancel=cancel) if jobs is None else side_by_side(_work, tasks, jobs, cancel=cancel)
    with contextlib.closing(steps):
        for step in steps:
            result = step.part or step.error
            if result is not None:
                yield tasks[step.index], result


def _measured(
    name: EngineName, engine: Engine, found: FoundSongs, settings: UnmixEvaluationSettings
) -> Mapping[str, Any]:
    """What decides the figures of a song."""
    return {
        "engine": name.name,
        "weights": name.digest(),
        "stems": engine.stems,
        "sample_rate_hz": engine.sample_rate,
        "data": found.name,
        "folder": str(found.root.resolve()),
        "measures": settings.measures.model_dump(mode="json"),
    }


def _protocol(engine: Engine, found: FoundSongs, settings: UnmixEvaluationSettings) -> dict[str, Any]:
    import torch

    return {
        "stems": list(engine.stems),
        "sample_rate_hz": engine.sample_rate,
        "card": _of_card(engine.card),
        "data": found.name,
        "folder": str(found.root),
        "part": settings.subset if any(song.part != "all" for song in found.songs) else "all",
        "songs_there": len(found.of_part(settings.subset)),
        "measures": settings.measures.model_dump(mode="json"),
        "jobs": settings.jobs,
        "threads": torch.get_num_threads(),
        "device": settings.device,
        "version": __version__,
    }


def _of_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """What a report keeps of a card: single values, the data, and the same of the cards of engines in an engine."""
    kept: dict[str, Any] = {}
    for name, value in card.items():
        if isinstance(value, str | int | float | bool) or name == "data":
            kept[name] = value
        elif isinstance(value, Mapping) and not {*FROM_CARDS}.isdisjoint(value):
            kept[name] = _of_card(value)
    return kept


def _command(model: str | Path | None, data: Path, settings: UnmixEvaluationSettings) -> str:
    """The command line that gives these numbers."""
    options: dict[str, Any] = {
        "--model": model,
        "--data": data,
        "--subset": settings.subset,
        "--songs": settings.songs,
        "--stems": None if settings.stems is None else ",".join(settings.stems),
        "--jobs": settings.jobs,
        "--device": None if settings.device == "auto" else settings.device,
    }
    words = [str(word) for name, value in options.items() if value is not None for word in (name, value)]
    return shlex.join(["soundsieve", "evaluate", "unmix", *words])
