"""Recordings made for the tests, each with a known answer."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

PICTURES_HZ = 10


def tone(hz: float, duration_s: float, rate: int, channels: int = 1, amplitude: float = 0.5) -> NDArray[np.float32]:
    """A sine (channel, time) that starts at phase 0; every further channel is half as loud as the one before."""
    time_s = np.arange(round(duration_s * rate)) / rate
    gains = amplitude * 0.5 ** np.arange(channels)
    return (gains[:, None] * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def noise(frames: int, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    """White noise (channel, time) well inside full scale, so that no encoding clips it."""
    samples = np.random.default_rng(seed).uniform(-0.4, 0.4, (channels, frames))
    return samples.astype(np.float32)


def mux(
    path: Path,
    audio: NDArray[np.float32] | None,
    rate: int = 44_100,
    *,
    codec: str = "aac",
    pictures: bool = False,
    late_s: float = 0.0,
    title: str = "",
) -> Path:
    """Write a file with FFmpeg: a sound track in any codec, a film with pictures, or both; the sound may start late."""
    # The index of an MP4 goes to its beginning, where a broken download leaves it in place.
    options = {"movflags": "faststart"} if path.suffix in {".mp4", ".m4a"} else {}
    with av.open(str(path), "w", options=options) as container:
        container.metadata["title"] = title
        film = container.add_stream("mpeg4", rate=PICTURES_HZ) if pictures else None
        if film:
            film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        track: Any = None if audio is None else container.add_stream(codec, rate=rate)
        if track:
            track.layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(audio)]  # type: ignore[arg-type]
        if film:
            duration_s = 1.0 if audio is None else audio.shape[1] / rate
            for index in range(round(duration_s * PICTURES_HZ)):
                picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index % 256, np.uint8), format="rgb24")
                picture.pts, picture.time_base = index, Fraction(1, PICTURES_HZ)
                container.mux(film.encode(picture))
            container.mux(film.encode(None))
        if track:
            _encode(container, track, audio, rate, round(late_s * rate))
    return path


def _encode(container: Any, track: Any, audio: Any, rate: int, late: int) -> None:
    convert = av.AudioResampler(track.codec_context.codec.audio_formats[0].name, track.layout, rate)
    for start in range(0, audio.shape[1], 1024):
        samples = np.ascontiguousarray(audio[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=track.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = rate, late + start, Fraction(1, rate)
        for converted in convert.resample(frame):
            container.mux(track.encode(converted))
    container.mux(track.encode(None))


def truncate(path: Path, share: float = 0.6) -> Path:
    """Keep only the first part of a file, as a broken download does."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path
