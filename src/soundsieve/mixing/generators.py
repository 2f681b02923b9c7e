"""Generators for variations: what one draws depends on its key, never on the worker or on what was drawn before."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What is drawn.

    A clip's own variation, how a batch is mixed, what of a clip is hidden, the order of the clips; a segment of a song
    to train on, and one to choose the best epoch by.

    The numbers decide what is drawn, so they never change.
    """

    CLIP = 0
    BATCH = 1
    MASKS = 2
    ORDER = 3
    SEGMENT = 4
    CHOICE = 5


def generator_for(seed: int, epoch: int, clip: int, purpose: Purpose = Purpose.CLIP) -> np.random.Generator:
    """Return the generator of one clip in one epoch.

    Args:
        seed: Of the run; 0 or more.
        epoch: From 0.
        clip: Position of the clip in its data set, or of the batch in its epoch; from 0.
        purpose: Keeps clip k and batch k apart.

    Raises:
        ValueError: when a number is negative.

    >>> first = generator_for(1, 0, 5).integers(1000, size=3)
    >>> bool((first == generator_for(1, 0, 5).integers(1000, size=3)).all())
    True
    >>> bool((first == generator_for(1, 1, 5).integers(1000, size=3)).all())
    False
    """
    # Not a list of numbers as the seed: there [1, 0] and [1, 0, 0] are the same key, and mixtures use such lists.
    key = np.random.SeedSequence(seed, spawn_key=(int(purpose), epoch, clip))
    return np.random.default_rng(key)
