"""A recording of any length as pieces, each separated into the tracks of objects by itself, cross-faded with the next.

What separates a piece may be anything that gives the tracks of known labels: bases (`object_tracks.BasesSeparator`) or
a network. `ObjectEngine` is an engine as those of `soundsieve.inference.engines` are, so that
`soundsieve.inference.unmixing.StreamUnmixer` brings a recording of any rate to it and back, in step, and hands over
tracks that, with the rest, add up to the recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from soundsieve.inference.fifo import Fifo
from soundsieve.inference.progress import CancelToken, check_cancel
from soundsieve.inference.stems import Separated
from soundsieve.settings import Settings

REST = "rest"


class SeparatePiece(Protocol):
    """Separates a piece."""

    def __call__(self, piece: NDArray[np.float32], start_s: float) -> NDArray[np.float32]:
        """Separate samples (channel, time), which begin at `start_s`: (label, channel, time)."""
        ...


class ObjectPieces(Settings):
    """How a long recording is cut."""

    sample_rate: int = Field(48_000, ge=1, description="of the pieces, Hz")
    piece_s: float = Field(10.0, gt=0, le=3600, description="length of a piece")
    fade_s: float = Field(1.0, ge=0, le=600, description="overlap, and cross-fade, of a piece and the next")


@dataclass(frozen=True)
class ObjectEngine:
    """Takes recordings apart into the tracks of objects; see `soundsieve.inference.engines.Engine`.

    Attributes:
        labels: What has a track, at least one.
        separate: Gives the tracks of a piece.
        pieces: How a recording is cut.
        card: Where the weights are from.

    >>> from soundsieve.inference.unmixing import StreamUnmixer
    >>> engine = ObjectEngine(("dog",), lambda piece, start_s: 0.25 * piece[None], ObjectPieces(sample_rate=8_000))
    >>> unmixer = StreamUnmixer(engine, sample_rate=8_000, channels=1)
    >>> tracks = np.concatenate([unmixer.push(np.ones((1, 90_000), np.float32)), unmixer.finish()], axis=-1)
    >>> engine.stems, tracks.shape, tracks[:, 0, [0, -1]].tolist()
    (('dog', 'rest'), (2, 1, 90000), [[0.25, 0.25], [0.75, 0.75]])
    """

    labels: tuple[str, ...]
    separate: SeparatePiece
    pieces: ObjectPieces = field(default_factory=ObjectPieces)
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stems(self) -> tuple[str, ...]:
        """Its tracks, the rest last."""
        return (*self.labels, REST)

    @property
    def sample_rate(self) -> int:
        """Of what it takes and gives, in Hz."""
        return self.pieces.sample_rate

    def stream(self, channels: int, cancel: CancelToken | None = None) -> PieceStream:
        """Begin a recording."""
        return PieceStream(self, channels, cancel)


class PieceStream:
    """A recording on its way through pieces; holds two of them at most.

    The last piece is as long as the others, unless the recording is shorter: it reaches back into the one before,
    because a moment's sound is too little to tell objects by.

    Args:
        engine: Whose pieces.
        channels: Of the recording.
        cancel: Looked at before each piece.
    """

    def __init__(self, engine: ObjectEngine, channels: int, cancel: CancelToken | None = None) -> None:
        s = engine.pieces
        self._engine, self._cancel = engine, cancel
        self._length = max(1, round(s.piece_s * s.sample_rate))
        self._fade = min(round(s.fade_s * s.sample_rate), self._length // 2)
        self._mixture = Fifo(channels)
        self._begin = 0  # of the next piece
        self._tail: NDArray[np.float32] | None = None  # of the piece before, from `_begin` on

    def push(self, mixture: NDArray[np.float32], last: bool = False) -> Separated:
        """Put in a block (channel, time) and take out what is finished; consume the iterator to its end."""
        self._mixture.push(mixture)
        while self._mixture.end >= self._begin + self._length:
            yield self._piece(self._begin, self._begin + self._length, last=False)
        if not last:
            return
        end, known = self._mixture.end, 0 if self._tail is None else self._tail.shape[-1]
        if end > self._begin + known:
            yield self._piece(max(0, end - self._length), end, last=True)
        elif self._tail is not None and known:
            yield self._given(end, self._tail)

    def _piece(self, start: int, end: int, last: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        check_cancel(self._cancel)
        piece = self._mixture.peek(start, end).copy()
        tracks = self._engine.separate(piece, start / self._engine.sample_rate)
        if tracks.shape != (len(self._engine.labels), *piece.shape):
            expected = (len(self._engine.labels), *piece.shape)
            raise ValueError(f"tracks of a piece: expected shape {expected}, found {tracks.shape}")
        tracks = np.array(tracks[..., self._begin - start :], np.float32)
        if self._tail is not None:
            fade = self._tail.shape[-1]
            # Tracks of one recording are alike in phase, so that their levels, not their powers, add up to 1.
            rise = np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / max(1, fade)).astype(np.float32) ** 2
            tracks[..., :fade] = tracks[..., :fade] * rise + self._tail * (1 - rise)
        until = end if last else end - self._fade
        self._tail = tracks[..., until - self._begin :].copy()
        return self._given(until, tracks[..., : until - self._begin])

    def _given(self, until: int, tracks: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Hand over the tracks of what was not yet handed over, with what they leave."""
        mixture = self._mixture.peek(self._begin, until).copy()
        self._begin = until
        self._mixture.drop(max(self._mixture.start, until - self._length))  # the last piece may reach back so far
        return mixture, np.concatenate([tracks, (mixture - tracks.sum(axis=0))[None]])
