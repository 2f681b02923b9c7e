import numpy as np
import pytest
from numpy.typing import NDArray

from soundsieve.audio import Resampler, resample
from soundsieve.inference.bandwidth import FullBand, TrebleShare
from soundsieve.metrics import sdr_db

FILE_HZ, MODEL_HZ = 44_100, 16_000


def noise(frames: int, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, frames))).astype(np.float32)


def burst(start_s: float, end_s: float, seed: int, total_s: float = 2.0) -> NDArray[np.float32]:
    """Broadband noise at 44.1 kHz with an attack and a decay."""
    time_s = np.arange(round(total_s * FILE_HZ)) / FILE_HZ
    shape = np.clip((time_s - start_s) / 0.005, 0, 1) * np.exp(-np.maximum(time_s - start_s, 0) * 3) * (time_s < end_s)
    return (noise(len(time_s), seed=seed) * shape).astype(np.float32)


def extended(
    original: NDArray[np.float32],
    estimate: NDArray[np.float32],
    *,
    rates: tuple[int, int] = (FILE_HZ, MODEL_HZ),
    extend: bool = True,
    block: int = 4_000,
) -> NDArray[np.float32]:
    """Bring an estimate at the model's rate to the original's, block by block."""
    full = FullBand(*rates, len(original), extend=extend)
    down = Resampler(*rates, len(original))
    pairs, done = [], 0
    for start in range(0, original.shape[1], block):
        piece = original[:, start : start + block]
        last = start + block >= original.shape[1]
        full.original(piece)
        mixture = down.push(piece, last)
        pairs.append(full.push(mixture, estimate[:, done : done + mixture.shape[1]], last))
        done += mixture.shape[1]
    np.testing.assert_array_equal(np.concatenate([pair[0] for pair in pairs], 1), original)
    return np.concatenate([pair[1] for pair in pairs], 1)


def test_the_treble_of_a_burst_goes_with_the_burst() -> None:
    """Two broadband bursts one after the other; the estimate is perfect up to 8 kHz and knows nothing above."""
    wanted, other = burst(0.2, 0.9, 1), burst(1.1, 1.8, 2)
    estimate = resample(wanted, FILE_HZ, MODEL_HZ)
    without = extended(wanted + other, estimate, extend=False)
    found = extended(wanted + other, estimate)
    before_db, after_db = (float(sdr_db(estimate=e[0], reference=wanted[0])) for e in (without, found))
    assert before_db < 3  # two thirds of white noise lie above 8 kHz
    assert after_db > 20
    rest_db = float(sdr_db(estimate=(wanted + other - found)[0], reference=other[0]))
    assert rest_db > 20


def test_bursts_that_overlap_share_the_treble_by_what_they_have_below() -> None:
    wanted, other = burst(0.2, 1.2, 1), burst(0.7, 1.8, 2)
    estimate = resample(wanted, FILE_HZ, MODEL_HZ)
    without = extended(wanted + other, estimate, extend=False)
    found = extended(wanted + other, estimate)
    before_db, after_db = (float(sdr_db(estimate=e[0], reference=wanted[0])) for e in (without, found))
    assert after_db > before_db + 5


def test_the_treble_of_a_stranger_is_not_dumped_into_the_selection() -> None:
    """A hum is wanted; what hisses, above and just below the model's limit, belongs to something else."""
    time_s = np.arange(2 * FILE_HZ) / FILE_HZ
    wanted = (0.3 * np.sin(2 * np.pi * 300 * time_s) * np.hanning(len(time_s)))[None].astype(np.float32)
    found = extended(wanted + noise(2 * FILE_HZ), resample(wanted, FILE_HZ, MODEL_HZ))
    assert float(sdr_db(estimate=found[0], reference=wanted[0])) > 30


