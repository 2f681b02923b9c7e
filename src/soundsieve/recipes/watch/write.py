"""Writing one made video: its picture and sound in one file, and the true tracks beside it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from soundsieve.recipes.clips import RATE_HZ as MADE_HZ
from soundsieve.recipes.watch.tracks import Sound, active_level_db

RATE_HZ = 48000
LOUDEST = 0.9
_BLOCK = 4096  # samples in one packet of sound

Whole = NDArray[np.int16]


def mix(sounds: Sequence[Sound], levels_db: Sequence[float], length: int) -> list[Whole]:
    """Return the tracks, each (time,) in 16 bits at 48 kHz, at their levels; together they stay below full scale.

    Their sum as whole numbers is the sound of the video. If it would be too loud, all are softened alike.

    Args:
        sounds: each (time,) at 44.1 kHz, not silent.
        levels_db: the active level of each.
        length: of a track in samples.
    """
    resampled = [soxr.resample(sound, MADE_HZ, RATE_HZ)[:length] for sound in sounds]
    tracks = [np.pad(track, (0, length - len(track))) for track in resampled]
    gains = [10 ** ((level - active_level_db(t, RATE_HZ)) / 20) for level, t in zip(levels_db, tracks, strict=True)]
    tracks = [track * np.float32(gain) for track, gain in zip(tracks, gains, strict=True)]
    peak = float(max(np.abs(np.sum(tracks, axis=0)).max(), *(np.abs(track).max() for track in tracks)))
    softer = min(1.0, LOUDEST / peak)
    return [np.round(track * (softer * 32767)).astype(np.int16) for track in tracks]


def write_track(path: Path, samples: Whole) -> None:
    """Write a track as FLAC.

    Raises:
        soundfile.LibsndfileError, OSError: when it cannot be written.
    """
    soundfile.write(path, samples, RATE_HZ, format="FLAC", subtype="PCM_16")


def write_video(path: Path, pictures: Iterable[NDArray[np.uint8]], frame_rate: int, sound: Whole) -> None:
    """Write a Matroska file with H.264 pictures and lossless mono sound of 48 kHz.

    Args:
        path: of the file; its suffix says the container.
        pictures: frames, at least one, each (height, width, 3).
        frame_rate: frames a second.
        sound: (time,) in 16 bits.

    Raises:
        OSError: when it cannot be written.
    """
    # without the writer's name and a random id, so that the same video is the same file
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        upcoming = iter(pictures)
        first = next(upcoming)
        seen = container.add_stream("libx264", rate=frame_rate, options={"preset": "veryfast", "threads": "1"})
        seen.height, seen.width, seen.pix_fmt = *first.shape[:2], "yuv420p"
        heard = container.add_stream("flac", rate=RATE_HZ, layout="mono", format="s16")
        for number, pixels in enumerate(itertools.chain([first], upcoming)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, frame_rate)
            container.mux(seen.encode(frame))
        container.mux(seen.encode(None))
        for start in range(0, len(sound), _BLOCK):
            block = av.AudioFrame.from_ndarray(sound[None, start : start + _BLOCK], format="s16", layout="mono")
            block.sample_rate, block.pts, block.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
            container.mux(heard.encode(block))
        container.mux(heard.encode(None))
