"""Evaluating `watch`: an engine, videos whose sounds are known or that are mixed in pairs, a report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from soundsieve import checkpoint
from soundsieve.datasets.find_videos import FoundVideos, find_videos
from soundsieve.datasets.object_groups import NAMES
from soundsieve.datasets.video import PARTS, Video
from soundsieve.errors import CheckpointError, OutputError, SettingsError, SoundsieveError, unknown_name
from soundsieve.evaluation import watch_protocol
from soundsieve.evaluation.finished_videos import FOLDER, FinishedVideos
from soundsieve.evaluation.watch_cases import draw_pairs
from soundsieve.evaluation.watch_protocol import Truth, WatchEvaluationSettings
from soundsieve.evaluation.watch_report import WatchEvaluation
from soundsieve.evaluation.watch_scores import VideoScores
from soundsieve.evaluation.watch_summary import summarise
from soundsieve.evaluation.watch_tasks import LookTask, MadeTask, PairTask, Told, look_task, made_task, pair_task
from soundsieve.inference.object_engines import engine_of, locate
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.side_by_side import in_turn, side_by_side

__all__ = ["WatchEvaluationSettings", "check_videos_folder", "evaluate_watch"]

_Task = TypeVar("_Task", LookTask, MadeTask, PairTask)
_Result = TypeVar("_Result")


def evaluate_watch(
    places: Sequence[str],
    settings: WatchEvaluationSettings | None = None,
    *,
    engine: str | None = None,
    model: str | None = None,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    complain: Callable[[SoundsieveError], None] | None = None,
    cancel: CancelToken | None = None,
) -> WatchEvaluation:
    """Evaluate an engine on videos: on their true tracks where they are known, else on mixtures of two videos.

    A video that cannot be measured does not stop the others; the report names it.

    Args:
        places: See `soundsieve.datasets.find_videos.find_videos`.
        settings: On what, and how.
        engine: As for `soundsieve.systems.watch.Watcher.open`.
        model: The same.
        folder: Where finished videos are kept as they come; None keeps none.
        resume: Pass over videos that are finished there; else all are measured anew.
        progress: Called with how many videos are done, and of how many.
        complain: Called with what is wrong with a video, at once.
        cancel: Stops the work.

    Raises:
        CheckpointError, UnknownNameError: when there is no such model, or it is for something else.
        DatasetError: as `find_videos`.
        SettingsError: when there are no such videos, or videos in `folder` were measured in another way.
        SoundsieveError: when the viewer cannot be used; when no video can be measured, why the first one cannot.
        OutputError: when `folder` cannot be written.
        Cancelled: when it was stopped; finished videos are kept.
    """
    settings = settings or WatchEvaluationSettings()
    if resume and folder is None:
        raise SettingsError("--resume: finished videos are in the folder of a report; name it with --report")
    path = locate(engine, model)
    found = checkpoint.load(path, weights=False)
    if found.task != "watch" or (engine is not None and engine_of(found) != engine):
        raise CheckpointError(f"{path}: is not for watch with the engine {engine or 'nmf or network'}")
    told = watch_protocol.told(path, found, engine_of(found), settings)
    videos = find_videos(places)
    truth: Truth = "tracks" if videos.tracks and not settings.pairs else "pairs"
    run = _Run(told, settings, folder, resume, truth, progress, complain, cancel)
    there, done, failed = run.of_tracks(videos) if truth == "tracks" else run.of_pairs(videos, found.classes)
    if not done:
        raise next(iter(failed.values()))
    protocol = {
        **watch_protocol.protocol(path, found, engine_of(found), told, settings),
        "truth": truth,
        "data": [str(place) for place in places],
        "there": there,
        "missing": len(videos.missing),
        "command": watch_protocol.command(places, settings, engine, model),
        "resumed": run.resumed,
    }
    return summarise(done, protocol, failed=[(name, str(error)) for name, error in failed.items()])


def check_videos_folder(folder: Path, *, force: bool, resume: bool) -> None:
    """Refuse, before an hour of work, to write over videos that were finished in another run.

    Raises:
        OutputError: there are some, and neither `force` nor `resume` is set.
    """
    if not (force or resume) and FinishedVideos(folder, {}).any():
        raise OutputError(f"{folder / FOLDER}: holds finished videos; use --resume to go on or --force to begin again")


class _Run:
    """The work on all videos."""

    def __init__(
        self,
        told: Told,
        settings: WatchEvaluationSettings,
        folder: Path | None,
        resume: bool,
        truth: Truth,
        progress: Progress | None,
        complain: Callable[[SoundsieveError], None] | None,
        cancel: CancelToken | None,
    ) -> None:
        self._told, self._settings, self._resume = told, settings, resume
        self._progress, self._complain, self._cancel = progress, complain, cancel
        self._finished = (
            None if folder is None else FinishedVideos(folder, watch_protocol.measured(told, settings, truth))
        )
        if self._finished is not None and not resume:
            self._finished.clear()
        self.resumed = 0

    def of_tracks(self, found: FoundVideos) -> tuple[int, list[VideoScores], dict[str, SoundsieveError]]:
        """Return how many videos there are, and measure those asked for."""
        wanted, number = _of_part(found, self._settings.part), self._settings.objects
        fitting = [
            video
            for video in wanted
            if video.path in found.tracks
            and (not number or sum(label in NAMES for label in found.tracks[video.path]) == number)
        ]
        if not fitting:
            raise SettingsError(
                f"objects = {number}: of {len(wanted)} videos none has true tracks of {number or 'any'} objects"
            )
        tasks = [MadeTask(self._told, video, found.tracks[video.path]) for video in fitting[: self._settings.limit]]
        return len(fitting), *self._scores(made_task, tasks)

    def of_pairs(
        self, found: FoundVideos, known: Sequence[str]
    ) -> tuple[int, list[VideoScores], dict[str, SoundsieveError]]:
        """Look which videos show a single object, and measure mixtures of two."""
        wanted = _of_part(found, self._settings.part)
        failed: dict[str, SoundsieveError] = {}
        if self._told.seen is None:
            labels = {video: video.labels for video in wanted}
        else:
            tasks = [LookTask(self._told, video) for video in wanted]
            seen, failed = self._results(look_task, tasks, _as_labels, list)
            labels = {task.video: seen[task] for task in tasks if task in seen}
        single = [(video, shown[0]) for video, shown in labels.items() if len(shown) == 1 and shown[0] in known]
        pairs = draw_pairs(single, self._settings.seed, self._settings.limit)
        if not pairs:
            raise SettingsError(
                f"labels = {self._settings.labels}: of {len(wanted)} videos {len(single)} show a single object that "
                "the model knows; two that show different ones are needed"
            )
        self.resumed = 0  # mixtures are counted, not videos looked at
        done, broken = self._scores(pair_task, [PairTask(self._told, pair) for pair in pairs])
        return len(single), done, failed | broken

    def _scores(
        self, work: Callable[[_Task], Iterator[VideoScores]], tasks: Sequence[_Task]
    ) -> tuple[list[VideoScores], dict[str, SoundsieveError]]:
        done, failed = self._results(work, tasks, VideoScores.from_json, VideoScores.to_json)
        return [done[task] for task in tasks if task in done], failed

    def _results(
        self,
        work: Callable[[_Task], Iterator[_Result]],
        tasks: Sequence[_Task],
        read: Callable[[Any], _Result],
        spelt: Callable[[_Result], Any],
    ) -> tuple[dict[_Task, _Result], dict[str, SoundsieveError]]:
        """Do what is not finished yet; return results, and why there is none of some, by name."""
        done: dict[_Task, _Result] = {}
        failed: dict[str, SoundsieveError] = {}
        for task in tasks if self._resume and self._finished is not None else ():
            kept = self._finished.read(task.name, task.files) if self._finished is not None else None
            if kept is not None:
                done[task] = read(kept)
        self.resumed = len(done)
        waiting, jobs = [task for task in tasks if task not in done], self._settings.jobs
        if jobs is None:
            steps = in_turn(work, waiting, cancel=self._cancel)
        else:
            steps = side_by_side(work, waiting, jobs, cancel=self._cancel)
        with contextlib.closing(steps):
            for step in steps:
                task = waiting[step.index]
                if step.part is not None:
                    done[task] = step.part
                    if self._finished is not None:
                        self._finished.keep(task.name, task.files, spelt(step.part))
                elif step.error is not None:
                    failed[task.name] = step.error
                    if self._complain is not None and len(tasks) > 1:
                        self._complain(step.error)
                if self._progress is not None:
                    self._progress(len(done) + len(failed), len(tasks))
        return done, failed


def _as_labels(values: Any) -> tuple[str, ...]:
    return tuple(str(label) for label in values)


def _of_part(found: FoundVideos, part: str) -> list[Video]:
    if part not in (*PARTS, "all"):
        raise unknown_name("part", part, (*PARTS, "all"))
    videos = [video for video in found.videos if part in (video.part, "all")]
    if not videos:
        there = ", ".join(sorted({video.part for video in found.videos}))
        raise SettingsError(f"part = {part}: none of the {len(found.videos)} videos is of it; there are {there}")
    return videos
