"""Losses of classifiers: one class a clip, or each class by itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from soundsieve.settings import Settings


class TagLossSettings(Settings):
    """What a classifier is trained to."""

    kind: Literal["one", "each"] = Field("one", description="one class is right (softmax), or each by itself (sigmoid)")
    smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes; one")


def tag_loss(*, logits: Tensor, target: Tensor, settings: TagLossSettings) -> Tensor:
    """Cross-entropy between targets and what the logits say, in nats, averaged over the batch.

    With `each`, the classes' binary cross-entropies are added up, so that both kinds weigh a clip alike.

    Args:
        logits: Shape (b, c).
        target: Shares of each class, shape (b, c); for `one` they add up to 1.
        settings: Which.

    >>> import torch
    >>> logits, target = torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    >>> round(float(tag_loss(logits=logits, target=target, settings=TagLossSettings())), 4)
    0.1269
    >>> round(float(tag_loss(logits=logits, target=target, settings=TagLossSettings(kind="each"))), 4)
    0.8201
    """
    if settings.kind == "one":
        return nn.functional.cross_entropy(logits, target, label_smoothing=settings.smoothing)
    each = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return each.sum(1).mean()
