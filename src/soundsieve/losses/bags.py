"""Losses of what is learned from whole bags' labels: the bag's own, and that of its instances.

Axes: b bag, l label, m base.
"""

from __future__ import annotations

import torch
from torch import Tensor


def label_margin(*, scores: Tensor, present: Tensor, absent: Tensor, margin: float = 1.0) -> Tensor:
    """Charge every pair of a present and an absent label for what the former's score lacks of a margin over the latter.

    The multi-label margin loss, Σ max(0, margin − (present − absent)) / labels, averaged over the bags; labels that are
    neither present nor absent, because nobody can tell, are left out of it. Where there are none of those and the
    margin is 1 it equals `torch.nn.MultiLabelMarginLoss`.

    Args:
        scores: Shape (b, l).
        present: True for labels that the bag has, shape (b, l).
        absent: True for labels that it has not.
        margin: Wanted between them.

    >>> scores, present = torch.tensor([[0.1, 0.2, 0.4, 0.8]]), torch.tensor([[True, False, False, True]])
    >>> round(float(label_margin(scores=scores, present=present, absent=~present)), 4)
    0.85
    """
    lack = (margin - scores[:, :, None] + scores[:, None, :]).clamp(min=0)  # b, present l, absent l
    pairs = (present[:, :, None] & absent[:, None, :]).to(lack.dtype)
    return (lack * pairs).sum((1, 2)).mean() / scores.shape[1]


def base_labels(*, base_map: Tensor, present: Tensor, absent: Tensor) -> Tensor:
    """Charge every base for the share that it gives to labels its bag has not: −log of what the present ones get.

    Which of the present labels a base is of stays open. Source: partial-label learning, Jin and Ghahramani, "Learning
    with Multiple Labels" (NIPS 2002). A bag without a present or without an absent label says nothing.

    Args:
        base_map: Logits, shape (b, l, m).
        present: As in `label_margin`.
        absent: Likewise.

    Returns:
        The mean over the bases, in nats.

    >>> base_map = torch.tensor([[[0.0], [0.0], [0.0], [0.0]]])
    >>> present = torch.tensor([[True, False, False, False]])
    >>> round(float(base_labels(base_map=base_map, present=present, absent=~present)), 4)  # log 4
    1.3863
    """
    telling = present.any(1) & absent.any(1)
    if not bool(telling.any()):
        return base_map.sum() * 0
    base_map, present, absent = base_map[telling], present[telling], absent[telling]
    known = base_map.masked_fill(~(present | absent)[..., None], -torch.inf)
    right = base_map.masked_fill(~present[..., None], -torch.inf)
    return (known.logsumexp(1) - right.logsumexp(1)).mean()
