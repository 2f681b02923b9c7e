"""Naming time-frequency cells: which share of each belongs to which class."""

from __future__ import annotations

import torch
from torch import Tensor

_LOUDNESS = 0.3  # power → weight of a cell: quiet cells count, the loudest do not drown them


def share_loss(*, logits: Tensor, power: Tensor, owner: Tensor) -> Tensor:
    """Cross-entropy between the named and the true share of every class in every cell, loud cells weighing more.

    The SNR of an estimate says little about a class that the network has not found yet: silence is a resting place,
    from which rare classes do not get away. This loss names every class in every cell, whatever was asked for.

    Args:
        logits: Of each class, the last being "anything else", shape (batch, class + 1, band, frame).
        power: Of each source, shape (batch, source, band, frame).
        owner: 1 at the class of each source, shape (batch, source, class + 1); a source may belong to none.

    Returns:
        One number, in nats.

    >>> power = torch.tensor([3.0, 1.0]).reshape(1, 2, 1, 1)
    >>> sure = torch.tensor([0.75, 0.25]).log().reshape(1, 2, 1, 1)
    >>> round(share_loss(logits=sure, power=power, owner=torch.eye(2)[None]).item(), 4)  # the entropy of 3 : 1
    0.5623
    """
    parts = torch.einsum("bsml,bsc->bcml", power, owner)
    total = parts.sum(1)
    weight = total.clamp(min=1e-12) ** _LOUDNESS
    weight = weight / weight.mean((1, 2), keepdim=True)
    named = -(parts * torch.log_softmax(logits, 1)).sum(1) / total.clamp(min=1e-12)
    return (named * weight).mean()
