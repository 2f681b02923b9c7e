"""What a video is, from its header and its first picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from soundsieve.errors import VideoError
from soundsieve.video.decoder import Decoder
from soundsieve.video.upright import shown_size


@dataclass(frozen=True)
class VideoInfo:
    """What the header of a video says.

    Attributes:
        path: The file.
        duration_s: Pictures and sound together, or None where the header does not say.
        width: Of its first picture as shown: with square pixels, and turned as the file says.
        height: The same.
        frame_rate: Pictures a second on average, or None where there is none, as in a still picture.
        has_sound: Whether there is a sound track.
        frames: Number of pictures, or None where the header does not say.
    """

    path: Path
    duration_s: float | None
    width: int
    height: int
    frame_rate: float | None
    has_sound: bool
    frames: int | None


def probe(path: str | Path) -> VideoInfo:
    """Read the header of a video and its first picture.

    Raises:
        VideoError: when the file is missing, cannot be read, or has no pictures, or none that can be decoded.

    >>> import tempfile, av, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with av.open(f"{folder}/a.mp4", "w") as file:
    ...         film = file.add_stream("mpeg4", rate=10, width=64, height=48)
    ...         for _ in range(25):
    ...             file.mux(film.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
    ...         file.mux(film.encode(None))
    ...     info = probe(f"{folder}/a.mp4")
    >>> info.duration_s, info.width, info.height, info.frame_rate, info.frames, info.has_sound
    (2.5, 64, 48, 10.0, 25, False)
    """
    decoder = Decoder(Path(path), 0.0)
    with decoder.film as film:
        first = next(decoder.pictures(), None)
        if first is None:
            raise VideoError(f"{path}: none of its pictures can be decoded")
        width, height = shown_size(first[1], film.pixel_aspect)
        stream = film.pictures
        still = film.duration_s is None or stream.frames == 1
        return VideoInfo(
            Path(path),
            duration_s=film.duration_s,
            width=width,
            height=height,
            frame_rate=None if still or not stream.average_rate else float(stream.average_rate),
            has_sound=bool(film.container.streams.audio),
            frames=stream.frames or None,
        )
