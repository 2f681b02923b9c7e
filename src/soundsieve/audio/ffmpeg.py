"""MP3, MP4, Matroska and whatever else FFmpeg reads, through PyAV; of several sound tracks, the one asked for."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
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

# Packets of AAC decoded and thrown away after a seek: each needs the one before it, the transform's other half.
_RUN_IN = 4


class FFmpegRecording(Recording):
    """A recording opened by FFmpeg.

    Frame 0 is the first sound; in a video it is the first picture, with silence up to a sound track that starts later.

    Args:
        path: The file.
        track: Which of its sound tracks, counted from 0.
        seek: Whether to begin at the packets before a part, where their places are known to the sample.
    """

    def __init__(self, path: Path, track: int = 0, *, seek: bool = False) -> None:
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
        if track >= (found := len(self._container.streams.audio)):
            self.close()
            tracks = "1 sound track" if found == 1 else f"{found} sound tracks"
            raise AudioError(f"{path}: has {tracks}, expected {track + 1} or more")
        self._track, self._seek = track, seek
        self._stream = self._container.streams.audio[track]
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
        """Yield the samples from frame `start` on.

        They are the same ones whatever `start` is. After a seek, those are not which AAC's encoder left for the decoder
        to make up: its noise comes from a generator that has run since the first packet.
        """
        if self._seek and self._can_seek() and start > self._lead + 2 * _RUN_IN * self._packet:
            return self._pieces_after_seek(start)
        return self._pieces_from_beginning(start)

    def _pieces_from_beginning(self, start: int) -> Pieces:
        return drop(self._up_to_end(chain(self._silence(), self._decode(self._lead, self._sound_frames())), 0), start)

    def _up_to_end(self, sound: Pieces, position: int) -> Pieces:
        if self._container.format.name == _MP4 and self._stream.frames and self.info.frames is not None:
            # An MP4 with an index knows its length; what follows is padding of the last packet.
            return take(sound, self.info.frames - position)
        return sound

    def _can_seek(self) -> bool:
        """Tell whether the index says, to the sample, where each packet's sound belongs."""
        context, stream = self._stream.codec_context, self._stream
        if self._container.format.name != _MP4 or context.name != "aac" or stream.profile != "LC":
            return False
        if not stream.frames or not stream.duration or stream.time_base != Fraction(1, stream.rate):
            return False
        # Packets that fill more or less than the time there is have gaps between them, or begin before it.
        spare = stream.frames * self._packet - stream.duration
        return 0 <= spare < _RUN_IN * self._packet

    @property
    def _packet(self) -> int:
        return self._stream.codec_context.frame_size or 1024

    def _pieces_after_seek(self, start: int) -> Pieces:
        first = next(self._sound_frames(), None)
        if first is not None and first.pts is not None:
            origin = first.pts - self._lead  # where the whole would begin
            self._container.seek(origin + start - _RUN_IN * self._packet, stream=self._stream)
            frames = self._sound_frames()
            found = next(frames, None)
            if found is not None and found.pts is not None and found.pts - origin <= start - self._packet:
                position = found.pts - origin
                sound = self._decode(position, chain([found], frames))
                yield from drop(self._up_to_end(sound, position), start - position)
                return
        with FFmpegRecording(self.info.path, self._track) as again:
            yield from again._pieces_from_beginning(start)

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

    def _decode(self, position: int, frames: Iterator[av.AudioFrame]) -> Pieces:
        convert = _Converter(self._stream.layout, self._stream.rate)
        try:
            for frame in frames:
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
