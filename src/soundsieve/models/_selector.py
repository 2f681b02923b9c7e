"""What selectors have in common."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class NamesCells(Protocol):
    """A selector that can also be trained by naming time-frequency cells; see `soundsieve.losses.share_loss`."""

    def estimate_and_name(self, mixture: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Estimate as `forward` does (b, q, t), with logits of c classes and "anything else" (b, c+1, band, frame)."""
        ...

    def cell_power(self, waveforms: Tensor) -> Tensor:
        """Power in these cells: (b, s, t) → (b, s, band, frame)."""
        ...


def check_inputs(mixture: Tensor, wanted: Tensor, classes: int) -> None:
    """Refuse shapes that broadcasting would silently accept."""
    if mixture.ndim != 3 or mixture.shape[1] != 1 or mixture.shape[2] == 0:
        raise ValueError(f"mixture: expected shape (batch, 1, time ≥ 1), found {tuple(mixture.shape)}")
    if wanted.ndim != 3 or wanted.shape[0] != mixture.shape[0] or wanted.shape[2] != classes:
        raise ValueError(
            f"wanted: expected shape ({mixture.shape[0]}, queries, {classes} classes), found {tuple(wanted.shape)}"
        )
