"""Networks made for the tests: untrained, tiny, or with a known answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from soundsieve import models
from soundsieve.checkpoint import Checkpoint, save

CLASSES = ("dog", "finger_snapping", "rain")
RATE = 8_000
_HYPER = {"n_fft": 128, "hop": 64, "bands": 16, "channels": [4, 6], "context": 4, "context_blocks": 1}


def tiny_checkpoint(path: Path, *, classes: Sequence[str] = CLASSES, rate: int = RATE, **card: Any) -> Path:
    """Save an untrained selector; with default classes dog counts as present always and rain never."""
    torch.manual_seed(0)
    network = models.build("mask_unet", _HYPER, len(classes))
    card = {"licence": "MIT", "thresholds_db": {"dog": -200.0, "rain": 200.0}} | card
    weights = network.state_dict()
    save(path, Checkpoint("select", "mask_unet", _HYPER, tuple(classes), rate, card, weights=weights))
    return path


class Shares(nn.Module):
    """Gives each class a fixed share of the mixture; wanted classes add up."""

    stride = 1
    context_frames = 1

    def __init__(self, *shares: float) -> None:
        super().__init__()
        self.shares = torch.tensor(shares)

    def forward(self, mixture: Tensor, wanted: Tensor) -> Tensor:
        return (wanted @ self.shares)[..., None] * mixture


class Strided(nn.Module):
    """An encoder and decoder with a stride, a bend between them and zeros at both ends: local, but not linear."""

    stride = 8
    context_frames = 5 * 8 + 16

    def __init__(self, classes: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.encoder = nn.Conv1d(1, 6, 16, stride=8, padding=8)
        self.middle = nn.Conv1d(6, 6, 5, padding=4, dilation=2)
        self.decoder = nn.ConvTranspose1d(6, classes, 16, stride=8, padding=8)

    def forward(self, mixture: Tensor, wanted: Tensor) -> Tensor:
        time = mixture.shape[-1]
        encoded = torch.tanh(self.encoder(nn.functional.pad(mixture, (0, -time % 8))))
        return wanted @ self.decoder(torch.tanh(self.middle(encoded)))[..., :time]


class Notebook(nn.Module):
    """Gives the mixture back times the next of some gains, and keeps what it was shown."""

    stride = 1
    context_frames = 1

    def __init__(self, *gains: float, one_pass: bool = True) -> None:
        super().__init__()
        self.gains = gains or (1.0,)
        self.one_pass = one_pass
        self.seen: list[Tensor] = []
        self.asked: list[Tensor] = []

    def forward(self, mixture: Tensor, wanted: Tensor) -> Tensor:
        gain = self.gains[len(self.seen) % len(self.gains)]
        self.seen.append(mixture)
        self.asked.append(wanted)
        return gain * mixture.expand(-1, wanted.shape[1], -1)
