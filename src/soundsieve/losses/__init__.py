"""Losses: pure functions of an estimate and a reference."""

from soundsieve.losses.shares import share_loss
from soundsieve.losses.snr import SelectionLoss, SelectionLossSettings, negative_si_snr, negative_snr
from soundsieve.losses.tags import TagLossSettings, tag_loss

__all__ = [
    "SelectionLoss",
    "SelectionLossSettings",
    "TagLossSettings",
    "negative_si_snr",
    "negative_snr",
    "share_loss",
    "tag_loss",
]
