"""Recordings of any number of channels for networks that take so many together.

Channels are taken in groups of so many. Those that fill no group run by themselves, each as a mixture whose channels
are alike, and the channels of its stems are averaged.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_groups(window: NDArray[np.float32], together: int) -> Tensor:
    """Group the channels of a recording: (channel, t) → (group, together, t).

    >>> to_groups(np.array([[1.0], [2.0], [3.0]], np.float32), 2)[..., 0].tolist()
    [[1.0, 2.0], [3.0, 3.0]]
    """
    alone = len(window) % together
    grouped = window[: len(window) - alone].reshape(-1, together, window.shape[1])
    return torch.from_numpy(np.concatenate([grouped, window[len(window) - alone :, None].repeat(together, axis=1)]))


def from_groups(estimates: Tensor, channels: int) -> NDArray[np.float32]:
    """Give each channel of a recording its stems: (group, stem, together, t) → (stem, channel, t).

    >>> from_groups(torch.tensor([[[[1.0], [2.0]]], [[[3.0], [5.0]]]]), channels=3)[..., 0].tolist()
    [[1.0, 2.0, 4.0]]
    """
    found = estimates.transpose(0, 1)  # s, group, c, t
    full = channels // found.shape[2]
    stems = torch.cat([found[:, :full].flatten(1, 2), found[:, full:].mean(dim=2)], dim=1)
    return np.asarray(stems.numpy())
