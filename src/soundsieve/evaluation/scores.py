"""SDR and SI-SDR of many estimates of one mixture, from one table of inner products.

A mixture is scored against dozens of queries, for keeping and for removing. Every target and every estimate is a sum
(or difference) of a few waveforms, so the table of their inner products, computed once, holds every energy that an SDR
is made of: ‖x − x̂‖² = ⟨x,x⟩ − 2⟨x,x̂⟩ + ⟨x̂,x̂⟩. `soundsieve.metrics` computes the same from the waveforms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from soundsieve.metrics.separation import MOST_DB

_LEAST = 10 ** (-MOST_DB / 10)
_ROUNDING = 1e-13  # of the loudest waveform: what is left where products cancel

Floats = NDArray[np.float64]


def inner_products(waveforms: NDArray[np.float32]) -> Floats:
    """Return the inner product of every two waveforms, in double precision.

    Shape:
        - waveforms: (n, t)
        - output: (n, n)
    """
    precise = waveforms.astype(np.float64)
    return np.asarray(precise @ precise.T)


def sdr_pair(products: Floats, *, estimate: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Return the SDR and the SI-SDR, in dB, of estimates given as weights of the waveforms.

    Args:
        products: From `inner_products`, shape (n, n).
        estimate: The weight of each waveform in each estimate, shape (k, n).
        reference: The weight of each waveform in each reference, shape (k, n).

    Shape:
        - output: two of (k,); NaN where the reference is silent, and a silent estimate has no SI-SDR.

    >>> rows = np.array([[1.0, 0.0, 0.0], [0.7, 0.07, 0.0]], np.float32)
    >>> sdr, si_sdr = sdr_pair(inner_products(rows), estimate=np.array([[0.0, 1.0]]), reference=np.array([[1.0, 0.0]]))
    >>> float(sdr[0].round(2)), float(si_sdr[0].round(2))
    (10.22, 20.0)
    """
    signal = np.einsum("kn,nm,km->k", reference, products, reference)
    cross = np.einsum("kn,nm,km->k", reference, products, estimate)
    energy = np.einsum("kn,nm,km->k", estimate, products, estimate)
    silence = _ROUNDING * products.diagonal().max(initial=0.0)
    heard = signal > silence
    scaled = np.where(heard, cross**2 / np.where(heard, signal, 1.0), 0.0)
    sdr = _ratio_db(signal, signal - 2 * cross + energy, heard)
    return sdr, _ratio_db(scaled, energy - scaled, heard & (energy > silence))


def _ratio_db(signal: Floats, noise: Floats, defined: NDArray[np.bool_]) -> Floats:
    # The difference of nearly equal energies may come out a rounding error below zero.
    least = _LEAST * np.where(defined, signal + np.maximum(noise, 0.0), 1.0)
    return np.where(defined, 10 * np.log10(np.maximum(signal, least) / np.maximum(noise, least)), np.nan)
