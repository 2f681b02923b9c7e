"""A separator of songs over long recordings: chunks that give what the whole recording at once would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from soundsieve.inference.channel_groups import from_groups, to_groups
from soundsieve.inference.fifo import Fifo
from soundsieve.inference.progress import CancelToken, check_cancel
from soundsieve.inference.segments import LONGEST_SEGMENT_S
from soundsieve.settings import Settings

Separated: TypeAlias = Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Mixtures (channel, time) and their stems (stem, channel, time), consecutive and aligned."""


class StemSettings(Settings):
    """How a long recording is cut; the output does not depend on it."""

    segment_s: float = Field(
        20.0, gt=0, le=LONGEST_SEGMENT_S, description="length of a chunk without what is seen on its sides"
    )
    rows: int = Field(1, ge=1, description="groups of channels that run at once")


@dataclass(frozen=True)
class StemNetwork:
    """A separator of songs ready to be run.

    Attributes:
        model: An architecture for `unmix` in eval mode; see `soundsieve.models`.
        stems: What its sources are, in order.
        sample_rate: In Hz.
        device: Where it is.
    """

    model: nn.Module
    stems: tuple[str, ...]
    sample_rate: int
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def estimate(self, mixture: Tensor) -> Tensor:
        """Run the network: (b, c, t) → (b, s, c, t'), on the CPU."""
        with torch.inference_mode():
            estimate: Tensor = self.model(mixture.to(self.device))
            return estimate.float().cpu()


class ChunkedStems:
    """Runs a network chunk by chunk over a stream; memory does not depend on how long the stream is.

    A chunk begins at a multiple of the network's stride and the network sees all that can influence it, so the stems
    are those of the whole recording at once, followed by zeros up to a length that the network can take; where its
    convolutions are not padded, zeros also stand for its context at both ends. How long chunks are and how the stream
    comes in blocks makes no difference, but for rounding.

    A network for as many channels as the recording has sees them together, else see `channel_groups`.

    Args:
        network: What to run.
        channels: Of the recording.
        settings: How to cut.
        cancel: Looked at before each chunk.

    >>> from soundsieve import models
    >>> model = models.build("wave_unet", {"L": 3, "F_c": 2}, classes=2).eval()
    >>> chunked = ChunkedStems(StemNetwork(model, ("accompaniment", "vocals"), 8_000), channels=2)
    >>> [(_, stems)] = chunked.push(np.zeros((2, 1_000), np.float32), last=True)
    >>> stems.shape
    (2, 2, 1000)
    """

    def __init__(
        self,
        network: StemNetwork,
        channels: int,
        settings: StemSettings | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        settings = settings or StemSettings()
        model: Any = network.model
        self._stride, self._reach, self._context = int(model.stride), int(model.reach), int(model.context)
        self.core = _round_up(round(settings.segment_s * network.sample_rate), self._stride)
        # A network that pads does so with zeros, which must lie out of reach, or where the recording begins and ends.
        self._before = self._context or _round_up(self._reach, self._stride)
        self._network, self._model, self._rows, self._cancel = network, model, settings.rows, cancel
        self._mixture = Fifo(channels)
        self._begin = 0  # where the next chunk begins

    def push(self, mixture: NDArray[np.float32], last: bool = False) -> Separated:
        """Put in a block (channel, time) and take out what is finished; consume the iterator to its end."""
        self._mixture.push(mixture)
        while self._mixture.end >= self._begin + self.core + self._reach:
            yield self._chunk(self._begin + self.core)
        while last and self._begin < self._mixture.end:
            yield self._chunk(min(self._begin + self.core, self._mixture.end))

    def _chunk(self, end: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        check_cancel(self._cancel)
        begin = self._begin
        seen_from, known_to = begin - self._before, end
        if not self._context:
            seen_from, known_to = max(0, seen_from), min(self._mixture.end, end + self._reach)
        first = seen_from + self._context  # that the network says something about
        length = int(self._model.input_length(known_to - first))
        stems = self._run(self._window(seen_from, seen_from + length))[..., begin - first : end - first]
        mixture = self._mixture.peek(begin, end).copy()
        self._begin = end
        self._mixture.drop(max(0, end - self._before))
        return mixture, stems

    def _window(self, start: int, end: int) -> NDArray[np.float32]:
        """Look at the recording from `start` to `end`, with zeros before and after it."""
        inside = self._mixture.peek(max(0, start), min(end, self._mixture.end))
        return np.pad(inside, ((0, 0), (max(0, -start), max(0, end - self._mixture.end))))

    def _run(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """Estimate every stem: (channel, t) → (stem, channel, t')."""
        rows = to_groups(window, int(self._model.channels))
        estimates = torch.cat([self._network.estimate(part) for part in torch.split(rows, self._rows)])
        return from_groups(estimates, len(window))


def _round_up(frames: int, stride: int) -> int:
    return max(1, -(-frames // stride)) * stride
