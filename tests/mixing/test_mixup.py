"""Clips are mixed in the drawn proportion, and their targets in the same one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recordings import noise
from soundsieve.mixing.generators import Purpose, generator_for
from soundsieve.mixing.mixup import draw_pairs, mixup


def rng(batch: int = 0) -> np.random.Generator:
    return generator_for(0, 0, batch, Purpose.BATCH)


@given(st.integers(0, 1 << 31), st.integers(1, 20), st.floats(0.05, 5), st.booleans())
def test_targets_stay_distributions_and_lengths_become_the_larger(
    seed: int, count: int, alpha: float, between_class: bool
) -> None:
    draws = np.random.default_rng(seed)
    inputs = torch.from_numpy(draws.standard_normal((count, 50)).astype(np.float32))
    targets = torch.from_numpy(draws.dirichlet(np.ones(4), count).astype(np.float32))
    lengths = torch.from_numpy(draws.integers(1, 51, count))
    mixed = mixup(inputs, targets, lengths, alpha, np.random.default_rng(seed), between_class=between_class)
    assert mixed.inputs.shape == inputs.shape
    assert torch.allclose(mixed.targets.sum(1), torch.ones(count), atol=1e-5)
    assert mixed.targets.min() >= 0
    partners = torch.from_numpy(draw_pairs(count, alpha, np.random.default_rng(seed)).partners)
    assert torch.all(mixed.lengths <= torch.maximum(lengths, lengths[partners]))
    # A share can round to 0 or 1: then only one clip is heard, and its length is the mixture's.
    both = (mixed.targets - targets).abs().amax(1).gt(0) & (mixed.targets - targets[partners]).abs().amax(1).gt(0)
    assert torch.equal(mixed.lengths[both], torch.maximum(lengths, lengths[partners])[both])
    assert mixed.lengths.dtype == lengths.dtype


@pytest.mark.parametrize("shape", [(6, 6), (6, 1, 6), (6, 2, 3, 6)])
def test_targets_are_the_weights_of_the_mixture(shape: tuple[int, ...]) -> None:
    inputs = torch.zeros(shape)
    for clip in range(6):
        inputs[clip, ..., clip] = 1  # so that a mixture spells out how much of each clip is in it
    mixed = mixup(inputs, torch.eye(6), torch.full((6,), 6), 1.0, rng())
    weights = mixed.inputs.reshape(6, -1, 6)
    assert torch.allclose(weights, mixed.targets[:, None].expand_as(weights), atol=1e-6)
    assert (mixed.targets > 0.01).sum() > 6  # something was mixed


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_follow_the_beta_distribution_and_partners_are_a_permutation(alpha: float) -> None:
    pairs = draw_pairs(20_000, alpha, rng())
    assert np.array_equal(np.sort(pairs.partners), np.arange(20_000))
    assert pairs.shares.mean() == pytest.approx(0.5, abs=0.01)
    assert pairs.shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.03)
    assert len(np.unique(pairs.shares)) > 10_000  # a share for each clip, not one for the batch


def test_the_same_key_mixes_the_same_and_another_key_otherwise() -> None:
    batch = torch.from_numpy(noise(100, 8)), torch.eye(8), torch.full((8,), 100)
    assert torch.equal(mixup(*batch, 0.4, rng(3)).inputs, mixup(*batch, 0.4, rng(3)).inputs)
    assert not torch.equal(mixup(*batch, 0.4, rng(3)).inputs, mixup(*batch, 0.4, rng(4)).inputs)


@pytest.mark.parametrize("between_class", [False, True])
def test_an_alpha_of_nought_mixes_nothing(between_class: bool) -> None:
    inputs, targets, lengths = torch.from_numpy(noise(100, 4)), torch.eye(4), torch.tensor([100, 90, 80, 70])
    mixed = mixup(inputs, targets, lengths, 0.0, rng(), between_class=between_class)
    assert torch.equal(mixed.inputs, inputs)
    assert torch.equal(mixed.targets, targets)
    assert torch.equal(mixed.lengths, lengths)


def test_between_classes_both_clips_are_heard_in_the_proportion_of_the_targets() -> None:
    # Two clips that sound at different times, one 34 dB quieter: what each is scaled to can be read off the mixture.
    count, half = 16, 20_000
    inputs = torch.zeros(count, 2 * half)
    inputs[::2, :half] = torch.from_numpy(noise(half, count // 2))
    inputs[1::2, half:] = 0.02 * torch.from_numpy(noise(half, count // 2, seed=1))
    mixed = mixup(inputs, torch.eye(count), torch.full((count,), 2 * half), 1.0, rng(), between_class=True)
    compared = 0
    for clip in range(count):
        first, second = (int(k) for k in mixed.targets[clip].topk(2).indices)
        if (first - second) % 2 == 0 or mixed.targets[clip, second] < 0.05:
            continue  # mixed with a clip that sounds at the same time, or hardly mixed
        parts = [slice(0, half) if k % 2 == 0 else slice(half, None) for k in (first, second)]
        heard = [mixed.inputs[clip, part].square().mean().sqrt() for part in parts]
        asked = mixed.targets[clip, first] / mixed.targets[clip, second]
        assert float(heard[0] / heard[1]) == pytest.approx(float(asked), rel=0.03)
        gains = [
            heard[k] / inputs[clips, part].square().mean().sqrt()
            for k, (clips, part) in enumerate(zip((first, second), parts, strict=True))
        ]
        assert float(gains[0] ** 2 + gains[1] ** 2) == pytest.approx(1, abs=1e-3)
        compared += 1
    assert compared >= 4


def test_silence_between_classes_is_mixed_without_nan() -> None:
    batch = torch.zeros(4, 10_000), torch.eye(4), torch.full((4,), 10_000)
    mixed = mixup(*batch, 1.0, rng(), between_class=True)
    assert not torch.any(mixed.inputs)
    assert torch.allclose(mixed.targets.sum(1), torch.ones(4))


@pytest.mark.parametrize(
    ("targets", "lengths", "between_class"),
    [
        (torch.zeros(4), torch.zeros(4), False),  # class numbers instead of distributions
        (torch.zeros(3, 2), torch.zeros(4), False),
        (torch.zeros(4, 2), torch.zeros(3), False),
        (torch.zeros(4, 2), torch.zeros(4), True),  # features have no level
    ],
)
def test_shapes_that_do_not_belong_together_are_refused(
    targets: torch.Tensor, lengths: torch.Tensor, between_class: bool
) -> None:
    with pytest.raises(ValueError, match=r"expected inputs \(4, .*; found shapes \(4, 2, 9\), "):
        mixup(torch.zeros(4, 2, 9), targets, lengths, 0.2, rng(), between_class=between_class)


@pytest.mark.parametrize("alpha", [-0.1, float("nan"), float("inf")])
def test_an_alpha_that_no_beta_distribution_has_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match=r"alpha = .*: must be 0 or more"):
        draw_pairs(4, alpha, rng())
