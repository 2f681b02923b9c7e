"""Listens to a recording, tells you what is in it, and hands you the parts you want.

>>> import soundsieve
>>> soundsieve.load("selekt")
Traceback (most recent call last):
...
soundsieve.errors.UnknownNameError: unknown model 'selekt': ...
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from soundsieve.systems.select import Selection, Selector
    from soundsieve.systems.tag import Tagger, Tags
    from soundsieve.systems.unmix import Unmixed, Unmixer
    from soundsieve.systems.watch import Watched, Watcher

__version__ = "0.1.0"
__all__ = ["Selection", "Selector", "Tagger", "Tags", "Unmixed", "Unmixer", "Watched", "Watcher", "__version__", "load"]

# Loaded when first used: torch takes seconds.
_LAZY = {
    "Selection": "soundsieve.systems.select",
    "Selector": "soundsieve.systems.select",
    "Tagger": "soundsieve.systems.tag",
    "Tags": "soundsieve.systems.tag",
    "Unmixed": "soundsieve.systems.unmix",
    "Unmixer": "soundsieve.systems.unmix",
    "Watched": "soundsieve.systems.watch",
    "Watcher": "soundsieve.systems.watch",
}


def load(name: str | Path, device: str = "auto") -> Any:
    """Load a trained model, ready for use.

    Args:
        name: A released model (`soundsieve models` lists them), a checkpoint file, or the folder of a training run.
        device: auto, cpu, cuda, cuda:1, mps; auto takes the fastest there is.

    Returns:
        For the task select a `Selector`, for tag a `Tagger`, for unmix an `Unmixer`, for watch a `Watcher`.

    Raises:
        UnknownNameError: when there is no released model of that name; lists the nearest.
        CheckpointError: when a path leads to no usable checkpoint.
        SettingsError: when this machine has no such device.

    >>> import tempfile
    >>> import numpy as np
    >>> from soundsieve import checkpoint, models
    >>> hyper = {"n_fft": 64, "hop": 32, "bands": 16, "channels": [4, 4], "context": 4, "context_blocks": 1}
    >>> weights = models.build("mask_unet", hyper, classes=2).state_dict()
    >>> untrained = checkpoint.Checkpoint("select", "mask_unet", hyper, ("dog", "rain"), 8_000, weights=weights)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint.save(Path(folder) / "tiny.safetensors", untrained)
    ...     selector = load(f"{folder}/tiny.safetensors", device="cpu")
    >>> street = np.zeros((2, 44_100))
    >>> result = selector.keep(street, ["dog"], sample_rate=44_100)
    >>> result.selected.shape, result.presence["dog"].present
    ((2, 44100), False)
    """
    from soundsieve import systems

    return systems.load(name, device)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
