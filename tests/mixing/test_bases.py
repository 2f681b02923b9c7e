"""Varied bases: peaks that move as far as they should, bases that are left out, draws that repeat."""

import numpy as np
import pytest

from soundsieve.mixing.bases import BaseVariation, stretched, vary


def peaks(bins: int, places: list[int]) -> np.ndarray:
    """A smooth peak for each base."""
    return np.exp(-0.5 * ((np.arange(bins)[:, None] - np.array(places)) / 4) ** 2).astype(np.float32)


@pytest.mark.parametrize("octaves", [-0.5, 0.25, 1.0])
def test_a_peak_moves_by_the_octaves_asked_for(octaves: float) -> None:
    moved = stretched(peaks(1000, [80, 300]), 2**octaves)
    assert moved.argmax(0).tolist() == pytest.approx([80 * 2**octaves, 300 * 2**octaves], abs=1)
    np.testing.assert_allclose(moved.max(0), 1, atol=0.02)


def test_what_is_moved_out_above_is_gone() -> None:
    moved = stretched(peaks(100, [80]), 2.0)
    assert moved.max() < 0.01
    assert not stretched(np.ones((50, 1), np.float32), 0.5)[25:].any()
    np.testing.assert_array_equal(stretched(peaks(100, [80]), 1.0), peaks(100, [80]))


def test_nothing_is_varied_unless_asked_for() -> None:
    bases = peaks(100, [10, 40, 90])
    varied = vary(bases, BaseVariation(), np.random.default_rng(0))
    assert sorted(varied.origin.tolist()) == [0, 1, 2]
    np.testing.assert_array_equal(varied.bases, bases[:, varied.origin])


def test_bases_that_are_left_out_are_replaced_by_others() -> None:
    bases = peaks(100, list(range(5, 95, 9)))
    counts = set()
    for seed in range(40):
        varied = vary(bases, BaseVariation(keep=0.5), np.random.default_rng(seed))
        np.testing.assert_array_equal(varied.bases, bases[:, varied.origin])
        counts.add(len(set(varied.origin.tolist())))
    assert counts == set(range(min(counts), 11))
    assert min(counts) in (5, 6)


def test_colour_changes_bases_alike_and_keeps_their_largest_bin_at_one() -> None:
    bases = np.ones((200, 3), np.float32)
    varied = vary(bases, BaseVariation(colour_db=6), np.random.default_rng(1)).bases
    np.testing.assert_allclose(varied.max(0), 1, rtol=1e-6)
    np.testing.assert_array_equal(varied[:, 0], varied[:, 2])
    assert 20 * np.log10(varied[:, 0]).std() > 1


def test_a_draw_repeats_and_silence_stays_silent() -> None:
    variation = BaseVariation(keep=0.5, stretch_octaves=0.5, colour_db=3)
    bases = peaks(100, [10, 40, 90])
    first, again, other = (vary(bases, variation, np.random.default_rng(seed)).bases for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01
    assert not vary(np.zeros((30, 4), np.float32), variation, np.random.default_rng(0)).bases.any()
