"""Figures of separated videos: each object's improvement between the floor and the ceilings, and each video's."""

from __future__ import annotations

from typing import Any

import numpy as np

from soundsieve.evaluation.tag_figures import new_figure, to_png
from soundsieve.evaluation.watch_report import ObjectRow, WatchEvaluation
from soundsieve.evaluation.watch_scores import CHOICE, ENGINE, IDEAL, MIXTURE, ORACLE

_COLOURS = {MIXTURE: "#999999", ENGINE: "#1f6f8b", CHOICE: "#8a5a9a", ORACLE: "#d1792b", IDEAL: "#7a9a3a"}


def draw(report: WatchEvaluation) -> dict[str, bytes]:
    """Return the figures as PNG files: name → content; none where no object was found.

    Raises:
        MissingExtraError: when matplotlib is not installed.
    """
    if report.overall.objects == report.overall.missed:
        return {}
    return {"objects.png": to_png(_objects(report)), "improvement.png": to_png(_improvement(report))}


def _objects(report: WatchEvaluation) -> Any:
    """One line an object: from the mixture at 0 to the engine, the true choice, the oracle bases and the ideal mask."""
    rows = sorted(
        (row for row in report.labels if row.objects > row.missed), key=lambda row: row.gains[ENGINE]["sdr"].mean
    )
    rows = [report.overall, *rows]
    page, axis = new_figure(8.0, 1.8 + 0.32 * len(rows))
    for place, row in enumerate(rows):
        _line(axis, place, row)
    axis.axvline(0, color=_COLOURS[MIXTURE], lw=1.5, label="mixture")
    axis.set_yticks(range(len(rows)), [f"{row.name.replace('_', ' ')} ({row.objects - row.missed})" for row in rows])
    axis.axhline(0.5, color="#cccccc", lw=0.8)
    axis.set_xlabel("SDR − SDR of the mixture, mean over found objects (dB)")
    axis.grid(axis="x", alpha=0.3)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    handles, names = axis.get_legend_handles_labels()
    page.legend(handles, names, loc="outside lower center", ncols=5, frameon=False)
    page.suptitle(f"{report.protocol['model']}, {len(report.videos)} videos", x=0.02, ha="left", fontsize=11)
    return page


def _line(axis: Any, place: int, row: ObjectRow) -> None:
    marks = {ENGINE: "o", CHOICE: "^", ORACLE: "D", IDEAL: "s"}
    ours, ideal = (row.gains[system]["sdr"] for system in (ENGINE, IDEAL))
    axis.plot([0, ideal.mean], [place, place], color="#e0e0e0", lw=5, zorder=1, solid_capstyle="butt")
    if not np.isnan(ours.low):
        axis.plot([ours.low, ours.high], [place, place], color=_COLOURS[ENGINE], lw=2, zorder=2)
    for system, mark in marks.items():
        label = None if place else f"{system}, 95 %" if system == ENGINE else system
        mean = row.gains[system]["sdr"].mean
        axis.plot(mean, place, mark, color=_COLOURS[system], ms=7, zorder=3, mew=0, label=label)


def _improvement(report: WatchEvaluation) -> Any:
    """What the engine gains over the mixture against how loud the object is in it, and the oracle bases beside it."""
    page, axis = new_figure(6.4, 4.8)
    for system, mark in ((ORACLE, "D"), (ENGINE, "o")):
        points = []
        for video in report.videos:
            by = {(score.label, score.system): score for score in video.scores}
            points += [
                (by[label, MIXTURE].sdr, score.sdr - by[label, MIXTURE].sdr)
                for (label, name), score in by.items()
                if name == system and score.found
            ]
        before, gain = np.array(points, np.float64).T
        axis.plot(before, gain, mark, color=_COLOURS[system], ms=4, alpha=0.6, mew=0, label=system)
    axis.axhline(0, color="#222222", lw=0.8)
    axis.set_xlabel("SDR of the mixture (dB)")
    axis.set_ylabel("SDR − SDR of the mixture (dB)")
    axis.grid(alpha=0.3)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    return page
