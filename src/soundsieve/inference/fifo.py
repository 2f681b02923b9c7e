"""A buffer between two stages that work in blocks of different lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Fifo:
    """First in, first out along the last axis; holds only what has not been dropped.

    Args:
        shape: The axes before time.

    Attributes:
        start: Absolute position of the oldest sample held.

    >>> fifo = Fifo(2)
    >>> fifo.push(np.arange(8, dtype=np.float32).reshape(2, 4))
    >>> fifo.take(3)
    array([[0., 1., 2.],
           [4., 5., 6.]], dtype=float32)
    >>> fifo.start, fifo.end
    (3, 4)
    """

    def __init__(self, *shape: int) -> None:
        self._held: NDArray[np.float32] = np.zeros((*shape, 0), np.float32)
        self._waiting: list[NDArray[Any]] = []
        self._waiting_frames = 0
        self.start = 0

    @property
    def end(self) -> int:
        """Absolute position just after the newest sample."""
        return self.start + len(self)

    def __len__(self) -> int:
        return int(self._held.shape[-1]) + self._waiting_frames

    def push(self, block: NDArray[Any]) -> None:
        """Append a block (..., time)."""
        if block.shape[-1]:
            self._waiting.append(block)
            self._waiting_frames += block.shape[-1]

    def peek(self, start: int, end: int) -> NDArray[np.float32]:
        """Look at the samples from `start` to `end` (absolute); they must all be held."""
        if self._waiting:  # joined only now, so that many small pushes cost one copy
            self._held = np.concatenate([self._held, *self._waiting], axis=-1, dtype=np.float32)
            self._waiting, self._waiting_frames = [], 0
        if not self.start <= start <= end <= self.end:
            raise IndexError(f"samples {start} to {end} asked for, {self.start} to {self.end} held")
        return self._held[..., start - self.start : end - self.start]

    def drop(self, start: int) -> None:
        """Forget everything before `start` (absolute)."""
        self._held = self.peek(start, self.end).copy()
        self.start = start

    def take(self, frames: int) -> NDArray[np.float32]:
        """Remove and return the oldest `frames` samples."""
        taken = self.peek(self.start, self.start + frames)
        self.drop(self.start + frames)
        return taken
