"""Figures of a training run, drawn from its CSV logs."""

from __future__ import annotations

import csv
from pathlib import Path

PANELS = (
    ("train/loss", "training loss"),
    ("val/minus_mse_db", "validation error below full scale (dB)"),
    ("val/sdr_db", "validation SDR (dB)"),
    ("train/loss_db", "training loss (dB)"),
    ("train/naming_nats", "naming loss (nats)"),
    ("train/loss_nats", "training loss (nats)"),
    ("val/loss_nats", "validation loss (nats)"),
    ("val/accuracy", "validation accuracy"),
    ("val/loss", "validation loss"),
    ("val/map_accuracy", "bases given to the right object"),
    ("val/pair_accuracy", "bases sent back to their video"),
    ("val/label_precision", "average precision of seen labels"),
    ("val/true_label_precision", "average precision of true labels"),
    ("val/sdr_improvement_db", "validation SDR improvement (dB)"),
    ("val/rest_improvement_db", "SDR improvement of the rest (dB)"),
    ("val/leaked_db", "leaked into silent tracks (dB)"),
    ("train/gradient_norm", "gradient norm"),
    ("train/learning_rate", "learning rate"),
    ("train/batch_s", "seconds per batch"),
)


def column(run: Path, name: str) -> list[float]:
    """The logged values of one quantity, in order; empty when it was never logged."""
    return [value for _, value in series(run, name)]


def draw(run: Path, figure: Path) -> None:
    """Draw loss, validation, gradient norm, learning rate and time over the steps of a run."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = [(label, series(run, name)) for name, label in PANELS]
    drawn = [(label, points) for label, points in panels if points]
    page, axes = plt.subplots(
        len(drawn), 1, figsize=(8, 2.1 * len(drawn)), sharex=True, squeeze=False, layout="constrained"
    )
    for axis, (label, points) in zip(axes[:, 0], drawn, strict=True):
        axis.plot(*zip(*points, strict=True), marker="." if len(points) < 60 else "", linewidth=1)
        axis.set_ylabel(label, fontsize=8)
        axis.grid(alpha=0.3)
    axes[-1, 0].set_xlabel("optimiser steps")
    page.savefig(figure, dpi=120)
    plt.close(page)


def series(run: Path, name: str) -> list[tuple[int, float]]:
    """Steps and values over every start of the run; a step that was repeated counts as it went the last time."""
    values: dict[int, float] = {}
    for log in sorted(run.glob("log-*/metrics.csv")):
        with log.open(encoding="utf-8", newline="") as file:
            rows = [(int(row["step"]), float(row[name])) for row in csv.DictReader(file) if row.get(name)]
        if rows:
            values = {step: value for step, value in values.items() if step < rows[0][0]}
        values.update(rows)
    return sorted(values.items())
