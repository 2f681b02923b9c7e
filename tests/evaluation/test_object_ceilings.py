from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from soundsieve.evaluation.object_ceilings import ideal_tracks, oracle_tracks
from soundsieve.features.object_stft import ObjectSTFT
from soundsieve.metrics import sdr_db

FRONT_END = ObjectSTFT(sample_rate=8_000, window=800, hop=400, components=8)


def sounds() -> NDArray[np.float32]:
    """Low and high noises that come and go, and share the middle."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(0.1 * rng.standard_normal((2, 24_000)))
    hz = np.fft.rfftfreq(24_000, 1 / 8_000)
    spectrum *= np.stack([hz < 2_000, hz > 1_500])
    time_s = np.arange(24_000) / 8_000
    come_and_go = np.stack([np.sin(2 * np.pi * time_s) > 0, np.sin(3 * np.pi * time_s) > 0])
    return (np.fft.irfft(spectrum, 24_000) * come_and_go).astype(np.float32)


def test_the_ceilings_are_above_the_mixture_and_in_order() -> None:
    reference = sounds()
    mixture = reference.sum(0)
    oracle = oracle_tracks(mixture=mixture, reference=reference, front_end=FRONT_END)
    ideal = ideal_tracks(mixture=mixture, reference=reference, front_end=FRONT_END)
    assert oracle.shape == ideal.shape == reference.shape
    np.testing.assert_allclose(oracle.sum(0), mixture, atol=1e-5)
    scores = [np.mean(sdr_db(estimate=x, reference=reference)) for x in (np.stack([mixture] * 2), oracle, ideal)]
    assert scores[0] + 5 < scores[1] < scores[2]


def test_silence_and_single_samples() -> None:
    reference = np.zeros((2, 1), np.float32)
    assert not oracle_tracks(mixture=reference[0], reference=reference, front_end=FRONT_END).any()
    with pytest.raises(ValueError, match=r"expected \(source, 3\)"):
        oracle_tracks(mixture=np.zeros(3, np.float32), reference=reference)
    with pytest.raises(ValueError, match=r"expected \(source, 3\)"):
        ideal_tracks(mixture=np.zeros(3, np.float32), reference=reference)
