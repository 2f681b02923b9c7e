"""A recording goes in block by block, the wanted sounds and the rest come out, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from soundsieve.audio import Resampler
from soundsieve.inference.bandwidth import FullBand
from soundsieve.inference.chunks import ChunkedEstimate, ChunkSettings, Network
from soundsieve.inference.presence import GateSettings, Presence, PresenceGate
from soundsieve.inference.progress import CancelToken, Progress, check_cancel
from soundsieve.inference.source import Source
from soundsieve.settings import Settings

Mode: TypeAlias = Literal["keep", "remove"]
Parts: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]
"""What was asked for and the rest, both (channel, time); they add up to the input."""


class SeparationSettings(Settings):
    """How a selector is run."""

    chunks: ChunkSettings = ChunkSettings()
    gate: GateSettings = GateSettings()
    extend_treble: bool = Field(True, description="share out what lies above the model's bandwidth")


class StreamSeparator:
    """Separates a stream at its own sample rate.

    The stages, each with a memory of its own: down to the model's rate (`Resampler`), the network (`ChunkedEstimate`),
    what is absent is silenced (`PresenceGate`), back up with the treble (`FullBand`).

    Args:
        network: The selector.
        asked: The classes to keep or to remove.
        sample_rate: Of the stream, in Hz.
        channels: Of the stream.
        mode: keep gives the asked classes as the first part, remove gives everything but them.
        settings: How to run it.
        cancel: Looked at before each chunk.
    """

    def __init__(
        self,
        network: Network,
        asked: Sequence[str],
        sample_rate: int,
        channels: int,
        *,
        mode: Mode = "keep",
        settings: SeparationSettings | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        settings = settings or SeparationSettings()
        union = tuple(asked)
        requests: list[tuple[str, ...]] = [union] if len(union) == 1 else [union, *((name,) for name in union)]
        thresholds_db = {name: network.thresholds_db.get(name, settings.gate.threshold_db) for name in union}
        self._mode = mode
        self._empty = np.zeros((channels, 0), np.float32)
        self._down = Resampler(sample_rate, network.sample_rate, channels)
        self._estimate = ChunkedEstimate(network, requests, channels, settings.chunks, cancel)
        self._gate = PresenceGate(thresholds_db, network.sample_rate, channels, settings.gate)
        self._full = FullBand(sample_rate, network.sample_rate, channels, extend=settings.extend_treble)

    def push(self, block: NDArray[np.float32]) -> Parts:
        """Put in a block (channel, time); take out the parts of what is finished, which may be nothing."""
        return self._push(block, last=False)

    def finish(self) -> Parts:
        """Take out what is left; nothing can be put in afterwards."""
        return self._push(self._empty, last=True)

    def presence(self) -> dict[str, Presence]:
        """Return how much of each asked class was found, after `finish`."""
        return self._gate.presence()

    def _push(self, block: NDArray[np.float32], last: bool) -> Parts:
        self._full.original(block)
        finished = []
        for mixture, estimates in self._estimate.push(self._down.push(block, last), last):
            finished.append(self._full.push(*self._gate.push(mixture, estimates)))
        if last:
            nothing = np.zeros((self._gate.queries, *self._empty.shape), np.float32)
            finished.append(self._full.push(*self._gate.push(self._empty, nothing, last=True), last=True))
        original = np.concatenate([self._empty, *(pair[0] for pair in finished)], axis=1)
        selected = np.concatenate([self._empty, *(pair[1] for pair in finished)], axis=1)
        rest = original - selected
        return (selected, rest) if self._mode == "keep" else (rest, selected)


def separate(
    separator: StreamSeparator, source: Source, progress: Progress | None = None, cancel: CancelToken | None = None
) -> Iterator[Parts]:
    """Run a whole recording through a separator.

    Args:
        separator: A fresh one, for the source's rate and channels.
        source: The recording.
        progress: Called whenever some seconds are finished.
        cancel: Looked at before each block.

    Yields:
        What was asked for and the rest, in consecutive blocks that are never empty.

    Raises:
        AudioError: when the source turns out to be damaged.
        Cancelled: when the token was set.
    """
    done = 0
    for block in chain(source.blocks, [None]):
        check_cancel(cancel)
        parts = separator.finish() if block is None else separator.push(block)
        if parts[0].shape[1]:
            done += parts[0].shape[1]
            yield parts
            if progress is not None:
                progress(done / source.sample_rate, source.duration_s)
