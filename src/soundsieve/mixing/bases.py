"""Varying the bases of a recording: pitch, colour, and which of them there are, drawn with an explicit generator.

Axes: f bin, m base, l label.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from soundsieve.settings import Settings

_WAVES = 4  # of the colouring, the fastest with so many half periods between the lowest and the highest bin


class BaseVariation(Settings):
    """How a bag of bases is varied; the default leaves it as it is."""

    keep: float = Field(1.0, gt=0, le=1, description="least share of the bases that is kept; others repeat those")
    stretch_octaves: float = Field(
        0.0, ge=0, le=2, description="all bases are moved up or down together, at most so far, as by another pitch"
    )
    colour_db: float = Field(0.0, ge=0, le=40, description="deviation of each part of a smooth random equaliser")


class VariedBases(NamedTuple):
    """Bases (f, m) as varied, and for each of them its row in what it was made of."""

    bases: NDArray[np.float32]
    origin: NDArray[np.int64]


def vary(bases: NDArray[np.float32], variation: BaseVariation, rng: np.random.Generator) -> VariedBases:
    """Vary the bases of one recording; as many come out, each with its largest bin at 1 again.

    Args:
        bases: Shape (f, m), 0 or more.
        variation: How much.
        rng: Decides.

    >>> bases = np.eye(6, 3, dtype=np.float32)
    >>> varied = vary(bases, BaseVariation(keep=0.5), np.random.default_rng(0))
    >>> varied.bases.shape, bool((varied.bases == bases[:, varied.origin]).all())
    ((6, 3), True)
    """
    bins, count = bases.shape
    kept = int(np.ceil(count * rng.uniform(variation.keep, 1)))
    chosen = rng.permutation(count)[:kept]
    origin = np.concatenate([chosen, rng.choice(chosen, count - kept)]).astype(np.int64)
    varied = bases[:, origin]
    if variation.stretch_octaves:
        varied = stretched(varied, 2 ** rng.uniform(-variation.stretch_octaves, variation.stretch_octaves))
    if variation.colour_db:
        varied = varied * _colour(bins, variation.colour_db, rng)[:, None]
    if variation.stretch_octaves or variation.colour_db:
        varied = varied / np.maximum(varied.max(0), np.float32(1e-12))
    return VariedBases(np.ascontiguousarray(varied, np.float32), origin)


def stretched(bases: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Move what is in bin f to bin factor · f, between bins in proportion; what is moved out above is lost.

    >>> stretched(np.array([[0.0], [1.0], [0.0], [0.0], [0.0]], np.float32), 2.0).ravel().tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    bins = len(bases)
    place = np.arange(bins) / factor
    below = np.minimum(place.astype(np.int64), bins - 1)
    above = np.minimum(below + 1, bins - 1)
    share = np.where(place <= bins - 1, place - below, 0.0).astype(np.float32)[:, None]
    moved = (1 - share) * bases[below] + share * bases[above]
    moved[place > bins - 1] = 0
    return np.asarray(moved, np.float32)


def _colour(bins: int, deviation_db: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Gains of an equaliser: cosines over the logarithm of frequency."""
    height = np.log(np.arange(bins) + 1) / np.log(bins + 1)
    waves = np.cos(np.pi * np.outer(height, np.arange(1, _WAVES + 1)))
    gains_db = waves @ rng.normal(0, deviation_db, _WAVES)
    return np.asarray(10 ** (gains_db / 20), np.float32)
