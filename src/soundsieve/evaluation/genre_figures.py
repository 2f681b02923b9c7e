"""Figures of a table of descriptors and of its ladder: what tells the genres apart, and what a division is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from soundsieve.datasets.genre_table import GenreTable
from soundsieve.evaluation.genre_ladder import LadderRow
from soundsieve.evaluation.tag_figures import new_figure, to_png
from soundsieve.features.standardise import log_columns

SHOWN = (
    "rms_mean",
    "spectral_centroid_mean",
    "rolloff_mean",
    "zero_crossing_rate_mean",
    "chroma_stft_mean",
    "perceptr_var",
    "tempo",
    "mfcc1_mean",
    "mfcc2_mean",
    "mfcc4_mean",
    "mfcc5_var",
    "mfcc17_mean",
)
_LEAST = 1e-12  # under the logarithm


def draw_table(table: GenreTable) -> dict[str, bytes]:
    """Draw how descriptors are spread in each genre, how they go together, and the rows in two dimensions.

    Args:
        table: Descriptors; of those in `SHOWN` the ones it has are spread out.

    Returns:
        Name → PNG; the second is missing where fewer than two columns vary.
    """
    drawn = {"spread.png": _spread(table), "map.png": _map(table)}
    return {**drawn, "together.png": _together(table)} if np.count_nonzero(np.ptp(table.values, 0)) > 1 else drawn


def draw_ladder(rows: Sequence[LadderRow]) -> dict[str, bytes]:
    """Draw the accuracy of each model under each division, with its interval: name → PNG."""
    divisions = list(dict.fromkeys(row.division for row in rows))
    names = list(dict.fromkeys(row.model for row in rows))
    page, axis = new_figure(1.6 + 1.9 * len(divisions), 4.8)
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        own = {row.division: row for row in rows if row.model == name}
        found = [(x, own[division]) for x, division in enumerate(divisions) if division in own]
        mean = np.array([100 * row.mean for _, row in found])
        reach = np.array([[100 * (row.mean - row.low), 100 * (row.high - row.mean)] for _, row in found]).T
        at = [x + (place - (len(names) - 1) / 2) * width for x, _ in found]
        axis.errorbar(at, mean, yerr=reach, fmt="o", markersize=4, capsize=2, linewidth=1, label=name)
    axis.set_xticks(range(len(divisions)), divisions)
    axis.set_ylabel("tested rows named right (%), 95 % interval")
    axis.grid(axis="y", alpha=0.3)
    axis.legend(fontsize=7, ncols=max(1, len(names) // 5), loc="lower left")
    return {"ladder.png": to_png(page)}


def _levels(table: GenreTable) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Columns that span decades as logarithms."""
    logged = np.isin(table.columns, log_columns(table.columns))
    return np.where(logged, np.log10(np.maximum(table.values, _LEAST)), table.values)


def _spread(table: GenreTable) -> bytes:
    shown = [name for name in SHOWN if name in table.columns] or list(table.columns[:12])
    levels, logged = _levels(table), log_columns(table.columns)
    rows = -(-len(shown) // 4)
    page, axes = new_figure(13, 2.9 * rows, nrows=rows, ncols=min(4, len(shown)), squeeze=False)
    for axis in axes.flat[len(shown) :]:
        axis.set_visible(False)
    for axis, name in zip(axes.flat, shown, strict=False):
        column = levels[:, table.columns.index(name)]
        groups = [column[table.targets == place] for place in range(len(table.classes))]
        axis.boxplot(groups, orientation="horizontal", showfliers=False, widths=0.6)
        axis.set_yticks(range(1, len(groups) + 1), table.classes, fontsize=7)
        axis.invert_yaxis()
        axis.set_title(f"log10 {name}" if name in logged else name, fontsize=8)
        axis.tick_params(axis="x", labelsize=7)
        axis.grid(axis="x", alpha=0.3)
    return to_png(page)


def _together(table: GenreTable) -> bytes:
    levels = _levels(table)
    varies = levels.std(0) > 0
    names = [name for name, kept in zip(table.columns, varies, strict=True) if kept]
    page, axis = new_figure(9.5, 8.6)
    image = axis.imshow(np.corrcoef(levels[:, varies].T), cmap="RdBu_r", vmin=-1, vmax=1)
    axis.set_xticks(range(len(names)), names, rotation=90, fontsize=5)
    axis.set_yticks(range(len(names)), names, fontsize=5)
    page.colorbar(image, ax=axis, label="correlation over the rows", shrink=0.8)
    return to_png(page)


def _map(table: GenreTable) -> bytes:
    """The two principal axes of the standardised descriptors."""
    levels = _levels(table)
    x = (levels - levels.mean(0)) / np.where(levels.std(0) > 0, levels.std(0), 1)
    _, size, axes = np.linalg.svd(x, full_matrices=False)
    places = x @ axes[:2].T
    share = size**2 / max(float(np.square(size).sum()), _LEAST)
    page, axis = new_figure(8, 6.4)
    for place, name in enumerate(table.classes):
        own = places[table.targets == place]
        axis.scatter(own[:, 0], own[:, -1], s=9, alpha=0.7, label=name, color=f"C{place % 10}")
    axis.set_xlabel(f"first principal component ({100 * share[0]:.0f} % of the variance)")
    axis.set_ylabel(f"second ({100 * share[min(1, len(share) - 1)]:.0f} %)")
    axis.legend(fontsize=7, markerscale=2)
    axis.grid(alpha=0.3)
    return to_png(page)
