"""One track for each object, by bases that are known to be its sounds, and what the tracks leave.

Gao, Feris and Grauman, "Learning to Separate Object Sounds by Watching Unlabeled Video", ECCV 2018, section 3.4: with
W = [W_1 … W_J] fixed, only H is updated; V_j = W_j·H_j; object j gets the share V_j / Σ V_i of each cell of the complex
spectrogram. Bases of nothing that is seen are one more part of W, whose share is the rest's; so is what no basis
explains, and the rest is the mixture less all tracks.

Activations are found in every channel by itself: what stands on the left alone must not take its share from the right,
and channels out of phase, which a mono mix would lose, keep what is theirs.

Axes: s label, c channel, f bin, m base, l frame, t time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from soundsieve.errors import unknown_name
from soundsieve.features.nmf import activate
from soundsieve.features.object_stft import ObjectSTFT


@dataclass(frozen=True)
class PieceBases:
    """What is known of a piece.

    Attributes:
        objects: Labels and their bases (f, m); a label may come again, for another object, and all its bases are one.
        rest: Bases (f, m) of nothing that is seen, None where there are none.
        weights: How much of each base is each object's, (object, m), where all objects and the rest share one set of
            bases, which is then that of each object; None where each has its own.
        power: Of what each makes of a cell, before shares are taken, where one set is shared.
    """

    objects: tuple[tuple[str, Tensor], ...]
    rest: Tensor | None = None
    weights: Tensor | None = None
    power: float = 1.0


class Describe(Protocol):
    """Says which bases belong to which object."""

    def __call__(self, magnitudes: Tensor, start_s: float) -> PieceBases:
        """Describe a piece by its magnitudes (f, l), the root mean square of the channels', and where it begins."""
        ...


@dataclass(frozen=True)
class BasesSeparator:
    """Separates pieces by their bases; see `soundsieve.inference.object_pieces.SeparatePiece`.

    Attributes:
        labels: The tracks, in order; one that is not in a piece is silent there.
        describe: Gives each piece its bases.
        front_end: The spectrograms that the bases are of.
        device: Where the work is done.

    >>> front_end = ObjectSTFT(sample_rate=8_000, window=400, hop=200)
    >>> low, high = torch.zeros(2, 201, 1)
    >>> low[:50], high[50:] = 1, 1
    >>> separator = BasesSeparator(
    ...     ("dog", "flute"), lambda magnitudes, start_s: PieceBases((("flute", high), ("dog", low))), front_end
    ... )
    >>> hum = np.sin(2 * np.pi * 440 / 8_000 * np.arange(8_000, dtype=np.float32))[None]
    >>> dog, flute = separator(hum, 0.0)
    >>> bool(np.abs(dog - hum)[:, 400:-400].max() < 0.01), bool(np.abs(flute)[:, 400:-400].max() < 0.01)
    (True, True)
    """

    labels: tuple[str, ...]
    describe: Describe
    front_end: ObjectSTFT = field(default_factory=ObjectSTFT)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __call__(self, piece: NDArray[np.float32], start_s: float) -> NDArray[np.float32]:
        """Separate a piece at the front end's rate: (c, t) → (s, c, t).

        Raises:
            UnknownNameError: a label that is not among `labels`.
        """
        with torch.inference_mode():
            mixture = torch.from_numpy(np.ascontiguousarray(piece)).to(self.device)
            spectrum = self.front_end.analyse(mixture)
            found = self.describe(spectrum.abs().square().mean(dim=0).sqrt(), start_s)
            parts = _by_label(found, self.labels)
            tracks = np.zeros((len(self.labels), *piece.shape), np.float32)
            if parts:
                if found.weights is None:
                    masks = soft_masks(spectrum.abs(), list(parts.values()), found.rest)
                else:
                    masks = shared_masks(spectrum.abs(), found.objects[0][1], found.weights, found.power)
                sounds = self.front_end.synthesise(masks * spectrum, piece.shape[-1]).cpu().numpy()
                tracks[[self.labels.index(label) for label in parts]] = sounds
        return tracks


