import json
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from soundsieve.inference.presence import GateSettings, Presence, PresenceGate

RATE = 400  # a bin of the gate is 100 samples
THRESHOLD_DB = -20.0


def noise(seconds: float, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    """White noise of ±0.5, so that its power is the same in every stretch."""
    signs = np.random.default_rng(seed).integers(0, 2, (channels, round(seconds * RATE)))
    return (signs - 0.5).astype(np.float32)


def run(
    mixture: NDArray[np.float32],
    estimates: Sequence[NDArray[np.float32]],
    *,
    block: int = 10_000,
    settings: GateSettings | None = None,
    thresholds_db: Sequence[float] | None = None,
) -> tuple[NDArray[np.float32], list[Presence]]:
    """Gate one class, or the sum of several followed by each of them."""
    count = max(1, len(estimates) - 1)
    limits = dict(zip("abcdef", thresholds_db or [THRESHOLD_DB] * count, strict=False))
    gate = PresenceGate(limits, RATE, len(mixture), settings or GateSettings())
    stack = np.stack(estimates)
    pairs = [
        gate.push(mixture[:, start : start + block], stack[..., start : start + block])
        for start in range(0, mixture.shape[1], block)
    ]
    pairs.append(gate.push(mixture[:, :0], stack[..., :0], last=True))
    np.testing.assert_array_equal(np.concatenate([pair[0] for pair in pairs], 1), mixture)
    return np.concatenate([pair[1] for pair in pairs], 1), list(gate.presence().values())


def test_what_is_absent_is_not_handed_over_at_all() -> None:
    mixture = noise(5, 2)
    selected, (found,) = run(mixture, [0.09 * mixture])
    assert not found.present
    assert found.level_db == pytest.approx(-20.9, abs=0.05)
    assert np.abs(selected).max() == 0


def test_what_is_present_is_handed_over_as_it_is() -> None:
    mixture = noise(5, 2)
    selected, (found,) = run(mixture, [0.5 * mixture])
    assert found.present
    np.testing.assert_allclose(selected, 0.5 * mixture, atol=1e-7)


def test_between_threshold_and_knee_the_gate_opens_smoothly() -> None:
    mixture = noise(5)
    gains = []
    for level_db in (-20.1, -19.9, -18.5, -17.1, -16.9):
        estimate = 10 ** (level_db / 20) * mixture
        gains.append(float(np.median(run(mixture, [estimate])[0] / estimate)))
    assert gains[0] == 0
    assert gains == sorted(gains)
    assert 0 < gains[1] < 0.05
    assert gains[2] == pytest.approx(0.5, abs=1e-3)
    assert 0.95 < gains[3] < gains[4] == pytest.approx(1)


def test_a_sound_is_whole_and_what_is_far_from_it_is_silent() -> None:
    mixture = noise(10)
    estimate = 0.03 * mixture  # leakage, at -30 dB
    sound = slice(4 * RATE + 37, 5 * RATE + 11)
    estimate[:, sound] = 0.9 * mixture[:, sound]
    selected, (found,) = run(mixture, [estimate])
    assert found.present
    np.testing.assert_allclose(selected[:, sound], estimate[:, sound], atol=1e-6)
    for quiet in (slice(0, 2 * RATE), slice(7 * RATE, None)):
        assert np.abs(selected[:, quiet]).max() == 0
    ratio = selected[0] / estimate[0]
    assert np.abs(np.diff(ratio)).max() < 0.02  # a quarter of a second from closed to open


@pytest.mark.parametrize("block", [1, 33, 100, 777])
def test_blocks_do_not_matter(block: int) -> None:
    mixture = noise(5.3, 2)
    swell = np.geomspace(0.01, 1, mixture.shape[1]).astype(np.float32)
    estimates = [swell * mixture, swell * mixture, 0.1 * noise(5.3, 2, seed=1)]
    whole, found = run(mixture, estimates)
    pieces, again = run(mixture, estimates, block=block)
    np.testing.assert_allclose(pieces, whole, atol=1e-7)
    for one, other in zip(found, again, strict=True):
        np.testing.assert_allclose(one.per_second_db, other.per_second_db)
        assert (one.present, one.peak_db) == (other.present, pytest.approx(other.peak_db))


def test_of_several_classes_only_those_that_are_there_are_handed_over() -> None:
    mixture, there, leak = noise(4), 0.7 * noise(4, seed=1), 0.05 * noise(4, seed=2)
    selected, (first, second) = run(mixture, [there + leak, there, leak])
    assert (first.present, second.present) == (True, False)
    np.testing.assert_allclose(selected, there, atol=1e-6)


def test_the_union_is_the_mean_of_the_answer_to_all_and_the_answers_to_each_while_all_are_there() -> None:
    mixture, union = noise(4), 0.3 * noise(4, seed=3)
    selected, _ = run(mixture, [union, 0.7 * mixture, 0.5 * mixture])
    np.testing.assert_allclose(selected, 0.5 * (union + 1.2 * mixture), atol=1e-6)
    selected, _ = run(mixture, [union, 0.01 * mixture, 0.02 * mixture])
    assert np.abs(selected).max() == 0


def test_each_class_has_its_own_threshold() -> None:
    mixture = noise(3)
    estimates = [0.2 * mixture, 0.1 * mixture, 0.1 * mixture]
    _, found = run(mixture, estimates, thresholds_db=[-25, -15])
    assert [one.present for one in found] == [True, False]
    assert [one.threshold_db for one in found] == [-25, -15]


def test_levels_are_those_of_each_second() -> None:
    mixture = noise(3.5)
    mixture[:, RATE : 2 * RATE] = 0
    estimate = 0.1 * mixture
    estimate[:, 2 * RATE : 3 * RATE] *= 5
    # At this low rate what the 40 Hz high-pass remembers of a second is only 15 dB below it.
    _, (found,) = run(mixture, [estimate], settings=GateSettings(quiet_db=-10))
    levels = [-20.0, np.nan, 20 * np.log10(0.5), -20.0]
    np.testing.assert_allclose(found.per_second_db, levels, atol=0.02)  # the high-pass remembers a little
    assert found.peak_db == pytest.approx(20 * np.log10(0.5), abs=0.1)
    assert found.level_db == pytest.approx(10 * np.log10((0.01 * 1.5 + 0.25) / 2.5), abs=0.05)


def test_the_gate_can_be_left_open() -> None:
    mixture = noise(2)
    selected, (found,) = run(mixture, [0.01 * mixture], settings=GateSettings(enabled=False))
    np.testing.assert_array_equal(selected, 0.01 * mixture)
    assert not found.present


@pytest.mark.parametrize("frames", [5, 40, 99, 100, 101, 399, 401])
def test_moments_shorter_than_a_second_are_judged_as_a_whole(frames: int) -> None:
    mixture = noise(2)[:, :frames]
    selected, (found,) = run(mixture, [0.5 * mixture])
    assert found.present
    assert len(found.per_second_db) == -(-frames // RATE)
    np.testing.assert_allclose(selected, 0.5 * mixture, atol=1e-7)
    assert np.abs(run(mixture, [0.05 * mixture])[0]).max() == 0


def test_the_last_moment_alone_does_not_make_a_class_present() -> None:
    """A tail of a few samples would be a window of its own if windows were let out of the recording."""
    mixture = noise(3.01)
    mixture[:, -4:] *= 1e-3
    estimate = 0.01 * mixture
    estimate[:, -4:] = mixture[:, -4:]
    assert not run(mixture, [estimate])[1][0].present


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_silence_holds_nothing(level: float) -> None:
    silence = level * noise(3)
    selected, (found,) = run(silence, [silence])
    assert not found.present
    assert np.abs(selected).max() == 0
    plain = found.to_dict()
    assert plain["per_second_db"] == [None] * 3
    json.dumps(plain, allow_nan=False)


def test_plain_values_hold_no_infinity() -> None:
    mixture = noise(2)
    plain = run(mixture, [np.zeros_like(mixture)])[1][0].to_dict()
    assert plain == {
        "present": False,
        "level_db": None,
        "peak_db": None,
        "threshold_db": -20.0,
        "per_second_db": [None, None],
    }


def test_neither_an_offset_nor_rumble_hides_a_sound() -> None:
    bark = noise(3.0)
    time_s = np.arange(bark.shape[1]) / RATE
    for below in (np.full(bark.shape[1], 0.5), 0.5 * np.sin(2 * np.pi * time_s)):
        mixture = (0.02 * bark + below).astype(np.float32)
        _, (found,) = run(mixture, [0.01 * bark])
        assert found.peak_db == pytest.approx(-6.02, abs=0.3)


def test_nothing_is_found_far_below_the_loudest_moment() -> None:
    """The tail of a bark: the estimate of another class is as loud as what is left of it."""
    mixture = noise(6.0)
    mixture[:, 3 * RATE :] *= 0.003
    estimate = 0.01 * mixture
    estimate[:, 4 * RATE :] *= 90
    _, (found,) = run(mixture, [estimate])
    assert not found.present
    assert np.isnan(found.per_second_db[4:]).all()
