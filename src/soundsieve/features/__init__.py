"""What a classifier looks at: waveforms turned into features, the same in training and in use."""

from soundsieve.features.log_mel import LogMel, LogMelSettings, trim
from soundsieve.features.mel import mel_filterbank

__all__ = ["LogMel", "LogMelSettings", "mel_filterbank", "trim"]
