"""The ladder: one plain classifier scored under each way to divide a data set, to show what the division is worth.

The classifier is the nearest neighbour (one, Euclidean) on the mean and standard deviation over time of 20
mel-frequency cepstral coefficients, each standardised on the training clips. It knows a recording again rather than a
class, so what it loses between the shuffled rung and the one by source is what it had from hearing other cuts of the
test recordings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from soundsieve.datasets import Clip, split_by_fraction, split_by_part
from soundsieve.datasets.audit import joined
from soundsieve.errors import AudioError, DatasetError
from soundsieve.evaluation.listening import listen
from soundsieve.features import LogMel, LogMelSettings
from soundsieve.inference.progress import CancelToken, Progress, check_cancel
from soundsieve.metrics import bootstrap_interval
from soundsieve.settings import Settings

RATE_HZ = 16_000
_COEFFICIENTS = 20
_LONGEST_S = 30.0

Floats = NDArray[np.float64]
Fold = tuple[Sequence[Clip], Sequence[Clip]]

SHUFFLED, PUBLISHED, MENDED = "shuffled", "published parts", "published parts, mended"
BY_SOURCE, BY_RECORDING = "by source", "by source, copies joined"


class LadderSettings(Settings):
    """How the ladder is climbed."""

    folds: int = Field(5, ge=2, description="folds of the rungs that are drawn; no more than there are sources")
    repeats: int = Field(5, ge=1, description="how often each of them is drawn anew; a clip's score is the mean")
    seed: int = Field(0, ge=0, description="decides the folds")


@dataclass(frozen=True, slots=True)
class Rung:
    """The score under one way to divide the clips.

    Attributes:
        name: the way.
        folds: trainings it took, repeats included.
        tested: clips that were tested.
        leaked: share of the tests where another clip of the same source was among the training clips.
        accuracy: share of the tests that were right, 0 to 1.
        low, high: its 95 % bootstrap interval; sources are drawn, not clips.
    """

    name: str
    folds: int
    tested: int
    leaked: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs, from the most optimistic division to the most honest, and what lies between.

    Attributes:
        rungs: in order.
        drop: accuracy of the first rung minus that of the last, on the same clips.
        drop_low, drop_high: its 95 % bootstrap interval.
        chance: accuracy of always saying the most common label.
        left_out: clips without exactly one label, or that cannot be read.
    """

    rungs: tuple[Rung, ...]
    drop: float
    drop_low: float
    drop_high: float
    chance: float
    left_out: int


