"""Probabilities that mean what they say: one temperature for all logits, and a threshold for each class.

Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017: logits are divided by a temperature
that is chosen on recordings the network was not trained on; which class is the most probable stays the same. Where
each class is judged by itself, an offset can go with it: Platt, "Probabilistic Outputs for Support Vector Machines",
1999.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, softmax

Kind = Literal["one", "each"]
Floats = NDArray[np.float64]

_LOG_TEMPERATURES = (-3.0, 3.0)  # from 0.05 to 20
_LEAST_THRESHOLD, _MOST_THRESHOLD = 0.05, 0.95


def probabilities(logits: NDArray[np.floating], kind: Kind, temperature: float = 1.0, offset: float = 0.0) -> Floats:
    """Turn logits (…, c) into probabilities (…, c): of one class being right, or of each by itself.

    The offset, added to the divided logits, only matters for `each`.

    >>> probabilities(np.array([[2.0, 0.0]]), "one").round(2).tolist()
    [[0.88, 0.12]]
    >>> probabilities(np.array([[2.0, 0.0]]), "each", temperature=2.0).round(2).tolist()
    [[0.73, 0.5]]
    """
    scaled = np.asarray(logits, np.float64) / temperature + offset
    return np.asarray(softmax(scaled, axis=-1) if kind == "one" else expit(scaled))


def table_of(truth: NDArray[np.int64], classes: int) -> NDArray[np.bool_]:
    """Turn the row of each clip's class, -1 for none, into a table (n, c) of what is right.

    >>> table_of(np.array([1, -1]), 2).tolist()
    [[False, True], [False, False]]
    """
    return np.asarray(np.arange(classes) == np.asarray(truth)[:, None])


def fit_temperature(logits: NDArray[np.floating], right: NDArray[np.bool_], kind: Kind) -> float:
    """Find the temperature at which the truth is most likely.

    Args:
        logits: Shape (n, c).
        right: Which classes are right, shape (n, c); for `one`, clips of none are left out.
        kind: Whether one class is right, or each by itself.

    >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [0.0, 4.0]])  # sure, and wrong one time in four
    >>> round(fit_temperature(logits, table_of(np.array([0, 0, 1, 1]), 2), "one"), 2)
    3.64
    """
    x, hit = np.asarray(logits, np.float64), np.asarray(right, np.float64)
    if kind == "one":
        x, hit = x[right.any(1)], hit[right.any(1)]
    if not len(x):
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = x / np.exp(log_temperature)
        if kind == "one":
            return float(-(log_softmax(scaled, axis=1) * hit).sum(1).mean())
        return float((np.logaddexp(0, scaled) - hit * scaled).sum(1).mean())

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x))


def fit_scale(logits: NDArray[np.floating], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Find the temperature and the offset at which the truth is most likely, each class judged by itself.

    Args:
        logits: Shape (n, c).
        right: Which classes are right, shape (n, c).

    >>> logits = np.array([[3.0], [3.0], [3.0], [3.0], [-1.0], [-1.0], [-1.0], [-1.0]])
    >>> right = np.array([[True], [True], [True], [False], [False], [False], [False], [True]])
    >>> temperature, offset = fit_scale(logits, right)
    >>> probabilities(np.array([[3.0], [-1.0]]), "each", temperature, offset).round(2).tolist()
    [[0.75], [0.25]]
    """
    x, hit = np.asarray(logits, np.float64), np.asarray(right, np.float64)
    if not len(x):
        return 1.0, 0.0

    def loss(values: Floats) -> float:
        scaled = x / np.exp(values[0]) + values[1]
        return float((np.logaddexp(0, scaled) - hit * scaled).mean())

    found = minimize(loss, np.zeros(2), bounds=[_LOG_TEMPERATURES, (-10.0, 10.0)]).x
    return float(np.exp(found[0])), float(found[1])


def decision_error(scores: NDArray[np.floating], right: NDArray[np.bool_], *, bins: int = 10) -> float:
    """Return how far scores and how often they are right are apart, averaged over bins and all yes-or-no decisions.

    Args:
        scores: Probabilities, any shape.
        right: The truth, same shape.
        bins: Of equal width.

    >>> decision_error(np.array([0.8, 0.8, 0.8, 0.8]), np.array([True, True, True, False]))
    0.05
    """
    flat, truth = np.asarray(scores, np.float64).ravel(), np.asarray(right).ravel()
    place = np.minimum((flat * bins).astype(int), bins - 1)
    gaps = np.abs(np.bincount(place, truth, bins) - np.bincount(place, flat, bins))
    return float((gaps.sum() / max(1, len(flat))).round(6))


def fit_thresholds(scores: NDArray[np.floating], right: NDArray[np.bool_], classes: Sequence[str]) -> dict[str, float]:
    """Choose for each class the threshold with the best F1, halfway to the next lower score; 0.5 where it has no clip.

    Args:
        scores: Probabilities, shape (n, c).
        right: Which classes are right, shape (n, c).
        classes: Their names.

    >>> scores = np.array([[0.9], [0.8], [0.3], [0.2]])
    >>> fit_thresholds(scores, np.array([[True], [True], [True], [False]]), ["dog"])
    {'dog': 0.25}
    """
    return {name: _threshold(scores[:, row], right[:, row]) for row, name in enumerate(classes)}


def _threshold(scores: NDArray[np.floating], hit: NDArray[np.bool_]) -> float:
    if not hit.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    found = np.cumsum(hit[order])
    f1 = 2 * found / (np.arange(1, len(ranked) + 1) + hit.sum())
    f1[:-1][ranked[:-1] == ranked[1:]] = -1  # equal scores are accepted together
    last = int(np.argmax(f1))
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return float(np.clip((ranked[last] + below) / 2, _LEAST_THRESHOLD, _MOST_THRESHOLD).round(4))


def calibration_error(scores: NDArray[np.floating], truth: NDArray[np.int64], *, bins: int = 15) -> float:
    """Return the expected calibration error: how far confidence and accuracy are apart, averaged over bins.

    Args:
        scores: Probabilities, shape (n, c); the highest of a clip is its confidence.
        truth: Row of the right class, shape (n,).
        bins: Of equal width, as in Guo et al.

    >>> calibration_error(np.array([[0.8, 0.2]] * 4), np.array([0, 0, 0, 1]))
    0.05
    """
    if not len(scores):
        return float("nan")
    confidence = scores.max(1)
    right = scores.argmax(1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.abs(np.bincount(place, right, bins) - np.bincount(place, confidence, bins))
    return float((gaps.sum() / len(scores)).round(6))
