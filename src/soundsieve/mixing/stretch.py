"""Time stretching: a phase vocoder that changes a sound's length and keeps its pitch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft

_WINDOW = 2048
_HOP = 512


def stretch(waveform: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Play a waveform faster or slower at the same pitch.

    Source: Laroche and Dolson, "Improved phase vocoder time-scale modification of audio", IEEE Trans. Speech and Audio
    Processing 7(3), 1999: every peak of the spectrum advances at its own frequency, and the bins around it keep their
    phases relative to it (identity phase locking). Windows of 2048 samples, 512 apart in the result. Tones keep their
    level; noise, whose frames do not add up in phase, loses some: about 1 dB at half the speed and 2 dB at twice it.

    Args:
        waveform: Shape (time,).
        speed: 2 halves the length, 0.5 doubles it; above 0.

    Returns:
        Shape (round(time / speed),); what was at t seconds is at t / speed.

    Raises:
        ValueError: when the speed is not above 0.

    >>> len(stretch(np.zeros(44_100, np.float32), 2.0))
    22050
    """
    if not (math.isfinite(speed) and speed > 0):
        raise ValueError(f"speed = {speed}: must be above 0")
    length = round(len(waveform) / speed)
    if length == 0:
        return np.zeros(0, np.float32)
    count = -(-length // _HOP) + 1  # frames centred at 0, 512, …, up to or past the last sample
    centres = np.round(np.arange(count) * _HOP * speed).astype(int)
    # Beside each frame the one a hop before it: their phases differ by what the result has to advance, with nothing
    # to unwrap.
    margin = _WINDOW // 2 + _HOP
    padded = np.pad(waveform, (margin, max(0, int(centres[-1]) + _WINDOW // 2 - len(waveform))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    before = fft.rfft(frames[centres] * window)
    spectra = fft.rfft(frames[centres + _HOP] * window)
    _advance(spectra, before)
    return _overlap_add(fft.irfft(spectra, _WINDOW) * window, window, length)


def _advance(spectra: NDArray[np.complex64], before: NDArray[np.complex64]) -> None:
    """Turn the phases of `spectra` (frame, bin), in place, so that each frame goes on from the one before it."""
    peaks = _nearest_peaks(np.abs(spectra))
    for k in range(1, len(spectra)):
        turn = spectra[k - 1] * np.conj(before[k])
        size = np.abs(turn)
        heard = size > np.finfo(np.float32).tiny  # after silence a sound starts with the phases it has
        turn = np.where(heard, turn, 1) / np.where(heard, size, 1)
        spectra[k] *= turn[peaks[k]]


def _nearest_peaks(magnitude: NDArray[np.float32]) -> NDArray[np.int64]:
    """For every bin of every frame, the bin of the nearest peak: louder than two neighbours on either side."""
    bins = magnitude.shape[1]
    around = np.pad(magnitude, ((0, 0), (2, 2)), constant_values=-1)
    peak = np.ones(magnitude.shape, np.bool_)
    for offset in (0, 1, 3, 4):
        peak &= magnitude > around[:, offset : offset + bins]
    places = np.arange(bins)
    below = np.maximum.accumulate(np.where(peak, places, -2 * bins), axis=1)
    above = np.minimum.accumulate(np.where(peak, places, 3 * bins)[:, ::-1], axis=1)[:, ::-1]
    nearest = np.where(places - below <= above - places, below, above)
    return np.where(peak.any(axis=1, keepdims=True), nearest, places)


def _overlap_add(frames: NDArray[np.float32], window: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Add frames (frame, time), the first centred at sample 0, and divide by the windows that overlap there."""
    total = np.zeros((len(frames) - 1) * _HOP + _WINDOW, np.float32)
    weight = np.zeros_like(total)
    for k, frame in enumerate(frames):
        total[k * _HOP : k * _HOP + _WINDOW] += frame
        weight[k * _HOP : k * _HOP + _WINDOW] += window**2
    heard = slice(_WINDOW // 2, _WINDOW // 2 + length)
    return np.asarray(total[heard] / weight[heard], dtype=np.float32)
