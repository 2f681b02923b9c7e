"""The network that says which bases of a recording sound like which object, learned from whole recordings' labels.

Multi-instance multi-label learning: a recording is a bag of bases, spectra found by non-negative matrix factorisation,
and only the bag has labels, the objects seen in the pictures. Every base by itself goes through 2401 → 1024, batch
norm, ReLU → K·L, batch norm, ReLU; the most of the K sub-concepts of an object is the base's score for it. The most of
those scores over the bag's bases says whether the object is heard at all.

Source: Gao, Feris and Grauman, "Learning to Separate Object Sounds by Watching Unlabeled Video" (ECCV 2018), section
3.3 and figure 3. Parameters: 2,556,180 for 23 objects, 2,523,316 for 15.

Axes: b bag, f bin, m base, k sub-concept, l label.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.settings import Settings

_DEVIATION = 0.02  # of the first weights


class MIMLSettings(Settings):
    """Hyper-parameters; the defaults are the paper's."""

    bins: int = Field(2401, ge=1, description="f: bins of a base")
    hidden: int = Field(1024, ge=1)
    sub_concepts: int = Field(4, ge=1, description="K: sounds of different kinds that one object may make")
    dropout: float = Field(0.0, ge=0, lt=1, description="of the hidden values")
    power: float = Field(
        1.0, gt=0, le=1, description="bases are raised to it first: below 1, quiet bins weigh more; 1: as they are"
    )


class MIML(nn.Module):
    """Draws the map of bases and objects.

    Args:
        settings: Hyper-parameters.
        classes: How many objects there are.

    Shape:
        - bases: (b, f, m), any m ≥ 1, not negative, each with its largest bin at 1
        - output: (b, l, m), 0 or more; `bag_scores` of it says what the bag as a whole holds

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = MIML(MIMLSettings(), classes=23)
    >>> tuple(model(torch.rand(2, 2401, 25)).shape), sum(p.numel() for p in model.parameters())
    ((2, 23, 25), 2556180)
    """

    def __init__(self, settings: MIMLSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        self.first = nn.Conv1d(s.bins, s.hidden, 1)
        self.first_norm = nn.BatchNorm1d(s.hidden)
        self.dropout = nn.Dropout(s.dropout)
        self.second = nn.Conv1d(s.hidden, s.sub_concepts * classes, 1)
        self.second_norm = nn.BatchNorm1d(s.sub_concepts * classes)
        for layer in (self.first, self.second):
            nn.init.normal_(layer.weight, std=_DEVIATION)

    def forward(self, bases: Tensor) -> Tensor:
        """Score every base for every object."""
        s = self.settings
        if bases.ndim != 3 or bases.shape[1] != s.bins or not bases.shape[0] or not bases.shape[2]:
            found = tuple(bases.shape)
            raise ValueError(f"bases: expected shape (batch ≥ 1, {s.bins} bins, base ≥ 1), found {found}")
        bases = bases if s.power == 1 else bases.clamp(min=0) ** s.power
        hidden = self.dropout(torch.relu(self.first_norm(self.first(bases))))
        concepts = torch.relu(self.second_norm(self.second(hidden)))  # b, k·l, m
        return concepts.reshape(len(bases), s.sub_concepts, self.classes, -1).amax(1)


def bag_scores(base_map: Tensor) -> Tensor:
    """How much each object is heard in a bag: its best base's score, (b, l, m) → (b, l).

    >>> bag_scores(torch.tensor([[[0.0, 2.0], [1.0, 0.5]]])).tolist()
    [[2.0, 1.0]]
    """
    return base_map.amax(-1)


TASK = "bases"
SETTINGS = MIMLSettings
MODEL = MIML
