"""When each class is heard: windows over a stream of any length, their scores laid over each other, and segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator

from soundsieve import audio
from soundsieve.inference.classify import Classifier
from soundsieve.inference.fifo import Fifo
from soundsieve.settings import Settings

UNKNOWN = "unknown"
_BATCH = 8  # windows named at once
_SILENCE_DB = -70.0  # below this level against full scale there is nothing to name


class TimelineSettings(Settings):
    """How a recording is gone through."""

    window_s: float = Field(2.0, ge=0.1, le=60, description="what is named at once")
    hop_s: float = Field(0.5, ge=0.02, validate_default=True, description="from window to window")
    threshold: float | None = Field(
        None, gt=0, lt=1, description="least score to count as heard; None: each class's own, chosen on validation"
    )
    gap_s: float = Field(1.0, ge=0, description="segments of one label this close are one")
    unknown_s: float = Field(1.0, ge=0, description="shorter stretches without a name are not worth mentioning")

    @field_validator("hop_s")
    @classmethod
    def _leaves_no_gap(cls, value: float, info: ValidationInfo) -> float:
        window_s = info.data.get("window_s")
        if window_s is not None and value > window_s:
            raise ValueError(f"expected at most window_s ({window_s:g}), so that nothing goes unheard")
        return value


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which something is heard.

    Attributes:
        start_s: Where it begins.
        end_s: Where it ends.
        label: What it is.
        score: The mean of its calibrated probabilities.
    """

    start_s: float
    end_s: float
    label: str
    score: float


@dataclass(frozen=True)
class Timeline:
    """Scores over time.

    Attributes:
        hop_s: How long a cell is.
        duration_s: How long the recording is; the last cell may be cut short by its end.
        scores: Probability of each class in each cell, shape (cell, class).
        silent: Cells in which there is nothing to name, shape (cell,).
    """

    hop_s: float
    duration_s: float
    scores: NDArray[np.float32]
    silent: NDArray[np.bool_]


