"""Networks trained by this package: a released name, a checkpoint file or a run folder."""

from __future__ import annotations

from pathlib import Path

from soundsieve import checkpoint
from soundsieve.inference.engines._network import NetworkEngine, from_checkpoint


def load(weights: str | Path | None = None, device: str = "auto") -> NetworkEngine:
    """Load a checkpoint of the task `unmix`; without weights, the released one of that name.

    Raises:
        UnknownNameError: when none is released under such a name.
        CheckpointError: when there is no such file, or it is not for `unmix`.
        SettingsError: when this machine has no such device.
    """
    return from_checkpoint(checkpoint.load(checkpoint.locate("unmix" if weights is None else weights)), device)
