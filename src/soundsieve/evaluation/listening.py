"""The recording of a clip as one channel at one rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from soundsieve import audio
from soundsieve.datasets import Clip

Wave = NDArray[np.float32]

_BLOCK = 1 << 18  # samples decoded at a time


def listen(clip: Clip, rate_hz: int, *, start_s: float = 0.0, duration_s: float | None = None) -> Wave:
    """Return a clip, or a part of it, as one channel: the one it names, or the mean of all.

    Only the mono result is held in memory, however many channels the file has.

    Args:
        clip: whose file to read.
        rate_hz: the rate wanted.
        start_s: where to start.
        duration_s: how much to read; None means to the end.

    Returns:
        Waveform, shape (time,).

    Raises:
        AudioError: the file is missing or damaged.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.wav")
    ...     audio.write(path, np.ones((2, 8_000), np.float32) * [[0.5], [0.1]], 8_000)
    ...     listen(Clip(path, ("dog",), "a", "all"), 4_000).shape
    (4000,)
    """
    if start_s or duration_s is not None:
        wave, rate = audio.read(clip.path, start_s=start_s, duration_s=duration_s)
        part: Wave = audio.resample(_mono(wave, clip), rate, rate_hz)[0]
        return part
    resampler = audio.Resampler(audio.probe(clip.path).sample_rate, rate_hz, 1)
    pieces = [resampler.push(_mono(block, clip)) for block in audio.blocks(clip.path, _BLOCK)]
    pieces.append(resampler.push(np.zeros((1, 0), np.float32), last=True))
    whole: Wave = np.concatenate(pieces, axis=1)[0]
    return whole


def _mono(wave: Wave, clip: Clip) -> Wave:
    if clip.channel is None:
        mean: Wave = wave.mean(axis=0, keepdims=True)
        return mean
    channel = min(clip.channel, len(wave) - 1)
    return wave[channel : channel + 1]
