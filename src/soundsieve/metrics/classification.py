"""Scores of classifiers, from which class was said and which is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


@dataclass(frozen=True)
class ClassScore:
    """How one class fares; a ratio of nothing to nothing is None.

    Attributes:
        label: The class.
        clips: How many clips are of it.
        precision: Of the clips called so, the share that are.
        recall: Of the clips that are, the share called so.
        f1: Their harmonic mean.
    """

    label: str
    clips: int
    precision: float | None
    recall: float | None
    f1: float | None


def confusion_matrix(*, estimate: ArrayLike, reference: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Count clips: row the right class, column the one said; shape (class, class).

    >>> confusion_matrix(estimate=[0, 1, 1], reference=[0, 0, 1], classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (np.asarray(reference, np.int64), np.asarray(estimate, np.int64)), 1)
    return table


def class_scores(matrix: NDArray[np.int64], classes: Sequence[str]) -> tuple[ClassScore, ...]:
    """Score each class from a confusion matrix.

    >>> [(score.label, score.precision, score.recall) for score in class_scores(np.array([[1, 1], [0, 2]]), "ab")]
    [('a', 1.0, 0.5), ('b', 0.6666666666666666, 1.0)]
    """
    scores = []
    for row, label in enumerate(classes):
        hit, said, there = int(matrix[row, row]), int(matrix[:, row].sum()), int(matrix[row].sum())
        f1 = 2 * hit / (said + there) if said + there else None
        scores.append(ClassScore(label, there, hit / said if said else None, hit / there if there else None, f1))
    return tuple(scores)


def mean_interval(values: ArrayLike, *, level: float = 0.95) -> tuple[float, float]:
    """Return Student's interval of the mean of a few values, such as the accuracies of folds or of seeds.

    >>> low, high = mean_interval([0.9, 0.92, 0.94])
    >>> round(low, 3), round(high, 3)
    (0.87, 0.97)
    """
    x = np.asarray(values, np.float64)
    if len(x) < 2:
        return float("nan"), float("nan")
    half = stats.t.ppf((1 + level) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return float(x.mean() - half), float(x.mean() + half)
