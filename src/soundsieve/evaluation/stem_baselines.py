"""What an estimate of stems is compared with: the mixture handed back, and a ceiling that knows the stems.

The ceiling is the ideal ratio mask of the Signal Separation Evaluation Campaign 2018, IRM1 and IRM2 there (its program
`sigsep-mus-oracle`): a Hann window of 2,048 samples, half overlapping, each channel on its own.

Axes: s stem, c channel, t time.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.signal
from numpy.typing import NDArray

N_FFT = 2048
_EPS = np.finfo(np.float64).eps
_PIECE_HOPS = 512  # hops masked at a time: what is held does not grow with the song


def mixture_as_estimate(mixture: NDArray[np.float32], stems: int) -> NDArray[np.float32]:
    """Hand the mixture back as every stem: the floor.

    Args:
        mixture: (c, t).
        stems: How many.

    Shape:
        - output: (s, c, t)

    >>> mixture_as_estimate(np.ones((1, 2), np.float32), 4).shape
    (4, 1, 2)
    """
    return np.broadcast_to(mixture, (stems, *mixture.shape))


def ideal_ratio_masks(
    *, mixture: NDArray[np.float32], reference: NDArray[np.float32], power: Literal[1, 2], n_fft: int = N_FFT
) -> NDArray[np.float32]:
    """Filter the mixture with the masks |X_s|^α / Σ|X|^α of the true stems: a ceiling for masks.

    Args:
        mixture: (c, t).
        reference: The true stems, (s, c, t).
        power: α; 1 takes the ratio of magnitudes, 2 of powers.
        n_fft: Hann window, in samples, even; windows overlap by half.

    Shape:
        - output: (s, c, t); the estimates add up to the mixture

    Raises:
        ValueError: the stems and the mixture differ in channels or length.

    >>> time_s = np.arange(8_000) / 8_000
    >>> stems = np.sin(2 * np.pi * np.array([[[500.0]], [[2_000.0]]]) * time_s).astype(np.float32)
    >>> estimate = ideal_ratio_masks(mixture=stems.sum(0), reference=stems, power=2)
    >>> bool(np.abs(estimate - stems)[..., 2_048:-2_048].max() < 1e-3)
    True
    """
    if reference.shape[1:] != mixture.shape:
        raise ValueError(f"mixture: expected shape {reference.shape[1:]} as the stems have, found {mixture.shape}")
    hop, time = n_fft // 2, mixture.shape[-1]
    piece, reach = _PIECE_HOPS * hop, 2 * n_fft  # beyond, no window touches a sample of the piece
    result = np.empty_like(reference)
    for start in range(0, time, piece):
        first = max(0, start - reach)
        seen = slice(first, start + piece + reach)
        inner = slice(start - first, start - first + min(piece, time - start))
        result[..., start : start + piece] = _masked(mixture[:, seen], reference[..., seen], power, n_fft)[..., inner]
    return result


def _masked(
    mixture: NDArray[np.float32], reference: NDArray[np.float32], power: int, n_fft: int
) -> NDArray[np.floating]:
    tall = max(0, n_fft - mixture.shape[-1])  # scipy shortens its window for what is shorter
    mixture, reference = (np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, tall)]) for x in (mixture, reference))
    mixed = scipy.signal.stft(mixture, nperseg=n_fft)[-1]
    levels = np.abs(scipy.signal.stft(reference, nperseg=n_fft)[-1]) ** power
    masks = levels / (levels.sum(axis=0) + _EPS)
    return np.asarray(scipy.signal.istft(masks * mixed, nperseg=n_fft)[-1])
