"""The table of inner products gives the levels that the waveforms give, and the levels that are known beforehand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundsieve.evaluation.scores import inner_products, sdr_pair
from soundsieve.metrics import sdr_db, si_sdr_db
from soundsieve.metrics.separation import MOST_DB


@settings(deadline=None)
@given(st.integers(0, 1 << 31), st.floats(-8, 0).map(lambda power: 10**power))
def test_sums_and_differences_score_as_their_waveforms_do(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    rows = (scale * rng.standard_normal((5, 300))).astype(np.float32)
    estimate = rng.integers(-1, 2, (4, 5)).astype(np.float64)
    reference = rng.integers(0, 2, (4, 5)).astype(np.float64)
    estimate[:, 0] = reference[:, 1] = 1.0  # neither is silent
    sdr, si_sdr = sdr_pair(inner_products(rows), estimate=estimate, reference=reference)
    waves = {"estimate": estimate @ rows, "reference": reference @ rows}
    equal = np.all(estimate == reference, axis=1)  # without an error there is nothing but rounding to compare
    assert sdr[~equal] == pytest.approx(sdr_db(**waves)[~equal], abs=1e-4)
    parallel = equal | np.all(estimate == -reference, axis=1)
    assert si_sdr[~parallel] == pytest.approx(si_sdr_db(**waves)[~parallel], abs=1e-4)
    assert np.all(sdr[equal] > 60)


def test_a_faithful_copy_nine_tenths_as_loud_has_twenty_decibels() -> None:
    x = np.random.default_rng(0).standard_normal((1, 1000)).astype(np.float32)
    sdr, si_sdr = sdr_pair(inner_products(x), estimate=np.array([[0.9]]), reference=np.array([[1.0]]))
    assert sdr[0] == pytest.approx(20.0, abs=1e-6)
    assert si_sdr[0] == pytest.approx(MOST_DB)


def test_silence_scores_zero_and_has_no_scale_invariant_level() -> None:
    rows = np.stack([np.ones(100), np.zeros(100)]).astype(np.float32)
    products = inner_products(rows)
    sdr, si_sdr = sdr_pair(products, estimate=np.array([[0.0, 1.0]]), reference=np.array([[1.0, 0.0]]))
    assert sdr[0] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(si_sdr[0])
    sdr, si_sdr = sdr_pair(products, estimate=np.array([[1.0, 0.0]]), reference=np.array([[0.0, 1.0]]))
    assert np.isnan(sdr[0])
    assert np.isnan(si_sdr[0])
