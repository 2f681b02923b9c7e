"""Levels in dB: how loud a waveform is, and how to make it louder.

Every level is relative to full scale: a waveform that is 1.0 throughout has 0 dB, a sine of amplitude 1.0 has -3.01 dB
and silence has minus infinity.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def power_db(x: ArrayLike) -> float:
    """Return the mean power of a whole waveform, all its channels together.

    Args:
        x: waveform of any shape, for example (channel, time).

    Returns:
        10·log10(mean(x²)) in dB; minus infinity for silence and for no samples at all.

    >>> power_db([0.1, -0.1, 0.1, -0.1])
    -20.0
    >>> power_db([0.0, 0.0])
    -inf
    """
    samples = np.asarray(x)
    if samples.size == 0:
        return -np.inf
    return float(rms_db(samples, axis=None))


def rms_db(x: ArrayLike, axis: int | None = -1) -> NDArray[np.float64]:
    """Return the level of each channel, the root mean square along `axis`.

    Args:
        x: waveform (..., time).
        axis: the axis of time; None means the whole array.

    Returns:
        20·log10(rms) in dB, with `axis` removed; minus infinity where there is silence.

    >>> rms_db([[1.0, -1.0], [0.0, 0.0]])
    array([  0., -inf])
    """
    # In float64: as float32 the square of a very quiet sample is 0, and a long sum forgets the quiet beside the loud.
    return _log10(np.mean(np.square(x, dtype=np.float64), axis=axis), 10.0)


def gain_to_db(gain: ArrayLike) -> NDArray[np.float64]:
    """Return linear gains in dB; the sign of a gain is ignored and 0 becomes minus infinity.

    >>> gain_to_db([10.0, 1.0, 0.0])
    array([ 20.,   0., -inf])
    """
    return _log10(np.abs(np.asarray(gain, dtype=np.float64)), 20.0)


def db_to_gain(level_db: ArrayLike) -> NDArray[np.float64]:
    """Return the linear gain of a level in dB; minus infinity becomes 0.

    >>> db_to_gain([20.0, 0.0, -np.inf])
    array([10.,  1.,  0.])
    """
    return np.asarray(np.power(10.0, np.asarray(level_db, dtype=np.float64) / 20.0))


def scale_to_db(x: NDArray[np.floating[Any]], level_db: float) -> NDArray[np.float32]:
    """Scale a waveform so that `power_db` gives `level_db`; silence stays silence.

    Args:
        x: waveform of any shape; one gain serves all channels, so their balance is kept.
        level_db: the wanted mean power in dB.

    Returns:
        A scaled copy, float32, same shape.

    >>> power_db(scale_to_db(np.ones((2, 8)), -6.0))
    -6.0
    """
    present_db = power_db(x)
    gain = db_to_gain(level_db - present_db) if np.isfinite(present_db) else np.float64(1.0)
    return np.asarray(x * gain, dtype=np.float32)


def _log10(x: ArrayLike, factor: float) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.asarray(factor * np.log10(x))
