"""A network over a recording of any length: chunks with context on both sides, cross-faded where they meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from soundsieve.inference.fifo import Fifo
from soundsieve.inference.progress import CancelToken, check_cancel
from soundsieve.inference.segments import LONGEST_SEGMENT_S
from soundsieve.settings import Settings

Finished: TypeAlias = Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Mixtures (channel, time) and their estimates (query, channel, time), consecutive and aligned."""


class ChunkSettings(Settings):
    """How a long recording is cut."""

    segment_s: float = Field(20.0, gt=0, le=LONGEST_SEGMENT_S, description="length of a chunk without its context")
    context_s: float = Field(4.0, ge=0, le=600, description="seen on each side of it, at most what the network can use")
    fade_s: float = Field(0.25, ge=0, le=60, description="cross-fade of neighbouring chunks")
    rows: int = Field(1, ge=1, description="channels that run at once (and requests, where each is a pass of its own)")


@dataclass(frozen=True)
class Network:
    """A selector ready to be run.

    Attributes:
        model: `model(mixture (b, 1, t), wanted (b, q, c)) -> (b, q, t)`, in eval mode. Its attribute `one_pass` says
            whether all requests share one pass (the default) or each costs one.
        classes: What can be asked for.
        sample_rate: In Hz.
        device: Where it is.
        thresholds_db: Class → the level at which it counts as present.
    """

    model: nn.Module
    classes: tuple[str, ...]
    sample_rate: int
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    thresholds_db: dict[str, float] = field(default_factory=dict)

    def estimate(self, mixture: Tensor, wanted: Tensor) -> Tensor:
        """Run the network.

        Shape:
            - mixture: (b, 1, t)
            - wanted: (b, q, c)
            - output: (b, q, t), on the CPU
        """
        with torch.inference_mode():
            estimate: Tensor = self.model(mixture.to(self.device), wanted.to(self.device))
            return estimate.float().cpu()

    def wanted(self, requests: list[tuple[str, ...]]) -> Tensor:
        """Write requests, each the classes to be summed, as zeros and ones: (1, query, class)."""
        rows = torch.zeros(1, len(requests), len(self.classes))
        for row, request in enumerate(requests):
            rows[0, row, [self.classes.index(name) for name in request]] = 1
        return rows


class ChunkedEstimate:
    """Runs a network chunk by chunk over a stream; memory does not depend on how long the stream is.

    A chunk is `segment_s` long and starts at a multiple of the network's stride, so that every chunk sees the same
    phase as the whole recording would. The network also sees `context_s` on both sides, which is then thrown away, but
    never silence that is not in the recording: the first chunk begins with it and the last one ends with it. The last
    chunk is at least half a segment long, unless the recording is shorter. Where two chunks meet they are cross-faded,
    because a network that normalises over its whole input does not say exactly the same twice. For one that does not,
    and whose reach `context_s` covers, the result is that of the whole recording at once.

    Args:
        network: What to run.
        requests: Each the classes to be summed.
        channels: Of the recording; each is a mixture of its own to the network.
        settings: How to cut.
        cancel: Looked at before each chunk.
    """

    def __init__(
        self,
        network: Network,
        requests: list[tuple[str, ...]],
        channels: int,
        settings: ChunkSettings,
        cancel: CancelToken | None = None,
    ) -> None:
        model, rate = network.model, network.sample_rate
        stride, reach = int(getattr(model, "stride", 1)), int(getattr(model, "context_frames", rate))
        self.core = _round_up(round(settings.segment_s * rate), stride)
        self.fade = min(round(settings.fade_s * rate), self.core // 2) // 2 * 2
        # Both chunks must know the fade itself as well as the rest, so it comes on top of the network's reach.
        useful = min(round(settings.context_s * rate), reach) + self.fade // 2
        self.context = _round_up(useful, stride)
        self._network, self._rows, self._cancel = network, settings.rows, cancel
        self._wanted = network.wanted(requests)
        self._groups = [self._wanted]
        if not getattr(model, "one_pass", True):
            self._groups = [self._wanted[:, k : k + settings.rows] for k in range(0, len(requests), settings.rows)]
        self._mixture = Fifo(channels)
        self._tail: NDArray[np.float32] | None = None
        self._begin = 0  # where the next chunk's core begins

    def push(self, mixture: NDArray[np.float32], last: bool = False) -> Finished:
        """Put in a block (channel, time) and take out what is finished; consume the iterator to its end."""
        self._mixture.push(mixture)
        while self._mixture.end >= self._begin + self.core + max(self.context, self.core // 2):
            yield self._chunk(self._begin + self.core, last=False)
        if last and self._mixture.end > max(0, self._begin - self.fade // 2):
            yield self._chunk(self._mixture.end, last=True)

    def _chunk(self, end: int, last: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        check_cancel(self._cancel)
        half = self.fade // 2
        first = max(0, self._begin - half)
        beyond = end if last else end + half
        seen_from, seen_to = max(0, self._begin - self.context), min(self._mixture.end, end + self.context)
        estimate = self._run(self._mixture.peek(seen_from, seen_to))[..., first - seen_from : beyond - seen_from]
        if self._tail is not None and self.fade:
            rise = ((np.arange(self.fade) + 0.5) / self.fade).astype(np.float32)
            estimate[..., : self.fade] *= rise
            estimate[..., : self.fade] += self._tail * (1 - rise)
        done = beyond if last else end - half
        self._tail = estimate[..., done - first :].copy()
        mixture = self._mixture.peek(first, done).copy()
        self._begin = end
        if not last:
            self._mixture.drop(max(0, end - self.context))
        return mixture, estimate[..., : done - first]

    def _run(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """Estimate every request in every channel: (channel, t) → (query, channel, t)."""
        result = np.empty((self._wanted.shape[1], *window.shape), np.float32)
        at_once = self._rows if len(self._groups) == 1 else 1
        for channel in range(0, len(window), at_once):
            rows = torch.from_numpy(np.ascontiguousarray(window[channel : channel + at_once, None]))
            query = 0
            for wanted in self._groups:
                found = self._network.estimate(rows, wanted.expand(len(rows), -1, -1))
                result[query : query + found.shape[1], channel : channel + at_once] = found.transpose(0, 1).numpy()
                query += found.shape[1]
        return result


def _round_up(frames: int, stride: int) -> int:
    return max(1, -(-frames // stride)) * stride
