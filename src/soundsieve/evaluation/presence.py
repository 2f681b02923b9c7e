"""Is a class there at all? Levels of estimates, how well they tell, and the thresholds that tell best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from soundsieve.evaluation.queries import Estimator, Mixtures, Progress, absent_classes, answer
from soundsieve.mixing import Draw

SILENCE_DB = -100.0  # what an estimate of nothing, or of less than this, is counted as
MOST_REFUSED = 0.02  # of the examples in which a class is there
_LEAST_EXAMPLES = 8  # of either kind; with fewer a class takes the threshold of all classes together

Measure = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float64]]
"""Estimates (q, t) and their mixture (t,) → one level for each, in dB, shape (q,)."""


@dataclass(frozen=True, slots=True)
class Level:
    """How much an estimator handed over when it was asked for one class.

    Attributes:
        recordings: `unseen` or `seen`.
        mixture: Number of the mixture in its set.
        label: The class asked for.
        present: Was it in the mixture?
        level_db: Energy of the estimate against that of the mixture.
    """

    recordings: str
    mixture: int
    label: str
    present: bool
    level_db: float


def energy_ratio_db(estimates: NDArray[np.float32], mixture: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the energy of each estimate against that of the mixture, in dB, at least `SILENCE_DB`.

    Shape:
        - estimates: (q, t)
        - mixture: (t,)
        - output: (q,)

    >>> energy_ratio_db(np.array([[0.1, 0.1], [0.0, 0.0]], np.float32), np.ones(2, np.float32)).round(3)
    array([ -20., -100.])
    """
    energy = np.einsum("qt,qt->q", estimates, estimates, dtype=np.float64)
    whole = float(np.einsum("t,t->", mixture, mixture, dtype=np.float64))
    least = 10 ** (SILENCE_DB / 10)
    return np.asarray(10 * np.log10(np.maximum(energy / max(whole, 1e-20), least)))


def area_under_curve(levels: ArrayLike, present: ArrayLike) -> float:
    """Return the chance that a present class has a higher level than an absent one (area under the ROC curve).

    Args:
        levels: Shape (n,).
        present: Shape (n,), true or false; NaN when one of the kinds is missing. Equal levels count half.

    >>> area_under_curve([-3.0, -9.0, -20.0, -9.0], [True, True, False, False])
    0.875
    """
    from scipy.stats import rankdata

    kind = np.asarray(present, bool)
    there, not_there = int(kind.sum()), int((~kind).sum())
    if not there or not not_there:
        return float("nan")
    ranks = rankdata(np.asarray(levels, np.float64))
    return float((ranks[kind].sum() - there * (there + 1) / 2) / (there * not_there))


def best_threshold(levels: ArrayLike, present: ArrayLike, *, most_refused: float = MOST_REFUSED) -> float:
    """Return the level, in dB, that tells present from absent best without refusing much that is present.

    To be handed nothing of a sound that is there is worse than to be handed a trace of one that is not. So of the
    levels below which no more than a share of the present examples lie, the one with the best balanced accuracy is
    taken: the mean of the share of present examples at or above it and of absent ones below it, so that it does not
    matter how many there are of each. Of equally good levels the middle one is taken. Without examples of both kinds
    nothing can be told apart, and the answer is `SILENCE_DB`, which refuses nothing.

    Args:
        levels: Shape (n,).
        present: Shape (n,), true or false.
        most_refused: Share of the present examples.

    >>> best_threshold([-3.0, -5.0, -15.0, -20.0], [True, True, False, False])
    -10.0
    >>> best_threshold([-3.0, -16.0, -15.0, -20.0], [True, True, False, False])
    -18.0
    """
    x, kind = np.asarray(levels, np.float64), np.asarray(present, bool)
    if kind.all() or not kind.any():
        return SILENCE_DB
    steps = np.unique(x)
    candidates = np.concatenate([steps[:1] - 1.0, (steps[1:] + steps[:-1]) / 2, steps[-1:] + 1.0])
    found = (x[None, kind] >= candidates[:, None]).mean(1)
    refused = (x[None, ~kind] < candidates[:, None]).mean(1)
    balanced = np.where(found >= 1 - most_refused - 1e-9, found + refused, 0.0)
    best = np.flatnonzero(np.isclose(balanced, balanced.max()))
    return float(candidates[best[len(best) // 2]])


def calibrate_thresholds(
    estimator: Estimator,
    mixtures: Mixtures,
    classes: Sequence[str],
    *,
    seed: int = 0,
    measure: Measure = energy_ratio_db,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Find, for each class, the level above which it counts as present.

    Each mixture is asked for every class in it, and for as many that are not. Use validation mixtures: thresholds
    chosen on the test recordings would flatter the detection that is measured there.

    Args:
        estimator: The network as it is, without a gate.
        mixtures: Validation mixtures.
        classes: The estimator's classes, in the order of its inputs.
        seed: Decides which absent classes are asked for.
        measure: What is compared with the threshold; by default the energy over the whole mixture.
        progress: Called after each mixture.

    Returns:
        Class → level in dB. A class with too few examples takes the level that is best for all classes together.
    """
    labels: list[str] = []
    present: list[bool] = []
    levels: list[float] = []
    for index in range(len(mixtures)):
        sound = mixtures(index)
        rng = np.random.default_rng([seed, Draw.CALIBRATION, index, 1])  # apart from the plan's own
        there = [name for name in sound.references if name in classes and np.any(sound.references[name])]
        queries = [*there, *absent_classes(tuple(sound.references), classes, len(there), rng)]
        estimates = answer(estimator, sound.mixture, [(name,) for name in queries], classes)
        labels += queries
        present += [name in there for name in queries]
        levels += [float(level) for level in measure(estimates, sound.mixture)]
        if progress is not None:
            progress(index + 1, len(mixtures))
    return _thresholds(np.array(labels), np.array(levels), np.array(present), classes)


def _thresholds(
    labels: NDArray[np.str_], levels: NDArray[np.float64], present: NDArray[np.bool_], classes: Sequence[str]
) -> dict[str, float]:
    shared = best_threshold(levels, present)
    thresholds = {}
    for name in classes:
        own = labels == name
        enough = min(int(present[own].sum()), int((~present[own]).sum())) >= _LEAST_EXAMPLES
        thresholds[name] = best_threshold(levels[own], present[own]) if enough else shared
    return thresholds
