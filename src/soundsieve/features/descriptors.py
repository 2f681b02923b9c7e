"""The 57 numbers that describe a clip of music in GTZAN's public table `features_30_sec.csv`.

Mean and variance of 28 quantities (over frames; of the harmonic and percussive parts, over samples), and the tempo. The
definitions and settings are those of librosa 0.11's functions at 22,050 Hz, which made the table:

| columns | librosa |
|---|---|
| `chroma_stft` | `feature.chroma_stft`, tuning estimated |
| `rms` | `feature.rms` |
| `spectral_centroid`, `spectral_bandwidth` (Hz) | `feature.spectral_centroid`, `feature.spectral_bandwidth` |
| `rolloff` (Hz) | `feature.spectral_rolloff` (85 %) |
| `zero_crossing_rate` | `feature.zero_crossing_rate` |
| `harmony`, `perceptr` | `effects.hpss` |
| `tempo` (beats a minute) | `beat.beat_track` |
| `mfcc1` … `mfcc20` | `feature.mfcc` |

One transform of the clip serves them all. The table was made by an older librosa, which differs from 0.11 at the edges
of a clip. With `edges="mirror"` its own values come out of its own recordings, to four digits and more. A copy that was
coded with losses has others; the variances of the higher MFCCs change most.

Axes: `frame`, `bin`, `band`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import AudioError
from soundsieve.features._chroma import chroma
from soundsieve.features._harmonic import harmonic_percussive
from soundsieve.features._stft import BIN_HZ, BINS, HOP, N_FFT, Padding, hops, stft
from soundsieve.features._stft import SAMPLE_RATE as SAMPLE_RATE
from soundsieve.features._tempo import onset_strength, tempo_bpm
from soundsieve.features.mel import mel_bands

_MFCCS = 20
_MEL_BANDS = 128
_LEAST_POWER = 1e-10
_RANGE_DB = 80.0  # levels further below the loudest of the clip are raised to it
_ROLLOFF_SHARE = 0.85
_LEAST_CROSSING = 1e-10  # samples nearer to 0 than this are 0
_OF_FRAMES = ("chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "rolloff", "zero_crossing_rate")

Edges = Literal["silence", "mirror"]
"""What lies beyond the edges of a clip: "silence", as in librosa 0.11, or the clip's "mirror" image.

With "mirror", the harmonic and percussive parts are also silent after the middle of the last frame: together these are
the ways of the older librosa that made the public table.
"""
_PADDING: dict[Edges, Padding] = {"silence": "constant", "mirror": "reflect"}


def _mean_and_var(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{name}_{statistic}" for name in names for statistic in ("mean", "var"))


NAMES: tuple[str, ...] = (
    *_mean_and_var((*_OF_FRAMES, "harmony", "perceptr")),
    "tempo",
    *_mean_and_var(f"mfcc{number}" for number in range(1, _MFCCS + 1)),
)
"""The columns of the public table, in its order (it also has `filename`, `length` and `label`)."""


@dataclass(frozen=True, slots=True)
class DescribedSegment:
    """The descriptors of a part of a recording.

    Attributes:
        start_s: Where it begins, in seconds.
        end_s: Where it ends; the last segment of a recording may be shorter than the others.
        values: Its 57 descriptors, in the order of `NAMES`.
    """

    start_s: float
    end_s: float
    values: NDArray[np.float64]


def describe(waveform: NDArray[np.float32], *, edges: Edges = "silence") -> NDArray[np.float64]:
    """Compute the 57 descriptors of a clip, in the order of `NAMES`.

    Every value is finite, for silence and for a single sample too; where nothing is struck, the tempo is 0. Takes about
    2 MiB of memory for a second of sound; `describe_segments` is for long recordings.

    Args:
        waveform: Mono, at 22,050 Hz.
        edges: What lies beyond the edges; "mirror" for numbers to set beside those of the public table.

    Shape:
        - waveform: (t,), any t ≥ 1
        - output: (57,)

    Raises:
        ValueError: when `waveform` is not of one axis, empty, or not of floating-point numbers.
        AudioError: when a sample is NaN or infinite.

    >>> tone = 0.5 * np.sin(2 * np.pi * 1000 / 22_050 * np.arange(22_050))
    >>> found = dict(zip(NAMES, describe(tone).tolist(), strict=True))
    >>> len(found), round(found["rms_mean"], 2), round(found["rolloff_mean"], -2)
    (57, 0.35, 1000.0)
    """
    clip = _checked(waveform)
    padding = _PADDING[edges]
    spectrum = stft(clip, padding)
    power = spectrum.real**2 + spectrum.imag**2
    level_db = _mel_level_db(power)
    rows: list[NDArray[np.floating]] = [
        chroma(power),
        _rms(clip, padding),
        *_spectral_shape(np.sqrt(power)),
        _zero_crossing_rate(clip),
    ]
    for part in harmonic_percussive(clip, spectrum, power):
        if edges == "mirror":
            part[(len(spectrum) - 1) * HOP :] = 0
        rows.append(part)
    statistics = [statistic for row in rows for statistic in (row.mean(dtype=np.float64), row.var(dtype=np.float64))]
    mfcc = level_db.astype(np.float64) @ _cosines().T
    of_mfcc = np.stack([mfcc.mean(axis=0), mfcc.var(axis=0)], axis=1).ravel()
    return np.concatenate([statistics, [tempo_bpm(onset_strength(level_db))], of_mfcc])


def describe_segments(
    blocks: Iterable[NDArray[np.float32]], segment_s: float, *, edges: Edges = "silence"
) -> Iterator[DescribedSegment]:
    """Describe a recording of any length, segment by segment, in the memory that one segment takes.

    Each segment is a clip of its own: its descriptors are those `describe` gives for its samples alone, whatever
    comes before and after. So `edges` are its own, its tuning and tempo are its own, and levels are relative to its
    own loudest moment; the segments do not depend on how the recording is cut into blocks. What is left at the end is a
    shorter segment.

    Args:
        blocks: The recording, mono, at 22,050 Hz, in consecutive pieces of any length (t,).
        segment_s: Length of a segment in seconds.
        edges: As in `describe`, for each segment.

    Yields:
        The segments, in order, each as soon as its last sample is there; none for a recording without samples.

    Raises:
        ValueError: when `segment_s` is shorter than a sample, or a block is not a mono waveform.
        AudioError: when a sample is NaN or infinite.

    >>> noise = np.random.default_rng(0).standard_normal(60_000).astype(np.float32)
    >>> [(part.start_s, round(part.end_s, 2)) for part in describe_segments(np.array_split(noise, 7), segment_s=1.0)]
    [(0.0, 1.0), (1.0, 2.0), (2.0, 2.72)]
    """
    length = round(segment_s * SAMPLE_RATE) if np.isfinite(segment_s) else 0
    if length < 1:
        raise ValueError(f"segment_s: expected at least one sample (1/{SAMPLE_RATE} s), found {segment_s}")
    return (
        DescribedSegment(start / SAMPLE_RATE, (start + len(clip)) / SAMPLE_RATE, describe(clip, edges=edges))
        for start, clip in _segments(blocks, length)
    )


def _segments(blocks: Iterable[NDArray[np.float32]], length: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Cut consecutive blocks into consecutive segments, each with the number of its first sample."""
    start, filled = 0, 0
    pieces: list[NDArray[np.float32]] = []
    for block in blocks:
        _check_axes(block)
        rest = block
        while len(rest):
            piece, rest = rest[: length - filled], rest[length - filled :]
            pieces.append(piece.astype(np.float32))  # a copy: a block may be filled anew
            filled += len(piece)
            if filled == length:
                yield start, np.concatenate(pieces)
                start, filled, pieces = start + length, 0, []
    if filled:
        yield start, np.concatenate(pieces)


