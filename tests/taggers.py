"""Classifiers made for the tests: trained for a moment, or with a known answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from soundsieve import models
from soundsieve.checkpoint import Checkpoint, save
from soundsieve.features import LogMel, LogMelSettings

RATE = 8_000


class LoudestBand:
    """Names which third of the spectrum holds the most power, surely: stands in for a `Classifier`."""

    classes = ("low", "middle", "high")
    sample_rate = RATE
    stretch = 0

    def __init__(self) -> None:
        self.seen: list[int] = []

    def stretch_scores(self, waveforms: Sequence[NDArray[np.float32]], count: int) -> NDArray[np.float64]:
        self.seen += [len(waveform) for waveform in waveforms]
        scores = np.zeros((len(waveforms), count, 3))
        for row, waveform in enumerate(waveforms):
            step = self.stretch or len(waveform)
            for k, first in enumerate(range(0, len(waveform), step)):
                scores[row, k if self.stretch else slice(None)] = self._score(waveform[first : first + step])
        return scores

    def _score(self, waveform: NDArray[np.float32]) -> NDArray[np.float64]:
        power = np.abs(np.fft.rfft(waveform)) ** 2
        bands = np.array([part.sum() for part in np.array_split(power, 3)])
        return bands / max(bands.sum(), 1e-30)


def tone(hz: float, duration_s: float, rate: int = RATE, level: float = 0.1) -> NDArray[np.float32]:
    """A sine, shape (time,)."""
    return (level * np.sin(2 * np.pi * hz * np.arange(round(duration_s * rate)) / rate)).astype(np.float32)


def tiny_tagger(path: Path, classes: Sequence[str] = ("low", "high"), **card: object) -> Path:
    """Save a classifier of two classes at 8 kHz that is sure of `low` below 2 kHz and of `high` above."""
    settings = LogMelSettings(sample_rate=RATE, n_fft=256, win_length=256, hop=128, mels=16, normalise="none")
    hyper = {"mels": 16, "hidden": 16, "layers": 1}
    torch.manual_seed(0)
    network = models.build("tag_lstm", hyper, len(classes))
    front_end = LogMel(settings)
    tones = torch.stack([torch.from_numpy(tone(hz, 1.0)) for hz in (300, 700, 1200, 2600, 3100, 3600)])
    target = torch.tensor([0, 0, 0, 1, 1, 1])
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    features, frames = front_end(tones)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(features / 50, frames), target).backward()
        optimiser.step()
    with torch.no_grad():  # the same for features that are not divided
        for name, weight in network.named_parameters():
            if name.endswith("weight_ih_l0"):
                weight /= 50
    card = {"licence": "MIT", "scores": "one", "temperature": 1.0, "thresholds": dict.fromkeys(classes, 0.6)} | card
    card.setdefault("timeline", {"window_s": 0.5, "hop_s": 0.25, "gap_s": 0.25})
    save(
        path,
        Checkpoint(
            "tag",
            "tag_lstm",
            hyper,
            tuple(classes),
            RATE,
            card,
            front_end=settings.model_dump(mode="json"),
            weights=network.state_dict(),
        ),
    )
    return path
