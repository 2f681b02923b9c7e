"""Discriminant analysis of tables of descriptors, between the linear and the quadratic.

Each genre is a normal distribution; its covariance is drawn towards that of all genres, and that towards a multiple of
the identity (Friedman, "Regularized Discriminant Analysis", JASA 84, 1989). Seventy tracks cannot give a covariance of
57 columns; drawn far enough towards the common one they still say in which directions a genre is wide.

Nothing is learnt by steps: `fit` solves for everything. What it finds are buffers, and travel in a checkpoint.

Axes: b batch, c class, k column.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.models._table import check_rows, shrunk
from soundsieve.settings import Settings


class GenreDiscriminantSettings(Settings):
    """Hyper-parameters; the defaults were chosen on validation parts of GTZAN."""

    columns: int = Field(57, ge=1, description="descriptors of a row")
    pooled: float = Field(0.7, ge=0, le=1, description="share of the common covariance in each: 1 is linear")
    shrink: float = Field(0.1, gt=0, le=1, description="share of the identity in each")
    temperature: float = Field(8.0, gt=0, description="by which log-likelihoods are divided to give logits")


class GenreDiscriminant(nn.Module):
    """Names the genre of each row.

    Shape:
        - rows: (b, k), standardised
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = GenreDiscriminant(GenreDiscriminantSettings(columns=2), classes=2)
    >>> rows = torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.2, 0.5], [5.0, 0.0], [5.0, 1.0], [4.8, 0.5]])
    >>> model.fit(rows, torch.tensor([0, 0, 0, 1, 1, 1]))
    >>> model(torch.tensor([[0.3, 0.4], [4.5, 0.6]])).argmax(1).tolist()
    [0, 1]
    """

    means: Tensor
    whitening: Tensor
    spread: Tensor

    def __init__(self, settings: GenreDiscriminantSettings, classes: int) -> None:
        super().__init__()
        k = settings.columns
        self.settings = settings
        self.classes = classes
        self.register_buffer("means", torch.zeros(classes, k))
        self.register_buffer("whitening", torch.eye(k).repeat(classes, 1, 1))  # c, k, k
        self.register_buffer("spread", torch.zeros(classes))  # logarithm of each covariance's determinant

    def forward(self, rows: Tensor) -> Tensor:
        """Name each row."""
        check_rows(rows, self.settings.columns)
        away = (rows[None] - self.means[:, None]) @ self.whitening  # c, b, k
        logits: Tensor = -0.5 * (away.square().sum(2).T + self.spread) / self.settings.temperature
        return logits

    def fit(self, rows: Tensor, targets: Tensor) -> None:
        """Solve for the distributions from standardised rows (n, k) and their classes (n,).

        Raises:
            ValueError: a class has no row.
        """
        s = self.settings
        check_rows(rows, s.columns)
        counts = torch.bincount(targets, minlength=self.classes)
        if len(counts) != self.classes or not counts.all():
            raise ValueError(f"rows: expected some of each of {self.classes} classes, found {counts.tolist()}")
        x = rows.double()
        means = torch.stack([x[targets == c].mean(0) for c in range(self.classes)])
        inside = x - means[targets]
        common = inside.T @ inside / len(x)
        for c in range(self.classes):
            own = inside[targets == c]
            covariance = shrunk((1 - s.pooled) * own.T @ own / len(own) + s.pooled * common, s.shrink)
            values, vectors = torch.linalg.eigh(covariance)
            self.whitening[c] = vectors / values.sqrt()
            self.spread[c] = values.log().sum()
        self.means.copy_(means)


TASK = "genre"
SETTINGS = GenreDiscriminantSettings
MODEL = GenreDiscriminant
