"""Metrics against closed forms and mir_eval / torchmetrics."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio

from soundsieve.metrics import bootstrap_interval, reweighted_interval, sdr_db, si_sdr_db
from soundsieve.metrics.separation import MOST_DB


@given(st.floats(-30, 40), st.integers(0, 1000))
def test_sdr_of_noise_at_a_known_level(ratio_db: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, noise = rng.standard_normal((2, 2000))
    noise *= np.linalg.norm(reference) / np.linalg.norm(noise) * 10 ** (-ratio_db / 20)
    assert sdr_db(estimate=reference + noise, reference=reference) == pytest.approx(ratio_db, abs=1e-6)


def test_si_sdr_agrees_with_torchmetrics_and_ignores_scale() -> None:
    rng = np.random.default_rng(0)
    reference = rng.standard_normal((4, 3000))
    estimate = reference + 0.3 * rng.standard_normal((4, 3000))
    ours = si_sdr_db(estimate=estimate, reference=reference)
    theirs = scale_invariant_signal_distortion_ratio(torch.tensor(estimate), torch.tensor(reference)).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(si_sdr_db(estimate=7 * estimate, reference=reference), ours, atol=1e-6)


@given(st.floats(-9, 3))
def test_a_quiet_recording_scores_like_a_loud_one(power: float) -> None:
    x, noise = np.random.default_rng(0).standard_normal((2, 500))
    pair = {"estimate": 10**power * (0.8 * x + 0.1 * noise), "reference": 10**power * x}
    loud = {"estimate": 0.8 * x + 0.1 * noise, "reference": x}
    assert sdr_db(**pair) == pytest.approx(sdr_db(**loud), abs=1e-6)
    assert si_sdr_db(**pair) == pytest.approx(si_sdr_db(**loud), abs=1e-6)


def test_a_perfect_estimate_and_a_hopeless_one_have_bounded_scores() -> None:
    tone = np.sin(np.arange(1000))
    assert sdr_db(estimate=tone, reference=tone) == pytest.approx(MOST_DB)
    assert sdr_db(estimate=1e9 * tone, reference=tone) == pytest.approx(-MOST_DB)


def test_silence_as_estimate_scores_zero_and_as_reference_nothing() -> None:
    tone = np.sin(np.arange(1000))
    assert sdr_db(estimate=0 * tone, reference=tone) == pytest.approx(0, abs=1e-6)
    assert np.isnan(sdr_db(estimate=tone, reference=0 * tone))
    assert np.isnan(si_sdr_db(estimate=tone, reference=0 * tone))


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"\(2, 10\) and \(10,\)"):
        sdr_db(estimate=np.zeros((2, 10)), reference=np.zeros(10))


def test_bootstrap_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        low, high = bootstrap_interval(rng.normal(3, 1, 60), draws=400, seed=seed)
        hits += low <= 3 <= high
    assert 0.89 <= hits / 200 <= 0.99


def test_values_of_one_group_are_drawn_together() -> None:
    values = np.repeat(np.random.default_rng(0).normal(0, 1, 30), 10)
    alone = np.diff(bootstrap_interval(values))[0]
    together = np.diff(bootstrap_interval(values, groups=np.repeat(np.arange(30), 10)))[0]
    assert together > 2 * alone


def test_nan_is_left_out() -> None:
    assert bootstrap_interval([np.nan, 2.0, 2.0]) == (2.0, 2.0)
    assert np.isnan(bootstrap_interval([np.nan])).all()


def test_reweighting_covers_the_true_mean_when_values_share_what_they_were_measured_on() -> None:
    """Values are sums of two recordings' effects: the plain interval is too sure."""
    rng = np.random.default_rng(0)
    hits = plain_hits = 0
    for seed in range(100):
        effect = rng.normal(0, 1, 25)
        pairs = [tuple(rng.choice(25, 2, replace=False)) for _ in range(150)]
        values = [3 + effect[a] + effect[b] for a, b in pairs]
        low, high = reweighted_interval(values, members=pairs, draws=400, seed=seed)
        hits += low <= 3 <= high
        low, high = bootstrap_interval(values, draws=400, seed=seed)
        plain_hits += low <= 3 <= high
    assert hits / 100 >= 0.9
    assert plain_hits / 100 < 0.6


def test_reweighting_leaves_out_nan_and_needs_a_value() -> None:
    assert reweighted_interval([np.nan, 2.0, 2.0], members=[[0], [1], [1, 2]]) == pytest.approx((2.0, 2.0))
    assert np.isnan(reweighted_interval([np.nan], members=[[0]])).all()
