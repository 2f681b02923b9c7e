"""Near-duplicates: recordings that are in a data set twice, cut, scaled, inverted, resampled or coded in another way.

Landmarks propose pairs and the offset between them. The waveforms decide: what two cuts of one recording share is the
same to the sample, in every band, while two recordings of rain are not, however alike they sound. Out of scope: a
change of speed or pitch, and another performance of the same piece.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from soundsieve.datasets import Clip
from soundsieve.errors import AudioError
from soundsieve.evaluation.landmarks import HOP, RATE_HZ, WINDOW, Coincidence, Landmarks, coincidences, find_landmarks
from soundsieve.evaluation.listening import listen
from soundsieve.inference.progress import CancelToken, Progress, check_cancel
from soundsieve.settings import Settings

Wave = NDArray[np.float32]

_LONGEST = 10 * RATE_HZ  # samples of what is shared that are compared
_SHORTEST = RATE_HZ // 2  # in less, two flutes at one pitch are as similar as two copies
_SLACK = 3 * HOP  # the offset of the landmarks is right to a few frames
_WHITENING = 0.7  # 0: plain correlation, which a hum decides; 1: phase alone, which coding noise decides
_FINER = 2  # offsets between two samples that are tried: resampling and cutting leave them anywhere


class DuplicateSettings(Settings):
    """When two recordings count as one."""

    similarity: float = Field(0.5, gt=0, le=1, description="least similarity of a pair")
    landmarks: int = Field(8, ge=2, description="least number of landmarks a pair shares at one offset")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two clips that hold the same recording.

    Attributes:
        first, second: the clips, in the order given.
        similarity: whitened correlation of what both hold, 0 to 1; see `similarity`.
        offset_s: how much later in the first than in the second it starts.
        shared_s: length of what was found in both and compared, at most 10 s.
        inverted: whether one is the other upside down.
    """

    first: Clip
    second: Clip
    similarity: float
    offset_s: float
    shared_s: float
    inverted: bool


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The outcome of a search.

    Attributes:
        pairs: the pairs found, the most similar first.
        sparse: clips with too few landmarks to compare: silence, a single thud.
        unreadable: clips that could not be decoded, each with the reason.
    """

    pairs: tuple[Duplicate, ...]
    sparse: tuple[Clip, ...]
    unreadable: tuple[tuple[Clip, str], ...]


def find_near_duplicates(
    clips: Sequence[Clip],
    settings: DuplicateSettings | None = None,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Duplicates:
    """Find the recordings that are there more than once.

    Each clip is decoded once and kept as its landmarks, some 200 a second; the cost grows in proportion to the clips.
    Of a recording that is there dozens of times, every copy is in some pair, but not every pair is listed.

    Args:
        clips: where to look.
        settings: when two count as one.
        progress: called after each clip with how many are done, and of how many.
        cancel: stops the search.

    Raises:
        Cancelled: it was stopped.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from soundsieve import audio
    >>> noise = 0.1 * np.random.default_rng(0).standard_normal((1, 32_000)).astype(np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     clips = [Clip(Path(folder, f"{name}.wav"), ("rain",), name, "all") for name in "abc"]
    ...     for clip, wave in zip(clips, (noise[:, :24_000], -0.5 * noise[:, 8_000:], noise[:, ::-1]), strict=True):
    ...         audio.write(clip.path, wave, 16_000)
    ...     [found] = find_near_duplicates(clips).pairs
    >>> found.first.group, found.second.group, found.offset_s, found.inverted
    ('a', 'b', 0.5, True)
    """
    settings = settings or DuplicateSettings()
    known: list[Landmarks] = []
    sparse: list[Clip] = []
    unreadable: list[tuple[Clip, str]] = []
    heard: list[Clip] = []
    for number, clip in enumerate(clips, 1):
        check_cancel(cancel)
        try:
            landmarks = find_landmarks(listen(clip, RATE_HZ))
        except AudioError as error:
            unreadable.append((clip, str(error)))
        else:
            enough = len(landmarks.names) >= settings.landmarks
            (heard if enough else sparse).append(clip)
            known += [landmarks] if enough else []
        if progress is not None:
            progress(number, len(clips))
    pairs = []
    for found in coincidences(known, settings.landmarks):
        check_cancel(cancel)
        pair = _compare(heard[found.first], heard[found.second], *_stretch(known, found))
        if pair is not None and pair.similarity >= settings.similarity:
            pairs.append(pair)
    pairs.sort(key=lambda pair: (-pair.similarity, pair.first.path, pair.second.path))
    return Duplicates(tuple(pairs), tuple(sparse), tuple(unreadable))


def _stretch(known: Sequence[Landmarks], found: Coincidence) -> tuple[int, int, int]:
    """Where the landmarks that both share begin and end in the first, widened where that is short, and the offset."""
    offset = found.offset * HOP
    first, last = max(0, offset), min(known[found.first].samples, known[found.second].samples + offset)
    start, stop = found.begin * HOP - WINDOW // 2, found.end * HOP + WINDOW
    wider = max(0, _SHORTEST - (stop - start)) // 2
    start = max(first, min(start - wider, last - _SHORTEST))
    return start, min(last, max(stop + wider, start + _SHORTEST), start + _LONGEST), offset


def _compare(first: Clip, second: Clip, start: int, stop: int, offset: int) -> Duplicate | None:
    a = _part(first, start, stop - start)
    b = _part(second, start - offset, stop - start)
    if not (a.any() and b.any()):
        return None
    value, lag = similarity(a, b)
    return Duplicate(
        first=first,
        second=second,
        similarity=round(abs(value), 3),
        offset_s=round((offset + lag) / RATE_HZ, 4) + 0.0,  # No minus zero.
        shared_s=round(min(len(a), len(b)) / RATE_HZ, 2),
        inverted=value < 0,
    )


def _part(clip: Clip, start: int, length: int) -> Wave:
    return listen(clip, RATE_HZ, start_s=start / RATE_HZ, duration_s=length / RATE_HZ)


def similarity(a: Wave, b: Wave) -> tuple[float, float]:
    """Return the whitened correlation of two waveforms at the best small offset, and that offset.

    The cross-spectrum is divided by its magnitude to the power of 0.7, halfway between correlation and GCC-PHAT (Knapp
    and Carter, 1976), and the sum is divided by the sum of the magnitudes that remain. So every band has a say: two
    recordings of one mains hum differ in all but a few bins.

    Args:
        a: at `landmarks.RATE_HZ`, shape (time,).
        b: as `a`; its length may differ.

    Returns:
        The correlation, -1 (inverted) to 1, and how many samples later `a` is.

    >>> noise = np.random.default_rng(0).standard_normal(8_000).astype(np.float32)
    >>> value, lag = similarity(noise[:7_000], -0.1 * noise[40:7_040])
    >>> value < -0.9, lag
    (True, 40.0)
    """
    size = 1 << math.ceil(math.log2(len(a) + len(b)))
    cross = np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size))
    magnitude = np.abs(cross)
    shaped = cross / np.maximum(magnitude, np.finfo(np.float64).tiny) ** _WHITENING
    whole = 2 * np.abs(shaped).sum()
    fine = np.fft.irfft(shaped, _FINER * size) * _FINER * size
    reach = _SLACK * _FINER
    near = np.concatenate([fine[-reach:], fine[: reach + 1]])
    best = int(np.argmax(np.abs(near)))
    return float(near[best] / whole), (best - reach) / _FINER
