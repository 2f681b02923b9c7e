"""Cut, lengthen and fade waveforms; every function takes (..., time) and returns a new array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cut(x: NDArray[np.float32], start: int, length: int) -> NDArray[np.float32]:
    """Return `length` samples from `start` on, with zeros wherever the waveform has none.

    Args:
        x: waveform (..., time).
        start: first sample; may be negative or past the end.
        length: how many samples to return.

    Returns:
        Waveform (..., length).

    Raises:
        ValueError: if `length` is negative.

    >>> cut(np.array([1, 2, 3], dtype=np.float32), -1, 6)
    array([0., 1., 2., 3., 0., 0.], dtype=float32)
    """
    if length < 0:
        raise ValueError(f"length = {length}: must be 0 or more")
    result = np.zeros((*x.shape[:-1], length), dtype=np.float32)
    first = max(start, 0)
    found = x[..., first : max(start + length, first)]
    offset = first - start
    result[..., offset : offset + found.shape[-1]] = found
    return result


def fade_edges(x: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Fade the first and the last `frames` samples with a raised cosine, so that a cut does not click.

    Args:
        x: waveform (..., time).
        frames: length of each fade; at most half the waveform is used.

    Returns:
        Waveform of the same shape.

    >>> fade_edges(np.ones(6, dtype=np.float32), 2).round(3)
    array([0.146, 0.854, 1.   , 1.   , 0.854, 0.146], dtype=float32)
    """
    result = np.array(x, dtype=np.float32)
    frames = min(frames, result.shape[-1] // 2)
    if frames > 0:
        ramp = _rise(frames) ** 2
        result[..., :frames] *= ramp
        result[..., -frames:] *= ramp[::-1]
    return result


def loop_to(x: NDArray[np.float32], length: int, fade: int) -> NDArray[np.float32]:
    """Repeat a short recording, each turn cross-faded into the next with equal power, until it fills `length`.

    Args:
        x: waveform (..., time); one that is long enough is simply cut.
        length: how many samples to return.
        fade: overlap of two turns in samples; at most half the waveform is used.

    Returns:
        Waveform (..., length).

    Raises:
        ValueError: if there are no samples to repeat.

    >>> loop_to(np.array([1, 2], dtype=np.float32), 5, fade=0)
    array([1., 2., 1., 2., 1.], dtype=float32)
    """
    frames = x.shape[-1]
    if frames == 0:
        raise ValueError("cannot repeat a recording of 0 samples")
    if frames >= length:
        return cut(x, 0, length)
    fade = max(0, min(fade, frames // 2))
    period = frames - fade
    # A turn is what one period sounds like once the tail of the turn before it has been mixed in; every turn but
    # the first is the same, so the sum is made once and tiled.
    turn = np.array(x[..., :period], dtype=np.float32)
    if fade:
        rise = _rise(fade)
        turn[..., :fade] = x[..., :fade] * rise + x[..., period:] * rise[::-1]
    result = np.empty((*x.shape[:-1], length), dtype=np.float32)
    result[..., :period] = x[..., :period]
    for start in range(period, length, period):
        result[..., start : start + period] = turn[..., : length - start]
    return result


def _rise(frames: int) -> NDArray[np.float32]:
    """Quarter of a sine from 0 to 1: its square and the square of its mirror image add up to 1 (equal power)."""
    phase = (np.arange(frames) + 0.5) / frames
    return np.sin(0.5 * np.pi * phase).astype(np.float32)