def _checked(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    _check_axes(waveform)
    if not waveform.size:
        raise ValueError("waveform: expected at least one sample, found none")
    if not np.isfinite(waveform).all():
        raise AudioError("waveform: expected finite samples, found NaN or infinite ones")
    return waveform.astype(np.float32, copy=False)


def _check_axes(waveform: NDArray[np.float32]) -> None:
    if waveform.ndim != 1 or not np.issubdtype(waveform.dtype, np.floating):
        raise ValueError(f"waveform: expected floating-point samples (time,), found {waveform.dtype} {waveform.shape}")


def _mel_level_db(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-mel spectrogram in dB, at most 80 dB deep: (l, 1025) → (l, 128)."""
    level: NDArray[np.float32] = power @ _mel_bands().T
    level = 10 * np.log10(np.maximum(level, np.float32(_LEAST_POWER)))
    return np.maximum(level, np.float32(level.max() - _RANGE_DB))


@cache
def _mel_bands() -> NDArray[np.float32]:
    return mel_bands(SAMPLE_RATE, N_FFT, _MEL_BANDS)


@cache
def _cosines() -> NDArray[np.float64]:
    """The first rows of the orthonormal discrete cosine transform (type 2): (20, 128)."""
    order = np.arange(_MFCCS)[:, None]
    cosines: NDArray[np.float64] = np.cos(np.pi * order * (np.arange(_MEL_BANDS) + 0.5) / _MEL_BANDS)
    cosines *= np.sqrt(2 / _MEL_BANDS)
    cosines[0] /= np.sqrt(2)
    return cosines


def _spectral_shape(magnitude: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
    """Centroid, bandwidth and roll-off of every frame, in Hz: (l, 1025) → three of (l,), 0 without sound."""
    hz = np.arange(BINS) * BIN_HZ
    moments = magnitude.astype(np.float64) @ np.stack([np.ones(BINS), hz, hz**2], axis=1)
    total = np.where(moments[:, 0] < np.finfo(np.float32).tiny, 1, moments[:, 0])
    centroid, square = moments[:, 1] / total, moments[:, 2] / total
    bandwidth = np.sqrt(np.maximum(square - centroid**2, 0))
    cumulated = np.cumsum(magnitude, axis=1)
    rolloff = BIN_HZ * (cumulated < np.float32(_ROLLOFF_SHARE) * cumulated[:, -1:]).sum(axis=1)
    return centroid, bandwidth, rolloff


def _rms(waveform: NDArray[np.float32], padding: Padding) -> NDArray[np.float64]:
    """Root of the mean square of every frame: (t,) → (l,)."""
    squares = (hops(waveform, padding).astype(np.float64) ** 2).sum(axis=1)
    return np.sqrt(_sum_of_hops(squares) / N_FFT)


def _zero_crossing_rate(waveform: NDArray[np.float32]) -> NDArray[np.float64]:
    """How many of a frame's samples have another sign than the one before: (t,) → (l,)."""
    negative = hops(waveform, "edge") < -_LEAST_CROSSING
    crossed = np.diff(negative.ravel(), prepend=negative[0, 0]).reshape(-1, HOP)
    # A frame's own first sample has none before it.
    counts = _sum_of_hops(crossed.sum(axis=1)) - crossed[: len(crossed) - N_FFT // HOP + 1, 0]
    return counts / N_FFT


def _sum_of_hops(of_hops: NDArray[np.generic]) -> NDArray[np.float64]:
    """Sum up, for every frame, what its hops have."""
    summed: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(of_hops, N_FFT // HOP).sum(
        axis=1, dtype=np.float64
    )
    return summed
