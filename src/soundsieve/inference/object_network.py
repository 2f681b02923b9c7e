"""One track for each object of a piece, by a network that is told what is seen.

Each channel is separated by itself, as `object_tracks` does it: the network learned from single channels, what stands
on the left alone has its own shares there, and channels out of phase, which a sum would lose, keep what is theirs.

Axes: s label, c channel, t time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from soundsieve.errors import unknown_name


@dataclass(frozen=True)
class NetworkSeparator:
    """Separates pieces by a network; see `soundsieve.inference.object_pieces.SeparatePiece`.

    Attributes:
        model: Of the task `objects`, in evaluation mode, on `device`.
        classes: What it knows, in the order of its tracks.
        labels: The tracks that are wanted, in order; one that is not seen in a piece is silent there.
        seen_at: Says what is seen in the piece that begins so many seconds into the recording. What is seen without
            being wanted takes its share, too, which goes to the rest.
        device: Where the work is done.

    Raises:
        UnknownNameError: a label that the network does not know.

    >>> from soundsieve.models.object_unet import ObjectUNet, ObjectUNetSettings
    >>> small = ObjectUNetSettings(n_fft=256, hop=128, bands=32, filters=(4, 8), context=8, context_blocks=1)
    >>> model = ObjectUNet(small, classes=3).eval()
    >>> separator = NetworkSeparator(model, ("cat", "dog", "harp"), ("harp", "dog"), lambda start_s: ["dog"])
    >>> harp, dog = separator(np.random.default_rng(0).standard_normal((2, 4000)).astype(np.float32), 0.0)
    >>> dog.shape, bool(dog.any()), bool(harp.any())
    ((2, 4000), True, False)
    """

    model: nn.Module
    classes: tuple[str, ...]
    labels: tuple[str, ...]
    seen_at: Callable[[float], Sequence[str]]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        self._rows(self.labels)

    def __call__(self, piece: NDArray[np.float32], start_s: float) -> NDArray[np.float32]:
        """Separate a piece at the network's rate: (c, t) → (s, c, t).

        Raises:
            UnknownNameError: something is seen that the network does not know.
        """
        seen = torch.zeros(len(self.classes), device=self.device)
        seen[self._rows(self.seen_at(start_s))] = 1
        if not seen.any():
            return np.zeros((len(self.labels), *piece.shape), np.float32)
        with torch.inference_mode():
            mixture = torch.from_numpy(np.ascontiguousarray(piece)).to(self.device)
            tracks: Tensor = self.model(mixture[:, None], seen.expand(len(mixture), -1)).float()
            return np.asarray(tracks.transpose(0, 1)[self._rows(self.labels)].cpu().numpy(), np.float32)

    def _rows(self, labels: Sequence[str]) -> list[int]:
        for label in labels:
            if label not in self.classes:
                raise unknown_name("label", label, self.classes)
        return [self.classes.index(label) for label in labels]
