from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import noise
from soundsieve.audio import cut, fade_edges, loop_to, power_db


@given(st.integers(0, 20), st.integers(-30, 50), st.integers(0, 60))
def test_cut_is_a_window_on_a_signal_with_silence_around_it(frames: int, start: int, length: int) -> None:
    x = np.arange(1, 2 * frames + 1, dtype=np.float32).reshape(2, frames)
    result = cut(x, start, length)
    assert result.shape == (2, length)
    surrounded = np.pad(x, ((0, 0), (200, 200)))
    np.testing.assert_array_equal(result, surrounded[:, 200 + start : 200 + start + length])


def test_cut_returns_a_copy() -> None:
    x = np.ones((1, 4), dtype=np.float32)
    cut(x, 0, 4)[:] = 0
    assert x.sum() == 4


def test_cut_refuses_a_negative_length() -> None:
    with pytest.raises(ValueError, match="length = -1"):
        cut(np.ones((1, 4), dtype=np.float32), 0, -1)


def test_fade_starts_and_ends_near_silence_and_leaves_the_middle_alone() -> None:
    x = np.ones((2, 100), dtype=np.float32)
    faded = fade_edges(x, 10)
    assert np.all(np.diff(faded[:, :10], axis=1) > 0)
    assert np.all(faded[:, [0, -1]] < 0.01)
    np.testing.assert_array_equal(faded[:, 10:-10], 1.0)
    np.testing.assert_allclose(faded, faded[:, ::-1], atol=1e-6)
    np.testing.assert_array_equal(x, 1.0)


def test_fade_out_and_fade_in_add_up_to_one() -> None:
    faded = fade_edges(np.ones(64, dtype=np.float32), 16)
    np.testing.assert_allclose(faded[:16] + faded[-16:], 1.0, atol=1e-6)


@pytest.mark.parametrize("frames", [0, -3])
def test_no_fade(frames: int) -> None:
    np.testing.assert_array_equal(fade_edges(np.ones(5, dtype=np.float32), frames), np.ones(5))


def test_a_fade_longer_than_the_sound_uses_half_of_it() -> None:
    np.testing.assert_array_equal(
        fade_edges(np.ones(6, dtype=np.float32), 100), fade_edges(np.ones(6, dtype=np.float32), 3)
    )


@given(st.integers(1, 40), st.integers(0, 200), st.integers(0, 60))
def test_a_loop_has_its_length_and_starts_with_the_recording(frames: int, length: int, fade: int) -> None:
    x = noise(frames, channels=2)
    result = loop_to(x, length, fade)
    assert result.shape == (2, length)
    untouched = min(length, frames if length <= frames else frames - min(fade, frames // 2))
    np.testing.assert_array_equal(result[:, :untouched], x[:, :untouched])


def test_a_loop_without_a_fade_is_repetition() -> None:
    x = noise(7)
    np.testing.assert_array_equal(loop_to(x, 30, fade=0), np.tile(x, 5)[:, :30])


def test_a_loop_repeats_after_its_length_less_the_fade() -> None:
    x = noise(100)
    result = loop_to(x, 1000, fade=20)
    np.testing.assert_array_equal(result[:, 80:920], result[:, 160:1000])
    np.testing.assert_array_equal(result[:, 100:160], x[:, 20:80])


def test_the_cross_fades_of_a_loop_keep_the_power_of_noise_all_along() -> None:
    x = noise(40_000)
    result = loop_to(x, 70_000, fade=16_000)
    for start in range(24_000, 40_000, 4_000):  # the four quarters of the first fade
        assert power_db(result[:, start : start + 4_000]) == pytest.approx(power_db(x), abs=0.4)


def test_a_loop_does_not_click_at_its_seams() -> None:
    period = 100  # a loop of a whole and a half period would jump without its fade
    x = np.sin(2 * np.pi * np.arange(10.5 * period) / period)[None].astype(np.float32)
    steps = np.abs(np.diff(loop_to(x, 5_000, fade=200)))
    assert steps.max() < 1.6 * 2 * np.pi / period


def test_a_loop_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 samples"):
        loop_to(np.zeros((1, 0), dtype=np.float32), 10, fade=2)
