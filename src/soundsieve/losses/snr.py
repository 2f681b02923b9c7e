"""Negative signal-to-noise ratio, its scale-invariant twin, and their blend for selection."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from soundsieve.settings import Settings

_EPS = 1e-8


def negative_snr(*, estimate: Tensor, reference: Tensor, ceiling_db: float | None = None) -> Tensor:
    """Return −10·log10(‖x‖² / ‖x − x̂‖²) over the last axis, in dB.

    Args:
        estimate: x̂, shape (…, time).
        reference: x, same shape.
        ceiling_db: Bends the loss so that it cannot fall below −ceiling_db: cells that are good already stop pulling
            (Wisdom et al., "What's All the FUSS About Free Universal Sound Separation Data?", 2021, equation 2).

    Shape:
        - output: (…)

    >>> x = torch.tensor([1.0, 0.0])
    >>> round(negative_snr(estimate=0.9 * x, reference=x).item(), 3)
    -20.0
    """
    signal = reference.square().sum(-1)
    noise = (reference - estimate).square().sum(-1)
    if ceiling_db is not None:
        noise = noise + 10 ** (-ceiling_db / 10) * signal
    return 10 * torch.log10(noise + _EPS) - 10 * torch.log10(signal + _EPS)


def negative_si_snr(*, estimate: Tensor, reference: Tensor) -> Tensor:
    """Return the negative scale-invariant SNR in dB (Le Roux et al., "SDR: half-baked or well done?", 2019).

    Shape:
        - estimate, reference: (…, time)
        - output: (…)

    >>> x = torch.tensor([1.0, 0.0, 0.0]); y = torch.tensor([5.0, 0.5, 0.0])
    >>> round(negative_si_snr(estimate=y, reference=x).item(), 2)
    -20.0
    """
    scale = (estimate * reference).sum(-1, keepdim=True) / (reference.square().sum(-1, keepdim=True) + _EPS)
    target = scale * reference
    return 10 * torch.log10((estimate - target).square().sum(-1) + _EPS) - 10 * torch.log10(
        target.square().sum(-1) + _EPS
    )


class SelectionLossSettings(Settings):
    """What a selector is trained on; `si_snr = 0, ceiling_db = null, absent = 0` is the paper's pure SNR."""

    si_snr: float = Field(0.1, ge=0, le=1, description="share of SI-SNR: guards pure SNR against collapsing to silence")
    ceiling_db: float | None = Field(30.0, description="SNR above which a query stops contributing")
    absent: float = Field(0.1, ge=0, description="weight of a query whose classes are all absent")
    shares: float = Field(0.0, ge=0, description="weight of naming every cell (mask_unet): classes do not stay silent")
    absent_floor_db: float = Field(30.0, description="leakage this far below the mixture is as good as silence")


class SelectionLoss:
    """Mean over queries of a blend of SNR and SI-SNR, with a leakage term where nothing wanted is there."""

    def __init__(self, settings: SelectionLossSettings) -> None:
        self.settings = settings

    def __call__(self, *, estimate: Tensor, reference: Tensor, mixture: Tensor, weight: Tensor) -> Tensor:
        """Judge a batch.

        Args:
            estimate: Shape (batch, query, time).
            reference: Same shape; all zeros where nothing wanted is in the mixture.
            mixture: Shape (batch, 1, time).
            weight: Shape (batch, query); 0 for padding.

        Returns:
            One number, in dB.
        """
        s = self.settings
        present = reference.square().sum(-1) > 0
        snr = negative_snr(estimate=estimate, reference=reference, ceiling_db=s.ceiling_db)
        if s.si_snr:
            # No clamp at the other end: an estimate that has nothing of the reference is where it must be pushed.
            shape = negative_si_snr(estimate=estimate, reference=reference).clamp(min=-30)
            snr = (1 - s.si_snr) * snr + s.si_snr * shape
        energy = mixture.square().sum(-1)
        leak = estimate.square().sum(-1) + 10 ** (-s.absent_floor_db / 10) * energy
        leakage = 10 * torch.log10(leak + _EPS) - 10 * torch.log10(energy + _EPS)
        loss = torch.where(present, snr, s.absent * leakage) * weight
        return loss.sum() / weight.sum().clamp(min=1)
