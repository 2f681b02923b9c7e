"""Tiny videos for tests: a few grey frames and a tone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import ArrayLike

RATE_HZ = 8000


def write_video(
    path: Path,
    *,
    length_s: float = 0.4,
    sound: bool = True,
    samples: ArrayLike | None = None,
    greys: tuple[int, ...] | None = None,
) -> Path:
    """Write a video of 32 × 32 pixels, 5 frames a second, with a tone of 400 Hz or without any sound.

    Or with samples of 16 bits and as long as they are; or with pictures of these greys, as long as each other.
    """
    length_s = length_s if samples is None else len(np.asarray(samples)) / RATE_HZ
    count = max(1, round(5 * length_s))
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        seen = container.add_stream("mpeg4", rate=5)
        seen.width, seen.height, seen.pix_fmt = 32, 32, "yuv420p"
        heard = container.add_stream("flac", rate=RATE_HZ, layout="mono", format="s16") if sound else None
        for number in range(count):
            grey = 60 + 20 * number if greys is None else greys[number * len(greys) // count]
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), grey, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(seen.encode(frame))
        container.mux(seen.encode(None))
        if heard is not None:
            tone = (3000 * np.sin(2 * np.pi * 400 * np.arange(round(length_s * RATE_HZ)) / RATE_HZ)).astype(np.int16)
            tone = tone if samples is None else np.asarray(samples, np.int16)
            block = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
            block.sample_rate, block.pts = RATE_HZ, 0
            container.mux(heard.encode(block))
            container.mux(heard.encode(None))
    return path
