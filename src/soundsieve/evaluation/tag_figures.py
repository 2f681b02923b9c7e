"""A classifier's report in pictures: who is taken for whom, whether scores mean what they say, the worst mistakes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from soundsieve.errors import MissingExtraError
from soundsieve.evaluation.tag_report import Mistake, TagReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Levels = Callable[[str], tuple[NDArray[np.float32], float]]
"""File → log-mel levels (mel, frame), and how many frames there are in a second."""

_BINS = 10
_BLUE = "#1f6f8b"


def draw(report: TagReport, levels: Levels | None = None) -> dict[str, bytes]:
    """Return the figures as PNG files: name → content.

    Args:
        report: What to draw.
        levels: What the network was shown of a file; without it there is no picture of the mistakes.

    Raises:
        MissingExtraError: when matplotlib is not installed.
    """
    pictures = {"confusion.png": to_png(_confusion(report)), "reliability.png": to_png(_reliability(report))}
    if report.mistakes and levels is not None:
        pictures["mistakes.png"] = to_png(_mistakes(report.mistakes, levels))
    return pictures


def to_png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    memory = io.BytesIO()
    figure.savefig(memory, format="png", dpi=130)
    return memory.getvalue()


def new_figure(width: float, height: float, **grid: Any) -> tuple[Figure, Any]:
    """Return an empty figure, sizes in inches, and its axes as `Figure.subplots` gives them.

    Raises:
        MissingExtraError: when matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingExtraError("figures need matplotlib: pip install 'soundsieve[train]'") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(**grid)


def _confusion(report: TagReport) -> Figure:
    """Shares of each class's clips; few classes have the counts written in."""
    labels = [row.label.replace("_", " ") for row in report.classes]
    count = len(labels)
    side = 2.8 + 0.32 * count
    figure, axes = new_figure(side + 0.6, side)
    share = report.confusion / np.maximum(report.confusion.sum(1, keepdims=True), 1)
    image = axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100)
    for row, column in zip(*np.nonzero(report.confusion), strict=True):
        colour = "white" if share[row, column] > 0.5 else "black"
        number = report.confusion[row, column]
        axes.text(column, row, str(number), ha="center", va="center", color=colour, fontsize=7)
    axes.set_xticks(range(count), labels, rotation=90)
    axes.set_yticks(range(count), labels)
    axes.set_xlabel("said")
    axes.set_ylabel("true")
    mean = report.accuracy[0]
    axes.set_title(f"{report.protocol['model']}: {100 * mean.mean:.1f} % of {mean.clips} clips", loc="left")
    figure.colorbar(image, label="share of the class (%)", shrink=0.7)
    return figure


def _reliability(report: TagReport) -> Figure:
    """Accuracy against the score of what was said, and how often each score is given."""
    confidence = report.scores.max(1)
    right = report.scores.argmax(1) == report.truth
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    count = np.bincount(place, minlength=_BINS)
    shown = count > 0
    accuracy = np.bincount(place, right, _BINS)[shown] / count[shown]
    mean = np.bincount(place, confidence, _BINS)[shown] / count[shown]
    figure, (upper, lower) = new_figure(5, 5.6, nrows=2, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 1], [0, 1], color="#999999", lw=1, label="score = accuracy")
    upper.plot(mean, accuracy, "o-", color=_BLUE, label="measured")
    upper.set_ylabel("accuracy")
    upper.set_ylim(0, 1.02)
    upper.legend(frameon=False)
    upper.set_title(f"Expected calibration error {100 * report.calibration.error_after:.1f} %", loc="left")
    lower.bar((np.arange(_BINS) + 0.5) / _BINS, count, width=0.9 / _BINS, color=_BLUE)
    lower.set_ylabel("clips")
    lower.set_xlabel("score of what was said")
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    return figure


def _mistakes(mistakes: Sequence[Mistake], levels: Levels) -> Figure:
    """What the network was shown of the clips it was most surely wrong about."""
    columns = min(3, len(mistakes))
    rows = -(-len(mistakes) // columns)
    figure, axes = new_figure(4.4 * columns, 2.5 * rows + 0.4, nrows=rows, ncols=columns, squeeze=False)
    for panel, mistake in zip(axes.flat, mistakes, strict=False):
        picture, frames_a_second = levels(mistake.file)
        seconds = picture.shape[1] / frames_a_second
        low, high = np.quantile(picture, [0.02, 0.998])
        panel.imshow(
            picture,
            origin="lower",
            aspect="auto",
            cmap="magma",
            extent=(0, seconds, 0, len(picture)),
            vmin=low,
            vmax=high,
        )
        name = mistake.file.rsplit("/", 1)[-1]
        said, label = mistake.said.replace("_", " "), mistake.label.replace("_", " ")
        panel.set_title(
            f"{name}\nis {label} ({mistake.score_of_label:.2f}), said {said} ({mistake.score:.2f})", fontsize=8
        )
        panel.set_xlabel("time (s)", fontsize=7)
        panel.set_ylabel("mel band", fontsize=7)
        panel.tick_params(labelsize=7)
    for panel in axes.flat[len(mistakes) :]:
        panel.set_visible(False)
    return figure


def overlay(curves: Mapping[str, Mapping[str, Sequence[tuple[int, float]]]]) -> bytes:
    """Draw learning curves over each other: quantity → fold → (step, value)."""
    figure, axes = new_figure(8, 2.4 * len(curves), nrows=len(curves), sharex=True, squeeze=False)
    for panel, (quantity, folds) in zip(axes[:, 0], curves.items(), strict=True):
        for fold, series in folds.items():
            if series:
                panel.plot(*zip(*series, strict=True), lw=1, label=fold)
        panel.set_ylabel(quantity, fontsize=8)
        panel.grid(alpha=0.3)
    axes[0, 0].legend(frameon=False, fontsize=7, ncols=5)
    axes[-1, 0].set_xlabel("optimiser steps")
    return to_png(figure)
