from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recordings import noise, tone
from soundsieve.audio import Resampler, power_db, resample, resampled_length
from soundsieve.errors import SettingsError

RATES = [8_000, 11_025, 16_000, 22_255, 44_100, 48_000, 96_000]
PAIRS = [(a, b) for a in RATES for b in RATES]


def middle(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The waveform without its first and last tenth, where the filter also sees the silence outside."""
    edge = x.shape[-1] // 10
    return x[..., edge:-edge]


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_a_tone_below_both_cut_offs_comes_out_as_itself(from_hz: int, to_hz: int) -> None:
    # The analytic truth is the same sine sampled at the new rate: amplitude, phase and delay are all right.
    result = resample(tone(1000, 0.4, from_hz, channels=2), from_hz, to_hz)
    expected = tone(1000, 0.4, to_hz, channels=2)
    assert result.shape == expected.shape
    np.testing.assert_allclose(middle(result), middle(expected), atol=1e-5)


def test_a_tone_close_to_the_cut_off_passes() -> None:
    result = resample(tone(7_200, 0.5, 44_100), 44_100, 16_000)
    assert power_db(middle(result)) == pytest.approx(power_db(tone(7_200, 0.5, 16_000)), abs=0.01)


@pytest.mark.parametrize("hz", [8_001, 9_000, 12_000, 20_000])
def test_a_tone_above_the_cut_off_vanishes(hz: int) -> None:
    result = resample(tone(hz, 0.5, 44_100, amplitude=1.0), 44_100, 16_000)
    assert power_db(middle(result)) < -100


def test_going_up_adds_no_images() -> None:
    result = middle(resample(tone(3_000, 0.5, 8_000, amplitude=1.0), 8_000, 44_100))[0]
    spectrum = np.abs(np.fft.rfft(result * np.hanning(len(result))))
    hz = np.fft.rfftfreq(len(result), 1 / 44_100)
    assert spectrum[hz > 4_000].max() < 1e-5 * spectrum.max()


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44_100, 16_000), (16_000, 44_100), (22_255, 16_000)])
def test_an_impulse_stays_where_it_was(from_hz: int, to_hz: int) -> None:
    x = np.zeros((1, from_hz), dtype=np.float32)
    x[0, from_hz // 2] = 1.0
    peak = int(np.abs(resample(x, from_hz, to_hz)[0]).argmax())
    assert abs(peak / to_hz - (from_hz // 2) / from_hz) <= 0.5 / to_hz


@given(st.sampled_from(PAIRS), st.integers(0, 3_000))
def test_the_length_is_exact(pair: tuple[int, int], frames: int) -> None:
    from_hz, to_hz = pair
    result = resample(noise(frames), from_hz, to_hz)
    assert result.shape == (1, round(frames * to_hz / from_hz)) == (1, resampled_length(frames, from_hz, to_hz))


@settings(max_examples=60)
@given(
    pair=st.sampled_from(PAIRS),
    frames=st.lists(st.one_of(st.integers(0, 40), st.integers(0, 5_000)), min_size=1, max_size=12),
    channels=st.integers(1, 3),
    ends_empty=st.booleans(),
)
def test_blocks_join_up_to_the_whole(pair: tuple[int, int], frames: list[int], channels: int, ends_empty: bool) -> None:
    x = noise(sum(frames), channels)
    blocks = np.split(x, np.cumsum(frames)[:-1], axis=1) + ([x[:, :0]] if ends_empty else [])
    resampler = Resampler(*pair, channels=channels)
    results = [resampler.push(block, last=index == len(blocks) - 1) for index, block in enumerate(blocks)]
    joined = np.concatenate(results, axis=1)
    expected = resample(x, *pair)
    assert joined.shape == expected.shape
    np.testing.assert_allclose(joined, expected, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 3, 5, 2_001, 100_001])
def test_half_a_sample_at_the_end_is_rounded_alike(frames: int) -> None:
    x = noise(frames)
    joined = Resampler(16_000, 8_000, channels=1).push(x, last=True)
    assert joined.shape == resample(x, 16_000, 8_000).shape == (1, round(frames / 2))


def test_blocks_come_out_while_others_still_go_in() -> None:
    resampler = Resampler(44_100, 16_000, channels=1)
    ready = sum(resampler.push(noise(4_410)).shape[1] for _ in range(10))
    assert 14_000 < ready < 16_000


@pytest.mark.parametrize("shape", [(100,), (2, 100), (3, 2, 100), (2, 0)])
def test_any_leading_axes(shape: tuple[int, ...]) -> None:
    x = np.ones(shape, dtype=np.float32)
    result = resample(x, 16_000, 8_000)
    assert result.shape == (*shape[:-1], shape[-1] // 2)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous


def test_channels_do_not_mix() -> None:
    x = noise(4_000, channels=3)
    together = resample(x, 44_100, 16_000)
    for channel in range(3):
        np.testing.assert_allclose(together[channel], resample(x[channel], 44_100, 16_000), atol=1e-6)


def test_the_same_rate_gives_an_equal_copy() -> None:
    x = noise(100)
    result = resample(x, 16_000, 16_000)
    np.testing.assert_array_equal(result, x)
    assert not np.shares_memory(result, x)
    block = Resampler(16_000, 16_000, 1).push(x, last=True)
    np.testing.assert_array_equal(block, x)
    assert not np.shares_memory(block, x)


@pytest.mark.parametrize(("from_hz", "to_hz", "name"), [(0, 8_000, "from_hz = 0"), (8_000, -1, "to_hz = -1")])
def test_a_rate_must_be_positive(from_hz: int, to_hz: int, name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        resample(noise(10), from_hz, to_hz)
    with pytest.raises(SettingsError, match=name):
        Resampler(from_hz, to_hz, 1)


def test_a_block_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, time\), found shape \(1, 10\)"):
        Resampler(8_000, 16_000, channels=2).push(noise(10))


def test_nothing_follows_the_last_block() -> None:
    resampler = Resampler(8_000, 16_000, channels=1)
    resampler.push(noise(10), last=True)
    with pytest.raises(ValueError, match="last block"):
        resampler.push(noise(10))
