from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

import soundsieve.evaluation.stem_baselines
from soundsieve.evaluation.stem_baselines import ideal_ratio_masks, mixture_as_estimate
from soundsieve.metrics import mse, sdr_db


def stems(time: int = 20_000, seed: int = 0) -> NDArray[np.float32]:
    """Noises, each loudest in a band of its own, (stem, channel, time)."""
    rng = np.random.default_rng(seed)
    bands = [scipy.signal.butter(2, edges, "bandpass") for edges in ((0.02, 0.2), (0.2, 0.4), (0.4, 0.9))]
    made = [scipy.signal.lfilter(b, a, rng.standard_normal((2, time))) for b, a in bands]
    return np.stack(made).astype(np.float32)


@pytest.mark.parametrize("power", [1, 2])
def test_estimates_add_up_to_the_mixture_and_beat_it(power: int) -> None:
    x = stems()
    mixture = x.sum(axis=0)
    estimate = ideal_ratio_masks(mixture=mixture, reference=x, power=power)  # type: ignore[arg-type]
    assert estimate.shape == x.shape
    assert estimate.dtype == np.float32
    np.testing.assert_allclose(estimate.sum(axis=0), mixture, atol=1e-5)
    floor = sdr_db(estimate=mixture_as_estimate(mixture, 3), reference=x)
    assert (sdr_db(estimate=estimate, reference=x) > floor + 5).all()


@pytest.mark.parametrize("power", [1, 2])
def test_the_mask_of_stems_that_are_one_another_is_known(power: int) -> None:
    """A stem three times as loud as its copy has the share 3^α / (3^α + 1) of every cell."""
    x = stems()[:1]
    share = 3**power / (3**power + 1)
    found = ideal_ratio_masks(mixture=4 * x[0], reference=np.concatenate([3 * x, x]), power=power)  # type: ignore[arg-type]
    np.testing.assert_allclose(found[0], share * 4 * x[0], atol=1e-4)
    np.testing.assert_allclose(found[1], (1 - share) * 4 * x[0], atol=1e-4)


def test_a_long_song_in_pieces_is_the_same_as_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    x = stems(30_001)
    mixture = x.sum(axis=0)
    whole = ideal_ratio_masks(mixture=mixture, reference=x, power=1)
    monkeypatch.setattr(soundsieve.evaluation.stem_baselines, "_PIECE_HOPS", 3)
    np.testing.assert_allclose(ideal_ratio_masks(mixture=mixture, reference=x, power=1), whole, atol=1e-6)


def test_it_is_the_oracle_of_the_campaign() -> None:
    """Against the formula as it is written in `sigsep-mus-oracle`, without pieces."""
    x = stems(9_000)
    mixture = x.sum(axis=0)
    levels = [np.abs(scipy.signal.stft(stem, nperseg=2048)[-1]) ** 2 for stem in x]
    model = np.finfo(float).eps + np.sum(levels, axis=0)
    mixed = scipy.signal.stft(mixture, nperseg=2048)[-1]
    expected = [scipy.signal.istft(mixed * level / model)[1][:, :9_000] for level in levels]
    np.testing.assert_allclose(ideal_ratio_masks(mixture=mixture, reference=x, power=2), expected, atol=1e-6)


@pytest.mark.parametrize("time", [1, 500, 2_048, 8_192 + 3])
def test_any_length_will_do(time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundsieve.evaluation.stem_baselines, "_PIECE_HOPS", 4)
    x = stems(time)[:, :1]
    estimate = ideal_ratio_masks(mixture=x.sum(axis=0), reference=x, power=2)
    assert estimate.shape == x.shape
    np.testing.assert_allclose(estimate.sum(axis=0), x.sum(axis=0), atol=1e-4)


def test_silence_stays_silent_and_shapes_must_agree() -> None:
    x = np.zeros((3, 2, 5_000), np.float32)
    assert not ideal_ratio_masks(mixture=x[0], reference=x, power=1).any()
    with pytest.raises(ValueError, match=r"expected shape \(2, 5000\) as the stems have, found \(1, 5000\)"):
        ideal_ratio_masks(mixture=x[0, :1], reference=x, power=1)


def test_the_mixture_as_estimate_scores_what_the_levels_say() -> None:
    x = np.zeros((2, 1, 1_000), np.float32)
    x[0, 0, ::2], x[1, 0, 1::2] = 2.0, 1.0
    mixture = x.sum(axis=0)
    estimate = mixture_as_estimate(mixture, 2)
    np.testing.assert_allclose(sdr_db(estimate=estimate, reference=x)[:, 0], [10 * np.log10(4), -10 * np.log10(4)])
    np.testing.assert_allclose(mse(estimate=estimate, reference=x)[:, 0], [0.5, 2.0])
