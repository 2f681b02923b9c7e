"""Descriptors of music that do not depend on how loud the recording is, nor on its direct current.

How loud a recording was mastered, and the direct current that the converter left in it, tell recordings and artists
apart rather than genres. They are in the public columns of GTZAN: `rms_mean` is the level; the variances of `rms`,
`harmony` and `perceptr` grow with its square; the first cepstral coefficient is the mean of the levels of all bands;
and the means of `harmony` and `perceptr`, parts of a waveform, are its direct current. Variances of spectral shape are
taken relative to the square of their mean, too, so that they say how much a shape changes, whatever the shape.

On logarithms all that is subtraction, so it is a matrix.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_DROPPED = ("rms_mean", "harmony_mean", "perceptr_mean")
_BANDS = 128  # librosa's mel bands under the cepstrum, which is orthonormal and in dB
_CEPSTRAL = math.sqrt(_BANDS) * 20 / math.log(10)  # growth of the first coefficient with the logarithm of the level
RELATIVE: dict[str, tuple[str, float]] = {
    **{f"{name}_var": ("rms_mean", 2.0) for name in ("rms", "harmony", "perceptr")},
    **{
        f"{name}_var": (f"{name}_mean", 2.0)
        for name in ("chroma_stft", "spectral_centroid", "spectral_bandwidth", "rolloff", "zero_crossing_rate")
    },
    "mfcc1_mean": ("rms_mean", _CEPSTRAL),
}
"""Column → the column whose logarithm is subtracted from it, and how many times."""


def logarithms_needed(columns: Sequence[str]) -> set[str]:
    """Return the columns whose logarithm `level_free` takes for granted.

    >>> sorted(logarithms_needed(["rms_mean", "rms_var", "mfcc1_mean", "tempo"]))
    ['rms_mean', 'rms_var']
    """
    used = {(name, RELATIVE[name][0]) for name in columns if name in RELATIVE and RELATIVE[name][0] in columns}
    return {name for pair in used for name in pair} - {"mfcc1_mean"}


def level_free(columns: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the columns that stay, and what makes them of rows whose positive columns are logarithms.

    Args:
        columns: names of the columns; a relation of which one side is missing is left out.

    Returns:
        Names, and a matrix (column, name) that rows (n, column) are multiplied by.

    >>> names, matrix = level_free(["rms_mean", "rms_var", "tempo"])
    >>> names, (np.log([[0.1, 0.01, 120.0]]) @ matrix).round(2).tolist()
    (('rms_var', 'tempo'), [[0.0, 4.79]])
    """
    place = {name: row for row, name in enumerate(columns)}
    names = tuple(name for name in columns if name not in _DROPPED)
    matrix = np.zeros((len(columns), len(names)))
    for column, name in enumerate(names):
        matrix[place[name], column] = 1
        other, times = RELATIVE.get(name, ("", 0.0))
        if other in place:
            matrix[place[other], column] -= times
    return names, matrix
