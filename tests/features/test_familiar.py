"""The distance to what was trained on, with directions in which genres are wide counting less."""

from __future__ import annotations

import pytest
import torch

from soundsieve.errors import DatasetError
from soundsieve.features.familiar import Familiar


def test_far_along_a_narrow_direction_is_farther_than_along_a_wide_one() -> None:
    torch.manual_seed(0)
    targets = torch.arange(2_000) % 2
    rows = torch.randn(2_000, 2) * torch.tensor([10.0, 1.0]) + torch.tensor([[0.0, 0.0], [0.0, 50.0]])[targets]
    familiar = Familiar(2, 2)
    familiar.fit(rows, targets)
    wide, narrow, between = familiar(torch.tensor([[15.0, 0.0], [0.0, 15.0], [0.0, 25.0]]))
    assert wide < 2 < narrow < between
    assert familiar(rows).square().mean().sqrt() == pytest.approx(1, abs=0.3)


def test_a_class_without_rows_is_refused() -> None:
    with pytest.raises(DatasetError, match="1 of 3 classes have no row"):
        Familiar(2, 3).fit(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))
