"""Songs made for the tests: stems with known samples, as files in a folder or as tracks of one `.stem.mp4`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from recordings import noise

RATE_HZ = 44_100
TRACKS = ("mixture", "drums", "bass", "other", "vocals")


def stems(frames: int, channels: int = 2, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Quiet noise of another seed for each stem, (channel, time), and their sum."""
    made = {name: 0.25 * noise(frames, channels, seed + number) for number, name in enumerate(TRACKS[1:])}
    return {"mixture": np.sum(list(made.values()), axis=0), **made}


def write_folder(folder: Path, tracks: dict[str, NDArray[np.float32]], rate: int = RATE_HZ) -> Path:
    """Write one WAV of 32-bit floats for each track."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, samples in tracks.items():
        soundfile.write(folder / f"{name}.wav", samples.T, rate, subtype="FLOAT")
    return folder


def write_stem_mp4(path: Path, tracks: Sequence[NDArray[np.float32]], rate: int = RATE_HZ) -> Path:
    """Write an MP4 with one AAC track for each waveform, interleaved, as in MUSDB18."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        # Without the encoder's noise substitution, whose noise a decoder draws anew at every start.
        streams: list[Any] = [container.add_stream("aac", rate=rate, options={"aac_pns": "0"}) for _ in tracks]
        for stream, samples in zip(streams, tracks, strict=True):
            stream.layout = {1: "mono", 2: "stereo"}[len(samples)]
        for start in range(0, tracks[0].shape[1], 1024):
            for stream, samples in zip(streams, tracks, strict=True):
                piece = np.ascontiguousarray(samples[:, start : start + 1024])
                if not piece.size:
                    continue
                frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=stream.layout.name)
                frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path
