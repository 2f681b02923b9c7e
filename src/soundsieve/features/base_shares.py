"""Whose the bases of a mixture are, where the sounds in it are known.

Axes: j source, f bin, m base, l frame.
"""

from __future__ import annotations

from torch import Tensor

from soundsieve.features.nmf import Factors

_LEAST = 1e-12


def base_shares(factors: Factors, sources: Tensor) -> Tensor:
    """Say how much of each base's energy is of each source.

    Each cell's energy is a base's as far as the base explains it, and a source's as far as the source is in it.

    Args:
        factors: Of the mixture.
        sources: Magnitudes of the true sounds, (j, f, l).

    Shape:
        - output: (j, m); those of a base add up to 1, or are 0 where nothing sounds

    >>> import torch
    >>> factors = Factors(torch.eye(2).repeat_interleave(2, 0), torch.ones(2, 3), torch.tensor(0.0), 1)
    >>> low = torch.tensor([1.0, 1, 0, 0])[:, None].expand(4, 3)
    >>> base_shares(factors, torch.stack([low, 1 - low])).round(decimals=3).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    whole = (factors.bases @ factors.activations).clamp(min=_LEAST)
    explained = sources[..., : whole.shape[-1]].square() / whole
    parts = ((factors.bases.mT @ explained) * factors.activations).sum(-1)
    return parts / parts.sum(0).clamp(min=_LEAST)
