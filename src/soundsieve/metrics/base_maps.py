"""How good a map of bases and objects is: against true tracks, against other recordings, and by its bags' labels.

Axes: n recording, l label, m base.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

OWNED = 0.5  # a base is of a label that has so much of its energy


def mean_average_precision(*, scores: ArrayLike, labels: ArrayLike) -> float:
    """Average precision of each label's ranking of the recordings, averaged over the labels; NaN where there is none.

    Recordings of equal score come at once, as in scikit-learn. A label that no recording or every recording has is
    left out.

    Args:
        scores: Shape (n, l).
        labels: True for the labels of each recording, shape (n, l).

    >>> mean_average_precision(scores=[[3.0], [2.0], [1.0]], labels=[[True], [False], [True]])
    0.8333333333333333
    """
    scores, labels = np.asarray(scores, np.float64), np.asarray(labels, bool)
    some = labels.any(0) & ~labels.all(0)
    found = [_average_precision(scores[:, row], labels[:, row]) for row in np.flatnonzero(some)]
    return float(np.mean(found)) if found else float("nan")


def _average_precision(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(right[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of those of equal score
    gained = np.diff(hits[last], prepend=0)
    return float((gained * hits[last] / (last + 1)).sum() / hits[-1])


def map_accuracy(*, maps: ArrayLike, visible: ArrayLike, truth: ArrayLike) -> float:
    """Share of bases that score best, of all objects visible in their recording, for the one they are of.

    Counted are bases that are known to be of a visible object, in recordings where more than one is visible; guessing
    is right once in as many as are visible. Of equal scores, each is right in part. NaN where nothing is counted.

    Args:
        maps: Shape (n, l, m).
        visible: True for the objects visible, shape (n, l).
        truth: Share of each base's energy that is of each label, shape (n, l, m); NaN or 0 where nobody knows.

    >>> maps = [[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [5.0, 5.0, 5.0]]]
    >>> truth = [[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]
    >>> round(map_accuracy(maps=maps, visible=[[True, True, False]], truth=truth), 3)
    0.833
    """
    maps, visible = np.asarray(maps, np.float64), np.asarray(visible, bool)
    shares = np.nan_to_num(np.asarray(truth, np.float64))
    shown = np.where(visible[..., None], maps, -np.inf)
    best = shown == shown.max(1, keepdims=True)
    own = shares.argmax(1)  # n, m
    counted = (shares.max(1) >= OWNED) & np.take_along_axis(visible, own, 1) & (visible.sum(1) > 1)[:, None]
    right = np.take_along_axis(best, own[:, None], 1)[:, 0] / best.sum(1)
    return float(right[counted].mean()) if counted.any() else float("nan")


def pair_accuracy(*, maps: ArrayLike, visible: ArrayLike, partners: int = 8) -> float:
    """Share of bases that score better for the objects visible in their own recording than for those of another.

    Two recordings near each other in the list that have no object in common are taken together, and every base is sent
    back where it came from: a mix and its separation at the level of bases, for which no true tracks are needed.
    Guessing gives a half; bases of what is not visible bring the best possible value below 1. NaN where no two
    recordings near each other differ.

    Args:
        maps: Shape (n, l, m).
        visible: True for the objects visible, shape (n, l).
        partners: With how many others each recording is compared, those that follow it in the list.

    >>> maps = [[[2.0, 1.0], [0.0, 1.0]], [[0.0, 3.0], [1.0, 1.0]]]
    >>> pair_accuracy(maps=maps, visible=[[True, False], [False, True]])
    0.625
    """
    maps, visible = np.asarray(maps, np.float64), np.asarray(visible, bool)
    own = np.where(visible[..., None], maps, -np.inf).max(1)
    right, counted = 0.0, 0
    for offset in range(1, min(partners, len(maps) - 1) + 1):
        others = np.roll(visible, -offset, 0)
        apart = ~(visible & others).any(1) & visible.any(1) & others.any(1)
        other = np.where(others[apart][..., None], maps[apart], -np.inf).max(1)
        right += float((own[apart] > other).sum() + 0.5 * (own[apart] == other).sum())
        counted += other.size
    return right / counted if counted else float("nan")
