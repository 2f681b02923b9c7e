"""Losses: pure functions of an estimate and a reference."""

from soundsieve.losses.snr import SelectionLoss, SelectionLossSettings, negative_si_snr, negative_snr

__all__ = ["SelectionLoss", "SelectionLossSettings", "negative_si_snr", "negative_snr"]