def soft_masks(magnitudes: Tensor, objects: Sequence[Tensor], rest: Tensor | None = None) -> Tensor:
    """Share each cell among objects by what their bases make of it, once all activations are found together.

    Args:
        magnitudes: (c, f, l).
        objects: Bases (f, m) of each object.
        rest: Bases of nothing that is seen; their share is nobody's.

    Shape:
        - output: (object, c, f, l), between 0 and 1; the sum is 1 where there are no `rest` bases and something sounds

    Raises:
        ValueError: no object, or bases of another front end.

    >>> low, high = torch.tensor([[1.0], [0.0]]), torch.tensor([[0.0], [1.0]])
    >>> soft_masks(torch.ones(1, 2, 1), [low], high)[0, 0, :, 0].round(decimals=3).tolist()
    [1.0, 0.0]
    """
    if not objects:
        raise ValueError("objects: expected the bases of one or more, found none")
    parts = [bases.to(magnitudes) for bases in ([*objects] if rest is None else [*objects, rest])]
    activations = torch.split(activate(magnitudes, torch.cat(parts, dim=1)), [bases.shape[1] for bases in parts], dim=1)
    models = torch.stack([bases @ active for bases, active in zip(parts, activations, strict=True)])
    total = models.sum(dim=0)
    return models[: len(objects)] / torch.where(total > 0, total, 1)


def shared_masks(magnitudes: Tensor, bases: Tensor, weights: Tensor, power: float = 1.0) -> Tensor:
    """Share each cell among objects that have their parts in one set of bases; what is nobody's is the rest's.

    Args:
        magnitudes: (c, f, l).
        bases: (f, m).
        weights: How much of each base is each object's, (object, m), from 0 to 1.
        power: Of what each object's bases make of a cell, and those of nobody; the larger, the more the strongest has.

    Shape:
        - output: (object, c, f, l), between 0 and 1

    >>> weights = torch.tensor([[1.0, 0.25]])
    >>> shared_masks(torch.ones(1, 2, 1), torch.eye(2), weights)[0, 0, :, 0].tolist()
    [1.0, 0.25]
    >>> shared_masks(torch.ones(1, 2, 1), torch.eye(2), weights, power=2)[0, 0, :, 0].round(decimals=3).tolist()
    [1.0, 0.1]
    """
    own = bases.to(magnitudes)
    activations = activate(magnitudes, own)
    total = own @ activations
    models = torch.stack([(own * row) @ activations for row in weights.to(magnitudes)])
    if power != 1:
        scale = torch.where(total > 0, total, 1)  # so that no power of it is too small a number
        models, rest = (models / scale) ** power, ((total - models.sum(0)).clamp(min=0) / scale) ** power
        total = models.sum(0) + rest
    return models / torch.where(total > 0, total, 1)


def _by_label(found: PieceBases, labels: Sequence[str]) -> dict[str, Tensor]:
    parts: dict[str, list[Tensor]] = {}
    for label, bases in found.objects:
        if label not in labels:
            raise unknown_name("label", label, labels)
        if bases.shape[-1]:
            parts.setdefault(label, []).append(bases)
    return {label: torch.cat(several, dim=1) for label, several in parts.items()}


class AudibleScores:
    """Tells objects that sound from objects that are only seen, by the share of energy their tracks have.

    Args:
        labels: Of the tracks; the rest comes after them.

    >>> scores = AudibleScores(["dog", "flute"])
    >>> scores.push(np.array([[[3.0, 0]], [[0.0, 0]], [[1.0, 0]]], np.float32))
    >>> scores.shares(), scores.silent(threshold=0.01)
    ({'dog': 0.9, 'flute': 0.0}, ('flute',))
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._energies = np.zeros(len(self._labels) + 1)

    def push(self, tracks: NDArray[np.float32]) -> None:
        """Count a block of the tracks and the rest, (s + 1, c, t)."""
        self._energies += np.square(tracks, dtype=np.float64).sum(axis=(1, 2))

    def shares(self) -> dict[str, float]:
        """Each label's share of the energy of all tracks and the rest, between 0 and 1; 0 where all is silent."""
        total = self._energies.sum()
        shares = self._energies / total if total > 0 else self._energies
        return dict(zip(self._labels, shares[:-1].tolist(), strict=True))

    def silent(self, threshold: float = 0.01) -> tuple[str, ...]:
        """Labels whose share is below the threshold; 0.01 is 20 dB below everything together."""
        return tuple(label for label, share in self.shares().items() if share < threshold)
