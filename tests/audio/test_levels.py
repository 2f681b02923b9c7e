from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import tone
from soundsieve.audio import db_to_gain, gain_to_db, power_db, rms_db, scale_to_db


def test_a_full_scale_sine_lies_3_db_below_full_scale() -> None:
    assert power_db(tone(1000, 1.0, 16_000, amplitude=1.0)) == pytest.approx(-10 * np.log10(2), abs=1e-4)


def test_power_is_the_mean_over_channels_and_rms_is_of_each() -> None:
    x = np.array([[1.0, -1.0, 1.0, -1.0], [0.0, 0.0, 0.0, 0.0]], dtype=np.float32)
    assert power_db(x) == pytest.approx(-10 * np.log10(2))
    np.testing.assert_array_equal(rms_db(x), [0.0, -np.inf])


def test_rms_along_another_axis() -> None:
    np.testing.assert_allclose(rms_db(np.array([[1.0, 0.1], [1.0, 0.1]]), axis=0), [0.0, -20.0])


def test_silence_and_nothing_are_minus_infinity() -> None:
    # Warnings of numpy are errors in this suite, so this also proves that there are none.
    assert power_db(np.zeros((2, 100), dtype=np.float32)) == -np.inf
    assert power_db(np.zeros((2, 0), dtype=np.float32)) == -np.inf
    assert gain_to_db(0.0) == -np.inf
    assert db_to_gain(-np.inf) == 0.0


def test_quiet_samples_count_beside_loud_ones() -> None:
    x = np.full((2**22, 2), 1e-4, dtype=np.float32)
    x[0] = 1.0
    expected = 10 * np.log10((1 + (2**22 - 1) * 1e-8) / 2**22)
    np.testing.assert_allclose(rms_db(x, axis=0), expected, atol=1e-5)


def test_the_quietest_sound_is_not_silence() -> None:
    assert power_db(np.full(10, 1e-25, dtype=np.float32)) == pytest.approx(-500)


@given(st.floats(-120, 60))
def test_gain_and_db_are_inverse(level_db: float) -> None:
    assert gain_to_db(db_to_gain(level_db)) == pytest.approx(level_db, abs=1e-9)


@given(st.floats(-80, 20))
def test_scaling_reaches_the_level_and_keeps_the_balance_of_channels(level_db: float) -> None:
    x = tone(440, 0.1, 8_000, channels=2)
    scaled = scale_to_db(x, level_db)
    assert scaled.dtype == np.float32
    assert power_db(scaled) == pytest.approx(level_db, abs=1e-3)
    np.testing.assert_allclose(rms_db(scaled)[0] - rms_db(scaled)[1], 20 * np.log10(2), atol=1e-4)


def test_scaling_silence_gives_silence() -> None:
    np.testing.assert_array_equal(scale_to_db(np.zeros((1, 10), dtype=np.float32), -20.0), np.zeros((1, 10)))


def test_scaling_to_minus_infinity_gives_silence() -> None:
    np.testing.assert_array_equal(scale_to_db(np.ones((1, 10), dtype=np.float32), -np.inf), np.zeros((1, 10)))


def test_scaling_leaves_its_input_alone() -> None:
    x = np.ones((1, 4), dtype=np.float32)
    scale_to_db(x, -20.0)
    np.testing.assert_array_equal(x, np.ones((1, 4)))
