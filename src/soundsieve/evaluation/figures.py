"""A report in pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from soundsieve.errors import MissingExtraError
from soundsieve.evaluation.select import KEEP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from soundsieve.evaluation.report import Report

_MODEL, _SILENCE, _IDEAL = "#1f6f8b", "#999999", "#d1792b"


def draw(report: Report) -> dict[str, bytes]:
    """Return the figures as PNG files: name → content.

    Raises:
        MissingExtraError: when matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtraError("figures need matplotlib: pip install 'soundsieve[train]'") from None
    pictures = {}
    if report.classes:
        pictures["classes.png"] = _png(_classes(report))
        pictures["input_output.png"] = _png(_input_output(report))
    if report.evaluation.levels:
        pictures["presence.png"] = _png(_presence(report))
    return pictures


def _png(figure: Figure) -> bytes:
    memory = io.BytesIO()
    figure.savefig(memory, format="png", dpi=130)
    return memory.getvalue()


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    return figure, axes


def _classes(report: Report) -> Figure:
    """Bars of SDR improvement, best class on top, with what silence and the ideal mask would reach."""
    rows = sorted(report.classes, key=lambda row: row.summary.sdr.mean)
    mean = np.array([row.summary.sdr.mean for row in rows])
    low = np.array([row.summary.sdr.low for row in rows])
    high = np.array([row.summary.sdr.high for row in rows])
    position = np.arange(len(rows))
    figure, axes = _figure(7.5, 1.8 + 0.24 * len(rows))
    error = np.maximum([mean - low, high - mean], 0.0)
    axes.barh(
        position,
        mean,
        xerr=error,
        color=_MODEL,
        height=0.7,
        ecolor="#222222",
        capsize=2,
        label="model, with 95 % interval",
    )
    axes.plot([row.summary.silence for row in rows], position, "|", color=_SILENCE, ms=9, mew=2, label="silence")
    axes.plot([row.summary.ideal_sdr for row in rows], position, "D", color=_IDEAL, ms=4, label="ideal ratio mask")
    axes.axvline(0, color="#222222", lw=0.8)
    axes.set_yticks(position, [f"{row.label.replace('_', ' ')} ({row.summary.queries})" for row in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlabel("mean SDR improvement (dB)")
    axes.set_ylabel("class (queries)")
    axes.set_title(f"One class kept, {report.recordings} recordings", loc="left")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def _input_output(report: Report) -> Figure:
    """SDR of each mixture against the SDR of its estimate; above the diagonal the model helped."""
    scores = [s for s in report.evaluation.scores if s.task == KEEP and s.recordings == report.recordings]
    conditions = list(dict.fromkeys(s.condition for s in scores))
    figure, axes = _figure(6.5, 6.4)
    for condition, colour in zip(conditions, ("#b8b8b8", _MODEL, _IDEAL, "#7b3f8c"), strict=False):
        own = [s for s in scores if s.condition == condition]
        points = {"ms": 3, "alpha": 0.45, "mew": 0, "color": colour}
        axes.plot([s.input_sdr for s in own], [s.sdr for s in own], "o", label=condition, **points)
    margin = np.array([-2.0, 2.0])
    every = np.array([[s.input_sdr, s.sdr] for s in scores])
    x = np.percentile(every[:, 0], [0.2, 99.8]) + margin
    y = np.percentile(every[:, 1], [0.2, 99.8]) + margin
    span = np.array([min(x[0], y[0]), max(x[1], y[1])])
    axes.plot(span, span, color="#222222", lw=0.8, label="no improvement (0 dB)")
    axes.plot(span, span + 10, color="#222222", lw=0.8, ls=":", label="10 dB of improvement")
    axes.axhline(0, color=_SILENCE, lw=1.2, ls="--", label="silence")
    axes.set_xlim(x)
    axes.set_ylim(y)
    axes.set_xlabel("SDR of the mixture (dB)")
    axes.set_ylabel("SDR of the estimate (dB)")
    axes.set_title(f"Wanted classes kept, {report.recordings} recordings", loc="left")
    axes.grid(alpha=0.3)
    legend = figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1.0)
    return figure


def _presence(report: Report) -> Figure:
    """How loud the estimates are where the class is present and where it is absent."""
    levels = [level for level in report.evaluation.levels if level.recordings == report.recordings]
    present = np.array([level.level_db for level in levels if level.present])
    absent = np.array([level.level_db for level in levels if not level.present])
    lowest = -60.0  # everything below is drawn in the first bar: silence has no place on a scale of dB
    edges = np.arange(lowest, 4.0, 2.0)
    figure, axes = _figure(7.0, 4.2)
    for values, colour, name in ((absent, _IDEAL, "absent"), (present, _MODEL, "present")):
        if len(values):
            share = np.full(len(values), 100 / len(values))
            axes.hist(np.clip(values, lowest, 1.9), edges, weights=share, color=colour, alpha=0.6, label=name)
    axes.set_xlabel(f"energy of the estimate against the mixture's (dB; {lowest:.0f} and below in the first bar)")
    axes.set_ylabel("share of the queries (%)")
    title = next((f", AUC {row.auc:.3f}" for row in report.leakage if row.recordings == report.recordings), "")
    axes.set_title(f"One class asked for, {report.recordings} recordings{title}", loc="left")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False)
    return figure
