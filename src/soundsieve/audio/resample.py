"""Change of sample rate, of a whole waveform or block by block, without delay and with an exact length."""

from __future__ import annotations

import math

import numpy as np
import soxr
from numpy.typing import NDArray

from soundsieve.errors import SettingsError

# Flat to 0.91 of the Nyquist frequency of the lower rate, and more than 100 dB down above it.
_QUALITY = "HQ"


def resampled_length(frames: int, from_hz: int, to_hz: int) -> int:
    """Return how many samples `frames` samples become, to the nearest one.

    >>> resampled_length(44_100, 44_100, 16_000)
    16000
    """
    return round(frames * to_hz / from_hz)


def resample(audio: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Change the sample rate of a whole waveform.

    Args:
        audio: waveform (..., time).
        from_hz: its sample rate.
        to_hz: the wanted one.

    Returns:
        A new waveform (..., `resampled_length`) in step with the old one: what was at t seconds still is.

    Raises:
        SettingsError: if a rate is not positive.

    >>> resample(np.zeros((2, 441), dtype=np.float32), 44_100, 16_000).shape
    (2, 160)
    """
    _check_rates(from_hz, to_hz)
    if from_hz == to_hz:
        return np.array(audio, dtype=np.float32)
    *channels, frames = audio.shape
    flat = np.asarray(audio, dtype=np.float32).reshape(math.prod(channels), frames)
    wanted = resampled_length(frames, from_hz, to_hz)
    return _fit(soxr.resample(flat.T, from_hz, to_hz, _QUALITY).T, wanted).reshape(*channels, wanted)


class Resampler:
    """Changes the sample rate block by block; what it returns joins up to what `resample` gives.

    The filter looks ahead, so part of a block comes out with the next one, and the last one brings the rest.

    Args:
        from_hz: sample rate of the blocks that go in.
        to_hz: sample rate of the blocks that come out.
        channels: number of channels.

    Raises:
        SettingsError: if a rate is not positive.

    >>> resampler = Resampler(8_000, 16_000, channels=1)
    >>> blocks = [resampler.push(np.zeros((1, 500), dtype=np.float32), last=last) for last in (False, True)]
    >>> sum(block.shape[1] for block in blocks)
    2000
    """

    def __init__(self, from_hz: int, to_hz: int, channels: int) -> None:
        _check_rates(from_hz, to_hz)
        self._from_hz, self._to_hz, self._channels = from_hz, to_hz, channels
        self._stream = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, channels, "float32", _QUALITY)
        self._pushed = self._returned = 0
        self._finished = False

    def push(self, block: NDArray[np.float32], last: bool = False) -> NDArray[np.float32]:
        """Put a block in and take out what is ready.

        Args:
            block: waveform (channel, time); may be empty.
            last: there will be no more; take out everything.

        Returns:
            Waveform (channel, time), a new array; may be empty.

        Raises:
            ValueError: if the block has another number of channels, or comes after the last one.
        """
        if block.ndim != 2 or block.shape[0] != self._channels:
            raise ValueError(f"expected a block of ({self._channels}, time), found shape {block.shape}")
        if self._finished:
            raise ValueError("this resampler has had its last block; make a new one")
        self._finished = last
        self._pushed += block.shape[1]
        if self._stream is None:
            return np.array(block, dtype=np.float32)
        samples = np.ascontiguousarray(block.T, dtype=np.float32)
        ready = self._stream.resample_chunk(samples, last=last).T
        frames = ready.shape[1]
        if last:
            frames = resampled_length(self._pushed, self._from_hz, self._to_hz) - self._returned
        self._returned += frames
        return _fit(ready, frames)


def _check_rates(from_hz: int, to_hz: int) -> None:
    for name, rate in (("from_hz", from_hz), ("to_hz", to_hz)):
        if rate < 1:
            raise SettingsError(f"{name} = {rate}: a sample rate is 1 Hz or more")


def _fit(x: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Give the result its exact length: of half a sample, soxr makes a whole one and `round` the even neighbour."""
    result = np.zeros((x.shape[0], frames), dtype=np.float32)
    result[:, : x.shape[1]] = x[:, :frames]
    return result
