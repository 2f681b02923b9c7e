"""Naming cells: best where the named shares are the true ones, blind to what is silent."""

import pytest
import torch

from soundsieve.losses import share_loss

POWER = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)) + 0.1
OWNER = torch.eye(3).expand(2, 3, 3)


def test_the_true_shares_are_the_best_names() -> None:
    true = (POWER / POWER.sum(1, keepdim=True)).log()
    best = share_loss(logits=true, power=POWER, owner=OWNER)
    assert best > 0
    for seed in range(5):
        other = true + 0.1 * torch.randn(true.shape, generator=torch.Generator().manual_seed(seed))
        assert share_loss(logits=other, power=POWER, owner=OWNER) > best


def test_the_gradient_of_a_class_that_stays_silent_does_not_vanish() -> None:
    logits = torch.zeros(2, 3, 4, 5)
    logits[:, 0] = -20  # a mask of 1e-9, whose SNR hardly has a gradient
    logits.requires_grad_()
    share_loss(logits=logits, power=POWER, owner=OWNER).backward()
    assert (logits.grad[:, 0] < 0).all(), "every cell asks for more of it"
    assert logits.grad[:, 0].abs().sum() > 0.1


def test_sources_of_one_class_are_added_and_those_of_none_left_out() -> None:
    logits = torch.randn(2, 2, 4, 5)
    owner = torch.tensor([[1.0, 0], [1, 0], [0, 1]]).expand(2, 3, 2)
    together = torch.stack([POWER[:, 0] + POWER[:, 1], POWER[:, 2]], 1)
    one = share_loss(logits=logits, power=POWER, owner=owner)
    other = share_loss(logits=logits, power=together, owner=torch.eye(2).expand(2, 2, 2))
    torch.testing.assert_close(one, other)
    nobody = torch.tensor([[1.0, 0], [0, 0], [0, 1]]).expand(2, 3, 2)
    torch.testing.assert_close(
        share_loss(logits=logits, power=POWER, owner=nobody),
        share_loss(logits=logits, power=POWER[:, [0, 2]], owner=torch.eye(2).expand(2, 2, 2)),
    )


def test_silence_costs_nothing_and_stays_finite() -> None:
    logits = torch.randn(2, 3, 4, 5, requires_grad=True)
    loss = share_loss(logits=logits, power=torch.zeros(2, 3, 4, 5), owner=OWNER)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(logits.grad).all()
