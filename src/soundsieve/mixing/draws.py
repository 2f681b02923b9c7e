"""What mixtures are drawn for."""

from __future__ import annotations

from enum import IntEnum


class Draw(IntEnum):
    """Second number of a mixture's key (seed, draw, …): mixtures for different purposes never share a draw.

    The numbers decide what is drawn, so they never change.
    """

    TRAIN = 0
    VALIDATION = 1
    EVALUATION = 2
    CALIBRATION = 3
    STORED = 5
