"""One video on its way through an engine: its tracks as they come, and what is known when they have all come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve.inference.looked import Looked
from soundsieve.inference.object_engines import ObjectMaker
from soundsieve.inference.object_pieces import REST
from soundsieve.inference.object_tracks import AudibleScores
from soundsieve.inference.progress import CancelToken, Progress
from soundsieve.inference.seen import SeenSettings
from soundsieve.inference.source import Source
from soundsieve.inference.stem_levels import LevelMeter
from soundsieve.inference.unmixing import StreamUnmixer, unmix
from soundsieve.inference.watch_figure import draw_watched
from soundsieve.inference.watched import WatchedObject


class VideoRun:
    """Takes the sound of one video apart; to be used once.

    Args:
        source: The sound.
        looked: The pictures.
        labels: What gets a track.
        make: Makes the engine.
        seen: What counts as seen.
        named: The objects are there in every second, whatever is seen.
        silence: A track with less than this share of the energy counts as silent.
        cancel: Stops the work once it is set.
    """

    def __init__(
        self,
        source: Source,
        looked: Looked,
        labels: tuple[str, ...],
        make: ObjectMaker,
        seen: SeenSettings,
        *,
        named: bool = False,
        silence: float = 0.01,
        cancel: CancelToken | None = None,
    ) -> None:
        self._source, self._looked, self._labels, self._cancel = source, looked, labels, cancel
        self._silence = silence
        self._visual = looked.objects(make.piece_s, seen)[1]

        def seen_at(start_s: float, end_s: float) -> Sequence[str]:
            return labels if named else looked.seen(start_s, end_s, seen).labels

        self._engine = make(labels, seen_at)
        self._unmixer = StreamUnmixer(self._engine.engine, source.sample_rate, source.channels, cancel=cancel)
        self._meter = LevelMeter([*labels, REST], source.sample_rate)
        self._scores = AudibleScores(labels)

    @property
    def duration_s(self) -> float:
        """How much sound has gone by."""
        return self._meter.levels().duration_s

    def blocks(self, progress: Progress | None = None) -> Iterator[NDArray[np.float32]]:
        """Yield the tracks and the rest, (label + 1, channel, time), block by block.

        Raises:
            AudioError: when the sound turns out to be damaged.
            Cancelled: when the token was set.
        """
        for tracks in unmix(self._unmixer, self._source, progress, self._cancel):
            self._meter.push([*tracks])
            self._scores.push(tracks)
            yield tracks

    def objects(self) -> tuple[WatchedObject, ...]:
        """Say what was seen and heard, in the order of the labels."""
        shares, silent, used = self._scores.shares(), self._scores.silent(self._silence), self._engine.bases_used()
        return tuple(
            WatchedObject(
                label,
                self._visual.get(label, 0.0),
                shares[label],
                label in silent,
                None if used is None else used[label],
            )
            for label in self._labels
        )

    def draw(self, title: str, figure: Path) -> None:
        """Draw what was seen and heard; see `soundsieve.inference.watch_figure`."""
        draw_watched(self.objects(), self._looked, self._engine.base_map(), self._meter.levels(), title, figure)
