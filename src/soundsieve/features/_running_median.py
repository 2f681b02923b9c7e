"""Exact running median over 31 values, all windows at once.

Sorting each window anew costs hundreds of comparisons for a value; neighbouring windows share most of their values. The
windows are taken in tiles of 16. All windows of a tile share 16 values, which are sorted once. The tile is then halved
again and again: the windows of a half share more values, which are merged in. Of n shared values of t = 32 - n windows,
only the middle t can still be a window's median, because a window has only t - 1 values beside them; the others are
dropped. This comes to about 30 minima or maxima of whole arrays for a value, and no loop over values.

Axes: `rank` (a value's place among the sorted ones), `tile`, `column`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW = 31
_HALF = WINDOW // 2
_TILE = 16
# Few enough that what a tile needs stays in a core's cache.
_COLUMNS = 64


def running_median(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Median of the 31 values around each one, as `scipy.ndimage.median_filter` with mode "reflect" gives it.

    Args:
        values: Without NaN.
        axis: Along which the window lies, 0 or 1.

    Shape:
        - values, output: (n, m), any n, m ≥ 1

    >>> values = np.zeros((40, 2), np.float32)
    >>> values[20] = 9  # a click is not there for the median
    >>> running_median(values, axis=0).max()
    np.float32(0.0)
    """
    source = values if axis == 0 else values.T
    medians = np.empty_like(values)
    target = medians if axis == 0 else medians.T
    for begin in range(0, source.shape[1], _COLUMNS):
        columns = slice(begin, begin + _COLUMNS)
        target[:, columns] = _medians(_mirrored(source[:, columns]))[: len(source)]
    return medians


def _mirrored(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add what lies beyond the edges, and fill up the last tile: (values to the last tile's end + 30, column)."""
    missing = -len(values) % _TILE
    mirrored = np.pad(values, ((_HALF, _HALF), (0, 0)), mode="symmetric")
    return np.pad(mirrored, ((0, missing), (0, 0)))


def _medians(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Medians of all windows within `values`: (n + 30, column) → (n, column), n a multiple of 16."""
    # blocks[k][:, i]: the sorted 2^k values from number 2^k·(i + 1) - 1 on.
    blocks = [values[None]]
    while len(blocks[-1]) < _TILE:
        last = blocks[-1]
        pairs = (last.shape[1] - 1) // 2
        low, high = last[:, 1 : 1 + 2 * pairs : 2], last[::-1, 2 : 2 + 2 * pairs : 2]
        blocks.append(_sort_bitonic(np.concatenate([low, high])))
    middle = blocks.pop()
    while blocks:
        block = blocks.pop()
        tiles, right = middle.shape[1], 2 * _TILE // len(block) - 1
        halves = np.empty((len(block), 2 * tiles, values.shape[1]), values.dtype)
        # The left half of a tile also shares the block before its middle, the right half the one after it.
        for side, first in enumerate((0, right)):
            halves[:, side::2] = _middle_third(middle, block[:, first : first + 2 * tiles : 2])
        middle = halves
    medians: NDArray[np.float32] = middle[0]
    return medians


def _middle_third(middle: NDArray[np.float32], block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sort 2s sorted values and s sorted values together, and keep the s in the middle."""
    s = len(block)
    without_lowest = _sort_bitonic(np.maximum(middle[:s], block[::-1]))
    return _sort_bitonic(np.minimum(middle[s:], without_lowest[::-1]))


def _sort_bitonic(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sort along the first axis what rises and then falls, or falls and then rises (Batcher 1968)."""
    half = len(values) // 2
    while half:
        pairs = values.reshape(-1, 2, half, *values.shape[1:])
        ordered = np.empty_like(pairs)
        np.minimum(pairs[:, 0], pairs[:, 1], out=ordered[:, 0])
        np.maximum(pairs[:, 0], pairs[:, 1], out=ordered[:, 1])
        values = ordered.reshape(values.shape)
        half //= 2
    return values
