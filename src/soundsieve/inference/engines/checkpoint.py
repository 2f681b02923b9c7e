"""Networks trained by this package: a released name, a checkpoint file or a run folder."""

from __future__ import annotations

from pathlib import Path

from soundsieve import checkpoint
from soundsieve.errors import CheckpointError
from soundsieve.inference.engines._network import NetworkEngine, from_checkpoint

RELEASED = "unmix"


def load(weights: str | Path | None = None, device: str = "auto") -> NetworkEngine:
    """Load a checkpoint of the task `unmix`; without weights, the released one of that name.

    Raises:
        UnknownNameError: when none is released under such a name.
        CheckpointError: when there is no such file, it is not for `unmix`, or none comes with this copy.
        SettingsError: when this machine has no such device.
    """
    [path] = weight_files(weights)
    return from_checkpoint(checkpoint.load(path), device)


def weight_files(weights: str | Path | None = None) -> tuple[Path, ...]:
    """Return the checkpoint; without weights, the released one.

    Raises:
        UnknownNameError, CheckpointError: As for `load`.
    """
    if weights is None and RELEASED not in checkpoint.released():
        raise CheckpointError("no network of ours for songs comes with this copy yet: train one (docs/unmix.md)")
    return (checkpoint.locate(RELEASED if weights is None else weights),)
