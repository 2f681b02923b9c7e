"""What every selector checks about its inputs."""

from __future__ import annotations

from torch import Tensor


def check_inputs(mixture: Tensor, wanted: Tensor, classes: int) -> None:
    """Refuse shapes that broadcasting would silently accept."""
    if mixture.ndim != 3 or mixture.shape[1] != 1 or mixture.shape[2] == 0:
        raise ValueError(f"mixture: expected shape (batch, 1, time ≥ 1), found {tuple(mixture.shape)}")
    if wanted.ndim != 3 or wanted.shape[0] != mixture.shape[0] or wanted.shape[2] != classes:
        raise ValueError(
            f"wanted: expected shape ({mixture.shape[0]}, queries, {classes} classes), found {tuple(wanted.shape)}"
        )
