"""Chroma: how strong each of the twelve pitch classes is, in the tuning that the clip is played in.

Axes: `frame`, `bin`, `pitch class` (C is the first).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from soundsieve.features._stft import BIN_HZ, BINS, N_FFT, SAMPLE_RATE

_PITCHES = 12
_A440_HZ = 440.0
# Between these, peaks of the spectrum are taken for pitches, if they hold this share of the frame's strongest bin.
_LEAST_HZ, _MOST_HZ, _LEAST_SHARE = 150.0, 4000.0, 0.1
# Bins matter less, the more octaves they are away from here (octave 0 begins at A0, 27.5 Hz).
_CENTRE_OCTAVE, _OCTAVES_WIDE = 5.0, 2.0


def chroma(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Strength of the pitch classes, the strongest of a frame being 1: `librosa.feature.chroma_stft`.

    Shape:
        - power: (l, 1025), the square of the transform's magnitude
        - output: (l, 12), 0 in frames without sound
    """
    strength: NDArray[np.float32] = power @ pitch_class_filters(tuning_of(power)).T
    strongest = strength.max(axis=1, keepdims=True)
    strongest[strongest < np.finfo(np.float32).tiny] = 1
    strength /= strongest
    return strength


def tuning_of(power: NDArray[np.float32]) -> float:
    """By how much of a semitone the pitches lie above 440 Hz and its tempered scale: -0.5 to 0.49, to the cent.

    Peaks of the spectrum are placed between the bins by a parabola through three of them; the strongest half votes.
    `librosa.estimate_tuning`; 0 where there is no peak.
    """
    begin, end = int(np.ceil(_LEAST_HZ / BIN_HZ)), int(np.ceil(_MOST_HZ / BIN_HZ))
    below, here, above = (power[:, begin + step : end + step] for step in (-1, 0, 1))
    loud = here > np.float32(_LEAST_SHARE) * power.max(axis=1, keepdims=True)
    frame, column = np.nonzero(loud & (here > below) & (here >= above))
    if not len(frame):
        return 0.0
    low, peak, high = (values[frame, column] for values in (below, here, above))
    slope, bend = (high - low) / 2, high + low - 2 * peak
    within = np.abs(slope) < np.abs(bend)
    shift = np.divide(-slope, bend, out=np.zeros_like(slope), where=within)
    strength = peak + shift * slope / 2
    pitch_hz = (begin + column + shift).astype(np.float32) * np.float32(BIN_HZ)
    pitch_hz = pitch_hz[strength >= np.median(strength)]
    semitones = np.mod(_PITCHES * np.log2(pitch_hz / np.float32(_A440_HZ / 16)), 1)
    semitones[semitones >= 0.5] -= 1
    cents = np.linspace(-0.5, 0.5, 101)
    votes, _ = np.histogram(semitones, cents)
    return float(cents[votes.argmax()])


def pitch_class_filters(tuning: float) -> NDArray[np.float32]:
    """How much each bin counts for each pitch class: (12, 1025), as in `librosa.filters.chroma`.

    Args:
        tuning: Of the clip, in semitones above 440 Hz.
    """
    reference_hz = _A440_HZ * 2 ** (tuning / _PITCHES) / 16
    hz = np.arange(1, BINS + 1) * SAMPLE_RATE / N_FFT
    pitch = _PITCHES * np.log2(hz / reference_hz)
    pitch = np.concatenate([[pitch[0] - 1.5 * _PITCHES], pitch])  # bin 0 has no pitch: far below all others
    width = np.maximum(np.diff(pitch), 1)
    pitch = pitch[:-1]
    distance = pitch - np.arange(_PITCHES)[:, None]
    distance = np.remainder(distance + _PITCHES / 2, _PITCHES) - _PITCHES / 2
    weights = np.exp(-0.5 * (2 * distance / width) ** 2)
    weights /= np.sqrt((weights**2).sum(axis=0))
    weights *= np.exp(-0.5 * ((pitch / _PITCHES - _CENTRE_OCTAVE) / _OCTAVES_WIDE) ** 2)
    from_c: NDArray[np.float32] = np.roll(weights, -3, axis=0).astype(np.float32)  # they began at A
    return from_c
