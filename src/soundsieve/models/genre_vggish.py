"""The multilayer perceptron that a study of GTZAN put on the embeddings of VGGish.

Columns → 128, ReLU, batch norm → 64, ReLU, dropout 0.5 → 16, ReLU, dropout 0.5 → classes. A row is the mean over a
recording of VGGish's embeddings. The weights of dense layers are punished by 5e-4 times the sum of their squares (L2),
as Keras counts them; the study does not say of which, and we read: of the three hidden ones. Parameters for ten genres:
26,234.

Axes: b batch, c class, k column.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.models._table import check_rows
from soundsieve.settings import Settings

Units = Annotated[int, Field(ge=1)]


class GenreVGGishSettings(Settings):
    """Hyper-parameters; the defaults are the study's."""

    columns: int = Field(128, ge=1, description="dimensions of an embedding")
    hidden: tuple[Units, Units, Units] = Field((128, 64, 16), description="sizes of the hidden layers")
    dropout: float = Field(0.5, ge=0, lt=1, description="after the second and the third")
    strength: float = Field(5e-4, ge=0, allow_inf_nan=False, description="factor of the L2 penalty; 0: none")


class GenreVGGish(nn.Module):
    """Names the genre of each row.

    Shape:
        - rows: (b, k), standardised
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = GenreVGGish(GenreVGGishSettings(), classes=10)
    >>> tuple(model(torch.zeros(2, 128)).shape), sum(p.numel() for p in model.parameters())
    ((2, 10), 26234)
    """

    def __init__(self, settings: GenreVGGishSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        self.first = nn.Linear(s.columns, s.hidden[0])
        self.norm = nn.BatchNorm1d(s.hidden[0])
        self.second = nn.Linear(s.hidden[0], s.hidden[1])
        self.third = nn.Linear(s.hidden[1], s.hidden[2])
        self.dropout = nn.Dropout(s.dropout)
        self.last = nn.Linear(s.hidden[2], classes)

    def forward(self, rows: Tensor) -> Tensor:
        """Name each row."""
        check_rows(rows, self.settings.columns)
        hidden = self.norm(torch.relu(self.first(rows)))
        hidden = self.dropout(torch.relu(self.second(hidden)))
        logits: Tensor = self.last(self.dropout(torch.relu(self.third(hidden))))
        return logits

    def penalty(self) -> Tensor:
        """What training adds to the loss, a scalar."""
        squares = torch.stack([layer.weight.square().sum() for layer in (self.first, self.second, self.third)])
        return self.settings.strength * squares.sum()


TASK = "genre"
SETTINGS = GenreVGGishSettings
MODEL = GenreVGGish
