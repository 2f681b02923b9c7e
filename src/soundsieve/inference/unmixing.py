"""A song goes in block by block, its stems come out, in memory that does not grow, whatever engine takes it apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from soundsieve.audio import Resampler
from soundsieve.inference.bandwidth import FullBand
from soundsieve.inference.engines import Engine
from soundsieve.inference.progress import CancelToken, Progress, check_cancel
from soundsieve.inference.source import Source


class StreamUnmixer:
    """Takes a stream apart at its own sample rate.

    The stages, each with a memory of its own: down to the engine's rate (`Resampler`), the engine, back up with a share
    of the treble (`FullBand`). The last stem is not what the engine says it is but what the others leave of the input,
    so that the stems always add up to it. For an engine that shares out the whole mixture this is the same thing.

    Args:
        engine: What takes it apart.
        sample_rate: Of the stream, in Hz.
        channels: Of the stream.
        extend_treble: Share out what lies above the engine's bandwidth; else it is all the last stem's.
        cancel: Looked at again and again.

    Raises:
        ValueError: when the engine has a single stem.

    >>> from soundsieve import models
    >>> from soundsieve.inference.engines.checkpoint import NetworkEngine
    >>> from soundsieve.inference.stems import StemNetwork
    >>> model = models.build("wave_unet", {"L": 3, "F_c": 2}, classes=2).eval()
    >>> engine = NetworkEngine(StemNetwork(model, ("vocals", "accompaniment"), 8_000))
    >>> unmixer = StreamUnmixer(engine, sample_rate=11_025, channels=1)
    >>> stems = np.concatenate([unmixer.push(np.ones((1, 500), np.float32)), unmixer.finish()], axis=-1)
    >>> stems.shape, bool(np.allclose(stems.sum(0), 1))
    ((2, 1, 500), True)
    """

    def __init__(
        self,
        engine: Engine,
        sample_rate: int,
        channels: int,
        *,
        extend_treble: bool = True,
        cancel: CancelToken | None = None,
    ) -> None:
        self._estimated = len(engine.stems) - 1
        if not self._estimated:
            raise ValueError(f"engine: expected two stems or more, found only {engine.stems[0]!r}")
        self._empty = np.zeros((channels, 0), np.float32)
        self._stream = engine.stream(channels, cancel)
        self._down = Resampler(sample_rate, engine.sample_rate, channels)
        # Every stem with a copy of the mixture, as if they were channels of one recording.
        rows = self._estimated * channels
        self._full = FullBand(sample_rate, engine.sample_rate, rows, extend=extend_treble)

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put in a block (channel, time); take out the stems (stem, channel, time) of what is finished."""
        return self._push(block, last=False)

    def finish(self) -> NDArray[np.float32]:
        """Take out what is left; nothing can be put in afterwards."""
        return self._push(self._empty, last=True)

    def _push(self, block: NDArray[np.float32], last: bool) -> NDArray[np.float32]:
        self._full.original(self._copies(block))
        finished = []
        for mixture, stems in self._stream.push(self._down.push(block, last), last):
            finished.append(self._full.push(self._copies(mixture), np.concatenate(stems[:-1])))
        if last:
            nothing = self._copies(self._empty)
            finished.append(self._full.push(nothing, nothing, last=True))
        original, stems = (self._joined([pair[part] for pair in finished]) for part in (0, 1))
        return np.concatenate([stems, original[:1] - stems.sum(axis=0)])

    def _joined(self, parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Join parts (stem · channel, time), one after the other: (stem, channel, time)."""
        channels = len(self._empty)
        joined = np.concatenate([np.zeros((self._estimated * channels, 0), np.float32), *parts], axis=1)
        return joined.reshape(self._estimated, channels, joined.shape[1])

    def _copies(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.tile(block, (self._estimated, 1))


def unmix(
    unmixer: StreamUnmixer, source: Source, progress: Progress | None = None, cancel: CancelToken | None = None
) -> Iterator[NDArray[np.float32]]:
    """Take a whole song apart.

    Args:
        unmixer: A fresh one, for the source's rate and channels.
        source: The song.
        progress: Called whenever some seconds are finished.
        cancel: Looked at before each block.

    Yields:
        Its stems (stem, channel, time), in consecutive blocks that are never empty.

    Raises:
        AudioError: when the source turns out to be damaged.
        Cancelled: when the token was set.
    """
    done = 0
    for block in chain(source.blocks, [None]):
        check_cancel(cancel)
        stems = unmixer.finish() if block is None else unmixer.push(block)
        if stems.shape[-1]:
            done += stems.shape[-1]
            yield stems
            if progress is not None:
                progress(done / source.sample_rate, source.duration_s)
