"""Drum machines: every piece of a kit made from swept sines, square waves and noise.

Each song gets a machine of its own, drawn anew, in the manner of the analogue ones of the 1980s and their heirs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from soundsieve.recipes.clips import RATE_HZ

_METAL_HZ = np.array([205.3, 304.4, 369.6, 522.7, 540.0, 800.0])  # the six oscillators of a well-known cymbal circuit


def machine_kit(rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Return one sound, (time,) with peak 1, for each piece.

    >>> from soundsieve.recipes.unmix.beats import PIECES
    >>> kit = machine_kit(np.random.default_rng(0))
    >>> set(kit) == set(PIECES), float(abs(kit["kick"]).max())
    (True, 1.0)
    """
    metal = float(rng.uniform(0.85, 1.4))
    noisy = rng.random() < 0.4
    closed_s, open_s = float(rng.uniform(0.02, 0.07)), float(rng.uniform(0.15, 0.5))
    corner_hz = float(rng.uniform(5500, 9500))
    tom_hz = float(rng.uniform(75, 110))
    sounds = {
        "kick": _kick(rng),
        "snare": _snare(rng),
        "stick": _ping(rng.uniform(1400, 2200), 0.012, rng),
        "clap": _clap(rng),
        "hat": _hat(closed_s, corner_hz, metal, noisy, rng),
        "open_hat": _hat(open_s, corner_hz, metal, noisy, rng),
        "pedal_hat": _hat(closed_s * 1.5, corner_hz, metal, noisy, rng),
        "ride": _hat(float(rng.uniform(0.4, 0.9)), corner_hz * 0.7, metal * 1.1, False, rng),
        "bell": _ping(rng.uniform(540, 900), 0.12, rng),
        "crash": _hat(float(rng.uniform(0.7, 1.5)), corner_hz * 0.5, metal, True, rng),
        "high_tom": _tom(tom_hz * 1.9, rng),
        "mid_tom": _tom(tom_hz * 1.4, rng),
        "low_tom": _tom(tom_hz, rng),
        "shaker": _shaker(rng),
    }
    return {piece: (sound / np.abs(sound).max()).astype(np.float32) for piece, sound in sounds.items()}


def _times(length_s: float) -> NDArray[np.float64]:
    return np.arange(round(length_s * RATE_HZ)) / RATE_HZ


def _sweep(t: NDArray[np.float64], low_hz: float, reach_hz: float, fall_s: float) -> NDArray[np.float64]:
    """A sine that falls to `low_hz` from `reach_hz` above it; the phase is the integral of the frequency."""
    phase = low_hz * t + reach_hz * fall_s * (1 - np.exp(-t / fall_s))
    return np.asarray(np.sin(2 * np.pi * phase))


def _band(sound: NDArray[np.float64], corners_hz: float | tuple[float, float], kind: str) -> NDArray[np.float64]:
    return np.asarray(sosfilt(butter(2, corners_hz, kind, fs=RATE_HZ, output="sos"), sound))


def _kick(rng: np.random.Generator) -> NDArray[np.float64]:
    decay_s = float(rng.choice([rng.uniform(0.06, 0.15), rng.uniform(0.15, 0.5)]))
    t = _times(min(1.5, decay_s * 7))
    body = _sweep(t, rng.uniform(42, 60), rng.uniform(60, 320), rng.uniform(0.01, 0.04)) * np.exp(-t / decay_s)
    click = _band(rng.standard_normal(len(t)), (1500, 9000), "bandpass") * np.exp(-t / 0.003)
    drive = float(rng.uniform(1.0, 4.0))
    return np.tanh(drive * (body + rng.uniform(0.0, 0.5) * click)) * np.minimum(1, t / 0.0007)


def _snare(rng: np.random.Generator) -> NDArray[np.float64]:
    t = _times(0.7)
    low_hz = rng.uniform(150, 230)
    body = _sweep(t, low_hz, 80, 0.012) + 0.6 * _sweep(t, low_hz * 1.8, 60, 0.01)
    noise = _band(rng.standard_normal(len(t)), (rng.uniform(700, 2000), rng.uniform(8000, 15000)), "bandpass")
    decay_s = float(rng.uniform(0.05, 0.18))
    body *= np.exp(-t / rng.uniform(0.03, 0.09))
    return np.tanh(
        rng.uniform(0.8, 2.5) * (rng.uniform(0.3, 0.9) * body + rng.uniform(0.5, 1.2) * noise * np.exp(-t / decay_s))
    )


def _clap(rng: np.random.Generator) -> NDArray[np.float64]:
    t = _times(0.6)
    centre_hz = rng.uniform(900, 1600)
    noise = _band(rng.standard_normal(len(t)), (centre_hz * 0.6, centre_hz * 3.5), "bandpass")
    gap_s = rng.uniform(0.008, 0.013)
    bursts = sum(np.exp(-np.maximum(0, t - k * gap_s) / 0.004) * (t >= k * gap_s) for k in range(3))
    return np.asarray(noise * (bursts + (t >= 3 * gap_s) * np.exp(-(t - 3 * gap_s) / rng.uniform(0.05, 0.16))))


def _hat(decay_s: float, corner_hz: float, metal: float, noisy: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _times(min(3.0, decay_s * 7))
    if noisy:
        source = rng.standard_normal(len(t))
    else:
        source = np.sign(np.sin(2 * np.pi * np.outer(_METAL_HZ * metal, t) + rng.uniform(0, 6, (6, 1)))).sum(axis=0)
        source = source + 0.5 * rng.standard_normal(len(t))
    return _band(source, corner_hz, "highpass") * np.exp(-t / decay_s) * np.minimum(1, t / 0.0005)


def _tom(low_hz: float, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _times(0.9)
    body = _sweep(t, low_hz, low_hz * rng.uniform(0.2, 0.9), 0.04) * np.exp(-t / rng.uniform(0.1, 0.25))
    return np.asarray(np.tanh(1.5 * body + 0.08 * rng.standard_normal(len(t)) * np.exp(-t / 0.02)))


def _ping(pitch_hz: float, decay_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    t = _times(min(0.8, decay_s * 8))
    tones = np.sign(np.sin(2 * np.pi * pitch_hz * t)) + np.sign(np.sin(2 * np.pi * pitch_hz * 1.48 * t))
    return _band(tones + 0.2 * rng.standard_normal(len(t)), (pitch_hz * 0.8, pitch_hz * 4), "bandpass") * np.exp(
        -t / decay_s
    )


def _shaker(rng: np.random.Generator) -> NDArray[np.float64]:
    t = _times(0.15)
    rise_s = rng.uniform(0.005, 0.03)
    grains = _band(rng.standard_normal(len(t)), rng.uniform(4000, 7000), "highpass")
    return np.asarray(grains * np.minimum(1, t / rise_s) * np.exp(-t / rng.uniform(0.02, 0.05)))
