"""Naming the genre of music of any length: windows, each described and named, and laid over each other in time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from soundsieve import audio
from soundsieve.checkpoint import Checkpoint
from soundsieve.inference.classify import Classifier
from soundsieve.inference.describers import open_describer
from soundsieve.inference.fifo import Fifo
from soundsieve.inference.tags import Label
from soundsieve.inference.timeline import UNKNOWN, Segment, Timeline
from soundsieve.metrics.calibration import probabilities
from soundsieve.settings import Settings

_LEAST_REST = 0.1  # of a hop: what is shorter at the end was nearly heard
_UNSURE = 0.5  # share of the music that must be unlike everything trained on for the answer "unknown"
_SILENCE_DB = -70.0  # below this level against full scale there is nothing to name


class GenreTimelineSettings(Settings):
    """How a recording is gone through."""

    hop_s: float = Field(
        30.0, ge=0.5, allow_inf_nan=False, description="from window to window; made to fit a window a whole time"
    )


class WindowClassifier(Protocol):
    """A trained model at work on windows of music.

    Attributes:
        classes: In the order of the scores.
        sample_rate: Of the windows, in Hz.
        window_s: How much music the model was trained to name at once.
    """

    classes: tuple[str, ...]
    sample_rate: int
    window_s: float

    def name(self, windows: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Calibrated probabilities (n, c) of windows (t,), and which of them are unlike all that it was trained on."""
        ...


class DescriptorClassifier:
    """Names windows by their descriptors; see `WindowClassifier`.

    Args:
        checkpoint: A trained model, with its weights.
        device: For a network that describes; the rest is computed on the processor.

    Raises:
        CheckpointError: when the weights do not fit, or it does not take descriptors.
        DownloadError: when the network that describes is not here and cannot be fetched.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        self._front_end = checkpoint.build_descriptor_front_end()
        s = self._front_end.settings
        self._describer = open_describer(s.describer, edges=s.edges, weights=s.weights, device=device)
        self._model = checkpoint.build()
        self._temperature = float(checkpoint.card.get("temperature", 1.0))
        self._familiar_within = float(checkpoint.card.get("familiar_within", np.inf))
        self.classes = checkpoint.classes
        self.sample_rate = checkpoint.sample_rate
        self.window_s = s.window_s

    def name(self, windows: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Name windows; strange are those far from all rows trained on."""
        rows = torch.from_numpy(self._describer.describe(windows))
        with torch.inference_mode():
            seen, distances = self._front_end(rows)
            scores = probabilities(self._model(seen).numpy(), "one", self._temperature)
        return scores, np.asarray(distances.numpy() > self._familiar_within)


class SpectrogramClassifier:
    """Names windows by their spectrograms; see `WindowClassifier`.

    Args:
        checkpoint: A trained model, with its weights.
        device: auto, cpu, cuda, …

    Raises:
        CheckpointError: when the weights do not fit.
        SettingsError: when this machine has no such device.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "auto") -> None:
        self._classifier = Classifier(checkpoint, device)
        self._least = np.array([float(checkpoint.card["thresholds"].get(name, 0)) for name in checkpoint.classes])
        self.classes = checkpoint.classes
        self.sample_rate = checkpoint.sample_rate
        self.window_s = float(checkpoint.card["clip_s"])

    def name(self, windows: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Name windows; strange are those of which no class reaches its threshold."""
        scores = self._classifier.scores(windows)
        return scores, np.all(scores < self._least, axis=1)


def open_window_classifier(checkpoint: Checkpoint, device: str = "auto") -> WindowClassifier:
    """Make a trained model ready, whatever it looks at."""
    if "views" in checkpoint.front_end:
        return DescriptorClassifier(checkpoint, device)
    return SpectrogramClassifier(checkpoint, device)


