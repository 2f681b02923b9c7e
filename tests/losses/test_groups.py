"""Logits of groups: shares add up, and what has no share gives none."""

from __future__ import annotations

import torch

from soundsieve.losses import group_logits, stem_share_loss


def test_shares_of_groups_are_sums_of_shares_of_their_tracks() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(2, 5, 3, 7, generator=generator)
    owner = torch.zeros(2, 3, 5)
    owner[0, 0, [0, 2]] = owner[0, 1, 1] = owner[0, 2, [3, 4]] = 1
    owner[1, 0] = 1
    shares = group_logits(logits=logits, owner=owner).softmax(1)
    each = logits.softmax(1)
    torch.testing.assert_close(shares[0, 0], each[0, 0] + each[0, 2])
    torch.testing.assert_close(shares[0, 2], each[0, 3] + each[0, 4])
    torch.testing.assert_close(shares[1, 0], torch.ones(3, 7))
    assert float(shares[1, 1:].max()) < 1e-15


def test_tracks_without_a_share_and_groups_without_a_track_keep_the_gradient_finite() -> None:
    logits = torch.zeros(1, 3, 2, 2)
    logits[:, 1] = -torch.inf
    logits.requires_grad_()
    owner = torch.tensor([[[1.0, 0, 0], [0, 0, 0], [0, 0, 1.0]]])
    named = group_logits(logits=logits, owner=owner)
    power = torch.tensor([1.0, 0, 3.0]).reshape(1, 3, 1, 1, 1).expand(1, 3, 1, 2, 2)
    loss = stem_share_loss(logits=named[:, :, None], power=power)
    loss.backward()
    torch.testing.assert_close(loss.detach(), torch.tensor(2.0).log())
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert (logits.grad[:, 0] > 0).all(), "the first has too large a share"
