"""Measures of separation: pure functions of numpy arrays, the last axis is time."""

from soundsieve.metrics.interval import bootstrap_interval, reweighted_interval
from soundsieve.metrics.separation import sdr_db, si_sdr_db

__all__ = ["bootstrap_interval", "reweighted_interval", "sdr_db", "si_sdr_db"]
