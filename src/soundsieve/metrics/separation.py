"""Signal-to-distortion ratios and the squared error; of stems, they are those of each stem and channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_DB = 100.0
"""What a perfect estimate scores; the worst one scores minus as much."""


def sdr_db(*, estimate: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Return 10·log10(‖x‖² / ‖x − x̂‖²), the SNR, or the SDR without any allowed distortion.

    Equation 1 of Le Roux et al., "SDR - half-baked or well done?" (ICASSP 2019).

    Args:
        estimate: x̂, shape (…, time).
        reference: x, same shape; a silent reference has no SDR and gives NaN.

    Shape:
        - output: (…), in dB

    >>> x = np.array([1.0, -1.0, 1.0, -1.0])
    >>> float(sdr_db(estimate=0.9 * x, reference=x).round(6))
    20.0
    """
    x, y = _pair(estimate, reference)
    return ratio_db((x**2).sum(-1), ((x - y) ** 2).sum(-1))


def si_sdr_db(*, estimate: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Return the scale-invariant SDR, means not removed (Le Roux et al. 2019, equation 3).

    Shape:
        - estimate, reference: (…, time)
        - output: (…), in dB; NaN where the reference is silent

    >>> x = np.array([1.0, 0.0, 0.0]); y = np.array([7.0, 0.7, 0.0])
    >>> float(si_sdr_db(estimate=y, reference=x).round(6))
    20.0
    """
    x, y = _pair(estimate, reference)
    energy = (x**2).sum(-1, keepdims=True)
    target = (x * y).sum(-1, keepdims=True) / np.where(energy > 0, energy, 1.0) * x
    return np.where((x**2).sum(-1) > 0, ratio_db((target**2).sum(-1), ((y - target) ** 2).sum(-1)), np.nan)


def mse(*, estimate: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Return the mean squared error.

    Shape:
        - estimate, reference: (…, time)
        - output: (…)

    >>> float(mse(estimate=[1.0, 2.0], reference=[1.0, 4.0]))
    2.0
    """
    x, y = _pair(estimate, reference)
    return np.asarray(((x - y) ** 2).mean(-1))


def ratio_db(signal: ArrayLike, noise: ArrayLike) -> NDArray[np.float64]:
    """Return 10·log10(signal / noise) of energies, within ±`MOST_DB`; NaN where there is no signal.

    For what is too long to be measured at once: energies add up, ratios do not.

    Shape:
        - signal, noise: one shape, which is the output's

    >>> ratio_db([100.0, 1.0, 0.0], [1.0, 0.0, 1.0])
    array([ 20., 100.,  nan])
    """
    signal, noise = np.asarray(signal, np.float64), np.asarray(noise, np.float64)
    # Bounded by a share of the two, not by a constant: a quiet recording is scored like a loud one.
    silent = signal <= 0
    least = 10 ** (-MOST_DB / 10) * np.where(silent, 1.0, signal + noise)
    return np.where(silent, np.nan, 10 * np.log10(np.maximum(signal, least) / np.maximum(noise, least)))


def _pair(estimate: ArrayLike, reference: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
    if x.shape != y.shape:
        raise ValueError(f"estimate and reference: expected one shape, found {y.shape} and {x.shape}")
    return x, y
