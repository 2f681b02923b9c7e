"""Pictures from a video at even distances, in memory that does not depend on how long or how large it is."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import SettingsError, VideoError
from soundsieve.video.decoder import Decoder
from soundsieve.video.upright import upright

LONGEST_SIDE = 640
"""Pixels; more than any classifier of pictures here looks at."""

_TOLERANCE_S = 0.5  # headers round, and some count the last picture while others end where it begins
_ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Frame:
    """A picture of a video.

    Attributes:
        time_s: When it appears, from where the file's pictures or sound begin.
        pixels: (height, width, 3) in red, green and blue, upright.
    """

    time_s: float
    pixels: NDArray[np.uint8]


class Frames(Iterator[Frame]):
    """The pictures that `frames_every` finds, one after the other.

    Attributes:
        note: After the last one, a sentence about what is damaged or missing, or None.
    """

    def __init__(self, decoder: Decoder, every_s: float, duration_s: float, longest_side: int | None) -> None:
        self.note: str | None = None
        self._decoder = decoder
        self._start_s, self._every_s, self._duration_s = decoder.wanted_s, every_s, duration_s
        self._longest_side = longest_side
        self._found = self._find()

    def __next__(self) -> Frame:
        return next(self._found)

    def close(self) -> None:
        """Stop before the end and close the file."""
        self._found.close()
        self._decoder.film.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find(self) -> Generator[Frame, None, None]:
        decoder, given = self._decoder, False
        shown: tuple[float, Any] | None = None
        try:
            for time_s, picture in decoder.pictures():
                if shown and decoder.wanted_s < time_s - _ROUNDING_S:
                    yield self._frame(*shown)
                    given = True
                    if not self._move_on(time_s):
                        return
                shown = time_s, picture
            if shown is None:
                raise VideoError(f"{decoder.film.path}: none of its pictures can be decoded")
            end_s = decoder.end_s(shown[1], shown[0])
            if decoder.wanted_s < end_s - _ROUNDING_S:
                yield self._frame(*shown)
            elif not given:
                raise SettingsError(f"start_s = {self._start_s:g}: {decoder.film.path} ends after {end_s:.2f} s")
            self.note = self._what_is_missing(end_s)
        finally:
            decoder.film.close()

    def _frame(self, time_s: float, picture: Any) -> Frame:
        return Frame(time_s, upright(picture, self._decoder.film.pixel_aspect, self._longest_side))

    def _move_on(self, time_s: float) -> bool:
        """Look for the next moment at or after a time; tell whether there is one."""
        step = math.ceil((time_s - self._start_s - _ROUNDING_S) / self._every_s)
        self._decoder.wanted_s = self._start_s + step * self._every_s
        return self._decoder.wanted_s < self._start_s + self._duration_s - _ROUNDING_S

    def _what_is_missing(self, end_s: float) -> str | None:
        film = self._decoder.film
        if self._decoder.broken or end_s < (film.ends_s or 0) - _TOLERANCE_S:
            of = "" if film.ends_s is None else f" of {film.ends_s:.2f} s"
            return f"{film.path}: is truncated or damaged; its pictures end after {end_s:.2f} s{of}"
        if self._decoder.damaged:
            return f"{film.path}: is damaged; {self._decoder.damaged} of its packets of pictures cannot be decoded"
        return None


def frames_every(
    path: str | Path,
    every_s: float = 1.0,
    *,
    start_s: float = 0.0,
    duration_s: float | None = None,
    longest_side: int | None = LONGEST_SIDE,
) -> Frames:
    """Find the pictures that a video shows at `start_s`, `every_s` later, and so on.

    A picture that is shown at several of these moments, or a still one, comes once. The first picture stands in for
    moments before it. What is damaged is left out, and what a truncated file still holds is given; `Frames.note` tells.

    Args:
        path: A video; a still picture or an animation is one too.
        every_s: From one moment to the next; as often as there are pictures if that is less often.
        start_s: The first moment, from where the file's pictures or sound begin.
        duration_s: How far to go from there; None is to the end.
        longest_side: Pictures are made smaller to so many pixels; None for their own size.

    Yields:
        The pictures in order, in red, green and blue, with square pixels, turned as the file says.

    Raises:
        VideoError: when the file is missing, cannot be read, or has no pictures, or none that can be decoded.
        SettingsError: when a number is out of range, or the video ends before `start_s`.

    >>> import tempfile, av
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with av.open(f"{folder}/a.mp4", "w") as file:
    ...         film = file.add_stream("mpeg4", rate=10, width=64, height=48)
    ...         for _ in range(25):
    ...             file.mux(film.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
    ...         file.mux(film.encode(None))
    ...     [(frame.time_s, frame.pixels.shape) for frame in frames_every(f"{folder}/a.mp4")]
    [(0.0, (48, 64, 3)), (1.0, (48, 64, 3)), (2.0, (48, 64, 3))]
    """
    if not (math.isfinite(every_s) and every_s > 0):
        raise SettingsError(f"every_s = {every_s}: must be more than 0")
    if not (math.isfinite(start_s) and start_s >= 0):
        raise SettingsError(f"start_s = {start_s}: must be 0 or more")
    if duration_s is not None and not duration_s > 0:
        raise SettingsError(f"duration_s = {duration_s}: must be more than 0, or None for the whole")
    if longest_side is not None and longest_side < 1:
        raise SettingsError(f"longest_side = {longest_side}: must be 1 or more, or None for pictures as they are")
    return Frames(Decoder(Path(path), start_s), every_s, duration_s or math.inf, longest_side)
