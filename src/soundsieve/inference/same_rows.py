"""Whether the rows of a table were made of recordings in the same way as new ones would be."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve.datasets import table_formats
from soundsieve.errors import AudioError, OutputError
from soundsieve.inference.music_rows import DescribeSettings, MusicRows, music_rows

_PROOFS = 8  # rows of a table that are made again at most
_ANOTHER = 0.01  # median relative difference, from which rows are of different recordings


def refuse_other_rows(
    table: Path, columns: Sequence[str], files: Mapping[str, Path], settings: DescribeSettings
) -> None:
    """Refuse a table, which does not say how it was made, unless one of its rows can be made again.

    Recordings that cannot be read, or that any edges would describe alike, prove nothing.

    Args:
        table: The file.
        columns: Its columns.
        files: What a recording's first row is called → the recording.
        settings: What a new row would be.

    Raises:
        OutputError: a row comes out differently, or no row is of these recordings.
        DatasetError: the table cannot be read.
    """
    rows = (row for batch in table_formats.read(table, columns) for row in batch)
    verdicts: list[bool | None] = []
    way = f"with segments {settings.segments} and edges {settings.edges}"
    for name, length, *values, _ in itertools.islice((row for row in rows if row[0] in files), _PROOFS):
        with contextlib.suppress(AudioError):
            verdicts.append(made_alike(files[name], length, values, settings))
        if False in verdicts:
            raise OutputError(
                f"{table}: {files[name]} {way} does not give its row {name}; use the settings and the recordings "
                "it was made with, or replace it with --force"
            )
        if True in verdicts:
            return
    if not verdicts:
        raise OutputError(
            f"{table}: has no row of these recordings {way}, from which to see that it was made so; use the settings "
            "it was made with and name some of its recordings too, or replace it with --force"
        )


def made_alike(recording: Path, length: int, values: Sequence[float], settings: DescribeSettings) -> bool | None:
    """Say whether the first row of a recording was made with these settings.

    It is made again. Another machine's row differs a little, which is less than what other edges would change.

    Args:
        recording: The file.
        length: How many samples the row says it describes.
        values: Its descriptors.
        settings: What a new row would be.

    Returns:
        None where edges make no difference, as in silence.

    Raises:
        AudioError: when the recording cannot be described.

    >>> import tempfile
    >>> from soundsieve import audio
    >>> noise = 0.1 * np.random.default_rng(0).standard_normal((1, 22_050)).astype(np.float32)
    >>> mirror, silence = DescribeSettings(), DescribeSettings(edges="silence")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     place = Path(folder, "a.wav")
    ...     audio.write(place, noise, 22_050)
    ...     row = next(music_rows(place, silence)).values[0].tolist()
    ...     made_alike(place, 22_050, row, silence), made_alike(place, 22_050, row, mirror)
    (True, False)
    """
    own, other = (_first(recording, settings, edges) for edges in (settings.edges, _OTHER[settings.edges]))
    if own.lengths[0] != length:
        return False
    found = np.asarray(values, np.float64)
    difference, other_difference = (_difference(found, rows.values[0]) for rows in (own, other))
    if np.median(difference) > _ANOTHER or difference.mean() > other_difference.mean():
        return False
    return None if difference.mean() == other_difference.mean() else True


_OTHER = {"mirror": "silence", "silence": "mirror"}


def _first(recording: Path, settings: DescribeSettings, edges: str) -> MusicRows:
    return next(music_rows(recording, settings.model_copy(update={"edges": edges})))


def _difference(found: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative difference of each value, at most 1: some are next to 0, and a tempo may be another multiple."""
    scale = np.maximum(np.abs(expected), 1e-9)
    return np.minimum(np.abs(found - expected) / scale, 1.0)
