"""Bands that are as wide as the ear's: evenly spaced on Slaney's or HTK's mel scale, as in librosa."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

MelScale = Literal["slaney", "htk"]

# Slaney's scale ("Auditory Toolbox", 1998): linear to 1 kHz, then 27 steps for each factor of 6.4.
_SLANEY_HZ_A_MEL = 200 / 3
_SLANEY_BREAK_HZ = 1000.0
_SLANEY_LOG_STEP = math.log(6.4) / 27
# HTK's scale (O'Shaughnessy, "Speech Communication", 1987).
_HTK_MELS_A_DECADE = 2595.0
_HTK_CORNER_HZ = 700.0


def _hz_to_mel(hz: NDArray[np.float64], scale: MelScale) -> NDArray[np.float64]:
    if scale == "htk":
        return np.asarray(_HTK_MELS_A_DECADE * np.log10(1 + hz / _HTK_CORNER_HZ))
    octaves = np.log(np.maximum(hz, _SLANEY_BREAK_HZ) / _SLANEY_BREAK_HZ)
    return np.asarray(np.minimum(hz, _SLANEY_BREAK_HZ) / _SLANEY_HZ_A_MEL + octaves / _SLANEY_LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64], scale: MelScale) -> NDArray[np.float64]:
    if scale == "htk":
        return np.asarray(_HTK_CORNER_HZ * (10 ** (mel / _HTK_MELS_A_DECADE) - 1))
    bend = _SLANEY_BREAK_HZ / _SLANEY_HZ_A_MEL
    raised = np.exp(_SLANEY_LOG_STEP * np.maximum(mel - bend, 0))
    return np.asarray(np.minimum(mel, bend) * _SLANEY_HZ_A_MEL * raised)


def mel_bands(
    sample_rate: int,
    n_fft: int,
    mels: int,
    *,
    f_min_hz: float = 0.0,
    f_max_hz: float | None = None,
    mel_scale: MelScale = "slaney",
    norm: Literal["slaney"] | None = "slaney",
    straight_in: Literal["hz", "mel"] = "hz",
) -> NDArray[np.float32]:
    """Triangular bands whose corners are evenly spaced in mel, as in `librosa.filters.mel`.

    With HTK's scale, no `norm` and sides that are straight in mel they are those of HTK itself, and of TensorFlow's
    `linear_to_mel_weight_matrix`.

    Args:
        sample_rate: In Hz.
        n_fft: Length of the Fourier transform, in samples.
        mels: How many bands.
        f_min_hz: Lower corner of the first band.
        f_max_hz: Upper corner of the last band; None is half the sample rate.
        mel_scale: Slaney's scale, or that of HTK.
        norm: "slaney" gives each triangle an area of 1 (in Hz), None a height of 1.
        straight_in: On which axis the sides of a triangle are straight.

    Shape:
        - output: (m, f), f = n_fft // 2 + 1

    >>> bank = mel_bands(44_100, 1024, 64)
    >>> bank.shape, int(bank[10].argmax())
    ((64, 513), 16)
    """
    top_hz = sample_rate / 2 if f_max_hz is None else f_max_hz
    first, last = _hz_to_mel(np.array([f_min_hz, top_hz]), mel_scale)
    mel_corners = np.linspace(first, last, mels + 2)
    corners_hz = _mel_to_hz(mel_corners, mel_scale)
    bins_hz = np.fft.rfftfreq(n_fft, 1 / sample_rate).astype(np.float64)
    corners, bins = (corners_hz, bins_hz) if straight_in == "hz" else (mel_corners, _hz_to_mel(bins_hz, mel_scale))
    lower, centre, upper = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    weights = np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre)).clip(min=0)
    if norm == "slaney":
        weights *= (2 / (corners_hz[2:] - corners_hz[:-2]))[:, None]
    return np.asarray(weights, np.float32)
