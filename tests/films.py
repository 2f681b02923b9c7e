"""Films whose pictures say which one they are, for tests of what reads and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

LEVEL = 8  # from the grey of one picture to that of the next: more than a codec blurs


def grey(index: int, size: tuple[int, int] = (64, 48)) -> NDArray[np.uint8]:
    """Picture number `index`, below 32: (height, width, 3)."""
    return np.full((size[1], size[0], 3), LEVEL * index, np.uint8)


def number(pixels: NDArray[np.uint8]) -> int:
    """Which picture this is."""
    return round(float(pixels.mean()) / LEVEL)


def film(
    path: Path,
    times_s: Sequence[float],
    pictures: Sequence[NDArray[np.uint8]] | None = None,
    *,
    codec: str = "mpeg4",
    pix_fmt: str = "yuv420p",
    gop: int = 12,
    turn: int = 0,
    aspect: Fraction | None = None,
    sound: NDArray[np.float32] | None = None,
    sound_at_s: float = 0.0,
    rate: int = 16_000,
) -> Path:
    """Write a film with pictures at these times, counted from 0 where none are given, and maybe with sound."""
    pictures = [grey(index) for index in range(len(times_s))] if pictures is None else pictures
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as container:
        stream: Any = container.add_stream(codec, rate=1000)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.codec_context.gop_size, stream.bit_rate = pix_fmt, gop, 2_000_000
        if turn:
            stream.set_display_rotation(turn)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        track: Any = None
        if sound is not None:
            track = container.add_stream("aac", rate=rate)
            track.layout = {1: "mono", 2: "stereo"}[len(sound)]  # type: ignore[arg-type]
        for time_s, pixels in zip(times_s, pictures, strict=True):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        if sound is not None:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=track.layout.name)
            frame.sample_rate, frame.pts, frame.time_base = rate, round(sound_at_s * rate), Fraction(1, rate)
            container.mux(track.encode(frame))
            container.mux(track.encode(None))
    return path
