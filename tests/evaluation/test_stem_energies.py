from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from soundsieve.evaluation.stem_energies import StemEnergies
from soundsieve.metrics import mse, sdr_db, si_sdr_db


def made(seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((2, 2, 2_500)).astype(np.float32)


def energies(
    estimate: NDArray[np.float32], reference: NDArray[np.float32], *, piece: int = 10_000, window: int = 500
) -> StemEnergies:
    kept = StemEnergies(len(reference), reference.shape[1], window)
    for start in range(0, reference.shape[-1], piece):
        x, y = reference[..., start : start + piece], estimate[..., start : start + piece]
        kept.add(estimate=y, reference=x, mixture=x.sum(axis=0))
    return kept


@pytest.mark.parametrize("piece", [10_000, 1_000])
def test_piece_by_piece_is_the_measure_of_the_whole(piece: int) -> None:
    x = made()
    y = (0.7 * x + 0.3 * made(1)).astype(np.float32)
    found = energies(y, x, piece=piece)
    np.testing.assert_allclose(found.snr_db, sdr_db(estimate=y, reference=x), atol=1e-9)
    np.testing.assert_allclose(found.mse, mse(estimate=y, reference=x), rtol=1e-9)
    flat_x, flat_y = x.reshape(2, -1), y.reshape(2, -1)
    np.testing.assert_allclose(found.sdr_db, sdr_db(estimate=flat_y, reference=flat_x), atol=1e-9)
    np.testing.assert_allclose(found.si_sdr_db, si_sdr_db(estimate=flat_y, reference=flat_x), atol=1e-9)
    assert not found.absent.any()
    assert found.silent_frames.tolist() == [0, 0]
    assert np.isnan(found.leak_db).all()


def test_what_is_put_into_silence_is_told() -> None:
    x = made()
    x[1, :, :1_000] = 0  # two windows of five
    y = x.copy()
    y[1] += 0.1 * x[0]
    found = energies(y, x)
    assert found.silent_frames.tolist() == [0, 2]
    assert found.leak_db[1] == pytest.approx(-20)  # the mixture is the first stem alone there
    assert np.isnan(found.leak_db[0])


def test_a_stem_that_is_not_there_has_no_ratios_but_an_error() -> None:
    x = made()
    x[1] *= 1e-4  # 80 dB below
    y = x.copy()
    y[1] = 0.5 * x[0]
    found = energies(y, x)
    assert found.absent.tolist() == [False, True]
    assert np.isnan([found.sdr_db[1], found.si_sdr_db[1], *found.snr_db[1]]).all()
    assert found.leak_db[1] == pytest.approx(10 * np.log10(0.25), abs=0.01)
    np.testing.assert_allclose(found.mse[1], (0.25 * x[0] ** 2).mean(-1), rtol=1e-3)
    assert found.sdr_db[0] == 100


def test_silence_handed_back_has_an_sdr_of_nothing_and_no_scale() -> None:
    x = made()
    found = energies(np.zeros_like(x), x)
    np.testing.assert_allclose(found.sdr_db, 0, atol=1e-9)
    assert np.isnan(found.si_sdr_db).all()


def test_where_all_is_silent_nothing_leaks() -> None:
    x = np.zeros((2, 1, 1_000), np.float32)
    found = energies(x, x)
    assert found.absent.all()
    assert found.silent_frames.tolist() == [0, 0]
    assert np.isnan(found.leak_db).all()
