"""Losses: pure functions of an estimate and a reference."""

from soundsieve.losses.bags import base_labels, label_margin
from soundsieve.losses.groups import group_logits
from soundsieve.losses.shares import share_loss
from soundsieve.losses.snr import SelectionLoss, SelectionLossSettings, negative_si_snr, negative_snr
from soundsieve.losses.stems import StemLossSettings, cell_loss, stem_share_loss, waveform_loss
from soundsieve.losses.tags import TagLossSettings, tag_loss

__all__ = [
    "SelectionLoss",
    "SelectionLossSettings",
    "StemLossSettings",
    "TagLossSettings",
    "base_labels",
    "cell_loss",
    "group_logits",
    "label_margin",
    "negative_si_snr",
    "negative_snr",
    "share_loss",
    "stem_share_loss",
    "tag_loss",
    "waveform_loss",
]
