"""Engines made for the tests: every stem is the song turned down by a known gain, handed over some samples late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from soundsieve import models
from soundsieve.checkpoint import Checkpoint, save
from soundsieve.inference.engines import StemStream

Waveform = NDArray[np.float32]
FOUR = ("vocals", "drums", "bass", "other")


@dataclass(frozen=True)
class Gains:
    """An engine whose answers are known."""

    gains: Mapping[str, float]
    sample_rate: int = 8_000
    late: int = 700
    card: Mapping[str, Any] = field(default_factory=dict)
    segment_s: float = 0.0
    fail_after: int | None = None

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(self.gains)

    def stream(self, channels: int, cancel: object = None) -> StemStream:
        return GainStream(self, np.zeros((channels, 0), np.float32))

    def in_segments(self, segment_s: float) -> Gains:
        return replace(self, segment_s=segment_s)


@dataclass
class GainStream:
    engine: Gains
    held: Waveform
    seen: int = 0

    def push(self, mixture: Waveform, last: bool = False) -> Iterator[tuple[Waveform, Waveform]]:
        self.seen += mixture.shape[1]
        if self.engine.fail_after is not None and self.seen > self.engine.fail_after:
            raise RuntimeError("the engine broke")
        self.held = np.concatenate([self.held, mixture], axis=1)
        ready = self.held.shape[1] if last else max(0, self.held.shape[1] - self.engine.late)
        ripe, self.held = self.held[:, :ready], self.held[:, ready:]
        gains = np.asarray([*self.engine.gains.values()], np.float32)[:, None, None]
        for part in np.array_split(ripe, 3, axis=1):  # also empty ones
            yield part, gains * part


def four(**settings: Any) -> Gains:
    """Four stems of a song, gains that add up to one."""
    return Gains(dict(zip(FOUR, (0.5, 0.25, 0.125, 0.125), strict=True)), **settings)


def tiny_unmixer(path: Path, stems: tuple[str, ...] = FOUR, rate: int = 8_000) -> Path:
    """Save an untrained Wave-U-Net."""
    torch.manual_seed(0)
    hyper = {"L": 3, "F_c": 2}
    weights = models.build("wave_unet", hyper, len(stems)).state_dict()
    save(path, Checkpoint("unmix", "wave_unet", hyper, stems, rate, {"licence": "MIT"}, weights=weights))
    return path
