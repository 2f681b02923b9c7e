"""The 1-D convolutional network that a study of GTZAN tried on the row of descriptors, and found poor.

The study says no more than that. Our reading: convolutions of 3 columns to 32 and 64 channels, each with ReLU and a
max-pool of 2, then 64 hidden units, ReLU, dropout 0.3 and the classes. Columns that lie side by side have little to do
with each other but for the mean and variance of one descriptor, so there is not much for a filter to find. Parameters
for ten genres and 57 descriptors: 64,394.

Axes: b batch, c class, k column.
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor, nn

from soundsieve.models._table import check_rows
from soundsieve.settings import Settings

POOLS = 4  # columns that become one


class GenreCNN1DSettings(Settings):
    """Hyper-parameters."""

    columns: int = Field(57, ge=POOLS, description="descriptors of a row")
    channels: tuple[int, int] = Field((32, 64), description="channels of the convolutions")
    kernel: int = Field(3, ge=1, description="columns that a filter sees")
    hidden: int = Field(64, ge=1, description="units of the dense layer")
    dropout: float = Field(0.3, ge=0, lt=1)


class GenreCNN1D(nn.Module):
    """Names the genre of each row, reading it like a signal.

    Shape:
        - rows: (b, k), standardised
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> import torch
    >>> model = GenreCNN1D(GenreCNN1DSettings(), classes=10)
    >>> tuple(model(torch.zeros(2, 57)).shape), sum(p.numel() for p in model.parameters())
    ((2, 10), 64394)
    """

    def __init__(self, settings: GenreCNN1DSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        first, second = s.channels
        self.convs = nn.Sequential(
            nn.Conv1d(1, first, s.kernel, padding="same"),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(first, second, s.kernel, padding="same"),
            nn.ReLU(),
            nn.MaxPool1d(2),
        )
        self.dense = nn.Sequential(
            nn.Linear(second * (s.columns // 2 // 2), s.hidden),
            nn.ReLU(),
            nn.Dropout(s.dropout),
            nn.Linear(s.hidden, classes),
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Name each row."""
        check_rows(rows, self.settings.columns)
        logits: Tensor = self.dense(self.convs(rows[:, None]).flatten(1))
        return logits


TASK = "genre"
SETTINGS = GenreCNN1DSettings
MODEL = GenreCNN1D
