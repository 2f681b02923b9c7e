"""MP3, MP4, Matroska and whatever else FFmpeg reads, through PyAV; of a video, the first sound track."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np

from soundsieve.audio.recording import PIECE_FRAMES, AudioInfo, Pieces, Recording, damaged, drop, take, truncated
from soundsieve.errors import AudioError

_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"

# Containers whose header states how long they are; for most others FFmpeg guesses from the bit rate.
_STATES_LENGTH = {_MP4, "matroska,webm", "avi", "mp3"}

# Encoders pad the first and the last packet, and some muxers count that padding, others do not.
_PADDING_S = 0.5


class FFmpegRecording(Recording):
    """A recording opened by FFmpeg.

    Frame 0 is the first sound; in a video it is the first picture, with silence up to a sound track that starts later.
    """

    def __init__(self, path: Path) -> None:
        try:
            # An absolute path cannot be taken for an address, and the white list keeps playlists off the network.
            # A title in an old encoding is no reason to refuse the sound.
            self._container = av.open(
                str(path.absolute()), options={"protocol_whitelist": "file"}, metadata_errors="replace"
            )
        except av.FFmpegError as error:
            reason = error.strerror or "unknown format"
            raise AudioError(f"{path}: is not audio or video that libsndfile or FFmpeg can read ({reason})") from None
        if not self._container.streams.audio:
            self.close()
            raise AudioError(f"{path}: has no sound track")
        self._stream = self._container.streams.audio[0]
        if self._stream.codec_context is None or not self._stream.rate:
            self.close()
            raise AudioError(f"{path}: its sound track is in an encoding that FFmpeg does not know")
        self._lead = self._silence_before_sound()
        self.info = AudioInfo(
            path,
            sample_rate=self._stream.rate,
            channels=self._stream.layout.nb_channels,
            frames=self._frames(path),
            format=_format_name(path, self._container.format.name),
            subtype=self._stream.codec_context.codec.canonical_name.upper(),
        )

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def pieces(self, start: int) -> Pieces:
        """Yield the samples from frame `start` on; the ones before it are decoded too, since no seek is exact."""
        sound: Pieces = chain(self._silence(), self._decode())
        if self._container.format.name == _MP4 and self._stream.frames and self.info.frames is not None:
            # An MP4 with an index knows its length; what follows is padding of the last packet.
            sound = take(sound, self.info.frames)
        return drop(sound, start)

    def _silence_before_sound(self) -> int:
        pictures = self._container.streams.video
        if not pictures:
            return 0
        return max(0, round((_start_s(self._stream) - _start_s(pictures[0])) * self._stream.rate))

    def _silence(self) -> Pieces:
        for start in range(0, self._lead, PIECE_FRAMES):
            frames = min(PIECE_FRAMES, self._lead - start)
            yield np.zeros((self.info.channels, frames), dtype=np.float32)

    def _frames(self, path: Path) -> int | None:
        name = self._container.format.name
        if name not in _STATES_LENGTH or (name == "mp3" and not _has_length_tag(path)):
            return None
        if self._stream.duration and self._stream.time_base:
            return self._lead + round(self._stream.duration * self._stream.time_base * self._stream.rate)
        if self._container.duration:
            return round(self._container.duration * self._stream.rate / av.time_base)
        return None

    def _decode(self) -> Pieces:
        convert = _Converter(self._stream.layout, self._stream.rate)
        position = self._lead
        try:
            for frame in self._sound_frames():
                for piece in convert(frame):
                    position += piece.shape[1]
                    yield piece
        except av.FFmpegError as error:
            raise damaged(self.info.path, position / self.info.sample_rate, error.strerror or "unreadable") from None

    def _sound_frames(self) -> Iterator[av.AudioFrame]:
        """Decode the track; a packet that cannot be decoded matters only if there is sound on both sides of it."""
        found_s, heard = 0.0, False
        gap: av.FFmpegError | None = None
        for packet in self._container.demux():  # all streams: pictures tell where the file really ends
            if packet.pts is not None:
                found_s = max(found_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream.index != self._stream.index:
                continue
            try:
                frames = self._stream.decode(packet)
            except av.FFmpegError as error:
                gap = error if heard else None
                continue
            if frames and gap:
                raise gap
            heard = heard or bool(frames)
            yield from frames
        self._refuse_truncated(found_s)

    def _refuse_truncated(self, found_s: float) -> None:
        if self.info.frames is None or not self._container.duration:
            return
        found_s -= (self._container.start_time or 0) / av.time_base
        promised_s = self._container.duration / av.time_base
        if found_s < promised_s - _PADDING_S:
            raise truncated(self.info.path, promised_s, found_s)


class _Converter:
    """Turns decoded frames of any sample format into (channel, time) float32 arrays of one rate and layout."""

    def __init__(self, layout: av.AudioLayout, rate: int) -> None:
        self._layout, self._rate = layout, rate
        self._input: tuple[str, str, int] | None = None

    def __call__(self, frame: av.AudioFrame) -> Pieces:
        found = (frame.format.name, frame.layout.name, frame.sample_rate)
        if found != self._input:  # an MP3 may switch between mono and stereo on its way
            self._input = found
            self._resampler = av.AudioResampler("fltp", self._layout, self._rate)
        for converted in self._resampler.resample(frame):
            yield np.asarray(converted.to_ndarray(), dtype=np.float32)


def _start_s(stream: av.AudioStream | av.VideoStream) -> float:
    return float((stream.start_time or 0) * (stream.time_base or 0))


def _format_name(path: Path, names: str) -> str:
    """Of FFmpeg's names for a container ("mov,mp4,m4a"), choose the one that the file goes by."""
    known = names.split(",")
    suffix = path.suffix.lower().removeprefix(".")
    return (suffix if suffix in known else known[0]).upper()


def _has_length_tag(path: Path) -> bool:
    """Look for the Xing, Info or VBRI tag in the first frame of an MP3, which follows an optional ID3 tag."""
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            size = 0
            for byte in head[6:10]:  # seven bits a byte
                size = size << 7 | byte & 0x7F
            file.seek(10 + size)
        else:
            file.seek(0)
        first = file.read(4096)
    return any(tag in first for tag in (b"Xing", b"Info", b"VBRI"))
