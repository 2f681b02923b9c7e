"""Losses of bags: PyTorch as the referee, and what labels that nobody can tell must not do."""

import math

import pytest
import torch

from soundsieve.losses import base_labels, label_margin


def test_the_margin_is_that_of_pytorch() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(40, 7, generator=generator)
    present = torch.rand(40, 7, generator=generator) < 0.4
    targets = torch.full((40, 7), -1)
    for row, labels in enumerate(present):
        targets[row, : int(labels.sum())] = labels.nonzero().flatten()
    referee = torch.nn.MultiLabelMarginLoss()(scores, targets)
    torch.testing.assert_close(label_margin(scores=scores, present=present, absent=~present), referee)


def test_what_nobody_can_tell_has_no_gradient() -> None:
    present, absent = torch.tensor([[True, False, False, False]]), torch.tensor([[False, True, True, False]])
    scores = torch.zeros(1, 4, requires_grad=True)
    base_map = torch.zeros(1, 4, 3, requires_grad=True)
    label_margin(scores=scores, present=present, absent=absent).backward()
    base_labels(base_map=base_map, present=present, absent=absent).backward()
    for gradient in (scores.grad, base_map.grad.sum(2)):
        assert gradient[0, 0] < 0 < gradient[0, 1]
        assert gradient[0, 3] == 0


def test_a_base_may_be_of_any_label_of_its_bag() -> None:
    present = torch.tensor([[True, True, False]])
    one = torch.tensor([[[20.0, 0.0], [0.0, 20.0], [0.0, 0.0]]])
    assert base_labels(base_map=one, present=present, absent=~present) < 1e-6
    other = torch.tensor([[[0.0, 0.0], [0.0, 0.0], [20.0, 0.0]]])
    expected = (20 - math.log(2) + math.log(1.5)) / 2
    assert float(base_labels(base_map=other, present=present, absent=~present)) == pytest.approx(expected, abs=1e-4)


def test_bags_without_a_label_or_with_all_of_them_say_nothing() -> None:
    present = torch.tensor([[False, False], [True, True]])
    base_map = torch.randn(2, 2, 3, requires_grad=True)
    loss = base_labels(base_map=base_map, present=present, absent=~present)
    loss.backward()
    assert loss == 0
    assert not base_map.grad.any()
