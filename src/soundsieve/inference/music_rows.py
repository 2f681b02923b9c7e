"""The descriptors of a recording: one row for the whole, or one for each piece, from a stream of blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from soundsieve import audio
from soundsieve.errors import AudioError
from soundsieve.features.descriptors import SAMPLE_RATE, DescribedSegment, Edges, describe, describe_segments
from soundsieve.inference.source import Source, open_source
from soundsieve.settings import Settings

LONGEST_S = 600.0
"""Described at once at most: memory grows by 2 MiB a second."""

_LEAST_SHARE = 0.5  # of a piece; a shorter end is left out
_ROWS = 32  # given at once


class DescribeSettings(Settings):
    """What a row is."""

    segments: float | None = Field(
        None, ge=0.1, le=LONGEST_S, description="seconds of a piece that has a row; None: the whole recording has one"
    )
    edges: Edges = Field("mirror", description="what lies beyond the edges: silence, or the mirror image")


@dataclass(frozen=True, slots=True)
class MusicRows:
    """Some rows of a recording.

    Attributes:
        lengths: How many samples at 22,050 Hz each row describes.
        values: The descriptors, shape (row, 57).
        share: How much of the recording has been read, from 0 to 1; None where the file does not say how long it is.
    """

    lengths: tuple[int, ...]
    values: NDArray[np.float64]
    share: float | None


def music_rows(recording: Path, settings: DescribeSettings) -> Iterator[MusicRows]:
    """Describe a recording; channels are averaged.

    What is left at the end, shorter than half a piece, is left out if there is another piece.

    Args:
        recording: The file.
        settings: What a row is.

    Yields:
        Rows in the order of time, a few at once, so that memory does not grow with the recording.

    Raises:
        AudioError: when it cannot be read, is shorter than a sample at 22,050 Hz, or is longer than 10 minutes and is
            to be one row.

    >>> import tempfile
    >>> noise = 0.1 * np.random.default_rng(0).standard_normal((2, 100_000)).astype(np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     audio.write(Path(folder, "a.wav"), noise, 44_100)
    ...     (found,) = music_rows(Path(folder, "a.wav"), DescribeSettings(segments=1.0))
    >>> found.lengths, found.values.shape, found.share
    ((22050, 22050), (2, 57), 0.88...)
    """
    source = open_source(recording)
    duration_s = source.duration_s
    rows: list[DescribedSegment] = []
    row = None
    for row in _pieces(source, settings) if settings.segments else _whole(source, settings):
        rows.append(row)
        if len(rows) == _ROWS:
            yield _joined(rows, duration_s)
            rows = []
    if row is None:
        raise AudioError(f"{recording}: too short to be described, it is less than a sample at {SAMPLE_RATE:,} Hz")
    if rows:
        yield _joined(rows, duration_s)


def _joined(rows: list[DescribedSegment], duration_s: float | None) -> MusicRows:
    lengths = tuple(map(_samples, rows))
    share = min(1.0, rows[-1].end_s / duration_s) if duration_s else None
    return MusicRows(lengths, np.array([row.values for row in rows]), share)


def _pieces(source: Source, settings: DescribeSettings) -> Iterator[DescribedSegment]:
    length_s = settings.segments or LONGEST_S
    for number, piece in enumerate(describe_segments(_mono(source), length_s, edges=settings.edges)):
        if number == 0 or _samples(piece) >= _LEAST_SHARE * round(length_s * SAMPLE_RATE):
            yield piece


def _samples(row: DescribedSegment) -> int:
    return round((row.end_s - row.start_s) * SAMPLE_RATE)


def _whole(source: Source, settings: DescribeSettings) -> Iterator[DescribedSegment]:
    _refuse_long(source, source.duration_s)
    blocks, samples = [], 0
    for block in _mono(source):
        blocks.append(block)
        samples += len(block)
        _refuse_long(source, samples / SAMPLE_RATE)
    if samples:
        yield DescribedSegment(0.0, samples / SAMPLE_RATE, describe(np.concatenate(blocks), edges=settings.edges))


def _refuse_long(source: Source, duration_s: float | None) -> None:
    if duration_s is not None and duration_s > LONGEST_S:
        raise AudioError(
            f"{source.file}: longer than {LONGEST_S / 60:g} minutes, too long for one row; "
            "describe it in pieces, for example with --segments 30"
        )


def _mono(source: Source) -> Iterator[NDArray[np.float32]]:
    """Stream the mean of the channels at 22,050 Hz, in blocks (time,)."""
    resampler = audio.Resampler(source.sample_rate, SAMPLE_RATE, 1)
    for block in source.blocks:
        yield resampler.push(block.mean(axis=0, dtype=np.float32)[None])[0]
    yield resampler.push(np.zeros((1, 0), np.float32), last=True)[0]