class TimelineBuilder:
    """Names windows of a stream as they fill; holds a few windows, and a score for each cell of time.

    Args:
        classifier: Names the windows.
        sample_rate: Of the blocks, in Hz.
        channels: Of the blocks; they are averaged.
        settings: How.
    """

    def __init__(self, classifier: Classifier, sample_rate: int, channels: int, settings: TimelineSettings) -> None:
        self._classifier = classifier
        self._rate = classifier.sample_rate
        self._from_hz = sample_rate
        self._channels = channels
        self._resampler = audio.Resampler(sample_rate, self._rate, 1)
        # Without times of its own a network says as often as there are windows.
        self._cell = classifier.stretch or max(1, round(settings.hop_s * self._rate))
        self._cells_a_window = max(1, round(settings.window_s * self._rate / self._cell))
        self._cells_a_step = min(self._cells_a_window, max(1, round(settings.hop_s * self._rate / self._cell)))
        self._window, self._step = self._cells_a_window * self._cell, self._cells_a_step * self._cell
        self._fifo = Fifo()
        self._windows = 0  # named so far
        self._frames = 0
        self._silent: list[bool] = []  # of each cell
        self._total: list[NDArray[np.float64]] = []  # of each cell
        self._count: list[int] = []

    def push(self, block: NDArray[np.float32]) -> None:
        """Take a block (channel, time)."""
        self._frames += block.shape[1]
        self._take(self._resampler.push(block.mean(axis=0, dtype=np.float32)[None])[0])
        if self._fifo.end >= (self._windows + _BATCH - 1) * self._step + self._window:
            self._name_full_windows()

    def finish(self) -> Timeline:
        """Name what is left and lay the windows over each other."""
        self._take(self._resampler.push(np.zeros((1, 0), np.float32), last=True)[0])
        if self._fifo.end > len(self._silent) * self._cell or not self._silent:
            self._silent.append(_is_silent(self._fifo.peek(len(self._silent) * self._cell, self._fifo.end)))
        self._name_full_windows()
        if len(self._total) < len(self._silent):  # what the last full window did not reach
            self._name([self._fifo.peek(self._windows * self._step, self._fifo.end)])
        silent = np.array(self._silent)
        scores = np.array(self._total[: len(silent)]) / np.array(self._count[: len(silent)])[:, None]
        return Timeline(
            hop_s=self._cell / self._rate,
            duration_s=self._frames / self._from_hz,
            scores=(scores * ~silent[:, None]).astype(np.float32),
            silent=silent,
        )

    def _take(self, samples: NDArray[np.float32]) -> None:
        """Hold samples, and look at each cell as it fills."""
        self._fifo.push(samples)
        while (len(self._silent) + 1) * self._cell <= self._fifo.end:
            first = len(self._silent) * self._cell
            self._silent.append(_is_silent(self._fifo.peek(first, first + self._cell)))

    def _name_full_windows(self) -> None:
        ready = []
        first = self._windows * self._step
        while first + self._window <= self._fifo.end:
            ready.append(self._fifo.peek(first, first + self._window))
            first += self._step
        for place in range(0, len(ready), _BATCH):
            self._name(ready[place : place + _BATCH])
        self._fifo.drop(min(first, self._fifo.end))

    def _name(self, windows: Sequence[NDArray[np.float32]]) -> None:
        heard = [window for window in windows if not _is_silent(window)]
        named = iter(self._classifier.stretch_scores(heard, self._cells_a_window)) if heard else iter(())
        silence = np.zeros((self._cells_a_window, len(self._classifier.classes)))
        for window in windows:
            scores = silence if _is_silent(window) else next(named)
            first, own = self._windows * self._cells_a_step, -(-len(window) // self._cell)
            for cell, score in enumerate(scores[: max(1, own)], first):
                if cell == len(self._total):
                    self._total.append(np.zeros_like(score))
                    self._count.append(0)
                self._total[cell] += score
                self._count[cell] += 1
            self._windows += 1


def _is_silent(samples: NDArray[np.float32]) -> bool:
    return bool(audio.power_db(samples) <= _SILENCE_DB)


def segments(
    timeline: Timeline,
    classes: Sequence[str],
    least: Mapping[str, float],
    *,
    gap_s: float,
    peaks: Mapping[str, float] | None = None,
    unknown_s: float = 0.0,
) -> list[Segment]:
    """Cut a timeline into stretches in which a class is heard, and what is heard but of no class, as `unknown`.

    Silence is left out. A recording in which nothing is found is one stretch of `unknown`.

    Args:
        timeline: The scores.
        classes: In their order.
        least: Class → the score from which it counts as heard.
        gap_s: Stretches of one label that are this close are joined.
        peaks: Class → the score that a stretch must reach somewhere to count at all; `least` if not given.
        unknown_s: Stretches of `unknown` that are shorter are left out.

    >>> scores = np.array([[0.9], [0.8], [0.1], [0.7]], np.float32)
    >>> quiet = np.zeros(4, bool)
    >>> found = segments(Timeline(0.5, 1.9, scores, quiet), ["dog"], {"dog": 0.5}, gap_s=0)
    >>> [(part.start_s, part.end_s, part.label, round(part.score, 2)) for part in found]
    [(0.0, 1.0, 'dog', 0.85), (1.0, 1.5, 'unknown', 0.9), (1.5, 1.9, 'dog', 0.7)]
    """
    gap = round(gap_s / timeline.hop_s)
    heard = timeline.scores >= np.array([least[name] for name in classes])
    kept = np.zeros_like(heard)
    found = []
    for row, name in enumerate(classes):
        for first, last in _runs(heard[:, row], gap):
            score = timeline.scores[first:last, row]
            if peaks is None or score.max() >= peaks[name]:
                kept[first:last, row] = heard[first:last, row]
                found.append(_segment(timeline, first, last, name, score[heard[first:last, row]]))
    nothing = ~kept.any(1) & ~timeline.silent
    for first, last in _runs(nothing, gap):
        if (last - first) * timeline.hop_s >= unknown_s:
            score = 1 - timeline.scores[first:last].max(1)
            found.append(_segment(timeline, first, last, UNKNOWN, score[nothing[first:last]]))
    if not found:
        found = [_segment(timeline, 0, len(timeline.scores), UNKNOWN, 1 - timeline.scores.max(keepdims=True))]
    return sorted(found, key=lambda part: (part.start_s, part.end_s, part.label))


def _segment(timeline: Timeline, first: int, last: int, label: str, scores: NDArray[np.float32]) -> Segment:
    start_s, end_s = first * timeline.hop_s, min(last * timeline.hop_s, timeline.duration_s)
    return Segment(round(start_s, 3), round(end_s, 3), label, round(float(scores.mean()), 4))


def _runs(mask: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """First cell and the one after the last of each stretch, those joined that are `gap` cells apart or fewer."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and first - runs[-1][1] <= gap:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return runs
