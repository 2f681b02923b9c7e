"""Losses of separators of songs: of waveforms, of what short-time spectra are left, and of sharing out cells.

Axes: b batch, s stem, c channel, t time, f bin, m band, l frame.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import log_softmax

from soundsieve.settings import Settings

_EPS = 1e-8
_LOUDNESS = 0.3  # power → weight of a cell: quiet cells count, the loudest do not drown them


class StemLossSettings(Settings):
    """What a separator of songs is trained on; the default is the paper's."""

    kind: Literal["mse", "l1", "cells"] = Field(
        "mse", description="error of waveforms, squared or absolute; cells: of spectra, for networks that mask them"
    )
    resolutions: float = Field(0.0, ge=0, description="weight of the multi-resolution spectral loss; mse and l1")
    n_ffts: tuple[Annotated[int, Field(ge=16)], ...] = Field((512, 1024, 2048), description="its windows, in samples")
    shares: float = Field(0.0, ge=0, description="weight of naming the share of each stem in every cell; cells")


def waveform_loss(*, estimate: Tensor, reference: Tensor, settings: StemLossSettings) -> Tensor:
    """Return the mean error over stems, channels and samples, and that of spectra where it is asked for.

    Args:
        estimate: Shape (b, s, c, t).
        reference: Same shape.
        settings: Which; `mse` or `l1`.

    >>> x, y = torch.zeros(1, 4, 2, 100), torch.full((1, 4, 2, 100), 0.5)
    >>> float(waveform_loss(estimate=x, reference=y, settings=StemLossSettings()))
    0.25
    """
    error = estimate - reference
    loss = error.square().mean() if settings.kind == "mse" else error.abs().mean()
    if settings.resolutions:
        loss = loss + settings.resolutions * multi_resolution(estimate, reference, settings.n_ffts)
    return loss


def multi_resolution(estimate: Tensor, reference: Tensor, n_ffts: tuple[int, ...]) -> Tensor:
    """Return spectral convergence and log-magnitude error, the mean over resolutions; hops are a quarter of windows.

    Ryuichi Yamamoto, Eunwoo Song, Jae-Min Kim, "Parallel WaveGAN", ICASSP 2020, equations 4 to 6, over the batch as a
    whole. Before logarithms are taken, magnitudes of both that lie 80 dB or more below the loudest of the reference are
    raised to that level: what is quieter is noise and makes no difference, what is louder where the reference is silent
    still counts.

    Shape:
        - estimate, reference: (…, t)

    >>> x = torch.randn(2, 1000)
    >>> float(multi_resolution(x, x, (128, 256)))
    0.0
    """
    total = estimate.new_zeros(())
    for n_fft in n_ffts:
        window = torch.hann_window(n_fft, device=estimate.device)
        found, true = (
            torch.stft(x.flatten(0, -2).float(), n_fft, n_fft // 4, window=window, return_complex=True).abs()
            for x in (estimate, reference)
        )
        convergence = torch.linalg.vector_norm(true - found) / (torch.linalg.vector_norm(true) + _EPS)
        floor = 1e-4 * true.amax() + _EPS
        logs = (true.clamp(min=floor).log() - found.clamp(min=floor).log()).abs().mean()
        total = total + convergence + logs
    return total / len(n_ffts)


def cell_loss(*, masks: Tensor, mixture: Tensor, reference: Tensor) -> Tensor:
    """Return how far masked cells lie from those of the stems, against the mean level of the mixture's cells.

    The absolute error of complex cells, and not of magnitudes: a mask is best where it also makes up for the phase.

    Args:
        masks: Shape (b, s, c, f, l).
        mixture: Its spectrum, shape (b, c, f, l).
        reference: Those of the stems, shape (b, s, c, f, l).

    >>> spectra = torch.ones(1, 2, 1, 3, 4, dtype=torch.complex64)
    >>> halves = torch.full((1, 2, 1, 3, 4), 0.5)
    >>> round(float(cell_loss(masks=halves, mixture=spectra.sum(1), reference=spectra)), 3)
    0.0
    """
    error = torch.view_as_real(masks * mixture[:, None] - reference)
    distance = (error.square().sum(-1) + 1e-12).sqrt()
    level = mixture.abs().mean((1, 2, 3)) + 1e-5
    return (distance.mean((1, 2, 3, 4)) / level).mean()


def stem_share_loss(*, logits: Tensor, power: Tensor) -> Tensor:
    """Return the cross-entropy between the named and the true shares of the stems in every cell, in nats.

    What `share_loss` is to selectors: it pulls where an error of waveforms hardly does, at quiet stems.

    Args:
        logits: Shape (b, s, c, m, l).
        power: Of the stems, same shape.

    >>> power = torch.tensor([3.0, 1.0]).reshape(1, 2, 1, 1, 1)
    >>> sure = torch.tensor([0.75, 0.25]).log().reshape(1, 2, 1, 1, 1)
    >>> round(float(stem_share_loss(logits=sure, power=power)), 4)  # the entropy of 3 : 1
    0.5623
    """
    total = power.sum(1)
    weight = total.clamp(min=1e-10) ** _LOUDNESS
    weight = weight / weight.mean((1, 2, 3), keepdim=True)
    named = -(power * log_softmax(logits, 1)).sum(1) / total.clamp(min=1e-10)
    return (named * weight).mean()
