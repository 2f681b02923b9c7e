"""Confidence intervals."""

from __future__ import annotations

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
