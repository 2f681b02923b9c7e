"""A viewer around a torch network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from soundsieve.inference.viewers import CLASSES
from soundsieve.inference.viewers._preparation import Preparation, batches


class NetworkViewer:
    """See `Viewer`.

    Args:
        name: See `Viewer`.
        card: See `Viewer`.
        network: (b, 3, size, size) → logits (b, 1000), or something that has them.
        preparation: What it wants its pictures to be like.
        device: Where it runs.
        logits_of: How to get the logits from what the network returns.
    """

    def __init__(
        self,
        name: str,
        card: Mapping[str, Any],
        network: nn.Module,
        preparation: Preparation,
        device: torch.device,
        logits_of: Callable[[Any], Tensor] = lambda output: output,
    ) -> None:
        self.name, self.card, self.preparation = name, dict(card), preparation
        self._network = network.to(device).eval().requires_grad_(requires_grad=False)
        self._device, self._logits_of = device, logits_of

    @torch.inference_mode()
    def logits(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Name each picture: (height, width, 3) of any size → (picture, 1000)."""
        found = np.zeros((len(images), CLASSES), np.float32)
        at = 0
        for batch in batches(images, self.preparation):
            found[at : at + len(batch)] = self._logits_of(self._network(batch.to(self._device))).float().cpu().numpy()
            at += len(batch)
        return found
