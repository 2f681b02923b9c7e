"""The ceiling is high where sources are apart, the floor and silence are what they say."""

import numpy as np
import pytest
import torch

from recordings import noise, tone
from soundsieve.evaluation.baselines import ideal_ratio_mask, mixture_itself, silence
from soundsieve.metrics import sdr_db

RATE_HZ = 16_000


def test_tones_far_apart_come_out_nearly_clean() -> None:
    sources = torch.from_numpy(np.concatenate([tone(300, 1.0, RATE_HZ), tone(5000, 1.0, RATE_HZ)]))
    estimate = ideal_ratio_mask(sources, torch.eye(2)).numpy()
    assert sdr_db(estimate=estimate, reference=sources.numpy()).min() > 30


def test_masks_of_what_is_kept_and_what_is_removed_add_up_to_the_mixture() -> None:
    sources = torch.from_numpy(noise(10_001, channels=3))
    estimate = ideal_ratio_mask(sources, torch.tensor([[1.0, 0, 0], [0, 1, 1], [1, 1, 1]]))
    assert estimate.shape == (3, 10_001)
    assert torch.allclose(estimate[0] + estimate[1], sources.sum(0), atol=1e-5)
    assert torch.allclose(estimate[2], sources.sum(0), atol=1e-5)


def test_noises_as_loud_as_each_other_can_hardly_be_told_apart_even_by_the_ceiling() -> None:
    sources = torch.from_numpy(noise(32_000, channels=2))
    estimate = ideal_ratio_mask(sources, torch.eye(2)).numpy()
    assert 2 < sdr_db(estimate=estimate, reference=sources.numpy()).mean() < 9


def test_the_floors() -> None:
    mixture, wanted = torch.randn(2, 1, 50), torch.ones(2, 3, 4)
    assert torch.equal(mixture_itself(mixture, wanted), mixture.expand(2, 3, 50))
    assert silence(mixture, wanted).shape == (2, 3, 50)
    assert not silence(mixture, wanted).any()


def test_silence_is_worth_zero_decibels() -> None:
    reference = noise(1000)
    estimate = silence(torch.from_numpy(reference)[None], torch.ones(1, 1, 2))[0].numpy()
    assert sdr_db(estimate=estimate, reference=reference)[0] == pytest.approx(0.0, abs=1e-6)
