"""Figures of separated songs: each song's SDR, and where the improvement is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from soundsieve.evaluation.tag_figures import new_figure, to_png
from soundsieve.evaluation.unmix_report import UnmixEvaluation
from soundsieve.evaluation.unmix_scores import ENGINE, IDEAL, MIXTURE
from soundsieve.inference.stem_figure import stem_colour

_COLOURS = {MIXTURE: "#999999", ENGINE: "#1f6f8b", IDEAL: "#d1792b"}
_MARKS = ("o", "s", "^", "D", "v")
_BOX_FROM = 5  # songs; a box around fewer says what the points say better
_WIDTH, _SHIFT = 0.24, 0.27

Floats = np.ndarray[Any, np.dtype[np.float64]]


def draw(report: UnmixEvaluation) -> dict[str, bytes]:
    """Return the figures as PNG files: name → content.

    Raises:
        MissingExtraError: when matplotlib is not installed.
    """
    return {"sdr.png": _sdr(report), "improvement.png": _improvement(report)}


def _medians(report: UnmixEvaluation, division: str, stem: str, system: str) -> Floats:
    """SDR of each song, NaN where it has none."""
    return np.array(
        [
            math.nan if score.alone else score.median()
            for song in report.songs
            for score in song.scores
            if (score.division, score.stem, score.system) == (division, stem, system)
        ]
    )


def _divisions(report: UnmixEvaluation) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in report.rows:
        found.setdefault(row.division, []).append(row.stem)
    return found


def _sdr(report: UnmixEvaluation) -> bytes:
    """SDR of every song, stem by stem: the mixture, the engine, the ideal mask."""
    divisions = _divisions(report)
    widths = [len(stems) for stems in divisions.values()]
    page, grid = new_figure(
        2.2 + 1.7 * sum(widths), 5.0, ncols=len(widths), width_ratios=widths, sharey=True, squeeze=False
    )
    for axis, (division, stems) in zip(grid.flat, divisions.items(), strict=True):
        for place, stem in enumerate(stems):
            for offset, system in ((-_SHIFT, MIXTURE), (0.0, ENGINE), (_SHIFT, IDEAL)):
                _spread(axis, place + offset, _medians(report, division, stem, system), _COLOURS[system])
        axis.set_xticks(range(len(stems)), stems)
        axis.set_xlim(-0.6, len(stems) - 0.4)
        axis.axhline(0, color="#222222", lw=0.8, zorder=0)
        axis.grid(axis="y", alpha=0.3)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    grid.flat[0].set_ylabel("SDR of a song, median over its frames (dB)")
    songs = f"{len(report.songs)} song{'s' if len(report.songs) > 1 else ''}"
    page.suptitle(f"{report.protocol['model']} on {report.protocol['data']}, {songs}", x=0.02, ha="left", fontsize=11)
    marks = [axis.plot([], [], "o", color=colour, label=name)[0] for name, colour in _COLOURS.items()]
    page.legend(handles=marks, loc="outside lower center", ncols=3, frameon=False)
    return to_png(page)


def _spread(axis: Any, place: float, values: Floats, colour: str) -> None:
    """Points, with a line at their median, and a box where they are many."""
    known = values[np.isfinite(values)]
    if not len(known):
        return
    if len(known) >= _BOX_FROM:
        line = {"color": colour, "linewidth": 1.2}
        axis.boxplot(
            [known],
            positions=[place],
            widths=_WIDTH,
            showfliers=False,
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": colour, "edgecolor": colour, "alpha": 0.25},
            medianprops={"color": colour, "linewidth": 2},
            whiskerprops=line,
            capprops=line,
        )
    else:
        axis.hlines(np.median(known), place - _WIDTH / 2, place + _WIDTH / 2, color=colour, lw=2)
    # Spread by rank, so that neighbours of one level do not hide each other and a figure can be drawn again.
    turns = np.argsort(np.argsort(known)) * 0.618 % 1 - 0.5
    beside = turns * _WIDTH * 0.7 if len(known) > 1 else np.zeros(1)
    axis.plot(place + beside, known, "o", color=colour, ms=4 if len(known) < 60 else 2.5, alpha=0.7, mew=0)


def _improvement(report: UnmixEvaluation) -> bytes:
    """What the engine gains over the mixture against how loud the stem is in it."""
    divisions = _divisions(report)
    page, grid = new_figure(1.0 + 5.2 * len(divisions), 5.2, ncols=len(divisions), squeeze=False)
    for axis, (division, stems) in zip(grid.flat, divisions.items(), strict=True):
        for row, (mark, stem) in enumerate(zip(_MARKS, stems, strict=False)):
            before, after = (_medians(report, division, stem, system) for system in (MIXTURE, ENGINE))
            known = np.isfinite(before) & np.isfinite(after)
            gain = after[known] - before[known]
            axis.plot(before[known], gain, mark, color=stem_colour(stem, row), ms=5, alpha=0.75, mew=0, label=stem)
        axis.axhline(0, color="#222222", lw=0.8)
        axis.margins(0.12)
        axis.set_xlabel("SDR of the mixture (dB)")
        axis.set_title(division, fontsize=9, loc="left")
        axis.grid(alpha=0.3)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=9)
    grid.flat[0].set_ylabel("SDR of the engine − SDR of the mixture (dB)")
    return to_png(page)
