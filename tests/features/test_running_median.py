"""The running median is that of each window on its own, bit for bit, at every length and along both axes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import example, given, settings
from hypothesis import strategies as st

from soundsieve.features._running_median import WINDOW, running_median


@settings(max_examples=25)
@given(rows=st.integers(1, 120), columns=st.integers(1, 80), levels=st.integers(1, 1000), seed=st.integers(0, 9))
@example(rows=1, columns=2, levels=3, seed=0)
@example(rows=16, columns=65, levels=2, seed=0)
@example(rows=17, columns=64, levels=1000, seed=0)
@example(rows=31, columns=3, levels=1000, seed=0)
def test_it_is_the_median_of_every_window(rows: int, columns: int, levels: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, levels, (rows, columns)).astype(np.float32)  # with repeated ones
    for axis in (0, 1):
        mirrored = np.pad(
            values, [(WINDOW // 2, WINDOW // 2) if side == axis else (0, 0) for side in (0, 1)], "symmetric"
        )
        expected = np.median(np.lib.stride_tricks.sliding_window_view(mirrored, WINDOW, axis), axis=-1)
        np.testing.assert_array_equal(running_median(values, axis), expected)


@pytest.mark.parametrize("shape", [(33, 130), (100, 64)])
def test_it_is_the_median_of_scipy(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(3).random(shape, dtype=np.float32)
    for axis, size in ((0, (WINDOW, 1)), (1, (1, WINDOW))):
        expected = scipy.ndimage.median_filter(values, size=size, mode="reflect")
        np.testing.assert_array_equal(running_median(values, axis), expected)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_run_of_15_vanishes_and_a_run_of_16_stays(axis: int) -> None:
    values = np.zeros((100, 100), np.float32)
    values[40:55, 40:55] = 1
    assert running_median(values, axis).max() == 0
    values[40:56, 40:56] = 1
    assert running_median(values, axis).max() == 1


def test_the_input_is_left_alone() -> None:
    values = np.random.default_rng(1).random((50, 70), dtype=np.float32)
    before = values.copy()
    running_median(values, 0)
    running_median(values, 1)
    np.testing.assert_array_equal(values, before)
