"""From the figures of frames to one for all songs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class OverSongs:
    """What the frames of some songs come to; every figure is NaN where there is none to take it from.

    Attributes:
        median: Of the songs' medians over their frames, as `museval` reports and as the campaigns compare.
        mean: Of the songs' means over their frames.
        pooled_median: Of the frames of all songs together, as Stoller, Ewert, Dixon (ISMIR 2018) report.
        pooled_mad: Their median absolute deviation from it.
        pooled_mean: Their mean.
        pooled_sd: Their standard deviation.
        songs: How many songs have a figure.
        frames: How many frames have one.
        nan_songs: Songs without a single figure.
        nan_frames: Frames without one, left out.
    """

    median: float
    mean: float
    pooled_median: float
    pooled_mad: float
    pooled_mean: float
    pooled_sd: float
    songs: int
    frames: int
    nan_songs: int
    nan_frames: int


def over_songs(scores: Sequence[ArrayLike]) -> OverSongs:
    """Sum up one measure of one stem over songs; frames that are NaN are left out and counted.

    Args:
        scores: The figures of each song's frames, (frame,) each; +inf, a perfect frame, is a figure.

    >>> found = over_songs([[1.0, 2.0, 9.0], [4.0, np.nan], [np.nan]])
    >>> found.median, found.mean, found.pooled_median, found.songs, found.nan_songs, found.nan_frames
    (3.0, 4.0, 3.0, 2, 1, 2)
    """
    songs = [np.asarray(song, np.float64) for song in scores]
    known = [song[~np.isnan(song)] for song in songs]
    heard = [song for song in known if len(song)]
    pooled = np.concatenate(heard) if heard else np.zeros(0)
    middle = _of(np.median, pooled)
    with np.errstate(invalid="ignore"):  # where a frame is perfect, deviations from an infinite middle are unknown
        return OverSongs(
            median=_of(np.median, [_of(np.median, song) for song in heard]),
            mean=_of(np.mean, [_of(np.mean, song) for song in heard]),
            pooled_median=middle,
            pooled_mad=_of(np.median, np.abs(pooled - middle)),
            pooled_mean=_of(np.mean, pooled),
            pooled_sd=_of(np.std, pooled),
            songs=len(heard),
            frames=len(pooled),
            nan_songs=len(songs) - len(heard),
            nan_frames=sum(map(len, songs)) - len(pooled),
        )


def _of(function: Callable[[Any], Any], values: Sequence[float] | NDArray[np.float64]) -> float:
    return float(function(values)) if len(values) else float("nan")
