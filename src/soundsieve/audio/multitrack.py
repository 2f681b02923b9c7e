"""Several sound tracks of one recording, the stems of a song say, read in step: the whole, a part, or block by block.

Each track is a file of its own or one of the sound tracks in a file that has several. They have one sample rate and
one length; a mono track is heard on every channel of the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from soundsieve.audio.cut import cut
from soundsieve.audio.files import blocks, probe, read
from soundsieve.audio.recording import AudioInfo, Pieces, regroup
from soundsieve.audio.resample import Resampler, resample, resampled_length
from soundsieve.errors import AudioError, SettingsError

Place: TypeAlias = tuple[Path, int]
"""A file, and which of its sound tracks, counted from 0."""

_BLOCK = 1 << 16  # samples decoded at a time where only their number is wanted

# Encoders pad, some more than others, so that tracks in one file may differ by a few packets.
_PADDING_S = 0.1

# What a resampler's filter sees on each side, in samples of the lower rate; found by trial, half would do.
_REACH = 256


class Multitrack:
    """Tracks opened to be read in step; files are opened for each read and closed again.

    Tracks in one file may differ in length by the padding of their encoder; what is longer is cut, and a file that
    turns out shorter than its header says ends in silence.

    Args:
        tracks: Where each is; None is a silent one.
        sample_rate: To be resampled to; None keeps the tracks' own.
        channels: To be given: 1 averages, and a mono track is repeated; None gives as many as the widest track has.

    Attributes:
        sample_rate: Of what is read.
        channels: Of what is read.
        frames: Length at that rate.

    Raises:
        AudioError: a track cannot be read, is of another rate, length or number of channels than the others, or all
            are silent.
        SettingsError: `sample_rate` or `channels` is less than 1.

    >>> import tempfile, soundsieve.audio as audio
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for number, name in enumerate(("drums", "bass")):
    ...         audio.write(f"{folder}/{name}.wav", np.full((2, 8_000), 0.25 * number), 8_000)
    ...     song = Multitrack([(Path(folder, "drums.wav"), 0), (Path(folder, "bass.wav"), 0), None])
    ...     song.read(4_000, 2)[:, 0], song.frames
    (array([[0.  , 0.  ], [0.25, 0.25], [0.  , 0.  ]], dtype=float32), 8000)
    """

    def __init__(
        self, tracks: Sequence[Place | None], *, sample_rate: int | None = None, channels: int | None = None
    ) -> None:
        for name, value in (("sample_rate", sample_rate), ("channels", channels)):
            if value is not None and value < 1:
                raise SettingsError(f"{name} = {value}: must be 1 or more, or None for the tracks' own")
        self._tracks = tuple(tracks)
        found = {place: probe(place[0], track=place[1]) for place in self._tracks if place is not None}
        if not found:
            raise AudioError(f"all {len(self._tracks)} tracks are silent: there must be one that is a file")
        self._native_hz = _one_rate(found)
        self._native_frames = _one_length(found)
        self.channels = channels or max(info.channels for info in found.values())
        for info in found.values():
            if info.channels not in {1, self.channels} and self.channels != 1:
                raise AudioError(f"{info.path}: has {info.channels} channels, expected 1 or {self.channels}")
        self.sample_rate = sample_rate or self._native_hz
        self.frames = resampled_length(self._native_frames, self._native_hz, self.sample_rate)

    def read(self, start: int = 0, frames: int | None = None) -> NDArray[np.float32]:
        """Read a part: the same samples as that part of the whole, up to the rounding of a resampler.

        What is before the part is not decoded, so noise in AAC of a low bit rate may differ: see `seek` in `read`.

        Args:
            start: First sample, at `sample_rate`.
            frames: How many; None reads to the end.

        Shape:
            - output: (track, channel, frames)

        Raises:
            AudioError: as for `audio.read`.
            SettingsError: the part begins or ends outside the recording.
        """
        frames = self.frames - start if frames is None else frames
        if not (start >= 0 and 0 < frames <= self.frames - start):
            raise SettingsError(f"samples {start} to {start + frames}: the recording has {self.frames} of them")
        if self.sample_rate == self._native_hz:
            return self._read_native(start, start + frames)
        # Resampling must begin where a sample of the one rate falls on one of the other, or the filter is shifted.
        common = math.gcd(self._native_hz, self.sample_rate)
        into, out = self._native_hz // common, self.sample_rate // common
        reach = math.ceil(_REACH * self._native_hz / min(self._native_hz, self.sample_rate) / into)
        turns = max(0, start // out - reach)
        end = min(self._native_frames, ((start + frames) // out + 1 + reach) * into)
        part = resample(self._read_native(turns * into, end), self._native_hz, self.sample_rate)
        return cut(part, start - turns * out, frames)

    def blocks(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """Stream the whole in memory that does not grow with its length.

        Args:
            frames: Length of a block in samples, at `sample_rate`.

        Yields:
            Waveforms (track, channel, frames); the last may be shorter.

        Raises:
            AudioError: as for `audio.read`, when the faulty place is reached.
            SettingsError: `frames` is less than 1.
        """
        if frames < 1:
            raise SettingsError(f"frames = {frames}: a block has 1 sample or more")
        rows = len(self._tracks) * self.channels
        for block in regroup(self._resampled(rows), frames):
            yield block.reshape(len(self._tracks), self.channels, -1)

    def _resampled(self, rows: int) -> Pieces:
        resampler = Resampler(self._native_hz, self.sample_rate, rows)
        streams = [self._stream(place) for place in self._tracks]
        for start in range(0, self._native_frames, _BLOCK):
            together = np.concatenate([next(stream) for stream in streams])
            ready = resampler.push(together, last=start + _BLOCK >= self._native_frames)
            if ready.shape[1]:
                yield ready

    def _stream(self, place: Place | None) -> Pieces:
        """Yield one track in pieces of `_BLOCK` that add up to the length of all."""
        pieces = iter(()) if place is None else blocks(place[0], _BLOCK, track=place[1])
        for start in range(0, self._native_frames, _BLOCK):
            piece = next(pieces, np.zeros((1, 0), np.float32))
            yield self._on_channels(cut(piece, 0, min(_BLOCK, self._native_frames - start)))

    def _read_native(self, start: int, end: int) -> NDArray[np.float32]:
        result = np.zeros((len(self._tracks), self.channels, end - start), np.float32)
        rate = self._native_hz
        for row, place in zip(result, self._tracks, strict=True):
            if place is not None:
                path, track = place
                part, _ = read(path, start_s=start / rate, duration_s=(end - start) / rate, track=track, seek=True)
                row[:] = self._on_channels(cut(part, 0, end - start))
        return result

    def _on_channels(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.channels == 1 and len(x) > 1:
            return np.asarray(x.mean(axis=0, keepdims=True), np.float32)
        return np.broadcast_to(x, (self.channels, x.shape[1]))


def _one_rate(found: dict[Place, AudioInfo]) -> int:
    first, *others = found.values()
    for info in others:
        if info.sample_rate != first.sample_rate:
            raise AudioError(
                f"{first.path} has {first.sample_rate} Hz and {info.path} {info.sample_rate} Hz: all must have one rate"
            )
    return first.sample_rate


def _one_length(found: dict[Place, AudioInfo]) -> int:
    """Return the length of all tracks, refusing lengths that differ by more than the padding within one file."""
    lengths = {place: _length(place, info) for place, info in found.items()}
    (path, _), longest = max(lengths.items(), key=lambda item: item[1])
    (other, _), shortest = min(lengths.items(), key=lambda item: item[1])
    rate = next(iter(found.values())).sample_rate
    if longest - shortest > (_PADDING_S * rate if len({path for path, _ in found}) == 1 else 0):
        raise AudioError(
            f"{path} has {longest} samples and {other} {shortest}: tracks of one recording must have one length"
        )
    return shortest


def _length(place: Place, info: AudioInfo) -> int:
    if info.frames is not None:
        return info.frames
    return sum(block.shape[1] for block in blocks(place[0], _BLOCK, track=place[1]))
