"""How far a row of features lies from all that a model was trained on: part of a front end, kept in the checkpoint.

The distance is that of Mahalanobis to the nearest genre, with the covariance inside the genres (Lee et al., "A Simple
Unified Framework for Detecting Out-of-Distribution Samples", NeurIPS 2018). Divided by the root of the number of
columns it is about 1 for a typical track.

Axes: b batch, c class, k column.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from soundsieve.errors import DatasetError

SHRINK = 0.1  # share of the identity in the covariance


class Familiar(nn.Module):
    """Measures the distance to the nearest class.

    Shape:
        - rows: (b, k), standardised
        - output: (b,), about 1 for a row like those trained on

    >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
    <torch...>
    >>> rows, targets = torch.randn(400, 5), torch.arange(400) % 2
    >>> familiar = Familiar(columns=5, classes=2)
    >>> familiar.fit(rows, targets)
    >>> near, far = familiar(torch.stack([torch.ones(5), torch.full((5,), 9.0)])).tolist()
    >>> round(near), round(far)
    (1, 9)
    """

    centres: Tensor
    whitening: Tensor

    def __init__(self, columns: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("centres", torch.zeros(classes, columns))  # c, k, whitened
        self.register_buffer("whitening", torch.eye(columns))

    def fit(self, rows: Tensor, targets: Tensor) -> None:
        """Take the statistics of training rows (n, k) and their classes (n,).

        Raises:
            DatasetError: a class has no row.
        """
        classes = len(self.centres)
        counts = torch.bincount(targets, minlength=classes)
        if not counts.all():
            raise DatasetError(f"{int((counts == 0).sum())} of {classes} classes have no row to learn from")
        x = rows.double()
        centres = torch.stack([x[targets == c].mean(0) for c in range(classes)])
        inside = x - centres[targets]
        covariance = inside.T @ inside / len(x)
        level = covariance.diagonal().mean().clamp(min=torch.finfo(torch.float32).tiny)
        identity = torch.eye(len(covariance), dtype=x.dtype)
        values, vectors = torch.linalg.eigh((1 - SHRINK) * covariance + SHRINK * level * identity)
        whitening = vectors / values.sqrt()
        self.whitening.copy_(whitening)
        self.centres.copy_(centres @ whitening)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the distances."""
        distances: Tensor = torch.cdist(rows @ self.whitening, self.centres) / rows.shape[1] ** 0.5
        return distances.amin(1)
