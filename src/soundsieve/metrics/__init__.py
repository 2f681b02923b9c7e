"""Measures of separation: pure functions of numpy arrays, the last axis is time."""

from soundsieve.metrics.bss_eval import BssEval, bss_eval
from soundsieve.metrics.interval import bootstrap_interval, reweighted_interval
from soundsieve.metrics.over_songs import OverSongs, over_songs
from soundsieve.metrics.separation import mse, ratio_db, sdr_db, si_sdr_db

__all__ = [
    "BssEval",
    "OverSongs",
    "bootstrap_interval",
    "bss_eval",
    "mse",
    "over_songs",
    "ratio_db",
    "reweighted_interval",
    "sdr_db",
    "si_sdr_db",
]