@pytest.mark.parametrize("hum_hz", [300, 3_000])
def test_treble_with_nothing_below_it_stays_in_the_rest(hum_hz: int) -> None:
    time_s = np.arange(FILE_HZ) / FILE_HZ
    swell = 0.3 * np.hanning(FILE_HZ)[None]  # an abrupt end has treble of its own
    whistle, hum = ((swell * np.sin(2 * np.pi * hz * time_s)).astype(np.float32) for hz in (15_000, hum_hz))
    found = extended(whistle + hum, resample(hum, FILE_HZ, MODEL_HZ))
    assert float(sdr_db(estimate=found[0], reference=hum[0])) > 30


@pytest.mark.parametrize("rates", [(44_100, 16_000), (48_000, 16_000), (96_000, 16_000), (22_050, 16_000)])
@pytest.mark.parametrize("frames", [20_001, 301, 30])
def test_everything_comes_back_whole_and_nothing_as_nothing(rates: tuple[int, int], frames: int) -> None:
    original = noise(frames, 2)
    estimate = resample(original, *rates)
    np.testing.assert_allclose(extended(original, estimate, rates=rates), original, atol=1e-5)
    assert np.abs(extended(original, 0 * estimate, rates=rates)).max() == 0


@pytest.mark.parametrize("rates", [(8_000, 16_000), (11_025, 16_000)])
def test_a_recording_below_the_models_rate_comes_back_whole(rates: tuple[int, int]) -> None:
    original = noise(9_001)
    found = extended(original, resample(original, *rates), rates=rates)
    assert float(sdr_db(estimate=found[0], reference=original[0])) > 50


def test_at_the_models_own_rate_nothing_is_added() -> None:
    original, estimate = noise(5_000), noise(5_000, seed=1)
    np.testing.assert_array_equal(extended(original, estimate, rates=(16_000, 16_000)), estimate)


@pytest.mark.parametrize("block", [50, 997, 100_000])
def test_blocks_do_not_matter(block: int) -> None:
    wanted = burst(0.1, 0.5, 1, total_s=0.8)
    original = wanted + burst(0.3, 0.7, 2, total_s=0.8)
    estimate = resample(wanted, FILE_HZ, MODEL_HZ)
    np.testing.assert_allclose(
        extended(original, estimate, block=block), extended(original, estimate, block=4_000), atol=1e-5
    )


def test_each_channel_has_its_own_share() -> None:
    left, right = burst(0.2, 0.9, 1), burst(0.2, 0.9, 2)
    wanted = np.concatenate([left, 0 * right])
    found = extended(np.concatenate([left, right]), resample(wanted, FILE_HZ, MODEL_HZ))
    assert float(sdr_db(estimate=found[0], reference=left[0])) > 30
    assert np.abs(found[1]).max() == 0


def test_the_estimate_is_in_step_with_the_recording() -> None:
    """Without treble to hide behind: a tone resampled there and back lies on top of itself."""
    time_s = np.arange(FILE_HZ) / FILE_HZ
    tone = (0.3 * np.sin(2 * np.pi * 1_000 * time_s) * np.hanning(FILE_HZ))[None].astype(np.float32)
    found = extended(tone, resample(tone, FILE_HZ, MODEL_HZ), extend=False)
    assert float(sdr_db(estimate=found[0], reference=tone[0])) > 70


def test_shares_follow_the_level_and_stay_between_nothing_and_all() -> None:
    mixture = noise(16_000)
    gain = np.repeat([0.0, 0.3, -0.5, 2.0], 4_000).astype(np.float32)
    share = TrebleShare(MODEL_HZ, 8_000, 1)
    share.push(mixture, gain * mixture, last=True)
    found = share.at(np.array([0.1, 0.375, 0.6, 0.9]))[0]
    np.testing.assert_allclose(found, [0, 0.3, 0, 1], atol=1e-4)


def test_silence_owns_no_treble() -> None:
    share = TrebleShare(MODEL_HZ, 8_000, 1)
    share.push(np.zeros((1, 4_000), np.float32), np.zeros((1, 4_000), np.float32), last=True)
    assert share.at(np.linspace(0, 0.25, 50)).max() == 0
