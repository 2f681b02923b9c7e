"""Confidence intervals."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike


def bootstrap_interval(
    values: ArrayLike, *, groups: ArrayLike | None = None, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean.

    Args:
        values: Shape (n,); NaN are left out.
        groups: Shape (n,); values of one group (the estimates from one mixture, say) are drawn together, because they
            are not independent. None treats every value as its own group.
        level: Coverage.
        draws: Resamples.
        seed: Of the resampling.

    >>> low, high = bootstrap_interval([1.0, 2.0, 3.0, 4.0])
    >>> low < 2.5 < high
    True
    """
    x = np.asarray(values, np.float64)
    owner = np.arange(len(x)) if groups is None else np.asarray(groups)
    keep = ~np.isnan(x)
    x, owner = x[keep], owner[keep]
    if not len(x):
        return float("nan"), float("nan")
    _, inverse = np.unique(owner, return_inverse=True)
    sums = np.bincount(inverse, weights=x)
    counts = np.bincount(inverse)
    picked = np.random.default_rng(seed).integers(0, len(sums), (draws, len(sums)))
    means = sums[picked].sum(1) / counts[picked].sum(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def reweighted_interval(
    values: ArrayLike,
    *,
    members: Sequence[Iterable[Hashable]],
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the interval of the mean when what the values were measured on had been another sample.

    A value that is measured on several things (the recordings that a mixture is cut from, each of them in many
    mixtures) belongs to no single group. So each thing is given a random weight of mean and variance one, each value
    the product of its things' weights, and the interval is that of the weighted means (Owen & Eckles, "Bootstrapping
    data arrays of arbitrary order", 2012). It errs on the wide side.

    Args:
        values: Shape (n,); NaN are left out.
        members: What each value was measured on, n of them.
        level: Coverage.
        draws: Sets of weights.
        seed: Of the weights.

    >>> low, high = reweighted_interval([1.0, 2.0, 3.0, 4.0], members=[["a"], ["a", "b"], ["c"], ["d"]])
    >>> low < 2.5 < high
    True
    """
    x = np.asarray(values, np.float64)
    kept = np.flatnonzero(~np.isnan(x))
    if not len(kept):
        return float("nan"), float("nan")
    of_value = [set(members[int(k)]) for k in kept]
    number = {thing: k for k, thing in enumerate(sorted({thing for things in of_value for thing in things}, key=repr))}
    belongs = np.zeros((len(number), len(kept)))
    for column, things in enumerate(of_value):
        belongs[[number[thing] for thing in things], column] = 1
    weights = np.random.default_rng(seed).exponential(size=(draws, len(number)))
    each = np.exp(np.log(weights) @ belongs)
    means = (each @ x[kept]) / each.sum(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
