"""What a process is told when `watch` is evaluated: to look at a video, or to separate and measure one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from soundsieve import checkpoint
from soundsieve.datasets.video import Video
from soundsieve.errors import CheckpointError
from soundsieve.evaluation.watch import Case, WatchMeasures, measure
from soundsieve.evaluation.watch_cases import made_case, mixed_case
from soundsieve.evaluation.watch_scores import RULES, VideoScores
from soundsieve.inference.looked import Looked, look_at
from soundsieve.inference.object_engines import ObjectMaker, make_objects
from soundsieve.inference.seen import SeenSettings
from soundsieve.inference.viewers import Viewer, open_viewer


@dataclass(frozen=True)
class WatchEngine:
    """What an engine and its eyes are loaded by, in any process.

    Attributes:
        weights: The checkpoint.
        vision: Who looks at the pictures; see `open_viewer`.
        device: Where they run: auto, cpu, cuda, …
    """

    weights: Path
    vision: str
    device: str = "auto"

    def load(self) -> tuple[ObjectMaker, tuple[str, ...]]:
        """Load the engine and the objects that it knows, or return them where they were the last ones loaded.

        Raises:
            CheckpointError, SettingsError: As for `make_objects`.
        """
        return _engine(self.weights, self.device)

    def viewer(self) -> Viewer:
        """Load the viewer, or return it where it was the last one loaded.

        Raises:
            SoundsieveError: As for `open_viewer`.
        """
        return _viewer(self.vision, self.device)

    def identity(self) -> dict[str, Any]:
        """Return what decides the figures: digests of the weights, and of the viewer's where they are a file.

        Raises:
            CheckpointError: when a file cannot be read.
        """
        eyes = Path(self.vision)
        return {
            "weights": _digest(self.weights),
            "vision": [self.vision, _digest(eyes)] if eyes.is_file() else self.vision,
        }


@dataclass(frozen=True)
class Told:
    """What is the same for all videos.

    Attributes:
        engine: The engine and its eyes.
        seen: The rule by which objects are seen; None where the true labels are used and nobody looks.
        measures: How tracks are measured.
    """

    engine: WatchEngine
    seen: SeenSettings | None
    measures: WatchMeasures


@dataclass(frozen=True)
class LookTask:
    """A video to be looked at."""

    told: Told
    video: Video

    def __str__(self) -> str:
        return str(self.video.path)

    @property
    def name(self) -> str:
        """What its result is kept under."""
        return f"seen - {self.video.name}"

    @property
    def files(self) -> tuple[Path, ...]:
        """All that is read."""
        return (self.video.path,)


@dataclass(frozen=True)
class MadeTask:
    """A video whose true tracks are known."""

    told: Told
    video: Video
    tracks: Mapping[str, Path] = field(hash=False)

    def __str__(self) -> str:
        return str(self.video.path)

    @property
    def name(self) -> str:
        """What its figures are kept under."""
        return self.video.name

    @property
    def files(self) -> tuple[Path, ...]:
        """All that is read."""
        return (self.video.path, *self.tracks.values())


@dataclass(frozen=True)
class PairTask:
    """Two videos, each with the object that it shows."""

    told: Told
    pair: tuple[tuple[Video, str], tuple[Video, str]]

    def __str__(self) -> str:
        return " + ".join(str(video.path) for video, _ in self.pair)

    @property
    def name(self) -> str:
        """What its figures are kept under."""
        return " + ".join(f"{video.name} ({label})" for video, label in self.pair)

    @property
    def files(self) -> tuple[Path, ...]:
        """All that is read."""
        return tuple(video.path for video, _ in self.pair)


def look_task(task: LookTask) -> Iterator[tuple[str, ...]]:
    """Name the objects seen in what is measured of a video.

    Raises:
        VideoError: when it has no pictures that can be read.
    """
    video, longest_s = task.video, task.told.measures.longest_s
    looked = look_at(video.path, task.told.engine.viewer())
    end_s = video.start_s + min(longest_s, video.duration_s or longest_s)
    yield looked.seen(video.start_s, end_s, task.told.seen or SeenSettings()).labels


def made_task(task: MadeTask) -> Iterator[VideoScores]:
    """Separate and measure a video whose true tracks are known.

    Raises:
        VideoError, AudioError: when it or a track cannot be read.
    """
    told, video = task.told, task.video
    maker, known = told.engine.load()
    if told.seen is None:
        true = tuple(label for label in sorted(video.labels) if label in known)
        yield measure(maker, _case(task, {}), true, lambda start_s, end_s: true, told.measures)
        return
    looked, rule = look_at(video.path, told.engine.viewer()), told.seen
    seen = {name: _seen(looked, maker, rule.model_copy(update={"rule": name})) for name in RULES}
    given = tuple(label for label in seen[rule.rule] if label in known)

    def seen_at(start_s: float, end_s: float) -> Sequence[str]:
        return looked.seen(video.start_s + start_s, video.start_s + end_s, rule).labels

    yield measure(maker, _case(task, seen), given, seen_at, told.measures)


def pair_task(task: PairTask) -> Iterator[VideoScores]:
    """Mix two videos, separate them and measure the tracks.

    Raises:
        AudioError: when one cannot be read or is silent.
    """
    maker, _ = task.told.engine.load()
    case = mixed_case(task.pair, task.told.measures)
    given = tuple(case.objects)
    yield measure(maker, case, given, lambda start_s, end_s: given, task.told.measures)


def _case(task: MadeTask, seen: Mapping[str, tuple[str, ...]]) -> Case:
    return made_case(task.video, task.tracks, seen, task.told.measures)


def _seen(looked: Looked, maker: ObjectMaker, rule: SeenSettings) -> tuple[str, ...]:
    labels, _ = looked.objects(maker.piece_s, rule)
    return labels


@lru_cache(maxsize=1)
def _engine(weights: Path, device: str) -> tuple[ObjectMaker, tuple[str, ...]]:
    found = checkpoint.load(weights)
    return make_objects(found, device), found.classes


@lru_cache(maxsize=1)
def _viewer(vision: str, device: str) -> Viewer:
    return open_viewer(vision, device)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from None
