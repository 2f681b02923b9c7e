"""What every decoder gives: an open recording, its header and its samples, and the sentences for broken ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import AudioError

Pieces: TypeAlias = Iterator[NDArray[np.float32]]
"""A waveform in consecutive pieces (channel, some frames), none of them empty."""

LARGEST_SAMPLE = 1e6
"""Samples beyond this (120 dB above full scale) are no sound but a broken file, and would overflow in later sums."""

PIECE_FRAMES = 16_384
"""Frames decoded at a time: enough to be fast, few enough that a short part of a file costs little more than itself."""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the header of a recording says.

    Attributes:
        path: the file.
        sample_rate: samples a second.
        channels: number of channels.
        frames: samples in each channel, None where the header does not say. Exact for WAV, FLAC, Ogg, AIFF and their
            like; within encoder padding, a few hundredths of a second, for MP3 and the sound tracks of videos.
        format: the container, for example "WAV", "FLAC", "OGG", "MP3", "MP4".
        subtype: the encoding, for example "PCM_16", "VORBIS", "AAC".
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int | None
    format: str
    subtype: str | None

    @property
    def duration_s(self) -> float | None:
        """Length in seconds, None where the header does not say."""
        return None if self.frames is None else self.frames / self.sample_rate


class Recording(ABC):
    """An open recording, to be walked through once."""

    info: AudioInfo

    @abstractmethod
    def pieces(self, start: int) -> Pieces:
        """Yield the samples from frame `start` on; raise `AudioError` where they turn out damaged or cut short."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def drop(pieces: Pieces, frames: int) -> Pieces:
    """Leave out the first `frames` frames."""
    for piece in pieces:
        if frames < piece.shape[1]:
            yield piece[:, frames:]
        frames = max(0, frames - piece.shape[1])


def take(pieces: Pieces, frames: int) -> Pieces:
    """Stop after the first `frames` frames."""
    for piece in pieces:
        yield piece[:, :frames]
        frames -= piece.shape[1]
        if frames <= 0:
            return


def regroup(pieces: Pieces, frames: int) -> Pieces:
    """Join pieces of any length into blocks of `frames`, and a last one that may be shorter."""
    filled = 0
    for piece in pieces:
        while piece.shape[1]:
            if filled == 0:
                block = np.empty((piece.shape[0], frames), dtype=np.float32)
            count = min(frames - filled, piece.shape[1])
            block[:, filled : filled + count] = piece[:, :count]
            piece, filled = piece[:, count:], filled + count
            if filled == frames:
                yield block
                filled = 0
    if filled:
        yield block[:, :filled]


def damaged(path: Path, time_s: float, reason: str) -> AudioError:
    """Return the error for a recording that decodes up to `time_s` only."""
    return AudioError(f"{path}: is damaged: its sound breaks off at {time_s:.3f} s ({reason})")


def truncated(path: Path, promised_s: float, found_s: float) -> AudioError:
    """Return the error for a recording that is shorter than its header says."""
    return AudioError(f"{path}: is truncated: the header promises {promised_s:.3f} s, the file holds {found_s:.3f} s")


def too_large(origin: object, sample: float, where: str) -> AudioError:
    """Return the error for a recording with a sample beyond `LARGEST_SAMPLE`."""
    limits = f"-{LARGEST_SAMPLE:g} and {LARGEST_SAMPLE:g}"
    return AudioError(
        f"{origin}: holds a sample of {sample:g} at {where}; all must lie between {limits} (1 is full scale)"
    )
