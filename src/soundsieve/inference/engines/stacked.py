"""Two engines on top of each other: one takes the vocals out, another takes apart what they leave.

The second one sees a song without voices, which is easier, and need not be trained on songs with them. What it still
calls vocals is no voice and goes to `other`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets import ACCOMPANIMENT, VOCALS
from soundsieve.errors import CheckpointError
from soundsieve.inference import engines
from soundsieve.inference.engines import Engine, in_segments
from soundsieve.inference.fifo import Fifo
from soundsieve.inference.progress import CancelToken
from soundsieve.inference.stems import Separated
from soundsieve.inference.unmixing import StreamUnmixer

OTHER = "other"


@dataclass(frozen=True)
class Stacked:
    """Vocals from one engine, and from another what the song is without them; see `Engine`.

    Everything runs at the rate of the first. What it leaves is a recording like any other to the second, whose own rate
    may be another: it is brought there and back, treble included, by `StreamUnmixer`.

    Attributes:
        first: Finds vocals.
        second: Finds two stems or more, one of them neither vocals nor `other`.

    Raises:
        CheckpointError: when they do not.
    """

    first: Engine
    second: Engine

    def __post_init__(self) -> None:
        for engine, fits, expected in (
            (self.first, VOCALS in self.first.stems, "vocals"),
            (self.second, bool(self.parts), "drums, bass and other"),
        ):
            if not fits:
                raise CheckpointError(f"an engine that finds {', '.join(engine.stems)}: expected one for {expected}")

    @property
    def parts(self) -> tuple[str, ...]:
        """What is taken from the second engine."""
        return tuple(name for name in self.second.stems if name not in (VOCALS, ACCOMPANIMENT, OTHER))

    @property
    def stems(self) -> tuple[str, ...]:
        """What it finds, in order."""
        return (VOCALS, *self.parts, OTHER)

    @property
    def sample_rate(self) -> int:
        """Of what it takes and gives, in Hz."""
        return self.first.sample_rate

    @property
    def card(self) -> Mapping[str, Any]:
        """Where the weights of both are from."""
        return {VOCALS: dict(self.first.card), ACCOMPANIMENT: dict(self.second.card)}

    def stream(self, channels: int, cancel: CancelToken | None = None) -> StackedStream:
        """Begin a recording."""
        return StackedStream(self, channels, cancel)

    def in_segments(self, segment_s: float) -> Stacked:
        """Work on so many seconds at once."""
        return replace(self, first=in_segments(self.first, segment_s), second=in_segments(self.second, segment_s))


class StackedStream:
    """A recording on its way through both.

    The first engine hands over pieces when it is ready, the second later: the mixture and its vocals wait for what the
    second makes of the same moments.
    """

    def __init__(self, engine: Stacked, channels: int, cancel: CancelToken | None = None) -> None:
        self._vocals_row = engine.first.stems.index(VOCALS)
        self._rows = [engine.second.stems.index(name) for name in engine.parts]
        self._first = engine.first.stream(channels, cancel)
        self._second = StreamUnmixer(engine.second, engine.first.sample_rate, channels, cancel=cancel)
        self._waiting = Fifo(2, channels)  # mixture and vocals

    def push(self, mixture: NDArray[np.float32], last: bool = False) -> Separated:
        """Put in a block (channel, time) and take out what is finished; consume the iterator to its end."""
        for piece, stems in self._first.push(mixture, last):
            vocals = stems[self._vocals_row]
            self._waiting.push(np.stack([piece, vocals]))
            yield from self._finished(self._second.push(piece - vocals))
        if last:
            yield from self._finished(self._second.finish())

    def _finished(self, stems: NDArray[np.float32]) -> Separated:
        """Join what the second engine found (stem, channel, time) with what waited for it."""
        if not stems.shape[-1]:
            return
        mixture, vocals = self._waiting.take(stems.shape[-1])
        parts = stems[self._rows]
        other = mixture - vocals - parts.sum(axis=0)
        yield mixture, np.concatenate([vocals[None], parts, other[None]])


def load(weights: str | Path | None = None, device: str = "auto") -> Stacked:
    """Load Spleeter for the vocals and a checkpoint of ours for what they leave.

    Args:
        weights: The checkpoint or run folder; None is the released one.
        device: auto, cpu, cuda, …

    Raises:
        MissingExtraError: when Spleeter's weights are not installed.
        CheckpointError: when there is no such checkpoint, or it is not for `unmix`.
        SettingsError: when this machine has no such device.
    """
    return Stacked(engines.load("spleeter", device=device), engines.load("checkpoint", weights, device))


def weight_files(weights: str | Path | None = None) -> tuple[Path, ...]:
    """Return Spleeter's files and the checkpoint.

    Raises:
        MissingExtraError, CheckpointError: As for `load`.
    """
    return (*engines.weight_files("spleeter"), *engines.weight_files("checkpoint", weights))
