"""Naming groups of tracks: what is known is the sum of some tracks, never the tracks themselves.

Axes: b batch, g group, s track, m band, l frame.
"""

from __future__ import annotations

import torch
from torch import Tensor

_EPS = 1e-20  # the share of a group without a track


def group_logits(*, logits: Tensor, owner: Tensor) -> Tensor:
    """Return logits of groups, whose softmax is the sum of the shares of the tracks of each group.

    Args:
        logits: Of tracks, shape (b, s, m, l), −∞ for tracks that have no share; one or more of a row are finite.
        owner: 1 where a track is of a group, shape (b, g, s); each track that has a share is of one group.

    Shape:
        - output: (b, g, m, l), finite

    >>> logits = torch.tensor([0.2, 0.3, 0.5]).log().reshape(1, 3, 1, 1)
    >>> owner = torch.tensor([[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]])
    >>> group_logits(logits=logits, owner=owner).softmax(1).ravel().round(decimals=4).tolist()
    [0.7, 0.3]
    """
    shares = (logits - logits.detach().amax(1, keepdim=True)).exp()
    return (torch.einsum("bgs,bsml->bgml", owner, shares) + _EPS).log()
