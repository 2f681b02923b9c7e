"""What is to be worked on, a file or a waveform, as a stream of blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from soundsieve import audio
from soundsieve.audio.recording import LARGEST_SAMPLE, too_large
from soundsieve.errors import AudioError, SettingsError
from soundsieve.inference.progress import CancelToken, Progress, check_cancel

Recording: TypeAlias = str | Path | NDArray[np.floating[Any]]
"""A file, or a waveform (channel, time) or (time,)."""

_BLOCK_S = 1.0
_MANY = 32  # more channels than this and fewer samples: the axes are the wrong way round


@dataclass(frozen=True, slots=True)
class Source:
    """A stream of blocks (channel, time), to be read once.

    Attributes:
        sample_rate: In Hz.
        channels: How many.
        frames: How long it is, None where a file does not say.
        blocks: The samples.
        file: Where they come from, if from a file.
    """

    sample_rate: int
    channels: int
    frames: int | None
    blocks: Iterator[NDArray[np.float32]]
    file: Path | None = None

    @property
    def duration_s(self) -> float | None:
        """How long it is, None where a file does not say."""
        return None if self.frames is None else self.frames / self.sample_rate

    def watched(self, progress: Progress | None, cancel: CancelToken | None) -> Iterator[NDArray[np.float32]]:
        """Yield the blocks; tell how far it is after each has been dealt with, and stop once `cancel` is set.

        Raises:
            AudioError: when the source turns out to be damaged.
            Cancelled: when `cancel` was set.
        """
        done = 0
        for block in self.blocks:
            check_cancel(cancel)
            yield block
            done += block.shape[1]
            if progress is not None:
                progress(done / self.sample_rate, self.duration_s)


def open_source(recording: Recording, sample_rate: int | None = None) -> Source:
    """Open a file or wrap a waveform.

    Args:
        recording: A file, or a waveform (channel, time) or (time,).
        sample_rate: Of a waveform, in Hz; a file knows its own.

    Raises:
        AudioError: when it cannot be used.
        SettingsError: when a waveform comes without its sample rate, or a file with one that is not its own.

    >>> source = open_source(np.zeros(12_000), 8_000)
    >>> source.channels, source.duration_s, [block.shape for block in source.blocks]
    (1, 1.5, [(1, 8000), (1, 4000)])
    """
    if isinstance(recording, str | Path):
        info = audio.probe(recording)
        if sample_rate not in (None, info.sample_rate):
            raise SettingsError(f"sample_rate = {sample_rate}: {recording} has {info.sample_rate} Hz; leave it out")
        blocks = audio.blocks(recording, max(1, round(_BLOCK_S * info.sample_rate)))
        return Source(info.sample_rate, info.channels, info.frames, blocks, Path(recording))
    waveform = check_waveform(recording, sample_rate)
    if not isinstance(sample_rate, int | np.integer) or sample_rate < 1:
        raise SettingsError(f"sample_rate = {sample_rate}: a waveform needs a whole number of 1 Hz or more")
    channels, frames = waveform.shape
    return Source(int(sample_rate), channels, frames, _cut(waveform, max(1, round(_BLOCK_S * sample_rate))))


def check_waveform(waveform: NDArray[np.floating[Any]], sample_rate: int | None = None) -> NDArray[np.float32]:
    """Return a waveform as (channel, time) float32.

    Args:
        waveform: Samples (channel, time) or (time,).
        sample_rate: In Hz, to say when a bad sample comes.

    Raises:
        AudioError: when it is of another type or shape, empty, or holds NaN, infinite or absurdly large samples.

    >>> check_waveform(np.zeros(3, np.int16))
    Traceback (most recent call last):
    ...
    soundsieve.errors.AudioError: audio: expected floating point samples between -1 and 1, found int16
    """
    x = np.asarray(waveform)
    if not np.issubdtype(x.dtype, np.floating):
        raise AudioError(f"audio: expected floating point samples between -1 and 1, found {x.dtype}")
    if x.ndim not in (1, 2):
        raise AudioError(f"audio: expected shape (channel, time) or (time,), found {x.shape}")
    if x.size == 0:
        raise AudioError(f"audio: holds no samples, its shape is {x.shape}")
    if x.ndim == 2 and x.shape[0] > _MANY >= x.shape[1]:
        raise AudioError(f"audio: expected shape (channel, time), found {x.shape}; transpose it")
    if not np.isfinite(x).all():
        raise AudioError("audio: holds NaN or infinite samples; all must be finite")
    # Before the cast, where a large one would become infinite.
    if max(x.max(), -x.min()) > LARGEST_SAMPLE:
        raise _too_large(np.atleast_2d(x), sample_rate)
    return np.ascontiguousarray(np.atleast_2d(x), np.float32)


def _too_large(x: NDArray[np.floating[Any]], sample_rate: int | None) -> AudioError:
    channel, frame = np.argwhere(np.abs(x) > LARGEST_SAMPLE)[0]
    where = f"{frame / sample_rate:.3f} s" if sample_rate and sample_rate > 0 else f"index {frame}"
    return too_large("audio", float(x[channel, frame]), where)


def _cut(waveform: NDArray[np.float32], frames: int) -> Iterator[NDArray[np.float32]]:
    for start in range(0, waveform.shape[1], frames):
        yield waveform[:, start : start + frames]
