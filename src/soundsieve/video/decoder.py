"""Decoding a video's pictures in order, and only those that are needed for the moments looked for."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from soundsieve.video.film import Film

_DEFAULT_HZ = 25  # what FFmpeg assumes of still pictures


class Decoder:
    """The pictures of a video, each with the time when it appears.

    What lies between two moments looked for is not decoded where a picture that needs no other one comes before the
    later of them, and pictures that no other one needs are left out before it. Only packed pictures from one moment to
    the next are held.

    Args:
        path: The file.
        wanted_s: The first moment looked for; it is sought, not read up to, where the file has an index.

    Attributes:
        film: The file.
        wanted_s: The moment looked for now. To be moved on by who takes the pictures.
        damaged: Packets so far that could not be decoded after the first picture that could.
        broken: Why the file could not be read any further, or None.
    """

    def __init__(self, path: Path, wanted_s: float) -> None:
        self.film = Film(path)
        self.wanted_s = wanted_s
        self.damaged = 0
        self.broken: str | None = None
        self._end_s = -math.inf
        self._begun = False

    def end_s(self, picture: Any, time_s: float) -> float:
        """Return when the next picture is due."""
        if picture.duration:
            return time_s + float(picture.duration * self.film.pictures.time_base)
        return time_s + float(1 / (self.film.pictures.average_rate or _DEFAULT_HZ))

    def pictures(self) -> Iterator[tuple[float, Any]]:
        """Yield time and PyAV's picture: whichever is shown at the moment looked for, and the one after it."""
        waiting: deque[Any] = deque()
        latest_s = -math.inf
        for packet in self._packets():
            time_s = None if packet.pts is None else self._time_s(packet.pts)
            if packet.is_keyframe and time_s is not None and time_s <= self.wanted_s and waiting:
                waiting.clear()
                self.film.pictures.codec_context.flush_buffers()
            waiting.append(packet)
            latest_s = math.inf if time_s is None else max(latest_s, time_s)
            while waiting and latest_s > self.wanted_s:
                packet = waiting.popleft()
                yield from self._decode(packet, needed=not self._is_before_another(packet, waiting))
        for packet in waiting:
            yield from self._decode(packet)
        yield from self._decode(None)

    def _packets(self) -> Iterator[Any]:
        packets = self._read()
        if self.wanted_s > 0:
            first = self._sought()
            if first is None:  # no index, or a wrong one
                self.film.close()
                self.film = Film(self.film.path)
                packets = self._read()
            else:
                packets = self._read()
                yield first
        self.film.pictures.thread_type = "AUTO"
        yield from packets

    def _sought(self) -> Any:
        stream = self.film.pictures
        place = math.floor((self.film.origin_s + Fraction(self.wanted_s)) / stream.time_base)
        try:
            self.film.container.seek(place, stream=stream)
        except av.FFmpegError:
            return None
        first = next(self._read(), None)
        if first is None or first.pts is None or self._time_s(first.pts) > self.wanted_s:
            return None
        return first

    def _read(self) -> Iterator[Any]:
        try:
            for packet in self.film.container.demux(self.film.pictures):
                if packet.size:
                    yield packet
        except av.FFmpegError as error:
            self.broken = error.strerror or "unreadable"

    def _is_before_another(self, packet: Any, waiting: deque[Any]) -> bool:
        """Tell whether a later picture is shown by the moment looked for."""
        latest = math.floor((self.film.origin_s + Fraction(self.wanted_s)) / self.film.pictures.time_base)
        return packet.pts is not None and any(packet.pts < other.pts <= latest for other in waiting if other.pts)

    def _decode(self, packet: Any, *, needed: bool = True) -> Iterator[tuple[float, Any]]:
        context = self.film.pictures.codec_context
        context.skip_frame = "DEFAULT" if needed else "NONREF"
        try:
            pictures = context.decode(packet)
        except av.FFmpegError:
            self.damaged += self._begun
            return
        for picture in pictures:
            self._begun = True
            at = picture.dts if picture.pts is None else picture.pts
            time_s = max(0.0, self._end_s) if at is None else self._time_s(at)
            self._end_s = self.end_s(picture, time_s)
            yield time_s, picture

    def _time_s(self, at: int) -> float:
        return float(at * self.film.pictures.time_base - self.film.origin_s)
