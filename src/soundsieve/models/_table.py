"""What models of tables of descriptors have in common: their input, and what training asks of them."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Punishes(Protocol):
    """A model that adds something to its own loss."""

    def penalty(self) -> Tensor:
        """Return what is added, a scalar."""
        ...


@runtime_checkable
class TrainsItself(Protocol):
    """A model whose weights follow from the training rows without steps; its setting `rows` is how many it takes."""

    def fit(self, rows: Tensor, targets: Tensor) -> None:
        """Take the weights from standardised rows (b, k) and their classes (b,)."""
        ...


def check_rows(rows: Tensor, columns: int) -> None:
    """Refuse shapes that broadcasting would silently accept.

    Raises:
        ValueError: quoting what was found.
    """
    if rows.ndim != 2 or rows.shape[1] != columns or not rows.shape[0]:
        raise ValueError(f"rows: expected shape (batch ≥ 1, {columns} columns), found {tuple(rows.shape)}")


def shrunk(covariance: Tensor, share: float) -> Tensor:
    """Draw a covariance (k, k) towards a multiple of the identity of the same trace."""
    size = len(covariance)
    level = covariance.diagonal().mean().clamp(min=math.ulp(1.0))
    return (1 - share) * covariance + share * level * torch.eye(size, dtype=covariance.dtype)
