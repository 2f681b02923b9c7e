"""The multilayer perceptron of a study of GTZAN, and its three regularised variants.

Columns → 256, ReLU, batch norm → 128, ReLU, dropout 0.3 → classes. The variants punish the weights of dense layers by
5e-4 times the sum of their magnitudes (L1) or squares (L2), as Keras counts them: of both hidden layers, or of the
second alone. Parameters for ten genres: 49,546 with the 57 descriptors, 49,802 with the length of the recording as a
58th column.

Axes: b batch, c class, k column.
"""

from __future__ import annotations

from typing import Final, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.models._table import check_rows
from soundsieve.settings import Settings

VARIANTS: Final[dict[str, dict[str, object]]] = {
    "base": {},
    "l1 on both": {"penalty": "l1"},
    "l2 on both": {"penalty": "l2"},
    "l2 on the second": {"penalty": "l2", "punished": "second"},
}
"""The study's name of each variant → its hyper-parameters."""


class GenreMLPSettings(Settings):
    """Hyper-parameters; the defaults are the study's base model."""

    columns: int = Field(57, ge=1, description="descriptors of a row")
    hidden: tuple[int, int] = Field((256, 128), description="sizes of the hidden layers")
    dropout: float = Field(0.3, ge=0, lt=1)
    penalty: Literal["none", "l1", "l2"] = "none"
    punished: Literal["both", "second"] = Field("both", description="hidden layers whose weights are punished")
    strength: float = Field(5e-4, ge=0, allow_inf_nan=False, description="factor of the penalty")


class GenreMLP(nn.Module):
    """Names the genre of each row.

    Shape:
        - rows: (b, k), standardised
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = GenreMLP(GenreMLPSettings(), classes=10)
    >>> tuple(model(torch.zeros(2, 57)).shape), sum(p.numel() for p in model.parameters())
    ((2, 10), 49546)
    """

    def __init__(self, settings: GenreMLPSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        self.first = nn.Linear(s.columns, s.hidden[0])
        self.norm = nn.BatchNorm1d(s.hidden[0])
        self.second = nn.Linear(*s.hidden)
        self.dropout = nn.Dropout(s.dropout)
        self.last = nn.Linear(s.hidden[1], classes)

    def forward(self, rows: Tensor) -> Tensor:
        """Name each row."""
        check_rows(rows, self.settings.columns)
        hidden = self.norm(torch.relu(self.first(rows)))
        logits: Tensor = self.last(self.dropout(torch.relu(self.second(hidden))))
        return logits

    def penalty(self) -> Tensor:
        """What training adds to the loss, a scalar."""
        s = self.settings
        layers = [self.second] if s.punished == "second" else [self.first, self.second]
        total = self.last.weight.new_zeros(())
        for layer in layers:
            if s.penalty == "l1":
                total = total + layer.weight.abs().sum()
            elif s.penalty == "l2":
                total = total + layer.weight.square().sum()
        return s.strength * total


TASK = "genre"
SETTINGS = GenreMLPSettings
MODEL = GenreMLP
