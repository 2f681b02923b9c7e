"""A video opened for reading: which of its streams holds the pictures, and when it begins."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av

from soundsieve.errors import VideoError

_NOT_PICTURES = {"tty"}  # FFmpeg draws any text file as letters on a screen


class Film:
    """A video file. A track that is only a cover picture does not count.

    Time 0 is where its pictures or its sound begin, whichever is first: `soundsieve.audio` counts from there too.

    Attributes:
        path: The file.
        container: As PyAV opened it.
        pictures: The first stream of moving or still pictures.
        origin_s: Of time 0, in the file's own time.

    Raises:
        VideoError: when the file is missing, cannot be read, or has no pictures.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.container: Any = _open(self.path)
        streams = self.container.streams.video
        moving = [stream for stream in streams if not stream.disposition & av.stream.Disposition.attached_pic]
        if not moving or self.container.format.name in _NOT_PICTURES:
            self.close()
            found = "only a cover picture" if streams and not moving else "no pictures"
            raise VideoError(f"{self.path}: has {found}, expected a video")
        self.pictures = moving[0]
        if self.pictures.codec_context is None:
            self.close()
            raise VideoError(f"{self.path}: its pictures are in an encoding that FFmpeg does not know")
        begun = [self.pictures, *self.container.streams.audio[:1]]
        self.origin_s = min(_start_s(stream) for stream in begun)

    @property
    def pixel_aspect(self) -> float:
        """Width of a pixel for its height."""
        return float(self.pictures.sample_aspect_ratio or 1)

    @property
    def ends_s(self) -> float | None:
        """When the pictures end according to the header, where it says so."""
        stream = self.pictures
        if stream.duration is not None and stream.time_base:
            return float(_start_s(stream) + stream.duration * stream.time_base - self.origin_s)
        told_s = clock_s(stream.metadata.get("DURATION", ""))  # of Matroska's tracks, where FFmpeg or mkvmerge made it
        if told_s is not None:
            return told_s - float(self.origin_s)
        return None if self.container.streams.audio else self.duration_s  # the sound may be longer

    @property
    def duration_s(self) -> float | None:
        """How long pictures and sound are together according to the header, where it says so."""
        return None if self.container.duration is None else self.container.duration / av.time_base

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open(path: Path) -> Any:
    try:
        if path.is_dir():
            raise VideoError(f"{path}: is a folder, not a video")
        if path.exists() and not path.is_file():
            raise VideoError(f"{path}: is a device or a pipe; only files can be read")
        with path.open("rb") as file:
            if not file.read(1):
                raise VideoError(f"{path}: is empty (0 bytes)")
        # An absolute path cannot be taken for an address, and the white list keeps playlists off the network.
        return av.open(str(path.absolute()), options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except FileNotFoundError:
        raise VideoError(f"{path}: there is no such file") from None
    except av.FFmpegError as error:
        reason = error.strerror or "unknown format"
        raise VideoError(f"{path}: is not a video that FFmpeg can read ({reason})") from None
    except OSError as error:
        raise VideoError(f"{path}: cannot be opened ({error.strerror})") from None


def clock_s(text: str) -> float | None:
    """Read a time as Matroska's tags have it; None where it is none.

    >>> clock_s("01:00:02.500000000"), clock_s("soon")
    (3602.5, None)
    """
    found = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", text.strip())
    return None if found is None else 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3])


def _start_s(stream: Any) -> Fraction:
    return Fraction((stream.start_time or 0) * (stream.time_base or 0))
