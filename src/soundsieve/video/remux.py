"""A copy of a video that has another sound: its pictures are copied as they are packed, the sound is encoded."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from soundsieve import audio
from soundsieve.errors import OutputError, VideoError
from soundsieve.video.film import Film

CODECS: Final = {
    ".mp4": "aac",
    ".m4v": "aac",
    ".mov": "aac",
    ".mkv": "flac",
    ".webm": "libopus",
    ".avi": "pcm_s16le",
}
"""How the sound is encoded in each type of file."""

_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
_MOST_BIT_RATE = 128_000  # for each channel; of AAC and Opus
_BLOCK_FRAMES = 65_536


def remux(
    video: str | Path,
    sound: str | Path | Iterable[NDArray[np.float32]],
    out: str | Path,
    *,
    sample_rate: int | None = None,
    force: bool = False,
) -> None:
    """Write a copy of a video's pictures with only the given sound, which begins when `soundsieve.audio` says it does.

    Pictures are not encoded again, and keep their times, their turn and their title. Other tracks (sounds, subtitles,
    covers) are left out. Sound and pictures may end at different times. In memory that does not depend on the length.

    Args:
        video: Where the pictures are from.
        sound: A recording, or blocks of one, (channel, time); full scale is [-1, 1]. Its first sample belongs to where
            the video's pictures or sound begin, as in what `soundsieve.audio.read` makes of the video.
        out: The file to write; see `CODECS` for its types.
        sample_rate: Of blocks, in Hz.
        force: Replace an existing file.

    Raises:
        VideoError: when the video cannot be read.
        AudioError: when the recording cannot be read.
        OutputError: when the file exists already, is the video itself, or cannot hold these pictures or this sound.
        ValueError: when blocks come without their rate, or are not (channel, time).
    """
    source, place = Path(video), Path(out)
    _codec(place)
    _refuse_place(place, source, force=force)
    if isinstance(sound, str | Path):
        sample_rate = audio.probe(sound).sample_rate
        blocks: Iterator[NDArray[np.float32]] = audio.blocks(sound, _BLOCK_FRAMES)
    elif sample_rate is None:
        raise ValueError("sample_rate: blocks of sound come with their rate in Hz")
    else:
        blocks = iter(sound)
    temporary = place.with_name(f".{secrets.token_hex(8)}{place.suffix}")  # FFmpeg goes by the suffix
    try:
        with Film(source) as film, av.open(str(temporary.absolute()), "w") as container:
            _write(film, container, place, sample_rate, blocks)
        _refuse_place(place, source, force=force)
        temporary.replace(place)
    except (av.FFmpegError, OSError) as error:
        reason = error.strerror or "this type of file does not hold them"
        raise OutputError(f"{place}: cannot be written with these pictures and this sound ({reason})") from None
    finally:
        temporary.unlink(missing_ok=True)


def _codec(place: Path) -> str:
    if place.suffix.lower() not in CODECS:
        raise OutputError(f"{place}: cannot write a video of type {place.suffix!r}; choose from {', '.join(CODECS)}")
    return CODECS[place.suffix.lower()]


def _refuse_place(place: Path, source: Path, *, force: bool) -> None:
    folder = place.parent
    if place.is_dir():
        raise OutputError(f"{place}: is a folder; name a file to write")
    if not folder.is_dir():
        raise OutputError(f"{place}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{place}: the folder {folder} is not writable")
    if place.exists() and source.exists() and place.samefile(source):
        raise OutputError(f"{place}: is the video itself; choose another name")
    if place.exists() and not force:
        raise OutputError(f"{place}: exists already and is left alone; choose another name or force it")


def _write(film: Film, container: Any, place: Path, rate: int, blocks: Iterator[NDArray[np.float32]]) -> None:
    first = next(blocks, None)
    if first is None:
        raise ValueError("sound: expected blocks, found none")
    try:
        pictures = container.add_stream_from_template(film.pictures)
    except ValueError:
        kind = film.pictures.codec_context.codec.canonical_name
        raise OutputError(f"{place}: a {place.suffix} cannot hold the video's pictures as they are ({kind})") from None
    track = _Track(container, place, rate, first)
    container.metadata.update(film.container.metadata)
    sound_s = track.sound(chain([first], blocks))
    reached_s: float | None = 0.0
    for packet in _packets(film, pictures):
        # Sound is written as far as the pictures are, so that neither piles up here or has to be sought by a player.
        while reached_s is not None and reached_s <= (packet.dts or 0) * packet.time_base:
            reached_s = next(sound_s, None)
        container.mux(packet)
    for _ in sound_s:
        pass


def _packets(film: Film, stream: Any) -> Iterator[Any]:
    origin = round(film.origin_s / film.pictures.time_base)
    try:
        for packet in film.container.demux(film.pictures):
            if not packet.size:
                continue
            packet.pts = None if packet.pts is None else packet.pts - origin
            packet.dts = None if packet.dts is None else packet.dts - origin
            packet.stream = stream
            yield packet
    except av.FFmpegError as error:
        raise VideoError(f"{film.path}: is damaged ({error.strerror or 'unreadable'})") from None


class _Track:
    """The track of sound in the new file, which FFmpeg brings to the rate and form that its encoder takes."""

    def __init__(self, container: Any, place: Path, rate: int, first: NDArray[np.float32]) -> None:
        if first.ndim != 2:
            raise ValueError(f"sound: expected blocks (channel, time), found shape {first.shape}")
        self._container, self._place, self._rate, self._channels = container, place, rate, len(first)
        if self._channels not in _LAYOUTS:
            allowed = ", ".join(map(str, _LAYOUTS))
            raise OutputError(f"{place}: a video holds {allowed} channels of sound, not {self._channels}")
        codec = _codec(place)
        own_rate = _own_rate(codec, rate)
        self._stream = container.add_stream(codec, rate=own_rate)
        self._stream.layout = _LAYOUTS[self._channels]
        if codec == "flac":
            self._stream.format = "s32"  # 24 of them are kept
        if codec in {"aac", "libopus"}:
            self._stream.bit_rate = self._channels * min(_MOST_BIT_RATE, 4 * own_rate)

    def sound(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[float]:
        """Encode block after block, and say each time how many seconds there are."""
        frames = 0
        for block in blocks:
            if block.ndim != 2 or len(block) != self._channels:
                raise ValueError(f"sound: expected blocks ({self._channels}, time), found shape {block.shape}")
            if not np.isfinite(block).all():
                raise OutputError(f"{self._place}: the sound to be written holds NaN or infinite samples")
            if block.shape[1]:
                samples = np.ascontiguousarray(block, np.float32)
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=_LAYOUTS[self._channels])
                frame.sample_rate, frame.pts, frame.time_base = self._rate, frames, Fraction(1, self._rate)
                self._container.mux(self._stream.encode(frame))
                frames += block.shape[1]
                yield frames / self._rate
        self._container.mux(self._stream.encode(None))


def _own_rate(codec: str, rate: int) -> int:
    """Return the lowest rate of a codec that loses nothing, or its highest one.

    >>> _own_rate("aac", 44_100), _own_rate("aac", 192_000), _own_rate("libopus", 44_100), _own_rate("flac", 22_255)
    (44100, 96000, 48000, 22255)
    """
    rates = av.Codec(codec, "w").audio_rates
    if not rates:
        return rate
    return min((known for known in rates if known >= rate), default=max(rates))
