"""Tempo: at what distance in time the rises of a log-mel spectrogram repeat.

Axes: `frame`, `band`.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from soundsieve.features._stft import HOP, N_FFT, SAMPLE_RATE

_WINDOW_FRAMES = int(8.0 * SAMPLE_RATE) // HOP
_EXPECTED_BPM = 120.0
_MOST_BPM = 320.0


def onset_strength(level_db: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much the bands rise from one frame to the next, in dB: the median over the bands.

    The median, which `librosa.beat.beat_track` uses, gives the tempi of GTZAN's public table; the mean, which
    `librosa.feature.tempo` uses, does not.

    Shape:
        - level_db: (l, bands)
        - output: (l,), later by half a frame of the transform, so that a rise stands where it is heard
    """
    frames = len(level_db)
    rise = np.maximum(np.diff(level_db, axis=0), 0)
    delay = 1 + N_FFT // (2 * HOP)
    strength = np.zeros(frames + delay, np.float32)
    if len(rise):
        strength[delay : delay + len(rise)] = np.median(rise, axis=1)
    return strength[:frames]


def tempo_bpm(strength: NDArray[np.float32]) -> float:
    """Tempo in beats a minute, 0 where nothing rises.

    The strength is compared with itself, delayed, in windows of 8 s around every frame; of all delays, the one with the
    highest mean correlation wins, those of about 120 beats a minute being the likelier (Ellis, "Beat tracking by
    dynamic programming", 2007). As in `librosa.beat.beat_track`.

    Shape:
        - strength: (l,)
    """
    if not strength.any():
        return 0.0
    correlation = _mean_correlation(strength.astype(np.float64))
    delays = np.arange(1, _WINDOW_FRAMES)
    bpm = 60 * SAMPLE_RATE / (HOP * delays)
    prior = -0.5 * np.log2(bpm / _EXPECTED_BPM) ** 2
    score = np.where(bpm < _MOST_BPM, np.log1p(1e6 * correlation[1:].clip(min=0)) + prior, -np.inf)
    return float(bpm[score.argmax()])


def _mean_correlation(strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Autocorrelation in windows around every frame, 1 at no delay, averaged: (l,) → (delay,)."""
    half = _WINDOW_FRAMES // 2
    padded = np.pad(strength, half, mode="linear_ramp")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_FRAMES)[: len(strength)]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW_FRAMES) / _WINDOW_FRAMES)
    windows = windows * hann
    energy = (windows**2).sum(axis=1)
    length = scipy.fft.next_fast_len(2 * _WINDOW_FRAMES - 1, real=True)
    spectrum = scipy.fft.rfft(windows, length, axis=1)
    # Everything here is linear: the powers are averaged before the one transform back.
    shares = np.divide(1, energy, out=np.zeros_like(energy), where=energy > 0) / len(strength)
    power = shares @ (spectrum.real**2 + spectrum.imag**2)
    correlation: NDArray[np.float64] = scipy.fft.irfft(power, length)[:_WINDOW_FRAMES]
    return correlation
