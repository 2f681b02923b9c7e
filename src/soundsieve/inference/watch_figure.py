"""What is seen in a video, and which sounds went to it: a frame, the basis–object map, and the tracks over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from soundsieve.inference.looked import Looked
from soundsieve.inference.map_bases import BaseMap
from soundsieve.inference.stem_figure import draw_levels, require_matplotlib, save_page
from soundsieve.inference.stem_levels import StemLevels
from soundsieve.inference.watched import WatchedObject

__all__ = ["draw_watched", "require_matplotlib"]


_TITLE = 42  # letters


def draw_watched(
    objects: Sequence[WatchedObject],
    looked: Looked,
    base_map: BaseMap | None,
    levels: StemLevels,
    title: str,
    figure: Path,
) -> None:
    """Draw a frame with its labels, the basis–object map of the loudest piece, and how loud each track is over time.

    Args:
        objects: What has a track.
        looked: Where the frame is from.
        base_map: None for engines without bases.
        levels: Of the tracks and the rest.
        title: Stands above.
        figure: Where to write; an existing file is replaced.

    Raises:
        MissingExtraError: when matplotlib is not installed.
        OutputError: when the picture cannot be written.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    rows = len(levels.names)
    page = Figure(figsize=(11, 3.6 + 1.1 * rows), layout="constrained")
    upper, lower = page.subfigures(2, 1, height_ratios=[3.4, 0.6 + 1.1 * rows], squeeze=False)[:, 0]
    left, right = upper.subplots(1, 2, width_ratios=[1, 1.35])
    _draw_frame(left, objects, looked, title)
    if base_map is None:
        right.axis("off")
    else:
        _draw_map(right, base_map)
    draw_levels(lower, levels, "level of each track (dB; full scale is 0)")
    save_page(page, figure)


def _draw_frame(axis: Any, objects: Sequence[WatchedObject], looked: Looked, title: str) -> None:
    axis.imshow(looked.picture)
    axis.axis("off")
    axis.set_title(f"{_short(title)} at {looked.picture_s:.0f} s", loc="left", fontsize=11)
    heard = ["silent" if found.silent else f"{100 * found.audible:.0f} % of the sound" for found in objects]
    lines = [f"{found.label}: seen {found.visual:.2f}, {told}" for found, told in zip(objects, heard, strict=True)]
    axis.text(0, -0.03, "\n".join(lines), transform=axis.transAxes, va="top", fontsize=9)


def _short(title: str) -> str:
    """Cut a title to what fits over the frame.

    >>> _short("duo.mp4"), _short(40 * "long ")
    ('duo.mp4', 'long long long long l…long long long long ')
    """
    return title if len(title) <= _TITLE else f"{title[: _TITLE // 2]}…{title[-_TITLE // 2 + 1 :]}"


def _draw_map(axis: Any, base_map: BaseMap) -> None:
    """Bases from the loudest to the quietest; a dot marks the object that each went to."""
    order = np.argsort(-base_map.energy, kind="stable")
    image = axis.imshow(base_map.scores[:, order], aspect="auto", cmap="viridis", vmin=0)
    for row, weights in enumerate(base_map.weights[:, order]):
        columns = np.flatnonzero(weights > 0)
        axis.scatter(columns, np.full(len(columns), row), s=24 * weights[columns], color="white", edgecolors="black")
    axis.set_yticks(range(len(base_map.labels)), base_map.labels)
    axis.set_xlabel("basis, the loudest on the left; a dot: went to this object")
    axis.set_title(f"basis–object map from {base_map.start_s:.0f} s on (softmax over bases)", loc="left", fontsize=11)
    axis.figure.colorbar(image, ax=axis, pad=0.01)
