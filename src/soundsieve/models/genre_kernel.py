"""A kernel machine for tables of descriptors, in rows from which what varies inside the genres is whitened away.

The rows are whitened by the covariance inside the genres, averaged over them and shrunk towards a multiple of the
identity: directions in which tracks of one genre differ from each other anyway count for less, those that are steady
inside a genre for more. It is the whitening of linear discriminant analysis, and of within-class covariance
normalisation in speaker recognition (Hatch, Kajarekar, Stolcke, Interspeech 2006). Then comes a radial kernel,
k(x, z) = exp(−width · |x − z|² / columns), and ridge regression on indicators of the genres (the least-squares support
vector machine of Suykens and Vandewalle, 1999), each training row a support.

Nothing is learnt by steps: `fit` solves for everything. What it finds are buffers, and travel in a checkpoint.

Axes: b batch, c class, k column, n training row.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from soundsieve.models._table import check_rows, shrunk
from soundsieve.settings import Settings


class GenreKernelSettings(Settings):
    """Hyper-parameters; the defaults were chosen on validation parts of GTZAN."""

    columns: int = Field(57, ge=1, description="descriptors of a row")
    rows: int = Field(680, ge=2, description="training rows, which the kernel machine keeps")
    shrink: float = Field(0.05, gt=0, le=1, description="share of the identity in the covariance that whitens")
    whiten: float = Field(1.0, ge=0, le=1, description="how far: 1 wholly, 0 not at all, between by a root")
    width: float = Field(1.0, gt=0, allow_inf_nan=False, description="of the kernel: larger is more local")
    ridge: float = Field(0.1, gt=0, allow_inf_nan=False)
    temperature: float = Field(0.15, gt=0, description="by which regression values are divided to give logits")


class GenreKernel(nn.Module):
    """Names the genre of each row.

    Shape:
        - rows: (b, k), standardised
        - output: logits (b, c)

    Raises:
        ValueError: when a shape does not fit, quoting it.

    >>> model = GenreKernel(GenreKernelSettings(columns=2, rows=6), classes=2)
    >>> rows = torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.2, 0.5], [5.0, 0.0], [5.0, 1.0], [4.8, 0.5]])
    >>> model.fit(rows, torch.tensor([0, 0, 0, 1, 1, 1]))
    >>> model(torch.tensor([[0.3, 0.4], [4.5, 0.6]])).argmax(1).tolist()
    [0, 1]
    """

    whitening: Tensor
    supports: Tensor
    weights: Tensor

    def __init__(self, settings: GenreKernelSettings, classes: int) -> None:
        super().__init__()
        s = self.settings = settings
        self.classes = classes
        self.register_buffer("whitening", torch.eye(s.columns))  # k, k
        self.register_buffer("supports", torch.zeros(s.rows, s.columns))  # n, k, whitened
        self.register_buffer("weights", torch.zeros(s.rows, classes))  # n, c

    def forward(self, rows: Tensor) -> Tensor:
        """Name each row."""
        check_rows(rows, self.settings.columns)
        logits: Tensor = self._kernel(rows @ self.whitening) @ self.weights / self.settings.temperature
        return logits

    def fit(self, rows: Tensor, targets: Tensor) -> None:
        """Solve for the weights from standardised rows (n, k) and their classes (n,).

        Raises:
            ValueError: there are not as many rows as the settings say.
        """
        s = self.settings
        check_rows(rows, s.columns)
        if len(rows) != s.rows or targets.shape != (s.rows,):
            raise ValueError(f"rows: expected {s.rows} and as many classes, found {len(rows)} and {len(targets)}")
        x = rows.double()
        hits = nn.functional.one_hot(targets, self.classes).double()  # n, c
        means = hits.T @ x / hits.sum(0).clamp(min=1)[:, None]
        inside = x - means[targets]
        values, vectors = torch.linalg.eigh(shrunk(inside.T @ inside / len(x), s.shrink))
        whitening = vectors * values ** (-s.whiten / 2)
        # The training rows keep the spread that standardising gave them, so that the width means the same for any.
        self.whitening.copy_(whitening / (x @ whitening).var(0, unbiased=False).mean().sqrt())
        self.supports.copy_(x @ self.whitening.double())
        kernel = self._kernel(self.supports.double()) + s.ridge * torch.eye(len(x), dtype=x.dtype)
        self.weights.copy_(torch.linalg.solve(kernel, hits - 1 / self.classes))

    def _kernel(self, whitened: Tensor) -> Tensor:
        """Similarity to each training row: (b, k) → (b, n)."""
        squares = torch.cdist(whitened, self.supports.to(whitened.dtype)).square()
        return torch.exp(-self.settings.width / self.settings.columns * squares)


TASK = "genre"
SETTINGS = GenreKernelSettings
MODEL = GenreKernel
