"""The bases of a piece of sound, and which of them belong to which of the objects seen, by a basis–object map.

Axes: f bin, m base, l label, s seen label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from soundsieve.features.nmf import factorise
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.inference.basis_choice import BasisChoice, assign
from soundsieve.inference.object_tracks import PieceBases

_MOST = 0.5  # of a base: whose it is

SeenAt = Callable[[float, float], Sequence[str]]
"""Which objects are seen from one second to another."""


@dataclass(frozen=True)
class BaseMap:
    """A basis–object map to look at.

    Attributes:
        start_s: Where its piece begins.
        labels: The objects that are seen there.
        scores: Of each object and base, (s, m): softmax over the bases.
        weights: To which object each base went, (s, m).
        energy: Of each base's activations, (m,).
    """

    start_s: float
    labels: tuple[str, ...]
    scores: NDArray[np.float32]
    weights: NDArray[np.float32]
    energy: NDArray[np.float32]


@dataclass
class MapDescriber:
    """Finds bases and gives them to objects; see `soundsieve.inference.object_tracks.Describe`.

    Attributes:
        network: Maps bases (b, f, m) to scores (b, l, m), see `soundsieve.models.miml`.
        known: Its labels.
        choice: How the map is read.
        front_end: How many bases there are, and of what.
        seen_at: Which objects are seen.
        used: Label → bases of which half or more went to it so far, of all pieces.
        shown: The map of the piece with most energy so far, None before there is one.
    """

    network: nn.Module
    known: tuple[str, ...]
    choice: BasisChoice
    front_end: ObjectSTFT
    seen_at: SeenAt
    used: Counter[str] = field(default_factory=Counter)
    shown: BaseMap | None = None

    def __call__(self, magnitudes: Tensor, start_s: float) -> PieceBases:
        """Describe a piece by its magnitudes (f, l); one that is silent, or shows nothing known, has no bases."""
        end_s = start_s + magnitudes.shape[-1] * self.front_end.hop / self.front_end.sample_rate
        seen = [label for label in self.seen_at(start_s, end_s) if label in self.known]
        if not seen or not bool(magnitudes.any()):
            return PieceBases(())
        factors = factorise(magnitudes, self.front_end.components)
        with torch.inference_mode():
            base_map = self.network(factors.bases[None])[0]
        rows = [self.known.index(label) for label in seen]
        loudness = (factors.activations * factors.bases.sum(0)[:, None]).cpu()
        weights = assign(base_map.cpu(), rows, self.choice, loudness)
        for label, row in zip(seen, weights, strict=True):
            self.used[label] += int((row >= _MOST).sum())
        energy = loudness.sum(-1).numpy()
        self._show(BaseMap(start_s, tuple(seen), _softmax(base_map[rows]), weights.numpy(), energy))
        objects = tuple((label, factors.bases) for label in seen)
        return PieceBases(objects, weights=weights.to(factors.bases), power=self.choice.power)

    def _show(self, found: BaseMap) -> None:
        if self.shown is None or found.energy.sum() > self.shown.energy.sum():
            self.shown = found


def _softmax(scores: Tensor) -> NDArray[np.float32]:
    return np.asarray(scores.softmax(-1).cpu().numpy(), np.float32)
