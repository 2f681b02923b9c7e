"""Music made for the tests: three styles that descriptors tell apart, and tables of it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soundsieve.features.descriptors import NAMES, SAMPLE_RATE, describe

STYLES = ("drone", "hiss", "pulse")


def music(style: str, duration_s: float, seed: int = 0, rate: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """Make music (time,): low chords that stay, bright noise, or clicks in time."""
    rng = np.random.default_rng([STYLES.index(style), seed])
    t = np.arange(round(duration_s * rate)) / rate
    base = rng.uniform(80, 160)
    if style == "drone":
        wave = sum(np.sin(2 * np.pi * base * k * t + rng.uniform(0, 6)) / k for k in (1, 2, 3)) / 6
    elif style == "hiss":
        wave = np.diff(rng.standard_normal(len(t) + 1)) * 0.08
    else:
        beat = np.mod(t, 60 / rng.uniform(90, 140))
        wave = np.sin(2 * np.pi * 8 * base * t) * np.exp(-beat * 40) * 0.5
    noise = rng.standard_normal(len(t)) * rng.uniform(0.001, 0.01)
    return np.asarray((wave + noise) * rng.uniform(0.3, 1), np.float32)


def write_table(path: Path, tracks: int = 12, duration_s: float = 3.0) -> Path:
    """Write the descriptors of some tracks of each style as a table in the layout of the public one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["filename", "length", *NAMES, "label"])
        for style in STYLES:
            for number in range(tracks):
                wave = music(style, duration_s, number)
                values = describe(wave, edges="mirror").tolist()
                rows.writerow([f"{style}.{number:05d}.wav", len(wave), *values, style])
    return path