def climb(
    clips: Sequence[Clip],
    *,
    linked: Sequence[tuple[Clip, Clip]] = (),
    settings: LadderSettings | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Ladder:
    """Score the plain classifier on every rung.

    Args:
        clips: the data set; the first 30 s of each are heard.
        linked: near-duplicates, which the last rung keeps together.
        settings: how many folds, how often.
        progress: called after each clip with how many are done, and of how many.
        cancel: stops it.

    Raises:
        DatasetError: there are fewer than two labels or two sources to tell apart.
        Cancelled: it was stopped.
    """
    usable: list[Clip] = []
    rows: list[Floats] = []
    for number, clip in enumerate(clips, 1):
        check_cancel(cancel)
        row = _described(clip) if len(clip.labels) == 1 else None
        if row is not None:
            usable.append(clip)
            rows.append(row)
        if progress is not None:
            progress(number, len(clips))
    return climb_described(usable, np.array(rows), linked, settings or LadderSettings(), len(clips) - len(usable))


def climb_described(
    clips: Sequence[Clip],
    features: Floats,
    linked: Sequence[tuple[Clip, Clip]] = (),
    settings: LadderSettings | None = None,
    left_out: int = 0,
) -> Ladder:
    """Score the nearest neighbour on given features, shape (clip, feature); see `climb`."""
    settings = settings or LadderSettings()
    labels = np.array([clip.labels[0] for clip in clips])
    whole = joined(clips, linked)  # One source a recording, whatever the table says.
    if len(set(labels.tolist())) < 2 or len({clip.group for clip in whole}) < 2:
        raise DatasetError(
            f"a ladder needs two labels and two sources, found {len(set(labels.tolist()))} and "
            f"{len({clip.group for clip in whole})} in {len(clips)} recordings"
        )
    place = {clip.path: index for index, clip in enumerate(clips)}
    owner = np.array([clip.group for clip in whole])
    rungs: list[Rung] = []
    scores: list[Floats] = []
    for name, folds in _divisions(clips, whole, settings).items():
        pairs = [tuple(np.array([place[clip.path] for clip in side]) for side in fold) for fold in folds]
        score, leaked = _score(features, labels, owner, pairs)
        known = ~np.isnan(score)
        low, high = bootstrap_interval(score, groups=owner)
        rungs.append(Rung(name, len(folds), int(known.sum()), leaked, float(score[known].mean()), low, high))
        scores.append(score)
    difference = scores[0] - scores[-1]
    low, high = bootstrap_interval(difference, groups=owner)
    chance = float(np.unique(labels, return_counts=True)[1].max() / len(labels))
    return Ladder(tuple(rungs), float(np.nanmean(difference)), low, high, chance, left_out)


def _divisions(clips: Sequence[Clip], whole: Sequence[Clip], settings: LadderSettings) -> Mapping[str, list[Fold]]:
    """The folds of each rung, as lists of clips; those of `clips` and `whole` have the same paths."""
    single = [replace(clip, group=clip.path.as_posix()) for clip in clips]
    result = {SHUFFLED: _drawn(single, settings)}
    if published := _published(clips):
        result[PUBLISHED] = _along(single, published)
        if len({(clip.group, clip.part) for clip in whole}) > len({clip.group for clip in whole}):
            result[MENDED] = _along(whole, published)
    result[BY_SOURCE] = _drawn(clips, settings)
    if len({clip.group for clip in whole}) < len({clip.group for clip in clips}):
        result[BY_RECORDING] = _drawn(whole, settings)
    # Mended, a division of which every source crosses has nothing left to train on.
    return {name: folds for name, folds in result.items() if folds}


def _published(clips: Sequence[Clip]) -> list[dict[str, list[str]]]:
    """The published trainings: each part tested once, or `test` alone where the parts are called training and test."""
    parts = sorted({clip.part for clip in clips})
    if {"train", "test"} <= set(parts):
        return [{"train": ["train"], "test": ["test"]}]
    if len(parts) < 2:
        return []
    return [{"train": [part for part in parts if part != tested], "test": [tested]} for tested in parts]


def _along(clips: Sequence[Clip], published: list[dict[str, list[str]]]) -> list[Fold]:
    splits = [split_by_part(clips, parts) for parts in published]
    return [(split["train"], split["test"]) for split in splits if split["train"] and split["test"]]


def _drawn(clips: Sequence[Clip], settings: LadderSettings) -> list[Fold]:
    count = min(settings.folds, len({clip.group for clip in clips}))
    result: list[Fold] = []
    for repeat in range(settings.repeats):
        folds = split_by_fraction(clips, {str(k): 1 / count for k in range(count)}, settings.seed + repeat)
        for tested, members in folds.items():
            result.append(([clip for name, fold in folds.items() if name != tested for clip in fold], members))
    return result


def _score(
    features: Floats, labels: NDArray[np.str_], owner: NDArray[np.str_], folds: Sequence[tuple[NDArray[np.int64], ...]]
) -> tuple[Floats, float]:
    """Score each clip, NaN where it was not tested, and the share of tests with their source in training."""
    right, tests, leaked = np.zeros(len(labels)), np.zeros(len(labels)), 0
    for train, test in folds:
        right[test] += labels[train][nearest(features[train], features[test])] == labels[test]
        tests[test] += 1
        leaked += int(np.isin(owner[test], owner[train]).sum())
    with np.errstate(invalid="ignore"):
        return right / tests, leaked / int(tests.sum())


def nearest(train: Floats, test: Floats) -> NDArray[np.int64]:
    """Return the index of the training row nearest to each test row, features standardised on the training rows.

    >>> nearest(np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]]), np.array([[1.8, 5.0], [-3.0, 5.0]]))
    array([2, 0])
    """
    from scipy.spatial import KDTree

    mean, scale = train.mean(axis=0), train.std(axis=0)
    scale[scale == 0] = 1.0
    _, index = KDTree((train - mean) / scale).query((test - mean) / scale)
    return np.asarray(index, np.int64)


def _described(clip: Clip) -> Floats | None:
    try:
        return describe(listen(clip, RATE_HZ, duration_s=_LONGEST_S))
    except AudioError:
        return None  # Counted in `left_out`.


def describe(waveform: NDArray[np.float32]) -> Floats:
    """Return the mean and the standard deviation over time of 20 mel-frequency cepstral coefficients, shape (40,).

    Windows of 32 ms every 16 ms, 40 bands on HTK's mel scale, natural logarithm, orthonormal cosine transform.

    Args:
        waveform: at 16 kHz, shape (time,).

    >>> noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    >>> change = describe(2 * noise) - describe(noise)
    >>> bool(abs(change[0]) > 1), bool(abs(change[1:]).max() < 1e-3)
    (True, True)
    """
    from scipy.fft import dct

    levels, _ = _front_end()(torch.from_numpy(waveform)[None])
    cepstrum = dct(levels[0].double().numpy(), axis=0, norm="ortho")[:_COEFFICIENTS]
    return np.concatenate([cepstrum.mean(axis=1), cepstrum.std(axis=1)])


@cache
def _front_end() -> LogMel:
    return LogMel(
        LogMelSettings(
            sample_rate=RATE_HZ,
            n_fft=512,
            win_length=512,
            hop=256,
            mels=40,
            mel_scale="htk",
            norm=None,
            log="ln",
            normalise="none",
        )
    )