class GenreTimelineBuilder:
    """Names windows of a stream as they fill; holds one window, and a score for each hop of time.

    What is left at the end is heard in a window that ends there: a model that was trained on 30 s takes 2 s for
    something else.

    Args:
        classifier: Names the windows.
        sample_rate: Of the blocks, in Hz; their channels are averaged.
        settings: How.
    """

    def __init__(self, classifier: WindowClassifier, sample_rate: int, settings: GenreTimelineSettings) -> None:
        self._classifier = classifier
        self._rate = classifier.sample_rate
        self._from_hz = sample_rate
        self._resampler = audio.Resampler(sample_rate, self._rate, 1)
        self._cells_a_window = max(1, round(classifier.window_s / settings.hop_s))
        self._window = round(classifier.window_s * self._rate)
        self._cell = max(1, self._window // self._cells_a_window)
        self._fifo = Fifo()
        self._first = 0  # cell that the next window begins with
        self._frames = 0
        self._named: list[tuple[int, int, NDArray[np.float64] | None, bool]] = []  # from, to, scores, strange

    def push(self, block: NDArray[np.float32]) -> None:
        """Take a block (channel, time)."""
        self._frames += block.shape[1]
        self._fifo.push(self._resampler.push(block.mean(axis=0, dtype=np.float32)[None])[0])
        self._name_full_windows()
        # The last window ends where the recording does, which may be here.
        self._fifo.drop(max(self._fifo.start, self._fifo.end - self._window))

    def finish(self) -> Timeline:
        """Name what is left and lay the windows over each other."""
        self._fifo.push(self._resampler.push(np.zeros((1, 0), np.float32), last=True)[0])
        self._name_full_windows()
        end = self._fifo.end
        rest = end - ((self._first - 1) * self._cell + self._window)
        if not self._named or rest > _LEAST_REST * self._cell:
            self._name(max(self._fifo.start, end - self._window), end)
        return self._laid_over(cells=max(1, -(-end // self._cell)))

    def _name_full_windows(self) -> None:
        while self._first * self._cell + self._window <= self._fifo.end:
            start = self._first * self._cell
            self._name(start, start + self._window)
            self._first += 1

    def _name(self, start: int, end: int) -> None:
        samples = self._fifo.peek(start, end)
        if not len(samples) or audio.power_db(samples) <= _SILENCE_DB:
            self._named.append((start, end, None, False))
            return
        scores, strange = self._classifier.name([samples])
        self._named.append((start, end, scores[0], bool(strange[0])))

    def _laid_over(self, cells: int) -> Timeline:
        """Average in each cell the windows that sound in it; where most of them are strange, no genre has a score."""
        total = np.zeros((cells, len(self._classifier.classes)))
        count, strange = np.zeros(cells), np.zeros(cells)
        for start, end, scores, odd in self._named:
            if scores is None:
                continue
            first = min(round(start / self._cell), cells - 1)
            rows = slice(first, max(first + 1, round(end / self._cell + 0.49)))
            total[rows] += scores
            strange[rows] += odd
            count[rows] += 1
        mean = total / np.maximum(count, 1)[:, None] * (strange <= count / 2)[:, None]
        return Timeline(
            hop_s=self._cell / self._rate,
            duration_s=self._frames / self._from_hz,
            scores=mean.astype(np.float32),
            silent=count == 0,
        )


def genre_labels(timeline: Timeline, classes: Sequence[str]) -> tuple[Label, ...]:
    """Return the genres by how probable they are in what sounds; `unknown` alone where most of it is unlike all.

    >>> scores = np.array([[0.9, 0.1], [0.7, 0.3], [0, 0]], np.float32)
    >>> genre_labels(Timeline(5.0, 15.0, scores, np.zeros(3, bool)), ["jazz", "rock"])
    (Label(label='jazz', score=0.8), Label(label='rock', score=0.2))
    >>> genre_labels(Timeline(5.0, 15.0, scores, np.ones(3, bool)), ["jazz", "rock"])
    (Label(label='unknown', score=1.0),)
    """
    sounding = timeline.scores[~timeline.silent]
    known = np.asarray(sounding.any(1))
    strange = 1 - float(np.mean(known)) if len(known) else 1.0
    if strange > _UNSURE:
        return (Label(UNKNOWN, round(strange, 4)),)
    mean = sounding[known].mean(0, dtype=np.float64)
    ranked = sorted(range(len(classes)), key=lambda row: (-mean[row], classes[row]))
    return tuple(Label(classes[row], round(float(mean[row]), 4)) for row in ranked)


def genre_segments(timeline: Timeline, classes: Sequence[str]) -> list[Segment]:
    """Cut a timeline into stretches of one genre, or `unknown` where it is unlike all; silence is left out.

    A recording in which nothing sounds is one stretch of `unknown`.

    >>> scores = np.array([[0.9, 0.1], [0.7, 0.3], [0, 0], [0.4, 0.6]], np.float32)
    >>> found = genre_segments(Timeline(5.0, 18.0, scores, np.zeros(4, bool)), ["jazz", "rock"])
    >>> [(part.start_s, part.end_s, part.label, round(part.score, 2)) for part in found]
    [(0.0, 10.0, 'jazz', 0.8), (10.0, 15.0, 'unknown', 1.0), (15.0, 18.0, 'rock', 0.6)]
    """
    names = [*classes, UNKNOWN]
    known = timeline.scores.any(1)
    best = np.where(known, timeline.scores.argmax(1), len(classes))
    best[timeline.silent] = -1
    score = np.where(known, timeline.scores.max(1), 1.0)
    edges = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), len(best)]
    found = [
        Segment(
            round(first * timeline.hop_s, 3),
            round(min(last * timeline.hop_s, timeline.duration_s), 3),
            names[best[first]],
            round(float(score[first:last].mean()), 4),
        )
        for first, last in pairwise(edges)
        if best[first] >= 0
    ]
    return found or [Segment(0.0, round(timeline.duration_s, 3), UNKNOWN, 1.0)]
