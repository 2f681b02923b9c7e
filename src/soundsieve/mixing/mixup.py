"""Mixing the clips of a batch in pairs, their targets in the same proportion.

Axes: b clips of the batch, c classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_LEVEL_WINDOW = 4096  # samples; at 44.1 kHz the windows of about 0.1 s of Tokozume et al.
_QUIETEST_DB = -80.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Who is mixed with whom, and how much of each.

    Attributes:
        partners: A permutation of the batch, shape (b,).
        shares: How much of a clip is itself, the rest being its partner; from 0 to 1, shape (b,).
    """

    partners: NDArray[np.int64]
    shares: NDArray[np.float32]


class Mixed(NamedTuple):
    """A mixed batch: inputs (b, ...), targets (b, c) and lengths (b,)."""

    inputs: Tensor
    targets: Tensor
    lengths: Tensor


def draw_pairs(count: int, alpha: float, rng: np.random.Generator) -> Pairs:
    """Draw a partner and a share λ ~ Beta(α, α) for each clip of a batch; α = 0 leaves every clip as it is.

    Raises:
        ValueError: when `alpha` is negative or not finite.

    >>> pairs = draw_pairs(4, 0.2, np.random.default_rng(0))
    >>> sorted(pairs.partners.tolist()), pairs.shares.shape
    ([0, 1, 2, 3], (4,))
    """
    if not (math.isfinite(alpha) and alpha >= 0):
        raise ValueError(f"alpha = {alpha}: must be 0 or more")
    partners = rng.permutation(count)
    shares = rng.beta(alpha, alpha, count) if alpha else np.ones(count)
    return Pairs(partners, shares.astype(np.float32))


def mixup(
    inputs: Tensor,
    targets: Tensor,
    lengths: Tensor,
    alpha: float,
    rng: np.random.Generator,
    *,
    between_class: bool = False,
) -> Mixed:
    """Mix each clip of a batch with another one of it.

    Sources: Zhang et al., "mixup: Beyond Empirical Risk Minimization" (ICLR 2018), with a λ for each clip: inputs and
    targets are λ·own + (1 - λ)·partner's. Tokozume, Ushiku and Harada, "Learning from Between-class Examples for Deep
    Sound Recognition" (ICLR 2018), section 3: a quieter clip gets more gain, so that λ is what is heard, and the
    squares of the gains add up to 1; the paper draws λ evenly (α = 1). Here levels are not A-weighted, and a partner
    may be of the same class.

    Args:
        inputs: Waveforms (b, time) or features (b, ...), 0 where they are padded.
        targets: Probabilities of classes, shape (b, c).
        lengths: True lengths, shape (b,).
        alpha: Of Beta(α, α); 0 mixes nothing.
        rng: Decides.
        between_class: Mix by level, as Tokozume et al.; for waveforms.

    Returns:
        The mixed batch. Targets still add up to 1; a length is that of the longer clip in the mixture.

    Raises:
        ValueError: when the shapes do not belong together, or `alpha` is negative.

    >>> batch = torch.zeros(2, 8), torch.eye(2), torch.tensor([8, 5])
    >>> mixup(*batch, 0.2, np.random.default_rng(0)).targets.sum(1)
    tensor([1., 1.])
    """
    count = len(inputs)
    if targets.ndim != 2 or len(targets) != count or lengths.shape != (count,) or (between_class and inputs.ndim != 2):
        wanted = f"inputs ({count}, {'time' if between_class else '...'}), targets ({count}, c), lengths ({count},)"
        found = ", ".join(str(tuple(x.shape)) for x in (inputs, targets, lengths))
        raise ValueError(f"expected {wanted}; found shapes {found}")
    pairs = draw_pairs(count, alpha, rng)
    partners = torch.from_numpy(pairs.partners).to(inputs.device)
    own = torch.from_numpy(pairs.shares).to(inputs.device)
    own_gain, partner_gain = _gains(inputs, partners, own) if between_class else (own, 1 - own)
    column = (count, *[1] * (inputs.ndim - 1))
    return Mixed(
        own_gain.reshape(column) * inputs + partner_gain.reshape(column) * inputs[partners],
        own[:, None] * targets + (1 - own[:, None]) * targets[partners],
        torch.maximum(lengths * (own > 0), lengths[partners] * (own < 1)),
    )


def _gains(waveforms: Tensor, partners: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
    """Gains (b,) with which a clip and its partner are heard in the proportion own : 1 - own."""
    window = min(_LEVEL_WINDOW, waveforms.shape[1])
    power = waveforms.unfold(1, window, max(1, window // 2)).square().mean(2).amax(1)
    amplitude = power.clamp(min=10 ** (_QUIETEST_DB / 10)).sqrt()
    wanted, other = own * amplitude[partners], (1 - own) * amplitude
    share = wanted / (wanted + other)
    norm = (share.square() + (1 - share).square()).sqrt()
    return share / norm, (1 - share) / norm
