"""A decoded picture as a player shows it: with square pixels, and turned as the file says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def shown_size(picture: Any, pixel_aspect: float = 1.0) -> tuple[int, int]:
    """Return the width and height of a PyAV picture on a screen.

    Args:
        picture: As decoded.
        pixel_aspect: Width of a pixel for its height.
    """
    width, height = _square(picture, pixel_aspect)
    return (height, width) if _quarter_turns(picture) % 2 else (width, height)


def upright(picture: Any, pixel_aspect: float = 1.0, longest_side: int | None = None) -> NDArray[np.uint8]:
    """Convert a PyAV picture of any pixel format to (height, width, 3) in red, green and blue.

    It is made smaller, never larger, while it is converted: no copy of the full size is made.

    Args:
        picture: As decoded.
        pixel_aspect: Width of a pixel for its height.
        longest_side: Most pixels on a side; None for no limit.
    """
    width, height = _square(picture, pixel_aspect)
    share = min(1.0, (longest_side or np.inf) / max(width, height))
    width, height = (max(1, round(share * side)) for side in (width, height))
    # FFmpeg's bicubic filter widens as pictures shrink, so nothing aliases.
    pixels = picture.reformat(width, height, format="rgb24", interpolation="BICUBIC").to_ndarray()
    return np.ascontiguousarray(np.rot90(pixels, _quarter_turns(picture)))


def _quarter_turns(picture: Any) -> int:
    """Counter-clockwise; an angle in between is rounded."""
    return round(float(picture.rotation) / 90) % 4


def _square(picture: Any, pixel_aspect: float) -> tuple[int, int]:
    if pixel_aspect >= 1:  # longer rather than shorter, so that no line of the picture is lost
        return round(picture.width * pixel_aspect), picture.height
    return picture.width, round(picture.height / pixel_aspect)
