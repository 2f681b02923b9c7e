"""What a classifier looks at: waveforms turned into features, the same in training and in use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soundsieve.features.log_mel import LogMel, LogMelSettings, trim
    from soundsieve.features.mel import mel_bands

__all__ = ["LogMel", "LogMelSettings", "mel_bands", "trim"]

# Loaded when first used: torch takes seconds, and the descriptors of music do without it.
_LAZY = {
    "LogMel": "soundsieve.features.log_mel",
    "LogMelSettings": "soundsieve.features.log_mel",
    "mel_bands": "soundsieve.features.mel",
    "trim": "soundsieve.features.log_mel",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
