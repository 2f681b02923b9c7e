"""The picture of a made video: one to three pictures, one after another or side by side, slowly moved and enlarged.

Labels are what a classifier sees in one frame a second, the best of all frames. Pictures that follow each other each
fill the frame for three seconds at least, so that every object has frames of its own; side by side they share each one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
SHORTEST_SHOT_S = 3.0
_WHOLE = 0.92  # a cut-out takes this much of the panel's height or width
_CANVAS = 1.25  # cut-outs are laid out this much larger than they are shown, so that moving closer stays sharp


@dataclass(frozen=True)
class View:
    """What is seen of a picture: a window (x, y, width, height) that moves from the first to the last one.

    Attributes:
        pixels: (height, width, 3), ready to be shown.
        first: the window at the beginning, in pixels.
        last: the window at the end.
    """

    pixels: Pixels
    first: tuple[float, float, float, float]
    last: tuple[float, float, float, float]

    def at(self, progress: float, width: int, height: int) -> Pixels:
        """Return the window at `progress` from 0 to 1, resized to (height, width, 3)."""
        x, y, w, h = (a + (b - a) * progress for a, b in zip(self.first, self.last, strict=True))
        rows, columns = self.pixels.shape[:2]
        left, top = round(min(x, columns - 2)), round(min(y, rows - 2))
        crop = self.pixels[top : top + max(2, round(h)), left : left + max(2, round(w))]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(crop), format="rgb24")
        return _pixels(frame.reformat(width=width, height=height, interpolation="AREA"))


def view(picture: Pixels, width: int, height: int, rng: np.random.Generator) -> View:
    """Decide how a picture is shown in a panel: mirrored or not, how bright, on which ground, and how it moves.

    Args:
        picture: (height, width, 4), the last channel opacity.
        width: of the panel.
        height: of the panel.
        rng: decides.
    """
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    cut_out = bool((picture[..., 3] < 128).mean() > 0.02)
    colours = picture[..., :3].astype(np.float32) * np.float32(rng.uniform(0.85, 1.15))
    opacity = picture[..., 3:].astype(np.float32) / 255
    ground = _ground(rng) if cut_out else np.full(3, 255.0, np.float32)
    flat = np.clip(colours * opacity + ground * (1 - opacity), 0, 255).astype(np.uint8)
    pixels = _lay_out(flat, ground, width, height, rng) if cut_out else _fill(flat, width, height, rng)
    rows, columns = pixels.shape[:2]
    windows = []
    for share in rng.permutation([1.0, float(rng.uniform(0.86, 0.97))]):
        w, h = columns * share, rows * share
        windows.append((float(rng.uniform(0, columns - w)), float(rng.uniform(0, rows - h)), w, h))
    return View(pixels, windows[0], windows[1])


def _pixels(frame: av.VideoFrame) -> Pixels:
    return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def _ground(rng: np.random.Generator) -> NDArray[np.float32]:
    grey = rng.uniform(225, 255)
    return np.clip(grey + rng.uniform(-8, 8, 3), 0, 255).astype(np.float32)


def _fill(pixels: Pixels, width: int, height: int, rng: np.random.Generator) -> Pixels:
    """Return the largest part of a photograph that has the panel's shape, or a little less, near its middle."""
    rows, columns = pixels.shape[:2]
    scale = min(columns / width, rows / height) * float(rng.uniform(0.9, 1.0))
    w, h = max(2, int(width * scale)), max(2, int(height * scale))
    left = round((columns - w) * float(rng.uniform(0.35, 0.65)))
    top = round((rows - h) * float(rng.uniform(0.35, 0.65)))
    return pixels[top : top + h, left : left + w]


def _lay_out(pixels: Pixels, ground: NDArray[np.float32], width: int, height: int, rng: np.random.Generator) -> Pixels:
    """Return a canvas of the panel's shape with the whole cut-out on it, near its middle, where classifiers look."""
    columns, rows = round(width * _CANVAS), round(height * _CANVAS)
    scale = _WHOLE * float(rng.uniform(0.85, 1.0)) * min(columns / pixels.shape[1], rows / pixels.shape[0])
    w, h = max(2, round(pixels.shape[1] * scale)), max(2, round(pixels.shape[0] * scale))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    method = "AREA" if scale < 1 else "BICUBIC"
    small = _pixels(frame.reformat(width=w, height=h, interpolation=method))
    canvas = np.broadcast_to(ground.astype(np.uint8), (rows, columns, 3)).copy()
    left, top = (round(room * float(rng.uniform(0.35, 0.65))) for room in (columns - w, rows - h))
    canvas[top : top + h, left : left + w] = small
    return canvas


def shots(count: int, length_s: float, rng: np.random.Generator) -> list[float]:
    """Return when each of `count` pictures after one another ends, in seconds.

    >>> ends = shots(3, 10.0, np.random.default_rng(0))
    >>> ends[-1], bool(min(np.diff([0.0, *ends])) >= 2.99)
    (10.0, True)
    """
    shortest_s = min(SHORTEST_SHOT_S, length_s / count)
    spare = rng.dirichlet(np.ones(count)) * (length_s - count * shortest_s)
    return [*np.cumsum(shortest_s + spare)[:-1].tolist(), length_s]


def frames(
    pictures: Sequence[Pixels],
    size: tuple[int, int],
    timing: tuple[int, float],
    side_by_side: bool,
    rng: np.random.Generator,
) -> Iterator[Pixels]:
    """Yield the frames of a video, each (height, width, 3).

    Args:
        pictures: each (height, width, 4); in the order in which they are seen.
        size: width and height of a frame.
        timing: the number of frames and the length in seconds.
        side_by_side: all pictures at once; otherwise one after another.
        rng: decides how each is shown.
    """
    (width, height), (count, length_s) = size, timing
    if side_by_side:
        edges = np.linspace(0, width, len(pictures) + 1).round().astype(int)
        panels = list(np.diff(edges))
        views = [view(picture, int(w), height, rng) for picture, w in zip(pictures, panels, strict=True)]
        for number in range(count):
            progress = number / max(1, count - 1)
            yield np.concatenate(
                [shown.at(progress, int(w), height) for shown, w in zip(views, panels, strict=True)], 1
            )
        return
    views = [view(picture, width, height, rng) for picture in pictures]
    ends_s = shots(len(pictures), length_s, rng)
    for number in range(count):
        time_s = number * length_s / count
        shot = next(place for place, end_s in enumerate(ends_s) if time_s < end_s)
        begin_s = ends_s[shot - 1] if shot else 0.0
        yield views[shot].at((time_s - begin_s) / (ends_s[shot] - begin_s), width, height)
