"""A song goes by once, and what is asked of it, stems and mixdowns, comes out in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from soundsieve.inference.engines import Engine
from soundsieve.inference.fifo import Fifo
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.source import Source
from soundsieve.inference.stem_levels import LevelMeter
from soundsieve.inference.stem_parts import Part
from soundsieve.inference.unmixing import StreamUnmixer, unmix


class PartStream:
    """Takes a song apart and measures what it is made of.

    Args:
        engine: What takes it apart.
        source: The song.
        parts: What is made of its stems.

    Attributes:
        meter: How loud the stems are, or the mixdowns where nothing else is asked for.
    """

    def __init__(self, engine: Engine, source: Source, parts: Sequence[Part]) -> None:
        self._engine, self._source, self._parts = engine, source, parts
        rows = range(len(parts))
        self._measured = [row for row in rows if not parts[row].mixdown] or list(rows)
        self.meter = LevelMeter([parts[row].name for row in self._measured], source.sample_rate)

    def blocks(
        self, progress: Progress | None = None, cancel: CancelToken | None = None
    ) -> Iterator[list[NDArray[np.float32]]]:
        """Go through the song, once.

        Args:
            progress: Called whenever some seconds are finished.
            cancel: Looked at again and again.

        Yields:
            A block (channel, time) of each part, all of the same moments; never empty.

        Raises:
            AudioError: when the source turns out to be damaged.
            Cancelled: when the token was set.
        """
        source, song = self._source, Fifo(self._source.channels)  # what has been read and has not come out

        def read() -> Iterator[NDArray[np.float32]]:
            for block in source.blocks:
                song.push(block)
                yield block

        unmixer = StreamUnmixer(self._engine, source.sample_rate, source.channels, cancel=cancel)
        for stems in unmix(unmixer, replace(source, blocks=read()), progress, cancel):
            mixture = song.take(stems.shape[-1])
            made = [part.of(mixture, stems) for part in self._parts]
            self.meter.push([made[row] for row in self._measured])
            yield made
