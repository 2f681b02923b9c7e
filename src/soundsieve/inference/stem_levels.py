"""How loud each of several stems is, moment by moment, measured as they go by, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLUMNS = 1_000  # at least, in recordings that are long enough for it; never twice as many
_SHORTEST_S = 0.01


@dataclass(frozen=True, slots=True)
class StemLevels:
    """How loud stems are.

    Attributes:
        names: Of the stems.
        duration_s: Of the recording.
        step_s: Length of a column; the last one may be shorter.
        rms: Root mean square (stem, column) over all channels, relative to full scale.
        total_rms: The same over the whole recording (stem,).
    """

    names: tuple[str, ...]
    duration_s: float
    step_s: float
    rms: NDArray[np.float64]
    total_rms: NDArray[np.float64]

    def total_db(self) -> dict[str, float | None]:
        """Say the level of each over the whole recording in dB; None for silence."""
        return {
            name: None if rms == 0 else round(float(20 * np.log10(rms)), 2)
            for name, rms in zip(self.names, self.total_rms, strict=True)
        }


class LevelMeter:
    """Measures stems block by block.

    Columns are 10 ms long. Whenever there are too many of them, two neighbours become one: so there are always about
    as many as a figure can show, however long the recording turns out to be.

    Args:
        names: Of the stems.
        sample_rate: In Hz.

    >>> meter = LevelMeter(["vocals"], 8_000)
    >>> meter.push([np.full((2, 80), 0.5)])
    >>> meter.push([np.zeros((2, 80))])
    >>> meter.levels().rms
    array([[0.5, 0. ]])
    """

    def __init__(self, names: Sequence[str], sample_rate: int) -> None:
        self._names, self._rate = tuple(names), sample_rate
        self._step = max(1, round(_SHORTEST_S * sample_rate))
        self._sums = np.zeros((len(names), 2 * COLUMNS))  # of squares, averaged over channels
        self._frames = 0

    def push(self, blocks: Sequence[NDArray[np.floating]]) -> None:
        """Go on with a block (channel, time) of each stem."""
        power = np.stack([np.square(block, dtype=np.float64).mean(axis=0) for block in blocks])
        if not power.shape[1]:
            return
        begin, self._frames = self._frames, self._frames + power.shape[1]
        while self._frames > self._sums.shape[1] * self._step:
            halved = self._sums.reshape(len(self._names), COLUMNS, 2).sum(axis=2)
            self._sums = np.concatenate([halved, np.zeros_like(halved)], axis=1)
            self._step *= 2
        first = begin // self._step
        edges = np.arange(first, -(-self._frames // self._step)) * self._step
        sums = np.add.reduceat(power, np.maximum(edges - begin, 0), axis=1)
        self._sums[:, first : first + len(edges)] += sums

    def levels(self) -> StemLevels:
        """Say how loud all was that has gone by."""
        columns = -(-self._frames // self._step)
        sums = self._sums[:, :columns]
        lengths = np.minimum(self._step, self._frames - np.arange(columns) * self._step)
        total = np.sqrt(sums.sum(axis=1) / max(1, self._frames))
        duration_s = self._frames / self._rate
        return StemLevels(self._names, duration_s, self._step / self._rate, np.sqrt(sums / lengths), total)
